"""Scratch tables on downloads pooled over spans of weeks: periods, all time, the last year.

Complete weeks only. `work_pooled` holds sums per model, `work_spans` their measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.config import Config, Period
from opentrace_spark.gold.usage.population import load_population
from opentrace_spark.metrics.groups import SCHEMA, measure_pool
from opentrace_spark.metrics.units import NO_MODEL
from opentrace_spark.steps import Context

ALL_PERIODS = "all"
"""Period of the rows on all complete weeks."""
ALL_TIME, ROLLING, COHORT = "all_time", "rolling_1y", "cohort_1y"
_YEAR_SPAN = "year:"
_YEAR_OF_WEEKS = 364
_YEAR = 365


def window_columns(config: Config) -> dict[str, str]:
    """Recency window -> column of `work_pooled` with the downloads inside it."""
    return {window: f"downloads_{window}" for window in config.windows.recency}


def per_window(config: Config) -> Column:
    """Generator of a row per window: recency_window, and downloads inside it, of `work_pooled`."""
    rows = (
        F.struct(F.lit(window).alias("recency_window"), F.col(column).alias("downloads"))
        for window, column in window_columns(config).items()
    )
    return F.inline(F.array(*rows))


def in_recency_window(days: int | None) -> Column:
    """Whether a row's week_start lies within the window of its window_date."""
    if days is None:
        return F.lit(True)
    return F.coalesce(F.col("week_start") < F.date_add("window_date", days), F.lit(False))


def complete_weeks(weeks: DataFrame) -> DataFrame:
    """The rows of gold/weeks that pooled tables use: present and complete."""
    return weeks.where("is_complete and not is_missing")


def span_of_period(period: Period) -> str:
    """The span under which a period is pooled; no period's name can clash with the other spans."""
    return f"period:{period.name}"


def span_of_year(week_start: str) -> Column:
    """The span under which the weeks of a calendar year are pooled, by the year of their Monday."""
    return F.concat(F.lit(_YEAR_SPAN), F.year(week_start))


