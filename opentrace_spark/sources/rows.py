"""The rows of one kind of landing file, whatever the formats of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa

from opentrace_spark.errors import ContentError
from opentrace_spark.sources.files import LandingFile
from opentrace_spark.sources.landing import Landing
from opentrace_spark.sources.parquet import check_parquet
from opentrace_spark.sources.parts import FILES_AT_ONCE, parts_of, read_part, shared_out
from opentrace_spark.sources.schemas import row_schema
from opentrace_spark.sources.text import check_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

Batches = Iterable[pa.RecordBatch]
Filter = Callable[[pa.RecordBatch], pa.RecordBatch]

_TASKS_PER_CORE = 4


def check_files(landing: Landing) -> None:
    """Look at the footer, header or first record of every file, before any work is done.

    Raises ContentError for the first file (in order) that can't be used, with what to do.
    """
    # Snapshots are read for their counters, and once more for what they say of the models.
    files = (*landing.files, *landing.snapshots_as("models").files)
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        for _ in pool.map(_check, files):
            pass


def read_rows(
    spark: SparkSession, landing: Landing, kind: str, keep: Filter | None = None
) -> DataFrame:
    """Every row of a kind as `schemas.row_schema(kind)`, an empty frame where it has no files.

    Starts no job. Row numbers count from 1 in each file. Tasks open the files themselves, and parse
    them anew for every use of the frame; `keep` is what they do with the rows before Spark gets
    them.
    """

    def kept(rows: Batches) -> Batches:
        return rows if keep is None else map(keep, rows)

    return map_rows(spark, landing, kind, kept, row_schema(kind))


def map_rows(
    spark: SparkSession,
    landing: Landing,
    kind: str,
    function: Callable[[Batches], Batches],
    schema: StructType,
) -> DataFrame:
    """What a function on workers makes of the rows of a kind: a frame of `schema`, empty where the
    kind has no files.

    Each task reads some of the files or their row groups, in order, as `schemas.arrow_schema`.
    """
    parts = parts_of(landing, kind)
    if not parts:
        return spark.createDataFrame([], schema)
    tasks = shared_out(parts, _TASKS_PER_CORE * spark.sparkContext.defaultParallelism)
    numbers = spark.range(0, len(tasks), 1, len(tasks))

    def work(batches: Batches) -> Batches:
        for number in (row for batch in batches for row in batch["id"].to_pylist()):
            yield from function(chain.from_iterable(map(read_part, tasks[number])))

    return numbers.mapInArrow(work, schema)


def count_rows(spark: SparkSession, landing: Landing, kind: str) -> int:
    """How many rows the files of a kind have. Starts a job where there are text files."""
    parts = parts_of(landing, kind)
    if all(part.rows is not None for part in parts):
        return sum(part.rows or 0 for part in parts)
    return read_rows(spark, landing, kind).count()


def _check(file: LandingFile) -> None:
    if file.size == 0:
        raise ContentError(
            f"{file.relative_path}: the file is empty (0 bytes); write it again or take it out"
        )
    look = check_parquet if file.format == "parquet" else check_text
    look(file)
