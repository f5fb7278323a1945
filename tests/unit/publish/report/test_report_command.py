"""`opentrace report`: what it writes, what it refuses, and that it is the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from opentrace_spark.cli import main
from opentrace_spark.tables import GOLD_CONCENTRATION, GOLD_RUNS
from tests.unit.publish.report.hub_tables import write_core


def report(warehouse: Path, out: Path) -> int:
    return main(["report", "--warehouse", str(warehouse), "--out", str(out)])


def files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_same_warehouse_same_bytes_in_place_of_an_earlier_report(
    core: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    assert report(core, out) == 0
    said = capsys.readouterr().out
    assert "left out: leaderboards (gold/leaderboards is not in the warehouse)" in said
    first = files(out)
    (out / "figures" / "stale.svg").write_text("of an earlier report")
    assert report(core, out) == 0
    assert files(out) == first
    pictures = set(first) - {"index.html"}
    assert {"figures/shares.svg", "figures/shares.png"} <= pictures
    assert "figures/concentration-hhi.png" in pictures
    assert all(name.endswith((".svg", ".png")) for name in pictures)


def test_a_warehouse_without_the_core_tables_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert report(tmp_path / "empty", tmp_path / "out") == 2
    assert "no gold/weeks there; run opentrace run first" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("spec", [GOLD_CONCENTRATION, GOLD_RUNS])
def test_the_missing_table_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spec
) -> None:
    warehouse = write_core(tmp_path / "warehouse")
    (warehouse / spec.path).rename(tmp_path / "elsewhere")
    assert report(warehouse, tmp_path / "out") == 2
    assert f"no {spec.path} there" in capsys.readouterr().err


def test_a_folder_of_other_things_is_left_alone(
    core: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert report(core, tmp_path) == 2
    assert "thesis.txt" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
