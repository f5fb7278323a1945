"""gold/developer_trends: the same leading developers and organisations in every week."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window, functions as F

from opentrace_spark.gold.usage.pooled import ALL_TIME, complete_weeks, in_recency_window
from opentrace_spark.gold.usage.population import CREDITED_TO
from opentrace_spark.gold.usage.shares import named
from opentrace_spark.metrics.groups import MEASURED, RANKED
from opentrace_spark.steps import Context
from opentrace_spark.tables import REST

_LEVELS = ("developer", "organization")
_CURVE = ["level", "attribution", "recency_window"]


def build_developer_trends(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Weekly downloads, share and running share of the fixed leaders of each cell.

    The leaders are those of all complete weeks together, so that a curve never changes its subject;
    weeks without downloads of a leader stay as zeros.
    """
    leaders = _leaders(inputs, context)
    complete = complete_weeks(inputs["gold_weeks"]).select("week_start")
    totals = (
        inputs["work_weekly"]
        .where(
            (F.col("part") == MEASURED) & F.col("level").isin(*_LEVELS) & (F.col("scope") == "all")
        )
        .select("week_start", *_CURVE, F.col("downloads").alias("total"))
        .join(F.broadcast(complete), "week_start", how="left_semi")
    )
    led = (
        totals.join(F.broadcast(leaders), _CURVE, how="inner")
        .join(
            _weekly_downloads(inputs, context, leaders), ["week_start", *_CURVE, "entity"], "left"
        )
        .select(
            "week_start",
            *_CURVE,
            "entity",
            "rank",
            F.coalesce("downloads", F.lit(0)).alias("downloads"),
            "total",
        )
    )
    together = led.groupBy("week_start", *_CURVE).agg(F.sum("downloads").alias("led"))
    rest = totals.join(together, ["week_start", *_CURVE], how="left").select(
        "week_start",
        *_CURVE,
        F.lit(REST).alias("entity"),
        F.lit(None).cast("int").alias("rank"),
        (F.col("total") - F.coalesce("led", F.lit(0))).alias("downloads"),
        "total",
    )
    so_far = (
        Window.partitionBy(*_CURVE, "entity", "rank")
        .orderBy("week_start")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    return led.unionByName(rest).select(
        *_CURVE,
        "week_start",
        "entity",
        "rank",
        "downloads",
        (F.col("downloads") / F.nullif("total", F.lit(0))).alias("share"),
        F.sum("downloads").over(so_far).alias("cumulative_downloads"),
        (F.sum("downloads").over(so_far) / F.nullif(F.sum("total").over(so_far), F.lit(0))).alias(
            "cumulative_share"
        ),
    )


def _leaders(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """level, attribution, recency_window, entity and rank of the units that the table follows."""
    is_leader = (
        (F.col("part") == RANKED)
        & (F.col("span") == ALL_TIME)
        & F.col("level").isin(*_LEVELS)
        & (F.col("rank") <= context.config.publication.trend_entities)
    )
    return named(inputs["work_spans"].where(is_leader), inputs["work_units"]).select(
        *_CURVE, "entity", "rank"
    )


def _weekly_downloads(
    inputs: Mapping[str, DataFrame], context: Context, leaders: DataFrame
) -> DataFrame:
    """week_start, level, attribution, recency_window, entity, downloads of the leaders' models."""
    units = (
        F.struct(
            F.lit(level).alias("level"),
            F.lit(attribution).alias("attribution"),
            F.col(column).alias("entity"),
        )
        for (attribution, level), column in CREDITED_TO.items()
        if level in _LEVELS
    )
    credited = inputs["work_credits"].select("model_key", "window_date", F.inline(F.array(*units)))
    followed = credited.join(F.broadcast(leaders), ["level", "attribution", "entity"], how="inner")
    inside = F.coalesce(
        *(
            F.when(F.col("recency_window") == window, in_recency_window(days))
            for window, days in context.config.window_days.items()
        )
    )
    return (
        inputs["silver_model_weeks"]
        .join(F.broadcast(followed), "model_key", how="inner")
        .where(inside)
        .groupBy("week_start", *_CURVE, "entity")
        .agg(F.sum("download_count").alias("downloads"))
    )