def build_pooled(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_pooled`: downloads of a model in a span.

    Columns: model_key, span, `downloads_<window>` BIGINT per window. Rows without any downloads are
    left out.
    """
    columns = window_columns(context.config)
    weeks = spans_of_weeks(complete_weeks(inputs["gold_weeks"]), context.config).withColumn(
        "spans", F.array_append("spans", span_of_year("week_start"))
    )
    credited = inputs["work_credits"].select("model_key", "created_date", "window_date")
    # Weeks of the same spans are added up first, so that only their sums are copied per span.
    by_spans = (
        inputs["silver_model_weeks"]
        .where("download_count > 0")
        .join(F.broadcast(weeks), "week_start", how="inner")
        .join(F.broadcast(credited), "model_key", how="inner")
        .groupBy("model_key", "created_date", "spans", "cohort_last")
        .agg(
            *(
                F.sum(F.when(in_recency_window(days), F.col("download_count")).otherwise(0)).alias(
                    columns[window]
                )
                for window, days in context.config.window_days.items()
            )
        )
    )
    in_cohort = (F.col("created_date") <= F.col("cohort_last")) & (
        F.col("created_date") > F.date_sub("cohort_last", _YEAR)
    )
    spans = F.when(in_cohort, F.array_append("spans", F.lit(COHORT))).otherwise(F.col("spans"))
    return (
        by_spans.select("model_key", F.explode(spans).alias("span"), *columns.values())
        .groupBy("model_key", "span")
        .agg(*(F.sum(column).alias(column) for column in columns.values()))
    )


def spans_of_weeks(weeks: DataFrame, config: Config) -> DataFrame:
    """week_start, the spans that it belongs to, and cohort_last: the last day of the last week."""
    last = weeks.agg(F.max("week_start").alias("last_week"))
    rolling = F.col("week_start") > F.date_sub("last_week", _YEAR_OF_WEEKS)
    spans = [
        F.lit(ALL_TIME),
        F.when(rolling, F.lit(ROLLING)),
        *(
            F.when(period_covers(period), F.lit(span_of_period(period)))
            for period in config.periods
        ),
    ]
    return weeks.crossJoin(F.broadcast(last)).select(
        "week_start",
        F.array_compact(F.array(*spans)).alias("spans"),
        F.date_add("last_week", 6).alias("cohort_last"),
    )


def period_covers(period: Period) -> Column:
    """Whether a row's week_start belongs to the period."""
    first = F.lit(True) if period.first is None else F.col("week_start") >= F.lit(period.first)
    last = F.lit(True) if period.last is None else F.col("week_start") <= F.lit(period.last)
    return first & last


def weeks_of_periods(weeks: DataFrame, config: Config) -> DataFrame:
    """One row per period with complete weeks: span, period, first_week, last_week, weeks."""
    complete = complete_weeks(weeks)
    of_each = [
        complete.where(period_covers(period))
        .agg(
            F.min("week_start").alias("first_week"),
            F.max("week_start").alias("last_week"),
            F.count(F.lit(1)).cast("int").alias("weeks"),
        )
        .where("weeks > 0")
        .select(
            F.lit(span_of_period(period)).alias("span"),
            F.lit(period.name).alias("period"),
            "first_week",
            "last_week",
            "weeks",
        )
        for period in config.periods
    ]
    return reduce(DataFrame.unionByName, of_each)


def periods_of_spans(weeks: DataFrame, config: Config) -> DataFrame:
    """span and period: every period with complete weeks, and all time as ALL_PERIODS."""
    periods = weeks_of_periods(weeks, config).select("span", "period")
    everything = [(ALL_TIME, ALL_PERIODS)]
    return periods.unionByName(
        weeks.sparkSession.createDataFrame(everything, "span string, period string")
    )


def downloads_of_periods(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """model_key, period, recency_window, downloads: what is above 0, of `periods_of_spans`.

    Reads `work_pooled`, `gold_weeks`.
    """
    periods = periods_of_spans(inputs["gold_weeks"], context.config)
    pooled = inputs["work_pooled"].join(F.broadcast(periods), "span", how="inner")
    return _downloads(pooled, "period", context.config)


def downloads_of_years(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """model_key, year (INT), recency_window, downloads: what is above 0, of calendar years.

    Reads `work_pooled`.
    """
    year = F.substring("span", len(_YEAR_SPAN) + 1, 4).cast("int")
    pooled = inputs["work_pooled"].where(F.col("span").startswith(_YEAR_SPAN))
    return _downloads(pooled.withColumn("year", year), "year", context.config)


def _downloads(pooled: DataFrame, span: str, config: Config) -> DataFrame:
    return pooled.select("model_key", span, per_window(config)).where("downloads > 0")


def build_spans(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_spans`: ranked and measured rows (`metrics.groups.SCHEMA`) of every span but
    the years."""
    codes = inputs["work_population"].select("model_key", F.col("none_model").alias("model"))
    columns = window_columns(context.config).values()
    pooled = (
        inputs["work_pooled"]
        .where(~F.col("span").startswith(_YEAR_SPAN))
        .join(F.broadcast(codes), "model_key", how="inner")
        .select("span", "model", *columns)
    )
    # A period with complete weeks in which nothing was downloaded has its rows, too.
    empty = weeks_of_periods(inputs["gold_weeks"], context.config).select(
        "span",
        F.lit(NO_MODEL).alias("model"),
        *(F.lit(0).cast("bigint").alias(column) for column in columns),
    )
    schema = from_arrow_schema(pa.schema([("span", pa.string()), *SCHEMA]))
    return pooled.unionByName(empty).groupBy("span").applyInArrow(_measure(context), schema)


def _measure(context: Context) -> Callable[[pa.Table], pa.Table]:
    """The function that workers run on the rows of one span."""
    uri = context.locations["work_population"]
    columns, publication = window_columns(context.config), context.config.publication
    top = max(publication.top_entities, publication.trend_entities)

    def measure(pool: pa.Table) -> pa.Table:
        models = pool["model"].to_numpy()
        known = models != NO_MODEL
        windowed = {window: pool[column].to_numpy()[known] for window, column in columns.items()}
        rows = measure_pool(load_population(uri), models[known], windowed, top=top)
        return rows.add_column(0, "span", pa.repeat(pool["span"][0], len(rows)))

    return measure
