"""Rows of downloads/: what was reported for a name and a week, and why it is not used."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F

from opentrace_spark.bronze.reasons import (
    flag_first,
    flag_repeated_counts,
    name_rules,
    with_raw_values,
)
from opentrace_spark.config import as_of
from opentrace_spark.sources.rows import Filter, read_rows
from opentrace_spark.steps import Context

COLUMNS = ("week", "week_start", "id", "count", "source_file", "source_row", "reason", "raw_values")


def judged_downloads(rows: DataFrame) -> DataFrame:
    """Rows of downloads/ as they were read, those flagged that are of no use, COLUMNS.

    `week` is as written, `week_start` its Monday.
    """
    rules = [
        (F.col("week").isNull(), "missing_week"),
        (F.col("count").isNull(), "missing_count"),
        (F.col("count") < 0, "negative_count"),
        *name_rules("id"),
    ]
    flagged = flag_repeated_counts(flag_first(rows, rules), "count", "week", "id")
    dated = flagged.withColumn("week_start", F.date_sub("week", F.weekday("week")))
    return with_raw_values(dated, "week", "id", "count").select(*COLUMNS)


def read_downloads(context: Context, keep: Filter = lambda rows: rows) -> DataFrame:
    """Rows of downloads/ as `sources.rows.read_rows`; weeks that had not ended before
    `history.as_of` are left out."""
    is_over = ended_before(as_of(context.config))
    return read_rows(context.spark, context.landing, "downloads", lambda rows: keep(is_over(rows)))


def ended_before(day: date | None) -> Filter:
    """The function of tasks that leaves out rows of weeks that had not ended before a day (UTC);
    rows without a week stay."""
    if day is None:
        return lambda rows: rows
    # A week had ended if it is not the week of that day, nor a later one.
    monday = pa.scalar(day - timedelta(days=day.weekday()), pa.date32())
    return lambda rows: rows.filter(pc.fill_null(pc.less(rows["week"], monday), True))


def usable_names(names: DataFrame) -> DataFrame:
    """The rows whose `id` is a name that downloads can be counted for."""
    unjudged = names.withColumn("reason", F.lit(None).cast("string"))
    return flag_first(unjudged, name_rules("id")).where("reason is null").drop("reason")
