"""Runs that build only what has changed give what a run from nothing gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from opentrace_spark import flow
from opentrace_spark.config import Config, load_config
from opentrace_spark.errors import ContentError
from opentrace_spark.history import last_run
from opentrace_spark.io import Warehouse
from opentrace_spark.run import RunResult, run
from opentrace_spark.sources.landing import open_landing
from opentrace_spark.tables import GOLD_RUNS, SILVER_MODEL_WEEKS, SILVER_SNAPSHOTS, TABLES
from opentrace_spark.upkeep import tend
from tests.compare import exact_rows
from tests.flow.landings import annotate_small_landing, write_small_landing
from tests.pipeline import read_tables, run_pipeline

ONLY = ("core", "anomalies")
SHIPPED = load_config()
OTHER = replace(
    SHIPPED,
    weeks=replace(SHIPPED.weeks, precedence="snapshots"),
    anomalies=replace(SHIPPED.anomalies, robust_z=SHIPPED.anomalies.robust_z + 1),
)
"""Counters take the place of counts, and other traffic is abnormal."""
Go = Callable[..., RunResult]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing with counts and counters, and a warehouse: tests change both, one after the other.

    None relies on what another left: each begins with a run.
    """
    folder = tmp_path_factory.mktemp("reuse")
    landing = annotate_small_landing(write_small_landing(folder / "landing"))
    for day, counter in (("2024-06-10", 100), ("2024-06-17", 400), ("2024-06-24", 900)):
        snapshot = landing / "snapshots" / day
        snapshot.mkdir(parents=True)
        rows = (f"lab/base,{counter}", f"user/merge,{counter // 2}", f"new/one,{counter // 5}")
        (snapshot / "models.csv").write_text("\n".join(("id,downloadsAllTime", *rows)) + "\n")
    return folder


@pytest.fixture
def go(spark: SparkSession, place: Path) -> Go:
    """Run on the landing of the place as it is."""

    def again(config: Config = OTHER, **options: bool) -> RunResult:
        landing, warehouse = open_landing(f"{place}/landing"), Warehouse(f"{place}/warehouse")
        return run(spark, landing, warehouse, config, only=ONLY, **options)

    return again


def rows_of(place: Path) -> object:
    return exact_rows(read_tables(place / "warehouse"))


def versions(place: Path) -> dict[str, int]:
    there = {spec.path: place / "warehouse" / spec.path for spec in TABLES if spec != GOLD_RUNS}
    return {path: DeltaTable(table).version() for path, table in there.items() if table.is_dir()}


def test_runs_one_after_the_other(spark: SparkSession, place: Path, go: Go, tmp_path: Path) -> None:
    first = go(SHIPPED)
    landing = open_landing(f"{place}/landing")
    steps = [step.name for step in flow.selected_steps(ONLY, landing)]
    assert sorted(first.seconds) == sorted(steps)
    assert first.moved is None

    # Nothing has changed: no table is written, the run is told all the same.
    before = versions(place)
    again = go(SHIPPED)
    assert (again.seconds, sorted(again.skipped)) == ({}, sorted(steps))
    assert versions(place) == before
    noted = last_run(Warehouse(f"{place}/warehouse"))
    assert noted
    assert sorted(noted["skipped"]) == sorted(steps)
    assert json.loads(noted["table_versions"]) == before
    assert json.loads(noted["libraries"])["pyspark"].startswith("4.")
    moved = json.loads(noted["moved"])
    assert moved.pop("week") == moved.pop("week_before") == "2024-06-17"
    assert all(found == [] for found in moved.values())

    # Another owner, a new week and a revised one.
    with (place / "landing/organizations/organizations.csv").open("a") as file:
        file.write("quant,Japan,company\n")
    counts = place / "landing/downloads"
    (counts / "2024-07-01.csv").write_text("week,id,count\n2024-07-01,quant/base-GGUF,5000\n")
    text = (counts / "2024-06-03.csv").read_text()
    (counts / "2024-06-03.csv").write_text(text.replace("user/a,200", "user/a,201"))
    third = go(SHIPPED)
    assert {"bronze_models", "bronze_aliases", "work_names", "snapshots"} <= set(third.skipped)
    assert {"bronze_organizations", "work_runs", "lineage", "rejects"} <= set(third.seconds)
    assert third.moved is not None
    assert (third.moved["week_before"], third.moved["week"]) == ("2024-06-17", "2024-07-01")
    assert third.moved["new_weeks"] == ["2024-07-01"]
    assert third.moved["gone_weeks"] == []
    (week,) = third.moved["revised_weeks"]
    assert (week["week_start"], week["after"] - week["before"]) == ("2024-06-03", 1)
    shares = {(r["level"], r["attribution"], r["entity"]): r for r in third.moved["shares"]}
    assert shares["developer", "none", "quant"]["after"] == 1.0
    assert shares["developer", "none", "lab"]["after"] is None
    assert shares["country", "none", "Japan"]["before"] is None

    # Upkeep combines and removes files: what lies in the tables' folders is other than what was
    # stored, and holds all the same.
    tend(Warehouse(f"{place}/warehouse"), 0, allow_short=True)
    assert go(SHIPPED).seconds == {}

    # Other values build what has read them, from tables that are kept in the tables' folders.
    last = go(OTHER)
    kept = {"snapshots", "work_runs", "work_differences", "work_roots", "model_history"}
    assert kept <= set(last.skipped)
    assert {"work_weeks", "model_weeks", "usage_shares", "anomalies"} <= set(last.seconds)
    run_pipeline(spark, place / "landing", tmp_path / "fresh", OTHER, ONLY)
    assert rows_of(place) == exact_rows(read_tables(tmp_path / "fresh"))


