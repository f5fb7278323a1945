"""The lists of conf/: CSV files whose every mistake is reported with its file and line."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from opentrace_spark.errors import UsageError

if TYPE_CHECKING:
    from opentrace_spark.config import Traversable


@dataclass(frozen=True)
class Row:
    """A row of a list, with where it stands for messages."""

    file: str
    line: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def refuse(self, problem: str) -> NoReturn:
        """Raise what is wrong with the row, and where it is."""
        raise UsageError(f"{self.file}, line {self.line}: {problem}")

    def labels(self, column: str, known: Collection[str]) -> tuple[str, ...]:
        """The labels of a cell, separated by `;`, each once and all of them known."""
        labels = split_cell(self[column])
        for label in labels:
            if label not in known:
                self.refuse(f"unknown {column} {label!r}; {hint(label, known)}")
        if len(set(labels)) < len(labels):
            self.refuse(f"{column} has a label twice; leave one out")
        return labels

    def word(self, column: str, known: Collection[str]) -> str:
        """The one word of a cell that may hold a few known ones only."""
        if self[column] not in known:
            self.refuse(f"unknown {column} {self[column]!r}; {hint(self[column], known)}")
        return self[column]


def read_list(path: Traversable, header: tuple[str, ...]) -> Iterator[Row]:
    """The rows of a list in conf/; the first column is its key, filled and never repeated."""
    text = read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if tuple(next(reader, ())) != header:
            raise UsageError(f"{path.name}, line 1: the header must be {','.join(header)}")
        first_line: dict[str, int] = {}
        for cells in reader:
            row = Row(path.name, reader.line_num, dict(zip(header, cells, strict=False)))
            if len(cells) != len(header):
                row.refuse(f"has {len(cells)} cells, not {len(header)}; quote a cell with a comma")
            if cells[0] != cells[0].strip() or not cells[0]:
                row.refuse(f"{header[0]} {cells[0]!r} is empty or has spaces around it")
            if cells[0] in first_line:
                row.refuse(f"{cells[0]!r} is on line {first_line[cells[0]]} already; delete one")
            first_line[cells[0]] = reader.line_num
            yield row
    except csv.Error as error:
        raise UsageError(
            f"{path.name}, line {reader.line_num}: not valid CSV ({error}); mend the quotes"
        ) from None


def read_text(path: Traversable) -> str:
    """The text of a file in conf/."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"configuration {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not UTF-8; save it as UTF-8") from None


def split_cell(cell: str) -> tuple[str, ...]:
    """The parts of a cell with several labels, those that are empty left out."""
    return tuple(part for part in (part.strip() for part in cell.split(";")) if part)


def hint(word: str, known: Collection[str]) -> str:
    """What to write instead of an unknown word."""
    names = sorted(known)
    folded = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(word.lower(), list(folded), n=1)
    return f"did you mean {folded[close[0]]!r}?" if close else f"known are {', '.join(names[:20])}"
