"""The collector at 200,000 models: killed at any moment, and in memory that does not grow."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark.collect.datasets import REPOSITORIES
from tests.fake_hub import COMMIT, Dataset, FakeHub, ManyModels, serving

ROOT = Path(__file__).parents[3]
COMMAND = "import sys; from opentrace_spark.cli import main; sys.exit(main(sys.argv[1:]))"
MODELS, FEW, KILLS, SEED = 200_000, 20_000, 10, 20261123
PAGES = MODELS // 1000


def start(hub: FakeHub, out: Path, *more: str) -> subprocess.Popen:
    """`opentrace collect --source hub`, as a process of its own."""
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "PYTHONPATH": str(ROOT)}
    arguments = ["collect", "--source", "hub", "--out", str(out), "--quiet", *more]
    return subprocess.Popen([sys.executable, "-c", COMMAND, *arguments], env=environment, cwd=ROOT)


def end(process: subprocess.Popen) -> int:
    """Wait for the process to succeed; its peak memory in MiB."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss // (1 if sys.platform != "darwin" else 1024) // 1024


def content(out: Path) -> dict[str, bytes]:
    """The one snapshot, file by file; of the manifest all but the times."""
    (folder,) = (out / "snapshots").iterdir()
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    manifest = json.loads(files["_manifest.json"])
    assert manifest.pop("started") < manifest.pop("finished")
    return {**files, "_manifest.json": json.dumps(manifest).encode()}


@pytest.fixture(scope="module")
def large() -> Iterator[FakeHub]:
    with serving(FakeHub(ManyModels(MODELS))) as hub:
        yield hub


@dataclass
class Undisturbed:
    content: dict[str, bytes]
    memory: int


@pytest.fixture(scope="module")
def undisturbed(large: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    out = tmp_path_factory.mktemp("undisturbed")
    memory = end(start(large, out))
    assert large.page_requests() == list(range(1, PAGES + 1))
    return Undisturbed(content(out), memory)


def test_collect_needs_no_more_memory_for_more_models(undisturbed, tmp_path):
    with serving(FakeHub(ManyModels(FEW))) as hub:
        memory = end(start(hub, tmp_path))
    assert undisturbed.memory < memory + 50, "MiB for ten times as many models"


def test_collect_killed_at_any_moment_gives_the_same_snapshot(large, undisturbed, tmp_path):
    chance = random.Random(SEED)
    large.requests.clear()
    for kill_at in sorted(chance.sample(range(1, PAGES), KILLS)):
        process = start(large, tmp_path)
        while kill_at not in large.page_requests():
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    end(start(large, tmp_path))

    assert content(tmp_path) == undisturbed.content
    asked = large.page_requests()
    again = [number for before, number in pairwise(asked) if number == before]
    # In order; what was on its way when the process died is asked once more, nothing else is.
    assert asked == sorted(asked)
    assert len(asked) == PAGES + len(again)
    assert len(again) <= KILLS


def test_download_killed_goes_on_with_the_bytes_that_are_there(tmp_path):
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [f"owner/{number}" for number in range(100_000)]}), buffer)
    content = buffer.getvalue()
    repository = REPOSITORIES["weekly-snapshots"]
    with serving(FakeHub()) as hub:
        hub.datasets[repository] = Dataset({"models/2026-11-18/models.parquet": content})
        path = f"/datasets/{repository}/resolve/{COMMIT}/models/2026-11-18/models.parquet"
        hub.moods[path] = [("drip", 10_000)]
        process = start(hub, tmp_path, "--source", "weekly-snapshots")
        while not any(part.stat().st_size for part in tmp_path.glob("snapshots/_*/*.part")):
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
        process.wait()
        end(start(hub, tmp_path, "--source", "weekly-snapshots"))
    first, second = (request for request in hub.requests if request.path == path)
    assert "range" not in first.headers
    assert second.headers["range"] > "bytes=0-"
    assert (tmp_path / "snapshots" / "2026-11-18" / "models.parquet").read_bytes() == content
