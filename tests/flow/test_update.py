"""What an update finds new, and that it leaves tables alone where nothing is."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from opentrace_spark import cli
from opentrace_spark.config import Config, load_config
from opentrace_spark.history import last_run
from opentrace_spark.io import Warehouse
from opentrace_spark.sources.landing import open_landing
from opentrace_spark.tables import GOLD_RUNS, GOLD_WEEKS, SILVER_LINEAGE
from opentrace_spark.update import whats_new
from opentrace_spark.upkeep import tend
from tests.compare import exact_rows
from tests.pipeline import read_tables, run_pipeline


@pytest.fixture
def place(built: Path, landing: Path, tmp_path: Path) -> Path:
    """A copy of the landing and of the warehouse that a full run made of it, to change."""
    shutil.copytree(landing, tmp_path / "landing")
    shutil.copytree(built, tmp_path / "warehouse")
    return tmp_path


def news(place: Path, config: Config | None = None) -> tuple[str, ...]:
    landing = open_landing(str(place / "landing"))
    warehouse = Warehouse(str(place / "warehouse"))
    return whats_new(last_run(warehouse), landing, warehouse, config or load_config())


def test_nothing_is_new_after_a_run(place: Path) -> None:
    assert news(place) == ()
    # Neither the place nor the time of a file matters.
    shutil.move(place / "landing", place / "moved")
    shutil.copytree(place / "moved", place / "landing", copy_function=shutil.copy)
    assert news(place) == ()


def test_files_new_changed_and_gone_are_named(place: Path) -> None:
    landing = place / "landing"
    for day in ("2024-06-24", "2024-07-01", "2024-07-08", "2024-07-15"):
        (landing / f"downloads/{day}.csv").write_text(f"week,id,count\n{day},lab/base,1\n")
    with (landing / "aliases/aliases.csv").open("a") as file:
        file.write("older-base,corp/base\n")
    (landing / "downloads/2024-06-03.csv").unlink()
    assert news(place) == (
        "new: downloads/2024-06-24.csv, downloads/2024-07-01.csv, downloads/2024-07-08.csv "
        "and 1 more",
        "changed: aliases/aliases.csv",
        "gone: downloads/2024-06-03.csv",
    )


def test_what_the_manifest_says_is_an_input(place: Path) -> None:
    manifest = place / "landing" / "manifest.json"
    manifest.write_text(json.dumps({"last_complete_week": "2024-06-03"}))
    assert news(place) == ("new: manifest.json",)


def test_the_projects_own_table_is_an_input_where_it_is_used(place: Path) -> None:
    config = load_config()
    filled = replace(config, organizations=replace(config.organizations, curated="fill"))
    assert news(place, filled) == (
        "new: conf/organizations.csv",
        "other method values: organizations.curated",
    )


def test_other_method_values_are_named(place: Path) -> None:
    config = load_config()
    other = replace(config, population=replace(config.population, min_downloads=1))
    assert news(place, other) == ("other method values: population.min_downloads",)
    assert news(place, replace(config, periods=config.periods[:1])) == (
        "other periods or countries",
    )


def test_tables_that_are_not_of_the_last_run(
    spark: SparkSession, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = DeltaTable(place / "warehouse" / GOLD_WEEKS.path)
    table.delete()
    assert news(place) == ("gold/weeks was written after the last run",)
    shutil.rmtree(place / "warehouse" / GOLD_WEEKS.path)
    assert news(place) == ("gold/weeks is not of the last run",)
    monkeypatch.setattr("opentrace_spark.__version__", "9.9")
    assert news(place)[0].startswith("the tables are of version ")
    run_pipeline(spark, place / "landing", place / "warehouse", load_config(), ("rejects",))
    assert "gold/families is not of the last run" in news(place)


def test_upkeep_is_nothing_new_and_spark_reads_the_same_rows(
    spark: SparkSession, place: Path
) -> None:
    warehouse = place / "warehouse"
    run_pipeline(spark, place / "landing", warehouse, load_config(), ("lineage", "rejects"))
    run_pipeline(spark, place / "landing", warehouse, load_config())
    before = exact_rows(read_tables(warehouse))
    done = {t.path: t for t in tend(Warehouse(str(warehouse)))}
    assert done[GOLD_RUNS.path].combined == 3
    then = f"select * from delta.`{warehouse}/{GOLD_WEEKS.path}` version as of 0"
    assert spark.sql(then).count() == 3
    done = {t.path: t for t in tend(Warehouse(str(warehouse)), 0, allow_short=True)}
    assert done[GOLD_WEEKS.path].removed == 1
    assert news(place) == ()
    assert exact_rows(read_tables(warehouse)) == before
    for spec in (GOLD_RUNS, GOLD_WEEKS, SILVER_LINEAGE):
        delta = spark.read.format("delta").load(f"{warehouse}/{spec.path}")
        assert delta.toArrow().num_rows == Warehouse(str(warehouse)).read(spec).num_rows
    run_pipeline(spark, place / "landing", warehouse, load_config(), ("lineage",))
    assert exact_rows(read_tables(warehouse)) == before


def test_no_warehouse_yet(place: Path) -> None:
    shutil.rmtree(place / "warehouse")
    assert news(place) == ("the warehouse has no run yet",)


def test_update_starts_spark_only_where_something_is_new(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = []
    monkeypatch.setattr(cli, "_run", started.append)
    command = ["update", "--landing", f"{place}/landing", "--warehouse", f"{place}/warehouse"]
    assert cli.main(command) == 0
    assert started == []
    assert capsys.readouterr().out.startswith("nothing new since run ")
    (place / "landing/aliases/aliases.csv").unlink()
    assert cli.main(command) == 0
    (options,) = started
    assert options.only == ()
    assert capsys.readouterr().out == "gone: aliases/aliases.csv\n"
