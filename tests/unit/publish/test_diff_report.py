"""What `opentrace diff` prints of small warehouses, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from opentrace_spark import cli
from opentrace_spark.tables import (
    GOLD_CONCENTRATION,
    GOLD_LEADERBOARDS,
    GOLD_RUNS,
    GOLD_SAMPLES,
    GOLD_USAGE_SHARES,
    GOLD_WEEKS,
    SILVER_LINEAGE,
    SILVER_MODELS,
    TABLES_VERSION,
)
from tests.unit.publish.small_tables import write_table

ODD = ('a|"b"', "[bold]x[/bold]", ":smile: [/]", "漢字/é\u202eгд", "[link=file:///x]y", "it's\\[")
"""Names that a terminal, a table or markup could take for something else."""
MONDAYS = [date(2024, 7, day) for day in (1, 8, 15)]
NOT_OURS = {"root": "string"}
CELL = {"level": "developer", "attribution": "none", "recency_window": "none"}


def run_row(number: int, **columns: Any) -> dict[str, Any]:
    moment = datetime(2024, 8, number, tzinfo=timezone.utc)
    values = {"windows": {"recency": ["none", "365d"]}, "periods": [{"name": "p"}]}
    row = {
        "run_id": f"run-{number}",
        "processed_at": moment,
        "finished_at": moment,
        "version": "0.1.0",
        "tables_version": TABLES_VERSION,
        "parameters": json.dumps(values),
        "inputs": json.dumps({"models/a.csv": {"bytes": 1, "sha256": "00"}}),
        "table_versions": json.dumps({spec.path: 0 for spec in (GOLD_WEEKS, GOLD_LEADERBOARDS)}),
        "notes": [],
    }
    return row | {
        k: v if isinstance(v, (list, int, str)) else json.dumps(v) for k, v in columns.items()
    }


def week_row(week: date, downloads: int | None, is_complete: bool = True) -> dict[str, Any]:
    return {
        "week_start": week,
        "is_missing": downloads is None,
        "is_complete": is_complete,
        "downloads": downloads,
    }


def leader(entity: str, rank: int, share: float, **cells: Any) -> dict[str, Any]:
    row = CELL | {"period": "all_time", "rank": rank, "entity": entity, "share": share}
    return row | cells


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two warehouses with runs, weeks and one leaderboard, alike."""
    for name in ("a", "b"):
        write_table(tmp_path / name, GOLD_RUNS, [run_row(1)])
        write_table(tmp_path / name, GOLD_WEEKS, [week_row(MONDAYS[0], 10)])
        write_table(tmp_path / name, GOLD_LEADERBOARDS, [leader("x", 1, 1.0)])
    return tmp_path / "a", tmp_path / "b"


