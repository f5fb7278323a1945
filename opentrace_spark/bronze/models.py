"""Rows of models/: metadata of repositories, one row kept of each."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window, functions as F

from opentrace_spark.bronze.reasons import flag_first, name_rules, repeated_rows, with_raw_values
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import canonical_schema, row_schema
from opentrace_spark.steps import Context

_ROW = ("source_file", "source_row")


def build_models(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of models/.

    Columns: those of `schemas.row_schema("models")` and `former_of`: for a row that lost to
    another name of the same repository (`_id`), that name.
    """
    rows = flag_first(read_rows(context.spark, context.landing, "models"), name_rules("id"))
    decided = rows.join(F.broadcast(superseded_rows(rows)), list(_ROW), how="left")
    flagged = flag_first(decided, [(F.col("is_superseded"), "duplicate_row")])
    columns = canonical_schema("models").names
    return with_raw_values(flagged, *columns).select(*row_schema("models").names, "former_of")


def superseded_rows(rows: DataFrame) -> DataFrame:
    """Rows that a later one replaces: of one repository (`_id`), then, of what is left, of one id.

    Kept is the row with the latest lastModified (unknown is earliest), of equals the first.
    Returns `source_file, source_row, is_superseded, former_of`.
    """
    # Repeats are looked for among all rows: their reasons take longer to work out than this.
    narrow = rows.select(
        F.expr("nullif(_id, '')").alias("hub_id"), "id", "lastModified", *_ROW, "reason"
    )
    of_repository = _losers(narrow, "hub_id")
    left = narrow.join(F.broadcast(of_repository), list(_ROW), how="left_anti")
    return of_repository.unionByName(_losers(left, "id"))


def _losers(rows: DataFrame, key: str) -> DataFrame:
    _, again = repeated_rows(rows, key)
    is_usable = F.col("reason").isNull()
    latest_first = Window.partitionBy(key).orderBy(
        F.desc(is_usable), F.desc_nulls_last("lastModified"), *_ROW
    )
    kept = F.first("id").over(latest_first)
    ranked = again.select(
        *_ROW,
        F.lit(True).alias("is_superseded"),
        F.when(F.col("id") != kept, kept).alias("former_of"),
        F.row_number().over(latest_first).alias("number"),
        is_usable.alias("is_usable"),
    )
    return ranked.filter("number > 1 and is_usable").drop("number", "is_usable")
