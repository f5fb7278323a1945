"""The README's first command, on a Hub that is smaller still."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.pipeline import call


def test_demo_ends_with_where_tables_and_report_are(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "place"
    demo = ["demo", "--out", out, "--models", 300, "--weeks", 60]
    status, said, errors = call(capsys, *demo)
    assert status == 0, errors
    assert f"in {out}/warehouse, run " in said
    assert said.splitlines()[-1].startswith(f"{out}/report/index.html, and ")
    pictures = [path.suffix for path in (out / "report" / "figures").iterdir()]
    assert pictures.count(".svg") == pictures.count(".png") > 18
    page = (out / "report" / "index.html").read_text()
    assert "</html>" in page
    landing = sorted(path.stat().st_mtime_ns for path in out.glob("landing*/**/*"))
    # Again: the landing is the right one by its name, and nothing has to be built.
    status, said, errors = call(capsys, *demo)
    assert status == 0, errors
    assert " unchanged" in said
    assert sorted(path.stat().st_mtime_ns for path in out.glob("landing*/**/*")) == landing


def test_demo_without_the_packages_of_the_report_says_so_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    for name in [name for name in sys.modules if name.startswith("opentrace_spark.publish.report")]:
        monkeypatch.delitem(sys.modules, name)
    status, _, errors = call(capsys, "demo", "--out", tmp_path / "place")
    assert status == 2
    assert "altair" in errors
    assert "opentrace-spark[report]" in errors
    assert not (tmp_path / "place").exists()
