"""Runs the real pipeline on a landing and reads its tables back, as tests compare them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from opentrace_spark.cli import main
from opentrace_spark.config import Config
from opentrace_spark.io import Warehouse
from opentrace_spark.run import RunResult, run
from opentrace_spark.sources.landing import open_landing
from opentrace_spark.tables import GOLD_RUNS, TABLES, TableSpec

Rows = list[dict[str, Any]]


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit status and the two outputs of a call of `opentrace`, in this process."""
    capsys.readouterr()
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


def run_tables(
    spark: SparkSession,
    landing: Path,
    warehouse: Path,
    config: Config,
    only: tuple[str, ...] = (),
) -> dict[str, Rows]:
    """Run the pipeline; table id -> rows of every table it committed but gold/runs."""
    run_pipeline(spark, landing, warehouse, config, only)
    return read_tables(warehouse)


def run_pipeline(
    spark: SparkSession,
    landing: Path,
    warehouse: Path,
    config: Config,
    only: tuple[str, ...] = (),
) -> RunResult:
    """Run the pipeline as the command line does."""
    return run(spark, open_landing(str(landing)), Warehouse(str(warehouse)), config, only=only)


def read_tables(warehouse: Path) -> dict[str, Rows]:
    """Table id -> rows, read without Spark."""
    return {
        spec.id: Warehouse(str(warehouse)).read(spec).to_pylist()
        for spec in TABLES
        if spec != GOLD_RUNS and (warehouse / spec.path).is_dir()
    }


def rewrite(warehouse: Path, spec: TableSpec, rows: list[dict[str, Any]]) -> None:
    """Make `rows` the table's content, in a new version of it."""
    location = warehouse / spec.path
    table = DeltaTable(location)
    write_deltalake(
        location,
        pa.Table.from_pylist(rows, schema=pa.schema(table.schema().to_arrow())),
        mode="overwrite",
        partition_by=table.metadata().partition_columns or None,
    )


@contextmanager
def changed_settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Other settings of the session within the block."""
    before = {key: spark.conf.get(key) for key in settings}
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, value in before.items():
            assert value is not None
            spark.conf.set(key, value)
