"""gold/usage_shares and gold/concentration: the weekly measures under the units' names."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.io import named_files
from opentrace_spark.metrics.groups import MEASURED
from opentrace_spark.steps import Context
from opentrace_spark.tables import GOLD_CONCENTRATION, GOLD_USAGE_SHARES, REST


def build_usage_shares(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The largest units of each week and cell, and the rest: the files that `work_weekly` names.

    Acts: reads the names."""
    files = inputs["work_weekly"].where("file is not null").select("file").collect()
    return named_files(
        context.spark, GOLD_USAGE_SHARES, context.scratch, [row["file"] for row in files]
    )


def named(ranked: DataFrame, units: DataFrame) -> DataFrame:
    """Ranked rows with `entity` for the unit's code; rows without a code are the rest."""
    return ranked.join(units, ["level", "code"], how="left").withColumn(
        "entity", F.coalesce("entity", F.lit(REST))
    )


def build_concentration(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The metrics of each week and cell, beside the week's coverage."""
    weeks = inputs["gold_weeks"].select("week_start", "coverage", "censored_share")
    measured = inputs["work_weekly"].where(F.col("part") == MEASURED)
    joined = measured.join(F.broadcast(weeks), "week_start", how="inner")
    made_later = {"parameters", "run_id", "processed_at"}
    return joined.select(*(c.name for c in GOLD_CONCENTRATION.columns if c.name not in made_later))
