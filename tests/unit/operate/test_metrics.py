"""The file for monitoring: what it says of a run that went well, and of those that did not."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from opentrace_spark import cli
from opentrace_spark.errors import CheckError, ContentError
from opentrace_spark.tables import GOLD_RUNS, GOLD_WEEKS, SILVER_REJECTS
from tests.unit.publish.small_tables import write_table

ODD = 'ware"house é'
MONDAYS = [date(2024, 7, day) for day in (1, 8, 15, 22)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A warehouse whose last run rejected three rows and knows two complete weeks, under a name
    that the format must escape."""
    warehouse = tmp_path / ODD
    written = {spec.path: 0 for spec in (GOLD_WEEKS, SILVER_REJECTS, GOLD_RUNS)}
    run: dict[str, Any] = {
        "run_id": "run-1",
        "version": "0.1.0",
        "tables_version": 4,
        "finished_at": datetime(2024, 8, 5, 6, 30, tzinfo=timezone.utc),
        "checks_passed": 47,
        "row_counts": json.dumps({"gold/weeks": 4, "silver/rejects": 3}),
        "table_versions": json.dumps(written),
    }
    write_table(warehouse, GOLD_RUNS, [run])
    weeks = [
        {"week_start": monday, "is_missing": n == 2, "is_complete": n != 3}
        for n, monday in enumerate(MONDAYS)
    ]
    write_table(warehouse, GOLD_WEEKS, weeks)
    reasons = ("empty_id", "duplicate_row", "empty_id")
    write_table(warehouse, SILVER_REJECTS, [{"reason": reason} for reason in reasons])
    return warehouse


def call(
    monkeypatch: pytest.MonkeyPatch, warehouse: Path, file: Path, error: BaseException | None
) -> int:
    """`opentrace run` whose work is a step and then, where one is given, an error."""

    def run(options: Any) -> None:
        options.watch.started("weeks", 1, 2)
        options.watch.finished("weeks", 4, 1.5)
        if error is not None:
            raise error

    monkeypatch.setattr(cli, "_run", run)
    command = ["run", "--landing", "x", "--warehouse", str(warehouse), "--metrics", str(file)]
    return cli.main(command)


def metrics(file: Path) -> dict[str, dict[str, float]]:
    """Name -> the labels beside warehouse -> value, as Prometheus reads the file."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(file.read_text(encoding="utf-8")):
        assert family.type == "gauge"
        for sample in family.samples:
            labels = dict(sample.labels)
            assert ODD in labels.pop("warehouse")
            name = sample.name.removeprefix("opentrace_")
            found.setdefault(name, {})[" ".join(labels.values())] = sample.value
    return found


STATE = {
    "run_info": {"run-1 4 0.1.0": 1},
    "run_end_timestamp_seconds": {"": datetime(2024, 8, 5, 6, 30, tzinfo=timezone.utc).timestamp()},
    "run_passed_checks": {"": 47},
    "table_rows": {"gold/weeks": 4, "silver/rejects": 3},
    "rejected_rows": {"empty_id": 2, "duplicate_row": 1},
    "last_complete_week_timestamp_seconds": {
        "": datetime(2024, 7, 8, tzinfo=timezone.utc).timestamp()
    },
}


@pytest.mark.parametrize(
    ("error", "status", "failed_checks"),
    [
        (None, 0, 0),
        (CheckError("check failed, nothing was published"), 1, 1),
        (ContentError("downloads/x.csv: can't be read"), 1, 0),
        (ZeroDivisionError(), 1, 0),
        (KeyboardInterrupt(), 130, 0),
    ],
)
def test_the_file_tells_how_the_call_went_and_what_the_warehouse_holds(
    monkeypatch: pytest.MonkeyPatch,
    place: Path,
    tmp_path: Path,
    error: BaseException | None,
    status: int,
    failed_checks: int,
) -> None:
    file = tmp_path / "opentrace.prom"
    file.write_text("that of the last call")
    assert call(monkeypatch, place, file, error) == status
    told = metrics(file)
    now = datetime.now(timezone.utc).timestamp()
    assert now - 60 < told.pop("attempt_end_timestamp_seconds")[""] <= now
    assert 0 < told.pop("attempt_duration_seconds")[""] < 60
    attempt = {
        "attempt_success": {"": float(status == 0)},
        "attempt_exit_status": {"": status},
        "attempt_failed_checks": {"": failed_checks},
        "attempt_step_duration_seconds": {"weeks": 1.5},
    }
    assert told == attempt | STATE
    assert {path.name for path in tmp_path.iterdir()} == {file.name, place.name}


def test_wrong_use_and_no_warehouse_are_told_too(tmp_path: Path) -> None:
    file = tmp_path / "opentrace.prom"
    warehouse = tmp_path / ODD
    command = ["update", "--landing", str(tmp_path / "absent"), "--warehouse", str(warehouse)]
    assert cli.main([*command, "--metrics", str(file)]) == 2
    told = metrics(file)
    assert (told["attempt_success"], told["attempt_exit_status"]) == ({"": 0}, {"": 2})
    assert all(name.startswith("attempt_") for name in told)


def test_a_place_that_cannot_be_written_is_told_before_the_run(
    monkeypatch: pytest.MonkeyPatch, place: Path, tmp_path: Path, capsys: Any
) -> None:
    assert call(monkeypatch, place, tmp_path / "absent" / "x.prom", AssertionError()) == 2
    assert "is no folder; make it first" in capsys.readouterr().err
    assert call(monkeypatch, place, tmp_path, AssertionError()) == 2
    assert "name a file in it" in capsys.readouterr().err


def test_a_disk_that_is_full_at_the_end_fails_the_call(
    monkeypatch: pytest.MonkeyPatch, place: Path, tmp_path: Path, capsys: Any
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("opentrace_spark.publish.metrics.write_to_textfile", full)
    assert call(monkeypatch, place, tmp_path / "x.prom", None) == 1
    assert "only --metrics can't be written" in capsys.readouterr().err
