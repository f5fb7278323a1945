"""silver/model_weeks: weekly counts under resolved names, and each model's totals over them."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.silver.names import resolve_names
from opentrace_spark.steps import Context


def build_model_weeks(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Accepted counts, one row per resolved model and week; several names of a model add up."""
    accepted = inputs["bronze_downloads"].where("reason is null")
    reports = resolve_names(accepted, inputs["work_names"], name="id").select(
        "week_start",
        "week",
        "count",
        "resolution",
        F.col("id").alias("name"),
        F.coalesce("model_id", "id").alias("model_id"),
    )
    own_name = (F.col("resolution") == "exact") & (F.col("name") == F.col("model_id"))
    return (
        reports.groupBy("week_start", F.xxhash64("model_id").alias("model_key"))
        .agg(
            F.sum("count").alias("download_count"),
            F.min("week").alias("week_label"),
            F.count_distinct("name").alias("name_count"),
            F.collect_set(F.when(~own_name, F.col("name"))).alias("other_names"),
            F.collect_set("name").alias("names"),
            *(F.bool_or(condition).alias(flag) for flag, condition in _reported().items()),
        )
        .select(
            "model_key",
            "week_start",
            "download_count",
            _flags().alias("flags"),
            "week_label",
            F.when(F.size("other_names") > 0, F.array_sort("names")).alias("reported_as"),
        )
    )


def _reported() -> dict[str, Column]:
    """Flag of a row -> whether a report under one of its names raises it."""
    resolution = F.col("resolution")
    return {
        "no_metadata": resolution == "unknown",
        "recased": resolution == "recased",
        "renamed": resolution.isin("alias", "former"),
    }


def _flags() -> Column:
    raised = F.concat_ws(
        ",",
        *(F.when(F.col(flag), F.lit(flag)) for flag in ("no_metadata", "recased", "renamed")),
        F.when(F.col("name_count") > 1, F.lit("summed")),
    )
    return F.when(raised != "", raised)


def build_totals(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per model with reported weeks: total_downloads, first_seen, and the name of an id
    that models/ does not know (null for the others)."""
    unknown = F.col("flags").contains("no_metadata")
    return (
        inputs["silver_model_weeks"]
        .groupBy("model_key")
        .agg(
            F.sum("download_count").alias("total_downloads"),
            F.min(F.when(F.col("download_count") > 0, F.col("week_start"))).alias("first_seen"),
            F.min(F.when(unknown, F.get("reported_as", F.lit(0)))).alias("unknown_id"),
        )
    )
