"""jobs/*.py under spark-submit, called as the README says, give the tables of the command line."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from opentrace_spark.config import load_config
from tests.compare import exact_rows
from tests.flow.landings import write_small_landing
from tests.pipeline import read_tables, run_tables

ROOT = Path(__file__).parents[2]


def readme_call(**places: Path) -> str:
    """The first shell text of the README's section on clusters, with places filled in."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## On a cluster")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    text = block.group(1)
    for name, place in places.items():
        assert name in text
        text = text.replace(name, shlex.quote(str(place)))
    return text


@pytest.mark.slow
def test_job_under_spark_submit_equals_the_command_line(spark, tmp_path):
    landing = write_small_landing(tmp_path / "landing")
    expected = run_tables(spark, landing, tmp_path / "here", load_config())
    # The project as its folder is after scripts/setup; job.conf must not be left in it.
    for name, there in {"conf": ROOT / "conf", "jobs": ROOT / "jobs", ".venv": sys.prefix}.items():
        (tmp_path / name).symlink_to(there)
    done = subprocess.run(
        ["sh", "-euc", readme_call(LANDING=landing, WAREHOUSE=tmp_path / "there")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"tables     {len(expected) + 1} in" in done.stdout
    assert exact_rows(read_tables(tmp_path / "there")) == exact_rows(expected)
