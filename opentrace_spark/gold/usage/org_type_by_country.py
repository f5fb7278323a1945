"""gold/org_type_by_country: which kinds of organisation a country's downloads come from."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window, functions as F

from opentrace_spark.gold.usage.countries import region_of, shown_country
from opentrace_spark.gold.usage.pooled import per_window, periods_of_spans
from opentrace_spark.steps import Context

_GROUP = ["period", "attribution", "recency_window", "region", "country"]


def build_org_type_by_country(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Pooled downloads by period, attribution, window, country as shown, and kind."""
    config = context.config
    periods = periods_of_spans(inputs["gold_weeks"], config)
    credited = inputs["work_credits"].select(
        "model_key",
        F.inline(
            F.array(
                F.struct(F.lit("none").alias("attribution"), "country", "org_type"),
                F.struct(
                    F.lit("root").alias("attribution"),
                    F.col("root_country").alias("country"),
                    F.col("root_org_type").alias("org_type"),
                ),
            )
        ),
    )
    pooled = (
        inputs["work_pooled"]
        .join(F.broadcast(periods), "span", how="inner")
        .join(credited, "model_key", how="inner")
        .select("period", "attribution", "country", "org_type", per_window(config))
        .select(
            "period",
            "attribution",
            "recency_window",
            region_of("country", config).alias("region"),
            shown_country("country", config).alias("country"),
            "org_type",
            "downloads",
        )
    )
    summed = pooled.groupBy(*_GROUP, "org_type").agg(F.sum("downloads").alias("downloads"))
    of_country = F.sum("downloads").over(Window.partitionBy(*_GROUP))
    return summed.where("downloads > 0").select(
        *_GROUP,
        "org_type",
        "downloads",
        (F.col("downloads") / of_country).alias("share_of_country"),
    )
