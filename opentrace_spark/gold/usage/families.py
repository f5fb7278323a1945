"""gold/families: what rests on a root, who built it, and how fast it spread."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.gold.usage.countries import country_unit, is_nation
from opentrace_spark.gold.usage.pooled import ALL_TIME
from opentrace_spark.steps import Context

_NTH = {"1st": 1, "10th": 10, "100th": 100}


def build_families(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per root that has a derivative, whatever its downloads."""
    models = inputs["work_models"].select(
        "model_id",
        "developer",
        country_unit("country", context.config).alias("country"),
        "created_at",
        F.when(~F.col("created_censored"), F.col("created_date")).alias("known_date"),
    )
    lineage = inputs["silver_lineage"].select(
        "model_id", "model_key", "root_id", "root_key", "depth"
    )
    pooled = (
        inputs["work_pooled"]
        .where(F.col("span") == ALL_TIME)
        .select("model_key", F.col("downloads_none").alias("downloads"))
    )
    # Most models are a root that nothing rests on: they go no further than this filter.
    derivatives = (
        lineage.where("model_id <> root_id")
        .join(models, "model_id", how="inner")
        .join(pooled, "model_key", how="left")
        .groupBy("root_id", "root_key")
        .agg(
            F.count(F.lit(1)).alias("derivatives"),
            F.count_distinct("developer").alias("derivative_developers"),
            F.count_distinct(F.when(is_nation(F.col("country")), F.col("country"))).alias(
                "derivative_countries"
            ),
            F.max("depth").alias("max_depth"),
            F.sum("downloads").alias("derivative_downloads"),
            F.array_sort(F.collect_list("known_date")).alias("dates"),
        )
    )
    total = pooled.agg(F.sum("downloads").alias("all_downloads"))
    roots = models.withColumnRenamed("model_id", "root_id")
    root_downloads = pooled.select(
        F.col("model_key").alias("root_key"), F.col("downloads").alias("own_downloads")
    )
    own = F.coalesce("own_downloads", F.lit(0))
    downloads = F.coalesce("derivative_downloads", F.lit(0)) + own
    return (
        derivatives.join(roots, "root_id", how="inner")
        .join(root_downloads, "root_key", how="left")
        .crossJoin(F.broadcast(total))
        .select(
            "root_id",
            "root_key",
            "developer",
            "country",
            "created_at",
            "derivatives",
            "derivative_developers",
            "derivative_countries",
            "max_depth",
            downloads.alias("downloads"),
            own.alias("root_downloads"),
            (downloads / F.nullif("all_downloads", F.lit(0))).alias("share"),
            *(_days_to(n).alias(f"days_to_{nth}_derivative") for nth, n in _NTH.items()),
        )
    )


def _days_to(n: int) -> Column:
    """Days from the root's date to the n-th derivative's; null where either is not known."""
    return F.date_diff(F.get("dates", F.lit(n - 1)), "known_date")
