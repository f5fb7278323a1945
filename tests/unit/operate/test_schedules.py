"""The example schedules call the program as it is: every command parses, and the script works."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from opentrace_spark.options import build_parser

ROOT = Path(__file__).parents[3]
SCHEDULES = ROOT / "jobs" / "schedules"
FIELD = r"(?:\*|\d+)"


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The options as the program takes them. A wrong one ends the test."""
    return build_parser().parse_args(arguments)


def commands(text: str) -> list[argparse.Namespace]:
    """The calls of opentrace in a shell text: a word that ends so, up to the end of the command."""
    ends = text.replace("\\\n", " ").replace("&&", "\n").replace(";", "\n")
    found = []
    for line in ends.splitlines():
        if re.match(r"\s*([^\s\"]+/)?opentrace ", line):
            found.append(parsed(shlex.split(line, comments=True)[1:]))
    return found


def test_workflow_is_valid_and_its_commands_are_those_of_the_program() -> None:
    workflow: dict[Any, Any] = yaml.safe_load((SCHEDULES / "github_weekly.yml").read_text())
    ((entry,), *_) = workflow[True].values()  # YAML 1.1 takes `on` for a boolean
    assert re.fullmatch(" ".join([FIELD] * 5), entry["cron"])
    assert workflow["concurrency"]
    (job,) = workflow["jobs"].values()
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert steps[0] == "scripts/setup"
    found = [options for step in steps for options in commands(step)]
    assert [options.name for options in found] == ["collect", "update", "upkeep"]
    assert found[1].landing == str(found[0].out) == "$LANDING"
    assert found[1].warehouse == found[2].warehouse == "$WAREHOUSE"
    assert {"LANDING", "WAREHOUSE"} <= job["env"].keys()
    (kept,) = [step["with"]["path"] for step in job["steps"] if "metrics" in step.get("name", "")]
    assert str(found[1].metrics) == kept


def test_crontab_calls_the_script() -> None:
    lines = (SCHEDULES / "crontab").read_text().splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines[:-1])
    assert settings.keys() == {"CRON_TZ", "MAILTO"}
    entry = re.fullmatch(rf"({FIELD}(?: {FIELD}){{4}}) (/\S+)", lines[-1])
    assert entry is not None
    script = SCHEDULES / Path(entry.group(2)).name
    assert os.access(script, os.X_OK)
    assert entry.group(2).endswith(str(script.relative_to(ROOT)))


def test_script_calls_are_those_of_the_program() -> None:
    text = (SCHEDULES / "weekly.sh").read_text().replace('"$opentrace"', "opentrace")
    assert [options.name for options in commands(text)] == ["collect", "update", "upkeep"]


def week(tmp_path: Path, program: str) -> subprocess.CompletedProcess[str]:
    """The script with another program in the place of opentrace."""
    stand_in = tmp_path / "opentrace"
    stand_in.write_text(f"#!/bin/sh\n{program}\n")
    stand_in.chmod(0o755)
    places = {"OPENTRACE": stand_in, "OPENTRACE_LOGS": tmp_path / "logs"}
    environment = {**os.environ, **{name: str(place) for name, place in places.items()}}
    script = SCHEDULES / "weekly.sh"
    return subprocess.run([script], capture_output=True, text=True, env=environment)


def test_a_good_week_is_silent_and_logged(tmp_path: Path) -> None:
    done = week(tmp_path, 'echo "{\\"event\\": \\"$1\\"}" >&2')
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (log,) = (tmp_path / "logs").iterdir()
    assert log.read_text() == "".join(
        f'{{"event": "{name}"}}\n' for name in ("collect", "update", "upkeep")
    )


def test_a_failed_step_ends_the_week_with_its_status_and_last_words(tmp_path: Path) -> None:
    done = week(tmp_path, 'echo "said by $1" >&2; [ "$1" != update ] || exit 7')
    assert done.returncode == 7
    assert done.stdout.splitlines()[1:] == ["said by collect", "said by update"]
    assert done.stdout.startswith("opentrace: status 7; ")


@pytest.mark.parametrize("job", sorted((ROOT / "jobs").glob("*.py")), ids=lambda path: path.name)
def test_jobs_are_commands_of_the_program(job: Path) -> None:
    done = subprocess.run(
        [sys.executable, job, "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: opentrace {job.stem} ")


@pytest.mark.parametrize("page", ["docs/operations.md", "README.md"])
def test_page_shows_calls_that_the_program_takes(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    found = [options.name for block in blocks for options in commands(block)]
    assert {"collect", "update", "upkeep"} <= set(found)
    for name in re.findall(r"jobs/[a-z_/]+\.(?:py|sh|yml)", text):
        assert (ROOT / name).is_file(), name
