"""gold/sensitivity of the good run, and the checks that guard it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession, functions as F

from opentrace_spark.checks import CHECKS
from opentrace_spark.config import load_config
from opentrace_spark.io import Warehouse
from opentrace_spark.tables import TABLES
from tests.compare import assert_same_tables
from tests.pipeline import read_tables
from tests.reference import robustness_tables

GUARDED = ("gold_sensitivity", "gold_period_summary")
FIGURES = "windows and attributions give the figures of gold/period_summary"
CREDITS = "whoever is credited, the same downloads are"


def test_tables_are_those_of_the_reference(built: Path, landing: Path) -> None:
    assert_same_tables(read_tables(built), robustness_tables(landing, load_config()))


@pytest.fixture
def frames(spark: SparkSession, built: Path) -> dict[str, DataFrame]:
    specs = {spec.id: Warehouse(str(built)).table_location(spec) for spec in TABLES}
    return {name: spark.read.format("delta").load(specs[name]) for name in GUARDED}


def broken(frames: dict[str, DataFrame], rule: str) -> int:
    """How many rows break the rule."""
    (check,) = (c for c in CHECKS if c.table == "gold_sensitivity" and c.rule == rule)
    return check.violations(frames).count()


def test_checks_hold_on_a_good_run(frames: dict[str, DataFrame]) -> None:
    assert (broken(frames, FIGURES), broken(frames, CREDITS)) == (0, 0)


@pytest.mark.parametrize("column", ["result", "baseline", "units", "downloads"])
def test_checks_see_a_figure_that_is_not_the_published_one(
    column: str, frames: dict[str, DataFrame]
) -> None:
    rows = frames["gold_sensitivity"]
    is_one = F.expr(
        "period = '2023 to 2024' and headline_window = '365d' and option = 'attribution' "
        "and value = 'root' and level = 'country' and scope = 'national' and figure = 'hhi'"
    )
    assert rows.where(is_one).count() == 1
    nudged = F.when(is_one, F.col(column) * (1 + 2**-52)).otherwise(F.col(column))
    if column in ("units", "downloads"):
        nudged = F.col(column) + is_one.cast("int")
    frames["gold_sensitivity"] = rows.withColumn(column, nudged)
    assert broken(frames, FIGURES) == 1


def test_checks_see_downloads_that_are_lost_on_the_way(frames: dict[str, DataFrame]) -> None:
    rows = frames["gold_sensitivity"]
    lost = (F.col("value") == "equal_split").cast("int")
    frames["gold_sensitivity"] = rows.withColumn("downloads", F.col("downloads") - lost)
    assert broken(frames, CREDITS) > 0
