"""docs/operations.md lists exit statuses and metrics: those that the program has, and no others."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opentrace_spark import cli
from opentrace_spark.errors import CheckError, ContentError, UsageError

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_table_lists_every_status_with_the_log_word_for_it() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", section("Exit status"), re.MULTILINE)
    assert {int(status): word for status, word in rows} == cli.STATUSES


def test_every_event_and_metric_is_explained() -> None:
    sources = [ROOT / "opentrace_spark" / name for name in ("cli.py", "publish/logs.py")]
    code = "".join(path.read_text() for path in sources)
    told = {*re.findall(r'tell\(\s*"(\w+)"', code), *re.findall(r'_say\([^"]*"(\w+)"', code), "log"}
    assert set(re.findall(r"^\| `(\w+)` \|", section("Logs"), re.MULTILINE)) == told
    code = (ROOT / "opentrace_spark" / "publish" / "metrics.py").read_text()
    made = {*re.findall(r'_gauges?\(\s*"(\w+)"', code), "run_info"}
    listed = re.findall(r"^\| `opentrace_(\w+?)(?:\{.*\})?` \|", section("Metrics"), re.MULTILINE)
    assert set(listed) == made


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (None, 0),
        (ContentError("x"), 1),
        (CheckError("x"), 1),
        (MemoryError(), 1),
        (UsageError("x"), 2),
        (KeyboardInterrupt(), 130),
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
    ],
)
def test_what_becomes_of_a_command_decides_its_status(
    monkeypatch: pytest.MonkeyPatch, what: Any, status: int
) -> None:
    def work(options: Any) -> None:
        if isinstance(what, signal.Signals):
            os.kill(os.getpid(), what)
            raise AssertionError("the signal did not come")
        if what is not None:
            raise what

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli, "_upkeep", work)
    assert cli.main(["upkeep", "--warehouse", "x"]) == status
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_run_that_was_publishing_when_it_had_to_end_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(options: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise ContentError("publishing was cut off; run the same again") from None

    monkeypatch.setattr(cli, "_upkeep", work)
    assert cli.main(["upkeep", "--warehouse", "x"]) == 143
    assert capsys.readouterr().err == "opentrace: publishing was cut off; run the same again\n"


def test_options_that_are_not_known_are_wrong_use() -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["upkeep", "--no-such-option"])
    assert stop.value.code == cli.WRONG_USE


def test_the_module_is_a_program_as_the_command_is() -> None:
    call = [sys.executable, "-m", "opentrace_spark.cli", "upkeep", "--no-such-option"]
    ended = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (cli.WRONG_USE, "")
    assert ended.stderr.startswith("usage: opentrace upkeep")
