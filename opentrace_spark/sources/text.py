"""CSV and JSON Lines files to typed rows, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from opentrace_spark.errors import ContentError
from opentrace_spark.sources.cells import PARSERS, UnparsableError, to_json
from opentrace_spark.sources.failures import TaskContentError
from opentrace_spark.sources.files import LandingFile
from opentrace_spark.sources.records import Record, first_object, read_header, read_records
from opentrace_spark.sources.schemas import (
    COLUMNS,
    KEEPS_OTHER_FIELDS,
    OTHER_FIELDS,
    arrow_schema,
    missing_columns,
    required_columns,
)

_BATCH_ROWS = 20_000
_BATCH_CHARACTERS = 8_000_000


def check_text(file: LandingFile) -> None:
    """Open a text file and look at its header or first record.

    Raises ContentError where it can't be read or a CSV header lacks a required column.
    """
    if file.format != "csv":
        return _check_first(file)
    header = read_header(file)
    missing = missing_columns(file.kind, header)
    if missing:
        columns = ", ".join(required_columns(file.kind) or missing)
        remedy = f"name the columns {columns} in the first line"
        if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
            remedy = "separate the cells by commas"
        raise ContentError(
            f"{file.relative_path}: the header has no column {' and '.join(missing)} "
            f"(it has {', '.join(map(repr, header))}); {remedy}"
        )


def _check_first(file: LandingFile) -> None:
    """Of JSON Lines the first record may lack what is null in it, but no model of leaderboard/."""
    first = first_object(file)
    if file.kind == "leaderboard" and isinstance(first, dict):
        for name in missing_columns(file.kind, first)[:1]:
            if name == "Model":
                raise ContentError(
                    f"{file.relative_path}: the first record has no key {name} "
                    f"(it has {', '.join(map(repr, first))}); name the models so"
                )


def read_text(file: LandingFile) -> Iterator[pa.RecordBatch]:
    """The typed rows of one file as `schemas.arrow_schema`, a few thousand at a time.

    A malformed row and one with a cell that does not parse have a `reason` and `raw_values`.
    Raises TaskContentError for what `records.read_records` refuses.
    """
    schema = arrow_schema(file.kind)
    columns: list[list[Any]] = [[] for _ in schema]
    characters = 0
    try:
        records = read_records(file, required_columns(file.kind))
        for number, record in enumerate(records, start=1):
            row = _typed(file.kind, record)
            row["source_file"], row["source_row"] = file.relative_path, number
            for values, name in zip(columns, schema.names, strict=True):
                values.append(row.get(name))
            characters += _length(record)
            if number % _BATCH_ROWS == 0 or characters > _BATCH_CHARACTERS:
                yield _batch(columns, schema)
                columns, characters = [[] for _ in schema], 0
    except ContentError as error:
        raise TaskContentError(str(error)) from None
    yield _batch(columns, schema)


def _batch(columns: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _length(record: Record) -> int:
    """About how much memory a record takes, in characters."""
    if isinstance(record, str):
        return len(record)
    return sum(len(cell) if isinstance(cell, str) else 100 for cell in record.values())


def _typed(kind: str, record: Record) -> dict[str, Any]:
    """The parsed cells; of a record that says something unusable only the reason and its text."""
    if isinstance(record, str):
        return {"reason": "malformed_row", "raw_values": _encodable(record)}
    row: dict[str, Any] = {}
    for rule in COLUMNS[kind]:
        cell = record.get(rule.name)
        if cell is not None:
            try:
                row[rule.name] = PARSERS[rule.form](cell)
            except UnparsableError:
                return {"reason": f"unparsable_{rule.name}", "raw_values": to_json(record)}
    if kind in KEEPS_OTHER_FIELDS and len(record) > len(row):
        known = {rule.name for rule in COLUMNS[kind]}
        other = {k: v for k, v in record.items() if k not in known and v is not None}
        row[OTHER_FIELDS] = to_json(other) if other else None
    return row


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
