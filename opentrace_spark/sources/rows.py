"""The rows of one kind of landing file, whatever the formats of its files."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import TYPE_CHECKING

from opentrace_spark.errors import ContentError
from opentrace_spark.sources.landing import Landing, LandingFile
from opentrace_spark.sources.parquet import check_parquet, count_parquet_rows, read_parquet
from opentrace_spark.sources.schemas import row_schema
from opentrace_spark.sources.text import check_text, read_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_FILES_AT_ONCE = 8


def check_files(landing: Landing) -> None:
    """Look at the footer, header or first record of every file, before any work is done.

    Raises ContentError for the first file (in order) that can't be used, with what to do.
    """
    _check(landing.files, check_parquet, check_text)


def read_rows(spark: SparkSession, landing: Landing, kind: str) -> DataFrame:
    """Every row of a kind as `schemas.row_schema(kind)`, an empty frame where it has no files.

    Starts no job. Row numbers count from 1 in each file. Raises ContentError as `check_files`.
    """
    files = landing.of_kind(kind)
    _check(files, None, check_text)
    texts = tuple(file for file in files if file.format != "parquet")
    frames = read_parquet(spark, landing, kind)
    if texts:
        frames.append(read_text(spark, kind, texts))
    if not frames:
        return spark.createDataFrame([], row_schema(kind))
    return reduce(lambda left, right: left.unionByName(right), frames)


def count_rows(spark: SparkSession, landing: Landing, kind: str) -> int:
    """How many rows the files of a kind have. Starts a job where there are text files."""
    texts = tuple(file for file in landing.of_kind(kind) if file.format != "parquet")
    in_texts = read_text(spark, kind, texts).count() if texts else 0
    return in_texts + count_parquet_rows(landing, kind)


def _check(
    files: tuple[LandingFile, ...],
    parquet: Callable[[LandingFile], object] | None,
    text: Callable[[LandingFile], object],
) -> None:
    def check(file: LandingFile) -> None:
        if file.size == 0:
            raise ContentError(
                f"{file.relative_path}: the file is empty (0 bytes); write it again or take it out"
            )
        look = parquet if file.format == "parquet" else text
        if look is not None:
            look(file)

    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        for _ in pool.map(check, files):
            pass
