"""Rows of downloads/: what was reported for a name and a week, and why it is not used."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window, functions as F

from opentrace_spark.bronze.reasons import flag_first, name_rules, repeated_rows, with_raw_values
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.steps import Context


def build_downloads(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of downloads/.

    Columns: `week` as written, `week_start` (its Monday), `id, count`, `source_file, source_row`,
    `reason` (null: used), `raw_values`.
    """
    rows = flag_first(
        read_rows(context.spark, context.landing, "downloads"),
        [
            (F.col("week").isNull(), "missing_week"),
            (F.col("count").isNull(), "missing_count"),
            (F.col("count") < 0, "negative_count"),
            *name_rules("id"),
        ],
    )
    flagged = with_raw_values(flag_repeated_counts(rows), "week", "id", "count")
    return flagged.select(
        "week",
        F.date_sub("week", F.weekday("week")).alias("week_start"),
        "id",
        "count",
        "source_file",
        "source_row",
        "reason",
        "raw_values",
    )


def flag_repeated_counts(rows: DataFrame) -> DataFrame:
    """Flag what says a name's week twice.

    `conflicting_counts`: all rows, where the counts differ. `duplicate_row`: all but the first,
    where they agree.
    """
    once, again = repeated_rows(rows, "week", "id")
    same = Window.partitionBy("week", "id", F.col("reason").isNull())
    counted = again.withColumns(
        {
            "differ": F.min("count").over(same) != F.max("count").over(same),
            "number": F.row_number().over(same.orderBy("source_file", "source_row")),
        }
    )
    flagged = flag_first(
        counted,
        [(F.col("differ"), "conflicting_counts"), (F.col("number") > 1, "duplicate_row")],
    )
    return once.unionByName(flagged.drop("differ", "number"))
