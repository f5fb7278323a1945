"""Parquet files to typed rows: footers looked at on the driver, row groups read in tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from opentrace_spark.errors import ContentError
from opentrace_spark.locations import filesystem_of, first_line
from opentrace_spark.sources.failures import TaskContentError
from opentrace_spark.sources.files import LandingFile
from opentrace_spark.sources.parquet_columns import accepts, typed_batch
from opentrace_spark.sources.schemas import (
    COLUMNS,
    FORMS,
    KEEPS_OTHER_FIELDS,
    missing_columns,
    required_columns,
)

_BATCH_ROWS = 1 << 17


def check_parquet(file: LandingFile) -> pq.FileMetaData:
    """The footer of a file whose columns can be read as its kind's.

    Raises ContentError for a file without a readable footer, a required column that is missing,
    a canonical column of a wrong type, and a name that is there twice.
    """
    footer = read_footer(file)
    schema = footer.schema.to_arrow_schema()
    if len(set(schema.names)) < len(schema.names):
        raise ContentError(f"{file.relative_path}: two columns have one name; rename or remove one")
    missing = missing_columns(file.kind, schema.names)
    if missing:
        wanted = ", ".join(required_columns(file.kind) or missing)
        raise ContentError(
            f"{file.relative_path}: no column {' and '.join(missing)} "
            f"(it has {', '.join(schema.names)}); write {wanted}"
        )
    for rule in COLUMNS[file.kind]:
        if rule.name in schema.names and not accepts(rule.form, schema.field(rule.name).type):
            raise ContentError(
                f"{file.relative_path}: column {rule.name} is {schema.field(rule.name).type}, "
                f"expected {FORMS[rule.form].expected}; write it as that"
            )
    return footer


def read_footer(file: LandingFile) -> pq.FileMetaData:
    """The footer of a file. Raises ContentError where it has none that can be read."""
    filesystem, path = filesystem_of(file.uri)
    try:
        return pq.read_metadata(path, filesystem=filesystem)
    except (OSError, pa.ArrowException) as error:
        raise ContentError(
            f"{file.relative_path}: not a readable Parquet file ({first_line(error)}); "
            "write or download it again"
        ) from None


def read_row_group(file: LandingFile, number: int, first_row: int) -> Iterator[pa.RecordBatch]:
    """The typed rows of a row group as `schemas.arrow_schema`, in batches.

    `first_row` is the number of its first row in the file, from 1. Raises TaskContentError where
    it can't be read.
    """
    batches = _batches(file, number)
    while True:
        with _named_errors(file):
            batch = next(batches, None)
        if batch is None:
            return
        yield typed_batch(file, batch, first_row)
        first_row += len(batch)


def _batches(file: LandingFile, number: int) -> Iterator[pa.RecordBatch]:
    filesystem, path = filesystem_of(file.uri)
    with filesystem.open_input_file(path) as source:
        # Nanoseconds, the default for these, end in 2262.
        parquet = pq.ParquetFile(source, coerce_int96_timestamp_unit="us")
        wanted = None
        if file.kind not in KEEPS_OTHER_FIELDS:
            there = parquet.schema_arrow.names
            wanted = [rule.name for rule in COLUMNS[file.kind] if rule.name in there]
        yield from parquet.iter_batches(_BATCH_ROWS, [number], wanted, use_threads=False)


@contextmanager
def _named_errors(file: LandingFile) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise TaskContentError(
            f"{file.relative_path}: a part of the file can't be read (it is damaged or was "
            f"changed meanwhile: {first_line(error)}); write or download it again"
        ) from None
