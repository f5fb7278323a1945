"""Files of a landing to typed records; rows that say something unusable become rejects."""

from __future__ import annotations

import ast
import bz2
import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS: dict[str, dict[str, str]] = {
    "downloads": {"week": "date", "id": "text", "count": "integer"},
    "snapshots": {
        "_id": "text",
        "id": "text",
        "createdAt": "timestamp",
        "downloadsAllTime": "integer",
    },
    "models": {
        "_id": "text",
        "id": "text",
        "author": "text",
        "createdAt": "timestamp",
        "lastModified": "timestamp",
        "tags": "texts",
        "pipeline_tag": "text",
        "library_name": "text",
        "likes": "integer",
        "downloads": "integer",
        "downloadsAllTime": "integer",
        "cardData": "json",
        "safetensors": "json",
        "gguf": "json",
        "siblings": "json",
        "usedStorage": "integer",
        "gated": "text",
        "baseModels": "json",
    },
    "organizations": {"org": "text"},
    "aliases": {"legacy_id": "text", "current_id": "text"},
    "annotations": {"id": "text", "derived_from": "text", "annotator": "text"},
}
"""Type of each column that is used; columns not listed here are kept as they are."""

IDS = {
    "downloads": ("id",),
    "snapshots": ("id",),
    "models": ("id",),
    "organizations": ("org",),
    "aliases": ("legacy_id", "current_id"),
    "annotations": ("id",),
}

CONTROL = re.compile("[\u0000-\u001f\u007f-\u009f]")


@dataclass(frozen=True)
class Record:
    """A row of a file: where it stands, and its cells (only those that are not null)."""

    file: str
    row: int
    cells: dict[str, Any]

    def get(self, column: str) -> Any:
        """The cell, None where null or absent."""
        return self.cells.get(column)

    def rejected(self, reason: str) -> dict[str, Any]:
        """The row of silver/rejects for this record."""
        return {"source_file": self.file, "row": self.row, "reason": reason}


class UnparsableError(Exception):
    """A cell that does not parse as its column's type."""


def has_files(landing: Path, kind: str) -> bool:
    """Whether the folder has a file that is read."""
    return any(True for _ in _files(landing / kind))


def read_kind(landing: Path, kind: str) -> tuple[list[Record], list[dict[str, Any]]]:
    """Usable records of a folder in the order of path and row, and its rejects."""
    records: list[Record] = []
    rejects: list[dict[str, Any]] = []
    paths = dated_files(landing) if kind == "snapshots" else _files(landing / kind)
    for path in sorted(paths, key=lambda p: p.relative_to(landing).as_posix()):
        name = path.relative_to(landing).as_posix()
        for row, cells in enumerate(_rows(path), start=1):
            if cells is None:
                rejects.append(Record(name, row, {}).rejected("malformed_row"))
                continue
            record, reason = _typed(kind, name, row, cells)
            if reason:
                rejects.append(record.rejected(reason))
            else:
                records.append(record)
    return records, rejects


def read_descriptions(landing: Path) -> list[Record]:
    """Rows of snapshots/ that describe a model, as rows of models/, in order."""
    found = []
    for path in sorted(dated_files(landing), key=lambda p: p.relative_to(landing).as_posix()):
        name = path.relative_to(landing).as_posix()
        for row, cells in enumerate(_rows(path), start=1):
            record, reason = _typed("models", name, row, cells or {})
            if reason is None and record.get("lastModified") is not None:
                found.append(record)
    return found


def dated_files(landing: Path) -> Iterator[Path]:
    """The files of the snapshots that are whole."""
    folder = landing / "snapshots"
    for dated in folder.iterdir() if folder.is_dir() else ():
        manifest = dated / "_manifest.json"
        left = [path.name for path in dated.iterdir() if path.name[0] == "_"]
        if dated.name[0] in "._":
            continue
        if manifest.exists():
            named = json.loads(manifest.read_text(encoding="utf-8"))["files"]
            yield from (dated / entry["name"] for entry in named if entry["name"][0] not in "._")
        elif set(left) <= {"_SUCCESS"}:
            yield from _files(dated)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name[0] in "._":
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _rows(path: Path) -> Iterator[dict[str, Any] | None]:
    """Raw cells of each record; None for a record that is none."""
    suffixes = [s for s in path.suffixes if s not in (".gz", ".bz2", ".zst")]
    if suffixes[-1] == ".parquet":
        for batch in pq.ParquetFile(path).iter_batches():
            yield from batch.to_pylist()
    elif suffixes[-1] == ".csv":
        reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
        header = next(reader)
        for cells in reader:
            whole = len(cells) == len(header)
            yield {k: v or None for k, v in zip(header, cells, strict=True)} if whole else None
    else:
        for line in _text(path).removesuffix("\n").split("\n"):
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            yield value if isinstance(value, dict) else None


def _text(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".bz2":
        data = bz2.decompress(data)
    elif path.suffix == ".zst":
        data = pa.input_stream(str(path), compression="zstd").read()
    return data.decode("utf-8-sig")


def _typed(kind: str, name: str, row: int, raw: dict[str, Any]) -> tuple[Record, str | None]:
    """The record with parsed cells, and the first reason to reject it."""
    cells: dict[str, Any] = {}
    unparsable = None
    for column, value in raw.items():
        if value is None or (kind == "snapshots" and column not in COLUMNS[kind]):
            continue
        try:
            cells[column] = PARSERS[COLUMNS[kind].get(column, "any")](value)
        except UnparsableError:
            unparsable = unparsable or f"unparsable_{column}"
    record = Record(name, row, cells)
    return record, unparsable or _unusable(kind, record)


def _unusable(kind: str, record: Record) -> str | None:
    if kind == "downloads":
        for column in ("week", "count"):
            if record.get(column) is None:
                return f"missing_{column}"
        if record.get("count") < 0:
            return "negative_count"
    if kind == "snapshots":
        if record.get("downloadsAllTime") is None:
            return "missing_downloadsAllTime"
        if record.get("downloadsAllTime") < 0:
            return "negative_count"
    ids = [record.get(column) for column in IDS[kind]]
    if not all(ids):
        return "empty_id"
    if any(len(i) > 300 or CONTROL.search(i) for i in ids):
        return "invalid_id"
    return None


def _integer(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch("[+-]?[0-9]+", value):
        value = int(value)
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise UnparsableError
    return value


def _date(value: Any) -> date:
    if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise UnparsableError from None
    if type(value) is not date:
        raise UnparsableError
    return value


def _timestamp(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(_long_form(value))
        except ValueError:
            raise UnparsableError from None
    if not isinstance(value, datetime):
        raise UnparsableError
    return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)


def _long_form(text: str) -> str:
    """ISO 8601 in the form that every supported Python reads: six decimals, no Z."""
    text = re.sub("Z$", "+00:00", text)
    return re.sub(r"\.([0-9]+)", lambda m: "." + m[1][:6].ljust(6, "0"), text)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        if not value.startswith("["):
            return value.split(";")
        for parse in (json.loads, ast.literal_eval):
            try:
                return list(parse(value))
            except (ValueError, SyntaxError):
                continue
        raise UnparsableError
    return [text for text in value if text is not None]


def _json(value: Any) -> Any:
    """JSON text or a struct as Python values."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise UnparsableError from None
    return value


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


PARSERS = {
    "integer": _integer,
    "date": _date,
    "timestamp": _timestamp,
    "texts": _texts,
    "json": _json,
    "text": _plain_text,
    "any": lambda value: value,
}
