"""Rows of downloads/: what was reported for a name and a week, and why it is not used."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window, functions as F, types as T

from opentrace_spark.bronze.reasons import flag_first, name_rules, repeated_rows, with_raw_values
from opentrace_spark.sources.landing import Landing
from opentrace_spark.sources.parquet_columns import canonical_columns
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.steps import Context


def read_reports(context: Context, landing: Landing | None = None) -> DataFrame:
    """Every row of downloads/ with the reason why it is of no use by itself, null for the others.

    `landing` is where they are read from, by default the run's.
    Columns: `week` as written, `week_start` (its Monday), `id, count`, `source_file, source_row`,
    `reason`, `raw_values`.
    """
    rows = flag_first(
        read_rows(context.spark, landing or context.landing, "downloads"),
        [
            (F.col("week").isNull(), "missing_week"),
            (F.col("count").isNull(), "missing_count"),
            (F.col("count") < 0, "negative_count"),
            *name_rules("id"),
        ],
    )
    return rows.withColumn("week_start", F.date_sub("week", F.weekday("week")))


def usable_names(names: DataFrame) -> DataFrame:
    """The rows whose `id` is a name that downloads can be counted for."""
    _, unparsable = canonical_columns("downloads", {"id": T.StringType()})
    rules = name_rules("id")
    return flag_first(names.withColumn("reason", unparsable), rules).where("reason is null")


def build_downloads(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The rows of `read_reports`, those that repeat or contradict another one flagged, too."""
    reports = flag_repeated_counts(read_reports(context))
    return with_raw_values(reports, "week", "id", "count").select(
        "week",
        "week_start",
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
