"""gold/intermediaries: accounts whose downloads rest on other developers' roots, and the totals."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.gold.usage.pooled import (
    complete_weeks,
    per_window,
    weeks_of_periods,
    window_columns,
)
from opentrace_spark.metrics.groups import FLOW
from opentrace_spark.steps import Context
from opentrace_spark.tables import DERIVATION_KINDS, TOTAL

WEEK = "week"


def build_intermediaries(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per developer, period and window; a total per period, and one per complete week."""
    pooled = _by_window(inputs, context)
    developers = pooled.groupBy("period", "developer", "recency_window").agg(*_sums())
    totals = pooled.groupBy("period", "recency_window").agg(*_sums())
    threshold = context.config.publication.intermediary_share
    share = F.col("others_downloads") / F.nullif("downloads", F.lit(0))
    none = F.lit(None)
    rows = (
        developers.where("downloads > 0")
        .withColumns({"is_total": F.lit(False), "is_intermediary": share > threshold})
        .unionByName(
            totals.withColumns(
                {
                    "developer": F.lit(TOTAL),
                    "is_total": F.lit(True),
                    "is_intermediary": none.cast("boolean"),
                }
            )
        )
        .withColumn("week_start", none.cast("date"))
        .unionByName(_weekly_totals(inputs))
    )
    return rows.select(
        "period",
        "week_start",
        "developer",
        "is_total",
        "recency_window",
        "downloads",
        "others_downloads",
        share.alias("others_share"),
        *(
            (F.col(f"{kind}_downloads") / F.nullif("downloads", F.lit(0))).alias(f"{kind}_share")
            for kind in DERIVATION_KINDS
        ),
        "root_developers_served",
        "is_intermediary",
    )


def _by_window(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per period, model and window: developer, root_developer, kind, downloads.

    Every period with complete weeks has a row of 0 without a model, so that its total is never
    absent.
    """
    periods = weeks_of_periods(inputs["gold_weeks"], context.config).select("span", "period")
    windows = per_window(context.config)
    credited = inputs["work_credits"].select("model_key", "developer", "root_developer", "kind")
    pooled = (
        inputs["work_pooled"]
        .join(F.broadcast(periods), "span", how="inner")
        .join(credited, "model_key", how="inner")
        .select("period", "developer", "root_developer", "kind", windows)
    )
    nobody = F.lit(None).cast("string")
    empty = periods.withColumns(
        {column: F.lit(0).cast("bigint") for column in window_columns(context.config).values()}
    ).select(
        "period",
        *(nobody.alias(name) for name in ("developer", "root_developer", "kind")),
        windows,
    )
    return pooled.unionByName(empty)


def _sums() -> list[Column]:
    """Aggregates of `_by_window` rows: all downloads, those from others' roots, and by kind."""
    downloads = F.col("downloads")
    from_others = F.col("developer") != F.col("root_developer")
    served = F.when(from_others & (downloads > 0), F.col("root_developer"))
    return [
        F.sum(downloads).alias("downloads"),
        F.sum(F.when(from_others, downloads).otherwise(0)).alias("others_downloads"),
        *(
            F.sum(F.when(from_others & (F.col("kind") == kind), downloads).otherwise(0)).alias(
                f"{kind}_downloads"
            )
            for kind in DERIVATION_KINDS
        ),
        F.count_distinct(served).alias("root_developers_served"),
    ]


def _weekly_totals(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The totals of each complete week, which the weekly measures already have."""
    weeks = complete_weeks(inputs["gold_weeks"]).select("week_start")
    flows = inputs["work_weekly"].where(F.col("part") == FLOW)
    return flows.join(F.broadcast(weeks), "week_start", how="left_semi").select(
        F.lit(WEEK).alias("period"),
        "week_start",
        F.lit(TOTAL).alias("developer"),
        F.lit(True).alias("is_total"),
        "recency_window",
        "downloads",
        "others_downloads",
        *(
            F.get("kind_downloads", F.lit(i)).alias(f"{kind}_downloads")
            for i, kind in enumerate(DERIVATION_KINDS)
        ),
        "root_developers_served",
        F.lit(None).cast("boolean").alias("is_intermediary"),
    )
