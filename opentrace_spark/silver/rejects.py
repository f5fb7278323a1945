"""silver/rejects: every input row that no table uses, with the reason and what it said."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.steps import Context


def build_rejects(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The rejected rows of all bronze tables under one schema."""
    rejected = [
        bronze.where("reason is not null").select(
            "source_file", F.col("source_row").alias("row"), "reason", "raw_values"
        )
        for bronze in inputs.values()
    ]
    return reduce(DataFrame.unionByName, rejected)
