"""Rows of annotations/: labels that people gave to models."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.attributes.annotation import (
    annotation_row,
    misnamed_columns,
    read_annotation,
)
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.bronze.reasons import flag_first, name_rules, with_raw_values
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import canonical_schema, row_schema
from opentrace_spark.steps import Context


def build_annotations(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of annotations/, columns as `schemas.row_schema("annotations")`."""
    return judged_annotations(read_rows(context.spark, context.landing, "annotations"))


def judged_annotations(rows: DataFrame) -> DataFrame:
    """Rows as they were read, those flagged whose id is none or whose labels can't be used."""
    refused = F.udf(_label_reason, "string", useArrow=False)("other_fields", "annotator")
    named = flag_first(rows, name_rules("id"))
    flagged = named.withColumn("reason", F.coalesce("reason", refused))
    columns = canonical_schema("annotations").names
    return with_raw_values(flagged, *columns).select(row_schema("annotations").names)


def _label_reason(cells: str | None, annotator: str | None) -> str | None:
    return read_annotation(annotation_row(cells, annotator), shipped_vocabulary()).reason


def unread_columns(annotations: DataFrame) -> tuple[str, ...]:
    """Sentences on filled columns that nobody reads, as their names are misspelt.

    `annotations` as `build_annotations` makes it. Starts a Spark job.
    """
    names = annotations.select(F.explode(F.json_object_keys("other_fields")).alias("name"))
    return tuple(misnamed_columns(row["name"] for row in names.distinct().collect()))
