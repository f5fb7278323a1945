"""Sheets as files that spreadsheets open and that a landing reads: CSV, JSON Lines, Parquet."""

from __future__ import annotations

import csv
import errno
import io
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from opentrace_spark.errors import ContentError, UsageError

ENDINGS = (".csv", ".jsonl", ".parquet")
_FORMULA = tuple("=+-@＝＋－＠")
"""How a cell begins that spreadsheets take for a formula, and run (OWASP: CSV injection)."""

Row = Mapping[str, Any]


def check_target(file: Path) -> None:
    """Raise UsageError for a file of another kind, one that is there, or a folder that is not."""
    if file.suffix.lower() not in ENDINGS:
        raise UsageError(f"--export {file}: name a file that ends with {' or '.join(ENDINGS)}")
    if file.exists() or file.is_symlink():
        raise _is_there(file)
    if not file.parent.is_dir():
        raise UsageError(f"--export {file}: there is no folder {file.parent}; make it first")


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would take the cell for a formula."""
    return cell.startswith(_FORMULA)


def keeps_formulas(file: Path) -> bool:
    """Whether such a cell is safe in the file, and comes back as it is: no spreadsheet opens it."""
    return file.suffix.lower() != ".csv"


def write_rows(file: Path, rows: Sequence[Row], read: Collection[str]) -> None:
    """Write rows (at least one, all with the same columns) to a new file.

    The columns of `read` are written byte for byte; in a CSV file, other texts that a spreadsheet
    would run get an apostrophe before them. Raises UsageError where the file is there already.
    """
    write = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}[file.suffix.lower()]
    content = write(rows, read)
    try:
        sink = file.open("xb")
    except FileExistsError:
        raise _is_there(file) from None
    except OSError as error:
        raise UsageError(f"--export {file}: {error.strerror or error}") from None
    try:
        with sink:
            sink.write(content)
    except OSError as error:
        file.unlink()
        kind = ContentError if error.errno in (errno.ENOSPC, errno.EDQUOT) else UsageError
        raise kind(f"--export {file}: {error.strerror or error}") from None


def _is_there(file: Path) -> UsageError:
    return UsageError(f"--export {file} is there already; name another file, or move it away")


def _csv(rows: Sequence[Row], read: Collection[str]) -> bytes:
    """UTF-8 with a byte order mark, without which Excel takes it for another encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(cell if name in read else _harmless(cell) for name, cell in row.items())
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    line = " ".join(cell.split())
    return f"'{line}" if is_formula(line) else line


def _jsonl(rows: Sequence[Row], _: Collection[str]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _parquet(rows: Sequence[Row], _: Collection[str]) -> bytes:
    numbers = {name for name, cell in rows[0].items() if isinstance(cell, int)}
    schema = pa.schema([(n, pa.int64() if n in numbers else pa.string()) for n in rows[0]])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink)
    return sink.getvalue()
