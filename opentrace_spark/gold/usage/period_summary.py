"""gold/period_summary: concentration of the downloads pooled over each period."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.gold.usage.pooled import weeks_of_periods
from opentrace_spark.gold.usage.shares import named
from opentrace_spark.metrics.groups import MEASURED
from opentrace_spark.steps import Context


def build_period_summary(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The metrics of each period and cell, the period's weeks, and the leading unit."""
    measured = inputs["work_spans"].where(F.col("part") == MEASURED)
    weeks = weeks_of_periods(inputs["gold_weeks"], context.config)
    leading = named(measured, inputs["work_units"])
    return (
        leading.join(F.broadcast(weeks), "span", how="inner")
        .withColumn("leader", F.when(F.col("units") > 0, F.col("entity")))
        .withColumn("leader_share", F.col("top_1_share"))
    )
