"""gold/leaderboards: who leads over all time, in last year's cohort, and over the last year."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.gold.usage.countries import country_unit
from opentrace_spark.gold.usage.pooled import ALL_TIME, COHORT, ROLLING
from opentrace_spark.gold.usage.shares import named
from opentrace_spark.metrics.groups import RANKED
from opentrace_spark.steps import Context


def build_leaderboards(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The largest units per period, level, attribution and window, with what a reader asks next."""
    is_ranked = (
        (F.col("part") == RANKED)
        & F.col("rank").isNotNull()
        & F.col("span").isin(ALL_TIME, COHORT, ROLLING)
    )
    ranked = named(inputs["work_spans"].where(is_ranked), inputs["work_units"])
    described = [
        _of_models(ranked, inputs, context),
        _of_developers(ranked, inputs, context),
        ranked.where(~F.col("level").isin("model", "developer")).withColumns(
            {
                "developer": F.lit(None).cast("string"),
                "country": F.when(F.col("level") == "country", F.col("entity")),
                "kind": F.lit(None).cast("string"),
            }
        ),
    ]
    columns = ["developer", "country", "kind"]
    return reduce(
        DataFrame.unionByName,
        (
            part.select(
                F.col("span").alias("period"),
                *("level", "attribution", "recency_window", "rank", "entity"),
                *("downloads", "share", *columns),
            )
            for part in described
        ),
    )


def _of_models(ranked: DataFrame, inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Ranked models with their developer, country unit and kind. The ranked are few: they move."""
    leading = F.broadcast(ranked.where("level = 'model'"))
    names = leading.select(F.col("entity").alias("model_id")).distinct()
    kinds = inputs["silver_lineage"].select(
        "model_id", F.coalesce("kind", F.lit("root")).alias("kind")
    )
    models = (
        inputs["work_models"]
        .join(F.broadcast(names), "model_id", how="left_semi")
        .join(kinds.join(F.broadcast(names), "model_id", how="left_semi"), "model_id", how="inner")
        .select(
            F.col("model_id").alias("entity"),
            "developer",
            country_unit("country", context.config).alias("country"),
            "kind",
        )
    )
    return leading.join(models, "entity", how="inner")


def _of_developers(
    ranked: DataFrame, inputs: Mapping[str, DataFrame], context: Context
) -> DataFrame:
    """Ranked developers with their country unit."""
    leading = F.broadcast(ranked.where("level = 'developer'"))
    names = leading.select(F.col("entity").alias("developer")).distinct()
    countries = (
        inputs["work_models"]
        .join(F.broadcast(names), "developer", how="left_semi")
        .select("developer", country_unit("country", context.config).alias("country"))
        .distinct()
    )
    return (
        leading.withColumn("developer", F.col("entity"))
        .join(countries, "developer", how="inner")
        .withColumn("kind", F.lit(None).cast("string"))
    )
