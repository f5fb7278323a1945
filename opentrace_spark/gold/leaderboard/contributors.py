"""How many people commit to a repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.gold.leaderboard.rows import Rows, made_of, share
from opentrace_spark.steps import Context
from opentrace_spark.tables import GOLD_LEADERBOARD_CONTRIBUTORS, TOTAL


def build_contributors(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per repository of `bronze_contributors`, and one for all of them."""
    usable = inputs["bronze_contributors"].where("reason is null")
    repositories = usable.select(F.col("id").alias("model_id"), "contributors")
    in_board = F.lit(False)
    if "silver_leaderboard" in inputs:
        names = inputs["silver_leaderboard"].select("model_id", "name")
        listed = names.select(F.explode(F.array("model_id", "name")).alias("model_id")).distinct()
        listed = listed.withColumn("is_listed", F.lit(True))
        repositories = repositories.join(listed, "model_id", how="left")
        in_board = F.coalesce("is_listed", in_board)
    rows = repositories.select("model_id", "contributors", in_board.alias("in_leaderboard"))
    return made_of(rows, GOLD_LEADERBOARD_CONTRIBUTORS, contributors)


def contributors(rows: Rows) -> Iterator[dict[str, Any]]:
    """Each repository, and the share of all that have a single contributor."""
    for row in rows:
        yield {**row, "is_total": False, "is_single": row["contributors"] == 1}
    single = sum(row["contributors"] == 1 for row in rows)
    yield {
        "model_id": TOTAL,
        "is_total": True,
        "repositories": len(rows),
        "single": single,
        "single_share": share(single, len(rows)),
    }
