"""silver/rejects: every input row that no table uses, with the reason and what it said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import StorageLevel
from pyspark.sql import DataFrame, functions as F

from opentrace_spark.bronze.downloads import judged_downloads, read_downloads
from opentrace_spark.bronze.models import settled_models
from opentrace_spark.bronze.snapshots import judged_snapshots
from opentrace_spark.sources.rows import count_rows, read_rows
from opentrace_spark.steps import Context

_SMALL = ("aliases", "organizations", "annotations", "leaderboard", "contributors")
"""Kinds of which every row is in a bronze table, with its reason."""


def build_rejects(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The rejected rows of all kinds under one schema.

    Acts: counts the rows of downloads/ and snapshots/. Where all are used, as nearly always, there
    is nothing to look for in them.
    """
    kinds = [f"bronze_{kind}" for kind in _SMALL]
    frames = [inputs[table] for table in kinds if table in inputs]
    if "bronze_models" in inputs:
        frames += _of_the_hub(inputs, context)
    rejected = [
        frame.where("reason is not null").select(
            "source_file", F.col("source_row").alias("row"), "reason", "raw_values"
        )
        for frame in frames
    ]
    return reduce(DataFrame.unionByName, rejected)


def _of_the_hub(inputs: Mapping[str, DataFrame], context: Context) -> list[DataFrame]:
    """Rows of models/, downloads/ and snapshots/, with all that are rejected."""
    frames = [settled_models(inputs["bronze_models"], inputs["work_superseded"])]
    weeks = _weeks(inputs["work_runs"], inputs["work_weeks"])
    used = sum(count for _, count in weeks.values())
    if count_rows(context.spark, context.landing, "downloads") != used:
        in_part = [week for week, (rows, count) in weeks.items() if rows != count]
        frames.append(_downloads(context, in_part))
    models = inputs["silver_snapshots"].agg(F.sum("models")).collect()[0][0]
    if count_rows(context.spark, context.landing, "snapshots") != (models or 0):
        rows = read_rows(context.spark, context.landing, "snapshots")
        hub_ids = inputs["work_hub_ids"].where("is_kept")
        judged = judged_snapshots(rows.persist(StorageLevel.DISK_ONLY), hub_ids)
        frames.append(judged)
    return [*frames, inputs["work_descriptions"]]


def _weeks(runs: DataFrame, weeks: DataFrame) -> dict[date, tuple[int, int]]:
    """Week -> its rows in downloads/, and how many of them are used."""
    there = runs.groupBy("week_start").agg(F.sum("rows").alias("rows"))
    counted = there.join(weeks.select("week_start", "used"), on="week_start", how="left")
    return {week: (rows, used or 0) for week, rows, used in counted.collect()}


def _downloads(context: Context, weeks: Collection[date]) -> DataFrame:
    """Rows of downloads/ with their reasons: all rows of some weeks (Mondays), and those without a
    week or with a count that is none."""
    rows = read_downloads(context, _of_weeks(weeks))
    # Looked at several times; reading all files anew costs more than this.
    return judged_downloads(rows.persist(StorageLevel.DISK_ONLY))


def _of_weeks(weeks: Collection[date]) -> Callable[[pa.RecordBatch], pa.RecordBatch]:
    """The function of tasks that leaves out all other rows, most of downloads/ as a rule."""
    days = pa.array([week + timedelta(days=n) for week in weeks for n in range(7)], pa.date32())

    def keep(batch: pa.RecordBatch) -> pa.RecordBatch:
        is_looked_for = pc.is_in(batch["week"], value_set=days)
        is_count = pc.fill_null(pc.greater_equal(batch["count"], 0), False)
        is_fine = pc.and_(pc.is_valid(batch["week"]), is_count)
        return batch.filter(pc.or_(is_looked_for, pc.invert(is_fine)))

    return keep
