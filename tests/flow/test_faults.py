"""A run that is killed, and run again, gives the tables of an undisturbed one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from opentrace_spark.config import load_config
from tests.compare import exact_rows
from tests.faults import Killer, Moment, check_life_under_fire, every_boundary, moments
from tests.pipeline import read_tables, run_pipeline

READING = ("resolutions",)
FIVE = (
    Moment("step_finished", 3),
    Moment("step_started", 2, seconds=1.0, whole=False),
    Moment("step_finished", 10, whole=False),
    Moment("step_started", step="checks"),
    Moment("step_started", step="checks", seconds=1.0),
)
"""Early and in the middle, between steps and in one; while tables are checked or published."""
RANDOM, SEED = 30, 7


def toggled(landing: Path, other: Path) -> None:
    """Change places: what a week brings, and back."""
    aside = landing.with_name("aside")
    landing.rename(aside)
    other.rename(landing)
    aside.rename(other)


def life(
    spark: SparkSession,
    landing: Path,
    folder: Path,
    only: tuple[str, ...],
    plan: Callable[[Killer], Iterable[Moment]],
) -> Killer:
    here, other = folder / "landing", folder / "other"
    shutil.copytree(landing, here)
    shutil.copytree(landing, other)
    (other / "downloads/2024-07-01.csv").write_text("week,id,count\n2024-07-01,lab/base,70\n,,\n")
    with (other / "aliases/aliases.csv").open("a") as file:
        file.write("base,lab/base\n")
    run_pipeline(spark, other, folder / "fresh", load_config(), only)
    fresh = exact_rows(read_tables(folder / "fresh"))
    warehouse = folder / "warehouse"
    killer = Killer(
        here, warehouse, lambda: run_pipeline(spark, here, warehouse, load_config(), only), only
    )
    check_life_under_fire(killer, lambda: toggled(here, other), plan(killer), fresh)
    return killer


def test_killed_five_times(spark: SparkSession, landing: Path, tmp_path: Path) -> None:
    killer = life(spark, landing, tmp_path, READING, lambda _: FIVE)
    assert killer.outcomes["killed"] >= 4


@pytest.mark.slow
def test_killed_fifty_times(spark: SparkSession, landing: Path, tmp_path: Path) -> None:
    def plan(killer: Killer) -> Iterator[Moment]:
        yield from every_boundary(killer)
        print(f"{killer.outcomes['killed']} steps, killed at the end of each")
        yield from moments(RANDOM, SEED)

    killer = life(spark, landing, tmp_path, (), plan)
    print(f"killed {killer.outcomes['killed']} times, {killer.outcomes['done']} runs ended")
    assert killer.outcomes["killed"] >= 50
