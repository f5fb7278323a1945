"""A data file of a landing: what it is called, where it lies, how it is written."""

from __future__ import annotations

import os
from dataclasses import dataclass

from opentrace_spark.errors import ContentError

_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


@dataclass(frozen=True)
class LandingFile:
    """A file: `relative_path` (to the landing) names it in tables and messages, `uri` opens it.

    `format` is parquet, csv or jsonl; `compression` is what pyarrow calls it, None for none.
    """

    kind: str
    relative_path: str
    uri: str
    format: str
    size: int
    compression: str | None = None


def landing_file(root: str, kind: str, path: str, size: int) -> LandingFile:
    """The file at a path relative to the landing. Raises ContentError for one of unknown kind."""
    stem, extension = os.path.splitext(path.lower())
    compression = _COMPRESSIONS.get(extension)
    if compression:
        extension = os.path.splitext(stem)[1]
    format_ = _FORMATS.get(extension)
    if format_ is None or (format_ == "parquet" and compression):
        raise ContentError(
            f"{path}: not a kind of file that is read (.parquet, or .csv, .jsonl, .ndjson, .json, "
            "plain or with .gz, .bz2, .zst); convert it, take it out, or begin its name with _"
        )
    return LandingFile(kind, path, f"{root}/{path}", format_, size, compression)


def is_passed_over(path: str) -> bool:
    """Whether the name of a file, or of a folder on the way to it from the landing, begins with
    `.` or `_`: such a one is not read."""
    return any(part[:1] in "._" for part in path.split("/"))
