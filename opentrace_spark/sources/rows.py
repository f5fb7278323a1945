"""The rows of one kind of landing file, whatever the formats of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa

from opentrace_spark.errors import ContentError
from opentrace_spark.sources.landing import Landing, LandingFile
from opentrace_spark.sources.parquet import check_parquet
from opentrace_spark.sources.parts import parts_of, read_part, shared_out
from opentrace_spark.sources.schemas import row_schema
from opentrace_spark.sources.text import check_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Filter = Callable[[pa.RecordBatch], pa.RecordBatch]

_FILES_AT_ONCE = 8
_TASKS_PER_CORE = 4


def check_files(landing: Landing) -> None:
    """Look at the footer, header or first record of every file, before any work is done.

    Raises ContentError for the first file (in order) that can't be used, with what to do.
    """
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        for _ in pool.map(_check, landing.files):
            pass


def read_rows(
    spark: SparkSession, landing: Landing, kind: str, keep: Filter | None = None
) -> DataFrame:
    """Every row of a kind as `schemas.row_schema(kind)`, an empty frame where it has no files.

    Starts no job. Row numbers count from 1 in each file. Tasks open the files themselves, and parse
    them anew for every use of the frame; `keep` is what they do with the rows before Spark gets
    them.
    """
    tasks = shared_out(
        parts_of(landing, kind), _TASKS_PER_CORE * spark.sparkContext.defaultParallelism
    )
    if not tasks:
        return spark.createDataFrame([], row_schema(kind))
    numbers = spark.range(0, len(tasks), 1, len(tasks))

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number in (row for batch in batches for row in batch["id"].to_pylist()):
            for part in tasks[number]:
                yield from read_part(part) if keep is None else map(keep, read_part(part))

    return numbers.mapInArrow(read, row_schema(kind))


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
