"""Records of a CSV or JSON Lines file, one after the other, in bounded memory.

A record is a mapping from column to cell, or the raw text of one that is malformed. What makes a
whole file useless is raised as ContentError.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentrace_spark.errors import ContentError
from opentrace_spark.locations import filesystem_of
from opentrace_spark.sources.cells import read_json
from opentrace_spark.sources.files import LandingFile

Record = dict[str, Any] | str

_BUFFER = 1 << 20
_LONGEST_CELL = 2**31 - 1
_SKIPS_NUL = sys.version_info < (3, 11)  # that csv module refuses U+0000; U+0001 is as invalid


def read_header(file: LandingFile) -> tuple[str, ...]:
    """The column names of a CSV file.

    Raises ContentError where there is none, or where a name is there twice.
    """
    with _Text(file, newline="") as text:
        return _header(file, _csv_rows(file, text.lines(), []))


def first_object(file: LandingFile) -> Record | None:
    """The first record of a JSON Lines file: a JSON array raises ContentError."""
    with _Text(file, newline="\n") as text:
        return next(_json_records(file, text.lines(), ()), None)


def read_records(file: LandingFile, required: tuple[str, ...]) -> Iterator[Record]:
    """All records of the file in order; blank lines are none.

    Raises ContentError for a file that is not UTF-8, ends within a compressed block or a quoted
    cell, or (JSON Lines) has a required key in none of its records.
    """
    newline = "" if file.format == "csv" else "\n"
    with _Text(file, newline) as text:
        if file.format == "csv":
            yield from _csv_records(file, text.lines())
        else:
            yield from _json_records(file, text.lines(), required)


def _header(file: LandingFile, rows: Iterator[list[str] | str]) -> tuple[str, ...]:
    header = next(rows, None)
    if header is None or isinstance(header, str):
        raise ContentError(f"{file.relative_path}: no header; the first line must name the columns")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ContentError(
            f"{file.relative_path}: column {twice[0]!r} is there more than once in the header; "
            "rename or remove one"
        )
    return tuple(header)


def _csv_records(file: LandingFile, lines: Iterator[str]) -> Iterator[Record]:
    consumed: list[str] = []
    rows = _csv_rows(file, lines, consumed)
    header = _header(file, rows)
    for row in rows:
        if isinstance(row, str) or len(row) != len(header):
            yield "".join(consumed).rstrip("\r\n")
        else:
            yield {name: cell for name, cell in zip(header, row, strict=True) if cell != ""}


def _csv_rows(
    file: LandingFile, lines: Iterator[str], consumed: list[str]
) -> Iterator[list[str] | str]:
    """The header and the rows as the csv module splits them; its complaint for badly quoted ones.

    `consumed` holds the lines of the row at hand. A quote that is never closed has swallowed the
    rest of the file: that is an error of the file, not of a row.
    """
    csv.field_size_limit(_LONGEST_CELL)

    def feed() -> Iterator[str]:
        for line in lines:
            consumed.append(line)
            yield line.replace("\0", "\1") if _SKIPS_NUL else line

    reader = csv.reader(feed(), strict=True)
    rows = 0
    while True:
        consumed.clear()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                where = f"record {rows}" if rows else "the header"
                raise ContentError(
                    f"{file.relative_path}: a quote in {where} is never closed; close or double it"
                ) from None
            rows += 1
            yield str(error)
            continue
        if row:
            rows += 1
            yield row


def _json_records(
    file: LandingFile, lines: Iterator[str], required: tuple[str, ...]
) -> Iterator[Record]:
    wanted = set(required)
    for number, line in enumerate(filter(None, map(_stripped, lines))):
        try:
            record = read_json(line)
        except (ValueError, RecursionError):
            record = None
        if number == 0 and (line[0] == "[" or isinstance(record, list)):
            raise ContentError(
                f"{file.relative_path}: a JSON array, not JSON Lines; write one object per line "
                "(jq -c '.[]' does it)"
            )
        if isinstance(record, dict):
            wanted = wanted and wanted - record.keys()
            yield record
        else:
            yield line
    if wanted:
        names = " and ".join(sorted(wanted))
        raise ContentError(
            f"{file.relative_path}: no record has {names}; write one JSON object per line with "
            f"the keys {', '.join(required)}"
        )


def _stripped(line: str) -> str:
    return line.strip(" \t\r\n")


class _Text:
    """The decompressed, decoded lines of a file; what can't be read is a ContentError."""

    def __init__(self, file: LandingFile, newline: str) -> None:
        self.file = file
        filesystem, path = filesystem_of(file.uri)
        with self._named_errors():
            stream = filesystem.open_input_stream(path, file.compression, 0)
            self.raw = io.BufferedReader(_Counted(stream), _BUFFER)
            self.text = io.TextIOWrapper(self.raw, encoding="utf-8-sig", newline=newline)

    def __enter__(self) -> _Text:
        return self

    def __exit__(self, *_: object) -> None:
        self.text.close()

    def lines(self) -> Iterator[str]:
        """Every line with its end."""
        with self._named_errors():
            yield from self.text

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        name = self.file.relative_path
        try:
            yield
        except UnicodeDecodeError as error:
            byte = self.raw.tell() - len(error.object) + error.start + 1
            raise ContentError(
                f"{name}: not UTF-8 (byte {byte} is 0x{error.object[error.start]:02X}); "
                "save it as UTF-8"
            ) from None
        except OSError as error:
            packed = f" as {self.file.compression}" if self.file.compression else ""
            raise ContentError(
                f"{name}: can't be read{packed} ({str(error).splitlines()[0]}); "
                "write or download it again"
            ) from None


class _Counted(io.RawIOBase):
    """An Arrow stream as Python's own, which knows how many bytes it gave."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.count

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)

    def close(self) -> None:
        self.stream.close()
        super().close()
