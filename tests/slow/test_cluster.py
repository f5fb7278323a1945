"""The job on a standalone cluster, called as the README says, gives the tables of local mode, also
when a worker is killed in the middle."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from opentrace_spark.config import load_config
from opentrace_spark.generator import generate_landing
from tests.compare import exact_rows
from tests.pipeline import read_tables, run_tables

ROOT = Path(__file__).parents[2]
_JOB_SECONDS = 900
_OTHER_SECONDS = 120

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated Hub; one week is a CSV file, which takes other ways than Parquet."""
    folder = tmp_path_factory.mktemp("cluster") / "landing"
    generate_landing(folder, models=600, weeks=12, seed=3)
    last = max((folder / "downloads").iterdir())
    pyarrow.csv.write_csv(pq.read_table(last), last.with_suffix(".csv"))
    last.unlink()
    return folder


@pytest.fixture(scope="module")
def expected(spark, landing, tmp_path_factory) -> dict[str, list[str]]:
    """The tables of local mode."""
    warehouse = tmp_path_factory.mktemp("local") / "warehouse"
    return exact_rows(run_tables(spark, landing, warehouse, load_config()))


def test_cluster_equals_local_mode(landing, expected, tmp_path):
    with _job(landing, tmp_path) as job:
        assert job.wait(_JOB_SECONDS) == 0, _log(tmp_path)[-5000:]
    assert exact_rows(read_tables(tmp_path / "warehouse")) == expected


def test_a_killed_worker_changes_nothing(landing, expected, tmp_path):
    with _job(landing, tmp_path) as job:
        # Tasks have just written first files of weeks: what they did before is lost with them.
        _wait_for(
            job, lambda: next(tmp_path.glob("warehouse/_work/built/*/scratch/work_weeks/week*"), 0)
        )
        executor = re.findall(r"Finished task .* \(executor (\d+)\)", _log(tmp_path))[-1]
        (home,) = (tmp_path / "cluster").glob(f"worker-*/app-*/{executor}")
        worker = _processes(tmp_path / "cluster")[home.parts[-3]]
        os.killpg(worker, signal.SIGKILL)  # with the executor, which is in the worker's group
        assert job.wait(_JOB_SECONDS) == 0, _log(tmp_path)[-5000:]
        master = (tmp_path / "cluster" / "logs" / "master").read_text()
    assert re.search(rf"Lost executor {executor} on 127\.0\.0\.1", _log(tmp_path))
    assert "Removing worker" in master[: master.index("Received unregister request")]
    assert exact_rows(read_tables(tmp_path / "warehouse")) == expected


@pytest.mark.parametrize("size", ["2g", "none"])
def test_a_start_that_fails_or_is_interrupted_leaves_nothing(tmp_path, size):
    with subprocess.Popen(
        [ROOT / "scripts" / "cluster", "start", tmp_path, "--memory", size],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as start:
        _wait_for(start, lambda: "master" in _processes(tmp_path))
        if size == "2g":
            os.killpg(start.pid, signal.SIGINT)  # as a terminal does
        _, said = start.communicate(timeout=_OTHER_SECONDS)
    assert start.returncode == 1
    assert said.count("\n") == 1
    assert ("interrupted" if size == "2g" else f"at the end of {tmp_path}/logs/worker-1") in said
    assert not _left_in(tmp_path)


@contextmanager
def _job(landing: Path, folder: Path) -> Iterator[subprocess.Popen]:
    """The README's call from `start` to `stop`, with a Python that knows the project's packages but
    not the project: that is in the wheel. Afterwards nothing of it may be running."""
    places = {"LANDING": landing, "WAREHOUSE": folder / "warehouse", "CLUSTER": folder / "cluster"}
    text = _readme_call(places | {"$PWD/.venv/bin/python": _bare_python(folder / "python")})
    with (folder / "log").open("w") as log:
        job = subprocess.Popen(
            ["sh", "-euc", text], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield job
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
            job.wait(_OTHER_SECONDS)
        stop = [ROOT / "scripts" / "cluster", "stop", folder / "cluster"]
        subprocess.run(stop, check=True, timeout=_OTHER_SECONDS)
    assert not _left_in(folder / "cluster")


def _readme_call(places: dict[str, Path]) -> str:
    """The README's text that starts a cluster, with places filled in."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    (text,) = (block for block in blocks if "scripts/cluster start" in block)
    for name, place in places.items():
        assert name in text
        text = text.replace(name, shlex.quote(str(place)))
    return text


def _bare_python(folder: Path) -> Path:
    """A virtual environment with the packages of this one, without what is installed as a link."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    (own / "packages.pth").write_text(sysconfig.get_path("purelib"))
    project = [python, "-c", "import pyspark, opentrace_spark"]
    tried = subprocess.run(project, cwd=folder, capture_output=True, text=True)
    assert "No module named 'opentrace_spark'" in tried.stderr
    return python


def _wait_for(job: subprocess.Popen, happened) -> None:
    end = time.monotonic() + _JOB_SECONDS
    while not happened():
        assert job.poll() is None, "the job ended before"
        assert time.monotonic() < end
        time.sleep(0.05)


def _log(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace")


def _processes(folder: Path) -> dict[str, int]:
    processes = folder / "processes"
    lines = processes.read_text().splitlines() if processes.exists() else []
    return {name: int(pid) for name, pid in (line.split() for line in lines)}


def _left_in(folder: Path) -> list[str]:
    """Processes whose current folder is below `folder`: all of a cluster's are."""
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                left.append((process / "cmdline").read_text())
        except OSError:
            continue
    return left
