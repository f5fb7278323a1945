"""The usable rows of annotations/ under resolved names, and the parents that they give."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.attributes.annotation import read_annotator
from opentrace_spark.silver.names import resolve_names
from opentrace_spark.steps import Context

PLACE = ("source_file", "source_row")
_ROWS = (
    "id string, resolution string, annotator string, derived_from string, cells string, "
    "parents array<string>, source_file string, source_row bigint"
)


def build_annotation_rows(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_annotations`; reads `bronze_annotations` and `work_names`.

    Columns: id (null for a name of no model) and its resolution; annotator; derived_from as
    written; cells (JSON of the columns with labels); parents (resolved names of derived_from in
    order, those that are not in models/ as written; empty for `No`, null where nothing is said);
    source_file, source_row.
    """
    if not context.landing.of_kind("annotations"):
        return context.spark.createDataFrame([], _ROWS)
    return annotation_rows(inputs["bronze_annotations"], inputs["work_names"])


def annotation_rows(annotations: DataFrame, names: DataFrame) -> DataFrame:
    """See `build_annotation_rows`; names are resolved as everywhere."""
    usable = annotations.where("reason is null").withColumnRenamed("id", "annotated_name")
    resolved = resolve_names(usable, names, name="annotated_name", into="id")
    is_root = F.lower(F.trim("derived_from")) == "no"
    no_parent = F.array().cast("array<string>")
    return resolved.join(_parents(usable, names), list(PLACE), how="left").select(
        "id",
        "resolution",
        "annotator",
        "derived_from",
        F.col("other_fields").alias("cells"),
        F.when(is_root, no_parent).otherwise(F.col("parents")).alias("parents"),
        *PLACE,
    )


def _parents(rows: DataFrame, names: DataFrame) -> DataFrame:
    """The names in `derived_from` of each row that has some, resolved, as `parents`."""
    parts = F.transform(F.split("derived_from", "[,;]"), lambda name: F.trim(name))
    listed = rows.select(*PLACE, F.posexplode(F.filter(parts, lambda name: name != "")))
    resolved = resolve_names(listed, names, name="col", into="parent_id", how="how")
    parent = F.struct("pos", F.coalesce("parent_id", "col").alias("parent"))
    in_order = F.sort_array(F.collect_list(parent))["parent"]
    return resolved.groupBy(*PLACE).agg(in_order.alias("parents"))


def build_annotated(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_annotated`: `id, derived_from` of every model whose parents are annotated: a
    reviewer's before other people's before a machine's, then of the first row that fills it. Reads
    `work_annotations`."""
    precedence = F.udf(lambda cell: read_annotator(cell).precedence, "int", useArrow=False)
    filled = inputs["work_annotations"].where("id is not null and trim(derived_from) <> ''")
    first = F.min_by("derived_from", F.struct(precedence("annotator"), *PLACE))
    return filled.groupBy("id").agg(first.alias("derived_from"))
