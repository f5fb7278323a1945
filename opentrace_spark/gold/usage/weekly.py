"""Scratch `work_weekly`: every measure of every week, from one pass over the weekly counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.gold.usage.population import load_population
from opentrace_spark.metrics.groups import HEAD, SCHEMA, measure_week
from opentrace_spark.metrics.units import NO_MODEL
from opentrace_spark.steps import Context
from opentrace_spark.tables import DERIVATION_KINDS

_EPOCH = date(1970, 1, 1)


def build_weekly(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Rows of `metrics.groups.SCHEMA` with their `week_start`, for every week that is present."""
    model_weeks = inputs["silver_model_weeks"]
    codes = inputs["work_population"].select("model_key", F.col("none_model").alias("model"))
    counted = model_weeks.join(F.broadcast(codes), "model_key", how="inner").select(
        "week_start", "model", F.col("download_count").alias("count")
    )
    # A week whose models are all outside the population is present too, and has its rows.
    present = (
        model_weeks.select("week_start")
        .distinct()
        .select(
            "week_start",
            F.lit(NO_MODEL).alias("model"),
            F.lit(0).cast("bigint").alias("count"),
        )
    )
    schema = from_arrow_schema(_schema())
    return (
        counted.unionByName(present).groupBy("week_start").applyInArrow(_measure(context), schema)
    )


def _schema() -> pa.Schema:
    return pa.schema([("week_start", pa.date32()), *SCHEMA])


def _measure(context: Context) -> Callable[[pa.Table], pa.Table]:
    """The function that workers run on the rows of one week."""
    uri = context.locations["work_population"]
    windows = context.config.window_days
    top, head_size = context.config.publication.top_entities, context.config.population.head_size

    def measure(week: pa.Table) -> pa.Table:
        week_start = week["week_start"][0].as_py()
        models, counts = week["model"].to_numpy(), week["count"].to_numpy()
        known = models != NO_MODEL
        rows = measure_week(
            load_population(uri),
            (week_start - _EPOCH).days,
            models[known],
            counts[known].astype(np.int64),
            windows,
            top=top,
            head_size=head_size,
            kinds=len(DERIVATION_KINDS),
        )
        weeks = pa.repeat(pa.scalar(week_start, pa.date32()), len(rows))
        return rows.add_column(0, "week_start", weeks)

    return measure


def build_head(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_head`: model_key of every model that is among the largest of some week."""
    head = inputs["work_weekly"].where(F.col("part") == HEAD).select("code").distinct()
    population = inputs["work_population"]
    return population.join(head, population["none_model"] == head["code"], how="left_semi").select(
        "model_key"
    )
