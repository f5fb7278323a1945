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
        & (F.col("rank") <= context.config.publication.top_entities)
        & F.col("span").isin(ALL_TIME, COHORT, ROLLING)
    )
    ranked = named(inputs["work_spans"].where(is_ranked), inputs["work_units"])
    described = [
        _of_models(ranked, inputs, context),
        _of_owners("developer", ranked, inputs, context),
        _of_owners("organization", ranked, inputs, context),
        ranked.where(F.col("level").isin("country", "org_type")).withColumns(
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


def _of_owners(
    level: str, ranked: DataFrame, inputs: Mapping[str, DataFrame], context: Context
) -> DataFrame:
    """Ranked developers or organisations with their country unit, null where accounts differ."""
    leading = F.broadcast(ranked.where(F.col("level") == level))
    names = leading.select(F.col("entity").alias(level)).distinct()
    unit = country_unit("country", context.config)
    countries = (
        inputs["work_models"]
        .join(F.broadcast(names), level, how="left_semi")
        .groupBy(F.col(level).alias("entity"))
        .agg(F.when(F.min(unit) == F.max(unit), F.min(unit)).alias("country"))
    )
    developer = F.col("entity") if level == "developer" else F.lit(None).cast("string")
    return leading.join(countries, "entity", how="inner").withColumns(
        {"developer": developer, "kind": F.lit(None).cast("string")}
    )
