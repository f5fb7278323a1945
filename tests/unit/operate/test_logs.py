"""The log as JSON: every line that a command writes to standard error is one, also of a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from opentrace_spark.publish import logs
from opentrace_spark.tables import SILVER_MODELS
from tests.unit.publish.small_tables import write_table

ROOT = Path(__file__).parents[3]
MAIN = "import sys; from opentrace_spark.cli import main; sys.exit(main())"


def command(*arguments: object, code: str = MAIN) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **more}


def events(stderr: str) -> list[dict[str, Any]]:
    """The objects of a log, each of which must have what all have."""
    found = [json.loads(line) for line in stderr.splitlines()]
    for line in found:
        assert list(line)[:3] == ["time", "level", "event"]
        moment = datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%f%z")
        assert moment.utcoffset() == timedelta(0)
        assert abs(datetime.now(timezone.utc) - moment) < timedelta(minutes=30)
    return found


def run(*arguments: object, code: str = MAIN) -> tuple[int, str, list[dict[str, Any]]]:
    done = subprocess.run(
        command(*arguments, code=code), capture_output=True, text=True, env=environment()
    )
    return done.returncode, done.stdout, events(done.stderr)


def test_a_command_tells_its_start_its_work_and_its_end(tmp_path: Path) -> None:
    write_table(tmp_path, SILVER_MODELS, [{"model_id": "a/b"}, {"model_id": "a/c"}], files=2)
    status, out, told = run("upkeep", "--warehouse", tmp_path, "--log-format", "json")
    assert (status, out) == (
        0,
        "silver/models: 2 of 2 files combined to 1\n"
        "1 tables: 0 files of versions older than 91 days are gone, 0.0 MB\n",
    )
    assert [line["event"] for line in told] == ["started", "tended", "kept", "ended"]
    assert (told[0]["command"], told[1]["path"], told[1]["combined"]) == (
        *("upkeep", "silver/models"),
        2,
    )
    assert (told[-1]["status"], told[-1]["exit_status"], told[-1]["level"]) == ("done", 0, "info")
    assert told[-1]["seconds"] > 0
    assert "error" not in told[-1]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("run", "--landing", "absent", "--warehouse", "x"), "absent"),
        (("run", "--landing", "x", "--no-such-option"), "the following arguments are required"),
        (("collect", "--out", "x"), "name a --source"),
    ],
)
def test_wrong_use_is_the_error_of_the_end(arguments: tuple[str, ...], error: str) -> None:
    status, out, told = run(*arguments, "--log-format=json")
    assert (status, out) == (2, "")
    end = told[-1]
    assert (end["event"], end["level"], end["status"]) == ("ended", "error", "wrong use")
    assert end["exit_status"] == 2
    assert error in end["error"]


def test_a_defect_has_its_trace_in_one_line(tmp_path: Path) -> None:
    code = f"from opentrace_spark import upkeep; upkeep.tend = lambda *a, **b: 1 / 0; {MAIN}"
    arguments = ("upkeep", "--warehouse", tmp_path, "--log-format", "json", "--verbose")
    status, _, told = run(*arguments, code=code)
    assert status == 1
    assert "ZeroDivisionError" in told[-2]["trace"]
    assert told[-1]["error"].startswith("a defect of the program (ZeroDivisionError: ")
    assert told[-1]["status"] == "failed"


def test_what_libraries_log_and_warn_of_is_json_too(tmp_path: Path) -> None:
    code = (
        "import logging, warnings\n"
        "from opentrace_spark.publish.logs import log_as_json, tell\n"
        "log_as_json(logging.WARNING)\n"
        "logging.getLogger('a.library').warning('two\\nlines \\u2028 \\ud800')\n"
        "warnings.warn('old')\n"
        "tell('step_finished', step='x', rows=None)\n"
    )
    status, _, told = run(code=code)
    assert status == 0
    assert told[0]["logger"] == "a.library"
    assert told[0]["message"].startswith("two\nlines ")
    assert (told[1]["logger"], told[1]["level"]) == ("py.warnings", "warning")
    assert set(told[2]) == {"time", "level", "event", "step"}


def test_a_command_that_is_told_to_end_says_so(tmp_path: Path) -> None:
    code = (
        "import time; from opentrace_spark import upkeep\n"
        "def tend(*a, **b): print('at work', flush=True); time.sleep(60)\n"
        f"upkeep.tend = tend; {MAIN}"
    )
    arguments = ("upkeep", "--warehouse", tmp_path, "--log-format", "json")
    with subprocess.Popen(
        command(*arguments, code=code),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.terminate()
        _, err = process.communicate(timeout=30)
    end = events(err)[-1]
    assert process.returncode == end["exit_status"] == 143
    assert end["status"] == "terminated"
    assert end["error"].startswith("terminated; every table has its rows")


def test_long_work_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now, told = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(logs, "tell", lambda event, **fields: told.append(fields["done"]))
    bar = logs.LoggedBar()
    for second in range(0, 200):
        now[0] = 1000.0 + second
        bar.counted("models", second, 199)
    assert told == [0, 60, 120, 180, 199]


@pytest.mark.slow
def test_sparks_own_log_is_json_where_it_is_asked_for(tmp_path: Path) -> None:
    files = {"models": "id\na/b\n", "downloads": "week,id,count\n2024-07-08,a/b,5\n"}
    for name, text in files.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "part.csv").write_text(text)
    done = subprocess.run(
        command("check", "--landing", tmp_path, "--log-format", "json", "--memory", "1g"),
        capture_output=True,
        text=True,
        env=environment(OPENTRACE_SPARK_LOG="info"),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = events(done.stderr)
    assert any(line.get("logger", "").startswith("org.apache.spark.") for line in told)
    assert "ended" in {line["event"] for line in told}
