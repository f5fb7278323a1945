"""Upkeep: rows stay, versions within the retention stay, older files go, nothing else does."""

from __future__ import annotations

import json
import os
import re
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from opentrace_spark.cli import main
from opentrace_spark.io import Warehouse, content_version
from opentrace_spark.tables import (
    GOLD_CONCENTRATION,
    GOLD_RUNS,
    SILVER_MODEL_WEEKS,
    SILVER_MODELS,
    TABLES,
)
from opentrace_spark.upkeep import tend
from tests.unit.publish.small_tables import write_table

WEEKS = [date(2024, 7, 1), date(2024, 7, 8)]
DAY = 86_400


def models(first: int) -> list[dict[str, Any]]:
    return [
        {"model_id": f"a/é{n}", "in_population": n % 2 == 0, "languages": ["en", "de"][: n % 3]}
        for n in range(first, first + 6)
    ]


def weeks(first: int) -> list[dict[str, Any]]:
    return [{"model_key": first + n, "week_start": WEEKS[n // 4]} for n in range(8)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A warehouse after two runs that wrote every table in several files, and one run that added
    its row to gold/runs."""
    for run in (0, 1):
        write_table(tmp_path, SILVER_MODELS, models(10 * run), files=3)
        write_table(tmp_path, SILVER_MODEL_WEEKS, weeks(100 * run), files=2)
    moment = datetime(2024, 8, 1, tzinfo=timezone.utc)
    runs = [{"run_id": f"run-{n}", "processed_at": moment, "notes": ["é"]} for n in range(5)]
    write_table(tmp_path, GOLD_RUNS, runs, files=5)
    return tmp_path


def age(warehouse: Path, days: int, spec: Any, versions: range) -> None:
    """Make versions of a table so many days older, as its log and its files tell it."""
    folder = warehouse / spec.path
    for version in versions:
        log = folder / "_delta_log" / f"{version:020}.json"
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for action in lines:
            for kind, name in (("commitInfo", "timestamp"), ("remove", "deletionTimestamp")):
                if kind in action:
                    action[kind][name] -= days * DAY * 1000
        log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for file in folder.rglob("*.parquet"):
        os.utime(file, (file.stat().st_mtime - days * DAY,) * 2)


def content(warehouse: Path, spec: Any, version: int | None = None) -> pa.Table:
    table = DeltaTable(warehouse / spec.path, version=version).to_pyarrow_table()
    keys = [(name, "ascending") for name in ("model_id", "model_key", "run_id")]
    return table.sort_by([key for key in keys if key[0] in table.column_names])


def parquet(warehouse: Path) -> set[Path]:
    return set(warehouse.rglob("*.parquet"))


def upkeep(warehouse: Path, *options: str) -> int:
    return main(["upkeep", "--warehouse", str(warehouse), *options])


def test_rows_stay_bit_for_bit_in_fewer_files(place: Path) -> None:
    specs = (SILVER_MODELS, SILVER_MODEL_WEEKS, GOLD_RUNS)
    before = {spec.path: content(place, spec) for spec in specs}
    versions = {spec.path: DeltaTable(place / spec.path).version() for spec in specs}
    done = {tended.path: tended for tended in tend(Warehouse(str(place)))}
    for spec in specs:
        after = content(place, spec)
        assert after.equals(before[spec.path]), spec.path
        assert after.schema.equals(before[spec.path].schema, check_metadata=True)
        # The rows are those of that version, whatever was committed since.
        table = DeltaTable(place / spec.path)
        assert content_version(table) == versions[spec.path] < table.version()
        assert content(place, spec, versions[spec.path]).equals(after)
        assert len(table.file_uris()) == (2 if spec == SILVER_MODEL_WEEKS else 1)
    assert (done["gold/runs"].files, done["gold/runs"].written) == (5, 1)
    # Without a bound for columns that deltalake keeps none of: filters must find all rows.
    found = Warehouse(str(place)).read(SILVER_MODELS, ["model_id"], [("in_population", "=", True)])
    assert found.num_rows == 3


def test_a_second_time_there_is_nothing_to_do(place: Path) -> None:
    tend(Warehouse(str(place)))
    before = sorted(place.rglob("*"))
    assert all(t.combined == t.removed == 0 for t in tend(Warehouse(str(place))))
    assert sorted(place.rglob("*")) == before


def test_versions_within_the_retention_can_be_read_and_older_ones_go(place: Path) -> None:
    age(place, 60, SILVER_MODELS, range(3))  # the first run, replaced 32 days ago
    age(place, 32, SILVER_MODELS, range(3, 6))
    replaced = content(place, SILVER_MODELS, 2)
    tend(Warehouse(str(place)), days=33)
    assert content(place, SILVER_MODELS, 2).equals(replaced)
    now, files = content(place, SILVER_MODELS), parquet(place)
    (tended,) = [t for t in tend(Warehouse(str(place)), days=31) if t.removed]
    gone = files - parquet(place)
    assert (tended.path, tended.removed, len(gone)) == ("silver/models", 3, 3)
    assert content(place, SILVER_MODELS).equals(now)
    assert content(place, SILVER_MODELS, 5).equals(now)
    with pytest.raises((DeltaError, OSError)):
        content(place, SILVER_MODELS, 2)


def test_old_files_that_a_new_version_has_just_replaced_stay(place: Path) -> None:
    age(place, 1000, SILVER_MODELS, range(3))
    replaced = content(place, SILVER_MODELS, 2)
    tend(Warehouse(str(place)))
    assert content(place, SILVER_MODELS, 2).equals(replaced)


def test_content_version_counts_changes_of_rows_alone(place: Path) -> None:
    def versions() -> tuple[int, int]:
        table = DeltaTable(place / GOLD_RUNS.path)
        return content_version(table), table.version()

    assert versions() == (4, 4)
    tend(Warehouse(str(place)))
    assert versions() == (4, 6)  # properties, files
    DeltaTable(place / GOLD_RUNS.path).vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert versions() == (4, 8)
    DeltaTable(place / GOLD_RUNS.path).delete("run_id = 'run-1'")
    assert versions() == (9, 9)
    DeltaTable(place / GOLD_RUNS.path).restore(8)
    assert versions() == (10, 10)


def test_what_a_killed_run_left_goes_and_other_files_stay(place: Path) -> None:
    folder = place / SILVER_MODELS.path
    mine = [folder / "README.md", folder / "notes" / "x.csv", place / "README.md", place / "x/y"]
    theirs = place / "other" / "part-0.parquet"
    left, fresh = folder / "part-left.parquet", folder / "part-fresh.parquet"
    for file in (*mine, theirs, left, fresh):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("12345")
        if file != fresh:
            os.utime(file, (1, 1))
    (tended,) = [t for t in tend(Warehouse(str(place))) if t.removed]
    assert (tended.path, tended.removed, tended.removed_bytes) == ("silver/models", 1, 5)
    assert not left.exists()
    assert all(file.exists() for file in (*mine, theirs, fresh))


def test_dry_run_says_what_would_go_and_changes_nothing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    age(place, 100, SILVER_MODELS, range(6))
    before = {file: file.stat().st_mtime_ns for file in place.rglob("*") if file.is_file()}
    with Warehouse(str(place)).lock():  # another run's: looking needs no lock
        assert upkeep(place, "--dry-run") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1].startswith("silver/models: up to 3 of 3 files would be combined; 3 old files, ")
    assert told[-1] == "3 tables: 3 files of versions older than 91 days would go, 0.0 MB"
    (place / "_work" / "lock").unlink()
    assert {f: f.stat().st_mtime_ns for f in place.rglob("*") if f.is_file()} == before
    assert upkeep(place) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("3 tables: 3 files of versions")


def test_other_programs_are_told_to_keep_as_much(place: Path) -> None:
    for days, kept in ((40, 40), (0, 7)):  # a short retention is for once
        tend(Warehouse(str(place)), days, allow_short=True)
        configuration = DeltaTable(place / GOLD_RUNS.path).metadata().configuration
        assert configuration["delta.deletedFileRetentionDuration"] == f"interval {kept} days"
        assert configuration["delta.logRetentionDuration"] == f"interval {kept} days"


def test_tables_are_made_with_the_retention_and_keep_it(tmp_path: Path) -> None:
    place = Warehouse(str(tmp_path))
    empty = {"string": "", "bigint": 0, "int": 0, "boolean": False}
    row = {c.name: empty[c.type] for c in SILVER_MODELS.columns if not c.nullable}
    for number in range(2):
        file = place.store_row(SILVER_MODELS, "_work/x", {**row, "run_id": f"run-{number}"})
        place.commit(SILVER_MODELS, "_work/x", [file], "run")
    (tended,) = tend(place)
    table = DeltaTable(tmp_path / SILVER_MODELS.path)
    assert table.version() == 1  # nothing was to be done, so nothing was committed
    assert tended.removed == 0
    kept = table.metadata().configuration["delta.deletedFileRetentionDuration"]
    assert kept == "interval 91 days"


def test_short_retention_is_only_for_who_asks_for_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = parquet(place)
    assert upkeep(place, "--retention-days", "6") == 2
    assert "add --allow-short-retention to keep 6" in capsys.readouterr().err
    assert upkeep(place, "--retention-days", "-1", "--allow-short-retention") == 2
    assert parquet(place) == before
    capsys.readouterr()
    assert upkeep(place, "--retention-days", "0", "--allow-short-retention", "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert len(parquet(place)) == 1 + 2 + 1
    assert content(place, SILVER_MODELS)["model_id"].to_pylist() == [
        f"a/é{n}" for n in range(10, 16)
    ]


def test_a_warehouse_in_use_is_left_alone(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(place.rglob("*"))
    with Warehouse(str(place)).lock():
        assert upkeep(place) == 2
    assert "is being written by another run" in capsys.readouterr().err
    assert sorted(set(place.rglob("*")) - {place / "_work", place / "_work/lock"}) == before


@pytest.mark.parametrize("name", ["landing", "absent"])
def test_a_folder_that_is_no_warehouse_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "landing" / "models").mkdir(parents=True)
    (tmp_path / "landing" / "models" / "part-0.parquet").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    assert upkeep(tmp_path / name) == 2
    assert "no table of opentrace lies there" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_tables_of_another_layout_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path, SILVER_MODELS, models(0), layout=99)
    assert upkeep(tmp_path) == 2
    assert "written with version 99 of the tables" in capsys.readouterr().err


def test_a_file_that_is_gone_is_told_and_no_row_is_lost(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (uri, *_) = DeltaTable(place / GOLD_RUNS.path).file_uris()
    Path(uri.removeprefix("file://")).unlink()
    version = DeltaTable(place / GOLD_RUNS.path).version()
    assert upkeep(place) == 1
    assert "gold/runs: " in capsys.readouterr().err
    assert content_version(DeltaTable(place / GOLD_RUNS.path)) == version


def test_a_figure_of_a_past_day_is_read_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [(datetime(2026, 10, 26), 1), (datetime(2026, 11, 2), 2), (datetime(2026, 10, 19), 0)]
    for n in range(3):
        write_table(Path("WAREHOUSE"), GOLD_CONCENTRATION, [{"hhi": n / 10}], files=2)
    rows = [
        {
            "run_id": f"run-{n}",
            "finished_at": moment.replace(tzinfo=timezone.utc),
            "table_versions": json.dumps({GOLD_CONCENTRATION.path: 2 * n + 1}),
        }
        for moment, n in runs
    ]
    write_table(Path("WAREHOUSE"), GOLD_RUNS, rows)
    tend(Warehouse("WAREHOUSE"))
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["run"]["run_id"] == "run-1"
    assert found["then"]["hhi"].tolist() == [0.1]


def test_every_table_is_tended(tmp_path: Path) -> None:
    for spec in TABLES:
        write_table(tmp_path, spec, [], files=1)
    assert [t.path for t in tend(Warehouse(str(tmp_path)))] == [spec.path for spec in TABLES]
