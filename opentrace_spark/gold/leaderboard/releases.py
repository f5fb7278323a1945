"""When base models were released: marks for charts over time."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from opentrace_spark.leaderboard.words import shipped_families
from opentrace_spark.steps import Context


def build_releases(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per base model of conf/base_models.toml."""
    rows = [
        (each.model_id, each.family, each.developer, each.parameters, each.released)
        for each in shipped_families().releases
    ]
    columns = (
        "base_model_id string, base_family string, developer string, parameters_billions double"
    )
    return context.spark.createDataFrame(rows, f"{columns}, released date")
