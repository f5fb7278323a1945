"""silver/resolutions: how many names were found as written, and how many otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.steps import Context

_KIND_OF_FLAG = {"renamed": "renamed", "recased": "recased", "no_metadata": "unknown"}


def build_resolutions(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per source and kind of resolution that occurs, with its rows.

    Reads `silver_model_weeks` (downloads), `work_parents`, `work_annotations`.
    A weekly count that came under several names counts for each kind among them.
    """
    flags = F.split(F.coalesce("flags", F.lit("")), ",")
    raised = F.concat(
        *(
            F.when(F.array_contains(flags, flag), F.array(F.lit(kind))).otherwise(F.array())
            for flag, kind in _KIND_OF_FLAG.items()
        )
    )
    kinds = F.when(F.size(raised) > 0, raised).otherwise(F.array(F.lit("exact")))
    downloads = (
        inputs["silver_model_weeks"]
        .groupBy("flags")  # few values: the rows are counted before they are spread over kinds
        .agg(F.count(F.lit(1)).alias("rows"))
        .select(F.lit("downloads").alias("source"), F.explode(kinds).alias("resolution"), "rows")
    )
    parents = inputs["work_parents"].where(F.col("resolution").isNotNull())
    every = (
        downloads.unionByName(_ones(parents, "parents"))
        .unionByName(_ones(inputs["work_annotations"], "annotations"))
        .groupBy("source", "resolution")
    )
    return every.agg(F.sum("rows").alias("rows"))


def _ones(names: DataFrame, source: str) -> DataFrame:
    """A row of one name for each of `names`, which has `resolution`."""
    how = F.col("resolution")
    return names.select(
        F.lit(source).alias("source"),
        F.when(how.isin("alias", "former"), "renamed").otherwise(how).alias("resolution"),
        F.lit(1).cast("bigint").alias("rows"),
    )
