"""A model as the Hub's list has it, as a row of a snapshot.

What is an object or a list in JSON stays JSON text, and times stay as the Hub writes them: readers
of a landing understand both, and nothing is lost when the Hub adds a key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from opentrace_spark.sources.cells import encodes, to_json

EXPAND = (
    *("author", "createdAt", "lastModified", "tags", "pipeline_tag", "library_name", "likes"),
    *("downloads", "downloadsAllTime", "cardData", "safetensors", "gguf", "siblings"),
    *("usedStorage", "gated", "baseModels", "private"),
)
"""What is asked for; `_id` and `id` always come. `private` keeps the token's own models out."""


class MalformedError(ValueError):
    """A record that is no row; the text is its reason."""


def row_of(record: Any) -> dict[str, Any]:
    """The cells of a record, by the names of SCHEMA. Raises MalformedError."""
    if not isinstance(record, dict) or not record.get("id"):
        raise MalformedError("malformed_row")
    row = {}
    for name, (_, read) in _COLUMNS.items():
        value = record.get(name)
        try:
            row[name] = None if value is None else read(value)
        except (ValueError, RecursionError):
            raise MalformedError(f"unparsable_{name}") from None
    return row


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows as a table of SCHEMA."""
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not (value.isascii() or encodes(value)):
        raise ValueError
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _gate(value: Any) -> str:
    return to_json(value) if isinstance(value, bool) else _text(value)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError
    return [_text(item) for item in value]


def _object(value: Any) -> str:
    if not isinstance(value, dict):
        raise ValueError
    return to_json(value)


_Read = Callable[[Any], Any]
_COLUMNS: dict[str, tuple[pa.DataType, _Read]] = {
    "_id": (pa.string(), _text),
    "id": (pa.string(), _text),
    "author": (pa.string(), _text),
    "createdAt": (pa.string(), _text),
    "lastModified": (pa.string(), _text),
    "tags": (pa.list_(pa.string()), _texts),
    "pipeline_tag": (pa.string(), _text),
    "library_name": (pa.string(), _text),
    "likes": (pa.int64(), _integer),
    "downloads": (pa.int64(), _integer),
    "downloadsAllTime": (pa.int64(), _integer),
    "cardData": (pa.string(), _object),
    "safetensors": (pa.string(), to_json),
    "gguf": (pa.string(), to_json),
    "siblings": (pa.string(), to_json),
    "usedStorage": (pa.int64(), _integer),
    "gated": (pa.string(), _gate),
    "baseModels": (pa.string(), _object),
}

SCHEMA = pa.schema([(name, type_) for name, (type_, _) in _COLUMNS.items()])
"""The columns of a collected snapshot."""

DICTIONARY = ["author", "pipeline_tag", "library_name", "gated", "tags.list.element"]
"""Columns with few values."""