def test_a_table_that_others_wrote_is_built_again(place: Path, go: Go) -> None:
    go()
    rows = rows_of(place)
    for spec in (SILVER_SNAPSHOTS, SILVER_MODEL_WEEKS):
        DeltaTable(place / "warehouse" / spec.path).delete()
    result = go()
    assert {"snapshots", "work_weeks", "model_weeks"} <= set(result.seconds)
    # What was made of them before is made of the same rows still.
    assert {"work_differences", "lineage", "usage_shares"} <= set(result.skipped)
    assert rows_of(place) == rows


def test_a_failed_run_is_finished_by_the_next(
    spark: SparkSession, place: Path, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    go()
    rows, before = rows_of(place), versions(place)
    runs = DeltaTable(place / "warehouse" / GOLD_RUNS.path).to_pyarrow_table().num_rows
    with (place / "landing/aliases/aliases.csv").open("a") as file:
        file.write("eldest-base,corp/base\n")

    def fails(*_: object) -> None:
        raise ContentError("the disk is full")

    late = tuple(replace(s, build=fails) if s.name == "usage_shares" else s for s in flow.FLOW)
    with monkeypatch.context() as patched:
        patched.setattr(flow, "FLOW", late)
        with pytest.raises(ContentError, match="the disk is full"):
            go()
    assert versions(place) == before
    assert rows_of(place) == rows
    result = go()
    assert {"work_names", "work_families"} <= set(result.skipped)
    assert {"usage_shares", "concentration"} <= set(result.seconds)
    published = DeltaTable(place / "warehouse" / GOLD_RUNS.path).to_pyarrow_table()
    assert published.num_rows == runs + 1
    known = set(published["run_id"].to_pylist())
    for spec in TABLES:
        if "run_id" in {column.name for column in spec.columns} and spec.path in before:
            table = Warehouse(f"{place}/warehouse").read(spec, ["run_id"])
            assert set(table["run_id"].to_pylist()) <= known, spec.path


def test_scratch_that_is_not_kept(spark: SparkSession, place: Path, tmp_path: Path) -> None:
    landing, warehouse = open_landing(f"{place}/landing"), Warehouse(str(tmp_path / "warehouse"))
    run(spark, landing, warehouse, SHIPPED, only=("work_hub_ids",), discard_scratch=True)
    assert [path.name for path in (tmp_path / "warehouse/_work").iterdir()] == ["lock"]
    again = run(spark, landing, warehouse, SHIPPED, only=("work_hub_ids",))
    assert again.skipped == []
    assert run(spark, landing, warehouse, SHIPPED, only=("work_hub_ids",)).seconds == {}
    assert run(spark, landing, warehouse, SHIPPED, only=("work_hub_ids",), force=True).skipped == []
