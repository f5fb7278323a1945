"""silver/rejects: every input row that no table uses, with the reason and what it said."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.bronze.downloads import build_downloads
from opentrace_spark.sources.rows import count_rows
from opentrace_spark.steps import Context


def build_rejects(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The rejected rows of all kinds under one schema.

    Acts: counts the rows of downloads/. Where `work_weeks` has used them all, as nearly always,
    there is nothing to look for in them.
    """
    frames = [frame for name, frame in inputs.items() if name != "work_weeks"]
    used = inputs["work_weeks"].agg(F.sum("used")).head()
    assert used is not None  # an aggregate without groups has one row
    if count_rows(context.spark, context.landing, "downloads") != (used[0] or 0):
        frames.append(build_downloads({}, context))
    rejected = [
        frame.where("reason is not null").select(
            "source_file", F.col("source_row").alias("row"), "reason", "raw_values"
        )
        for frame in frames
    ]
    return reduce(DataFrame.unionByName, rejected)