def diff(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    status = cli.main(["diff", *map(str, arguments)])
    found = capsys.readouterr()
    assert (status, found.err) == (0, "")
    return found.out


def cells(printed: str) -> list[list[str]]:
    """The cells of each line; two spaces or more stand between them."""
    return [re.split(r" {2,}", line.strip()) for line in printed.splitlines()]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The message of a call that is wrong use."""
    try:
        status = cli.main(["diff", *map(str, arguments)])
    except SystemExit as stop:  # argparse
        status = stop.code
    assert status == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_what_runs_read_and_were_told(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    values = {
        "windows": {"recency": ["none", "90d"]},
        "periods": [{"name": "[q]"}],
        "new": {"x": 1},
    }
    now = run_row(
        2,
        parameters=values,
        inputs={"models/a.csv": {"bytes": 2, "sha256": "01"}, "downloads/[b].csv": {}},
        notes=["no annotations/"],
        version="0.2.0",
    )
    # The run that was committed last counts, wherever its row stands.
    write_table(pair[1], GOLD_RUNS, [now, run_row(1)])
    lines = diff(capsys, *pair).splitlines()
    assert lines[:4] == [
        f"A          {pair[0]}",
        f"           run run-1 of 2024-08-01 00:00 UTC, version 0.1.0, layout {TABLES_VERSION}",
        f"B          {pair[1]}",
        f"           run run-2 of 2024-08-02 00:00 UTC, version 0.2.0, layout {TABLES_VERSION}",
    ]
    assert lines[4:10] == [
        "inputs     1 only in B: downloads/[b].csv",
        "           1 changed: models/a.csv",
        "method     new.x: (none) -> 1",
        '           periods: [{"name": "p"}] -> [{"name": "[q]"}]',
        '           windows.recency: ["none", "365d"] -> ["none", "90d"]',
        "notes      only in B: no annotations/",
    ]
    assert lines[-1] == "All 2 tables hold the same rows, made with other method values."


def test_weeks_of_one_side_and_weeks_with_other_downloads(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [week_row(MONDAYS[0], 10), week_row(MONDAYS[1], None), week_row(MONDAYS[2], 5, False)]
    write_table(pair[0], GOLD_WEEKS, rows)
    rows = [week_row(MONDAYS[0], 1010), week_row(MONDAYS[1], 7), week_row(MONDAYS[2], 5)]
    write_table(pair[1], GOLD_WEEKS, rows)
    printed = diff(capsys, *pair)
    assert "weeks      2 in both; the last complete one of both is 2024-07-01" in printed
    assert "           1 only in B: 2024-07-08" in printed
    assert "           complete on one side only: 2024-07-15" in printed
    assert "           --week 2024-07-01:2024-07-15 compares the last complete one of" in printed
    assert ["2024-07-01", "10", "1,010", "+1,000"] in cells(printed)


def test_names_are_printed_as_they_are(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for number, warehouse in enumerate(pair):
        leaders = [leader(name, i, 0.1 + number / 10) for i, name in enumerate(ODD, 1)]
        write_table(warehouse, GOLD_LEADERBOARDS, leaders)
        lineage = [
            {"model_id": name, "model_key": i, "root_id": ODD[number], "status": "root"}
            for i, name in enumerate(ODD)
        ]
        write_table(warehouse, SILVER_LINEAGE, lineage)
    printed = diff(capsys, *pair)
    for name in ODD:
        shown = name.replace("\u202e", "\\u202e")
        found = [line for line in printed.splitlines() if line.startswith(f"{shown}  ")]
        assert len(found) == 2, name  # once with its share, once with its root
    assert ["[bold]x[/bold]", 'a|"b"', "(itself)", "-"] in cells(printed)


def test_models_with_another_root_come_by_their_downloads(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    models = [("o/a", 5), ("o/b", 7), ("o/c", 5), ("o/d", 900), ("o/e", 0)]
    for warehouse, roots in zip(pair, ("rrrrs", "srrsr"), strict=True):
        lineage = [
            {
                "model_id": name,
                "model_key": -key,
                "root_id": f"o/{root}",
                "parent_id": None if root == "r" else "o/p",
                "status": "root",
                "family_id": "o/f",
            }
            for key, ((name, _), root) in enumerate(zip(models, roots, strict=True))
        ]
        lineage.append(lineage[0] | {"model_id": f"o/in-{warehouse.name}", "model_key": 99})
        write_table(warehouse, SILVER_LINEAGE, lineage)
        rows = [
            {"model_id": name, "model_key": -key, "total_downloads": downloads}
            for key, (name, downloads) in enumerate(models)
        ]
        write_table(warehouse, SILVER_MODELS, rows)
    printed = diff(capsys, *pair, "--top", 2)
    assert (
        "lineage    of 5 models in both: 3 another root, 3 another parent, 0 another status, "
        "0 another family"
    ) in printed
    assert "           1 models only in A, 1 only in B" in printed
    table = printed.split("Models with another root")[1].splitlines()[2:5]
    assert cells("\n".join(table)) == [
        ["o/d", "o/r", "o/s", "900"],
        ["o/a", "o/r", "o/s", "5"],
        ["and 1 more (--top 3)"],
    ]


def test_lineage_without_downloads_is_ordered_by_name(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for warehouse, root in zip(pair, "xy", strict=True):
        rows = [
            {"model_id": f"o/{name}", "model_key": key, "root_id": root}
            for key, name in enumerate("cab")
        ]
        write_table(warehouse, SILVER_LINEAGE, rows)
    printed = diff(capsys, *pair)
    assert [row for row in cells(printed) if row[0] in ("o/a", "o/b", "o/c")] == [
        ["o/a", "x", "y", "-"],
        ["o/b", "x", "y", "-"],
        ["o/c", "x", "y", "-"],
    ]


def test_tables_of_another_layout_are_compared_where_they_can_be(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = pair
    write_table(old, GOLD_RUNS, [run_row(1, tables_version=2)], layout=2)
    shutil.rmtree(old / GOLD_LEADERBOARDS.path)
    write_table(old, GOLD_LEADERBOARDS, [{"rank": 1, "entity": "x", "share": 0.5}], layout=2)
    ours = {"model_id": "o/a", "status": "root"}
    write_table(old, SILVER_LINEAGE, [ours | {"root": "o/a"}], columns=NOT_OURS)
    write_table(new, SILVER_LINEAGE, [ours | {"root_id": "o/a"}])
    printed = diff(capsys, old, new)
    assert (
        "lineage    of 1 models in both: root: unknown, parent: unknown, 0 another status, "
        "family: unknown\n"
    ) in printed
    assert (
        f"layout     the tables of A have layout version 2, {TABLES_VERSION}, "
        f"those of B {TABLES_VERSION}, this program writes {TABLES_VERSION}; "
        "compared is what both have"
    ) in printed
    assert (
        "shares     not compared: gold/leaderboards in A has no period, level, attribution, "
        "recency_window\n"
    ) in printed
    assert ["gold/leaderboards", "0, 0", "not compared"] in cells(printed)
    assert (
        "changed    silver/lineage: only in A: root\n"
        "           silver/lineage: only in B: root_id\n"
        "           gold/leaderboards: the key differs; only in B: level, attribution, "
        "recency_window, period\n"
    ) in printed
    assert printed.splitlines()[-1] == "2 of 3 tables differ."


def test_tables_of_one_side_and_tables_of_another_run(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(pair[0], GOLD_SAMPLES, [{"sample": "all", "models": 1}])
    write_table(pair[1], GOLD_WEEKS, [week_row(MONDAYS[0], 10)])
    shutil.rmtree(pair[1] / GOLD_LEADERBOARDS.path)
    printed = diff(capsys, *pair)
    assert "           gold/samples is not of the last run\n" in printed
    assert "           gold/weeks was written after the last run\n" in printed
    assert "shares     not compared: gold/leaderboards is not in B\n" in printed
    assert (
        "shares     not compared: gold/usage_shares is not in A; gold/usage_shares is not in B\n"
        in printed
    )
    assert (
        "lineage    not compared: silver/lineage is not in A; silver/lineage is not in B\n"
        in printed
    )
    assert ["gold/samples", "0, -", "only in A"] in cells(printed)
    assert ["gold/leaderboards", "0, -", "only in A"] in cells(printed)
    assert ["gold/weeks", "0, 1", "identical", "1"] in cells(printed)
    assert printed.splitlines()[-1] == "2 of 3 tables differ."


def test_warehouses_without_a_recorded_run(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(pair[0] / GOLD_RUNS.path)
    printed = diff(capsys, *pair)
    assert "no run is recorded in gold/runs: its inputs and method are not known" in printed
    assert "\nmethod" not in printed
    assert printed.splitlines()[-1] == "The 2 tables are the same, bit for bit."


def test_options_narrow_and_pair_what_is_compared(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for warehouse, window in zip(pair, ("365d", "90d"), strict=True):
        windows = [{"recency_window": name} for name in ("none", window)]
        measures = {"week_start": MONDAYS[0], "scope": "all", "hhi": 0.5, "top_1_share": 0.5}
        rows = [CELL | measures | cell for cell in windows]
        rows[1]["hhi"] = int(window[:-1]) / 1000
        write_table(warehouse, GOLD_CONCENTRATION, rows)
        leaders = [leader("x", 1, 0.5, **cell) for cell in windows]
        leaders[1]["share"] = int(window[:-1]) / 1000
        write_table(warehouse, GOLD_LEADERBOARDS, leaders)
    printed = diff(capsys, *pair)
    assert "windows    365d only in A; 90d only in B; for example --window 365d:90d" in printed
    assert "figures    the same: developer\n" in printed
    assert "shares     the same: developer, all time" in printed
    found = cells(diff(capsys, *pair, "--window", "365d:90d", "--level", "developer"))
    week, cell = "2024-07-01", "none, 365d:90d"
    change = ["0.36500", "0.09000", "-0.27500", "-75.34%"]
    assert [week, cell, "HHI", *change] in found
    assert ["x", cell, "1", "1", "36.500%", "9.000%", "-27.500 pp"] in found
    # One warehouse may be compared with itself: what does the window move?
    found = cells(diff(capsys, pair[0], pair[0], "--window", "none:365d"))
    assert ["x", "none, none:365d", "1", "1", "50.000%", "36.500%", "-13.500 pp"] in found


def test_a_week_of_one_side_is_compared_with_another_of_the_other(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for warehouse, weeks in zip(pair, (MONDAYS[:1], MONDAYS[:2]), strict=True):
        write_table(warehouse, GOLD_WEEKS, [week_row(week, 10) for week in weeks])
        shares = [
            CELL | {"week_start": week, "rank": 1, "entity": "x", "share": 1 / week.day}
            for week in weeks
        ]
        write_table(warehouse, GOLD_USAGE_SHARES, shares)
        measures = [
            CELL | {"week_start": week, "scope": "all", "hhi": 1 / week.day} for week in weeks
        ]
        write_table(warehouse, GOLD_CONCENTRATION, measures)
    printed = diff(capsys, *pair)
    assert "week of 2024-07-01" in printed.split("shares     the same: ")[1].splitlines()[0]
    printed = diff(capsys, *pair, "--week", "2024-07-03:2024-07-14")
    assert "Shares, developer, week of 2024-07-01:2024-07-08: 1 moved" in printed
    found = cells(printed)
    assert ["x", "none, none", "1", "1", "100.000%", "12.500%", "-87.500 pp"] in found
    figure = ["none, none", "HHI", "1.00000", "0.12500", "-0.87500", "-87.50%"]
    assert ["2024-07-01:2024-07-08", *figure] in found


def test_wrong_use_is_refused_with_a_remedy(
    pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = pair
    write_table(a, GOLD_CONCENTRATION, [CELL | {"week_start": MONDAYS[0], "scope": "all"}])
    assert refused(capsys, a, tmp_path / "none") == (
        f"opentrace: WAREHOUSE_B {tmp_path}/none: no table of opentrace lies there; name the "
        "folder that `opentrace run --warehouse` wrote"
    )
    assert "WAREHOUSE_A" in refused(capsys, tmp_path, b)
    (tmp_path / "file").touch()
    assert f"{tmp_path}/file is a file" in refused(capsys, a, tmp_path / "file")
    assert "--window 30d: A has no 30d; it has none" in refused(capsys, a, b, "--window", "30d")
    assert "names one value" in refused(capsys, a, b, "--window", "a:b:c")
    assert "A has no leaf" in refused(capsys, a, b, "--attribution", "leaf:root")
    assert "2024-07-08 is no week of A; they go from 2024-07-01 to" in refused(
        capsys, a, b, "--week", "2024-07-09"
    )
    for week in ("9", "2024-07-01:2024-07-01:2024-07-01", "2024-07-01:"):
        assert "is no date like" in refused(capsys, a, b, "--week", week)
    assert "--top 0" in refused(capsys, a, b, "--top", "0")
    assert "--level" in refused(capsys, a, b, "--level", "galaxy")
    assert "the following arguments" in refused(capsys, a)
    for out in (tmp_path / "file", a):
        assert f"--out {out} is there and not an empty folder" in refused(
            capsys, a, b, "--out", out
        )
    assert not (tmp_path / "none").exists()


def test_a_table_that_cannot_be_read_is_named_and_out_is_not_left_half_full(
    pair: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(pair[1], GOLD_SAMPLES, [{"sample": "all", "models": 1}])
    write_table(pair[0], GOLD_SAMPLES, [{"sample": "all", "models": 2}])
    (file,) = (pair[1] / GOLD_SAMPLES.path).glob("*.parquet")
    file.write_bytes(b"not Parquet")
    before = sorted(tmp_path.iterdir())
    assert cli.main(["diff", *map(str, pair), "--out", str(tmp_path / "out")]) == 1
    assert "opentrace: a table can't be read" in capsys.readouterr().err.splitlines()[-1]
    assert sorted(tmp_path.iterdir()) == before
