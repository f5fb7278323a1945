"""One Spark session for all tests of a process, started by the first that needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, sync_playwright
from pyspark.sql import SparkSession

from opentrace_spark.session import build_session
from opentrace_spark.sources.landing import Landing, open_landing
from tests.browser import CHROMIUM

_SMALL_JOBS = {
    # Tests run hundreds of tiny jobs: starting fast matters, running fast does not.
    "spark.driver.extraJavaOptions": (
        "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
    ),
    # Nearly every plan is new, so that compiling and re-planning cost more than they save. One test
    # of tests/flow runs the whole flow both ways.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.databricks.delta.snapshotPartitions": "2",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The session, as the program builds it, with settings for small data."""
    session = build_session(
        threads=2,
        memory="2g",
        shuffle_partitions=1,
        scratch=str(tmp_path_factory.mktemp("spark")),
        extra={**_SMALL_JOBS, "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse"))},
    )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window; tests of the report page are skipped without it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; Debian and Ubuntu: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


Content = bytes | str | pa.Table
"""What a test puts into a file: bytes, UTF-8 text, or a table that is written as Parquet."""


@pytest.fixture
def write_files(tmp_path: Path) -> Callable[[dict[str, Content]], Path]:
    """Write files by relative path into a landing of this test; returns the landing."""

    def write(files: dict[str, Content]) -> Path:
        root = tmp_path / "landing"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pa.Table):
                pq.write_table(content, path)
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return write


@pytest.fixture
def make_landing(write_files: Callable[[dict[str, Content]], Path]) -> Callable[..., Landing]:
    """Open a landing of the given files; a model and a count are added where there are none."""

    def make(files: dict[str, Content]) -> Landing:
        needed = {
            "models/": ("models/models.csv", "id\na/b\n"),
            "downloads/": ("downloads/downloads.csv", "week,id,count\n2024-07-08,a/b,5\n"),
        }
        for folder, (name, content) in needed.items():
            if not any(path.startswith(folder) for path in files):
                files = {**files, name: content}
        return open_landing(str(write_files(files)))

    return make
