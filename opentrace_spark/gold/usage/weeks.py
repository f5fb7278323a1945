"""gold/weeks: what is known of each week, and gold/samples: how large the samples are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.config import FLOOR_DATE, Config, last_complete_week
from opentrace_spark.gold.usage.weekly import WEEK
from opentrace_spark.steps import Context


def build_weeks(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per ISO week from the first to the last with data; missing weeks have null counts."""
    whole = inputs["work_weekly"].where(F.col("part") == WEEK)
    settled = inputs["work_weeks"].select(
        "week_start",
        F.when(F.col("source") == "downloads", F.col("first_label")).alias("week_label"),
        "rows",
        "source",
        (F.col("rows") - F.col("counted")).alias("unknown_models"),
        "covered_days",
        "other_downloads",
        "differing_models",
    )
    of_head = (
        inputs["silver_model_weeks"]
        .join(F.broadcast(inputs["work_head"]), "model_key", how="left_semi")
        .groupBy("week_start")
        .agg(F.sum("download_count").alias("head"))
    )
    counted = whole.join(settled, "week_start", how="left").join(of_head, "week_start", how="left")
    downloads = F.nullif("downloads", F.lit(0))
    return (
        _calendar(counted)
        .join(counted, "week_start", how="left")
        .select(
            "week_start",
            "week_label",
            F.col("rows").isNull().alias("is_missing"),
            _is_complete(context).alias("is_complete"),
            "rows",
            "downloads",
            "models",
            F.col("in_population").alias("population_downloads"),
            (F.col("in_models") / downloads).alias("coverage"),
            (F.col("censored") / downloads).alias("censored_share"),
            (F.coalesce("head", F.lit(0)) / downloads).alias("head_share"),
            _known_breaks(context.config).alias("known_breaks"),
            "source",
            "unknown_models",
            "covered_days",
            "other_downloads",
            "differing_models",
        )
    )


def _calendar(counted: DataFrame) -> DataFrame:
    """Every Monday from the first week to the last."""
    ends = counted.agg(F.min("week_start").alias("first"), F.max("week_start").alias("last"))
    mondays = F.sequence("first", "last", F.expr("interval 7 days"))
    return ends.where("first is not null").select(F.explode(mondays).alias("week_start"))


def _is_complete(context: Context) -> Column:
    """By the configuration, else by the landing's manifest, never by the clock. A missing week is
    not a partial one."""
    last = last_complete_week(context.config) or context.landing.last_complete_week
    if last is None:
        return F.lit(True)
    return F.col("rows").isNull() | (F.col("week_start") <= F.lit(last))


def _known_breaks(config: Config) -> Column:
    """Breaks that follow from the floored creation dates, never to be read as findings."""
    if config.windows.creation == "drop_censored":
        return F.lit(None).cast("string")
    floor_week = FLOOR_DATE - timedelta(days=FLOOR_DATE.weekday())
    breaks = [
        F.when(
            F.col("week_start") < F.lit(floor_week),
            F.lit("windows remove nothing before 2022-03"),
        )
    ]
    for window, days in config.window_days.items():
        if days is not None:
            out = FLOOR_DATE + timedelta(days=days)
            first_out = out + timedelta(days=-out.weekday() % 7)
            leaves = F.lit(f"window {window}: censored cohort leaves")
            breaks.append(F.when(F.col("week_start") == F.lit(first_out), leaves))
    return F.nullif(F.concat_ws("; ", *breaks), F.lit(""))


def build_samples(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Models and downloads of all, the population and the head sample, over all weeks."""
    total = F.col("total_downloads")
    members = {
        "all": F.lit(True),
        "population": F.col("in_population"),
        "head": F.col("in_head_sample"),
    }
    sizes = inputs["silver_models"].agg(
        *(F.count_if(member).alias(f"{name}_models") for name, member in members.items()),
        *(
            F.coalesce(F.sum(F.when(member, total)), F.lit(0)).alias(f"{name}_downloads")
            for name, member in members.items()
        ),
    )
    rows = [
        F.struct(
            F.lit(name).alias("sample"),
            F.col(f"{name}_models").alias("models"),
            (F.col(f"{name}_models") / F.nullif("all_models", F.lit(0))).alias("share_of_models"),
            F.col(f"{name}_downloads").alias("downloads"),
            (F.col(f"{name}_downloads") / F.nullif("all_downloads", F.lit(0))).alias(
                "share_of_downloads"
            ),
        )
        for name in members
    ]
    return sizes.select(F.inline(F.array(*rows)))
