"""Cells of an export to values; `UnreadableError` names the column that does not parse."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date
from html.parser import HTMLParser
from typing import Any

from opentrace_spark.leaderboard.columns import recognised, version_of
from opentrace_spark.leaderboard.words import UNKNOWN_TYPE, Words

_YES, _NO = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no")
_DAY = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_NO_ARCHITECTURE = ("?", "unknown")
_NO_BASE = ("?", "unknown", "removed")
_VARIANT = "\N{VARIATION SELECTOR-16}"
BOOLEANS = ("available", "flagged", "merged", "moe")
TEXTS = ("type", "symbol", "architecture", "weight_type", "precision", "revision", "license")


class UnreadableError(ValueError):
    """A row that can't be used; the text is the reason."""


def read_result(record: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """The values of a row: version, name, score (the average, 0-100, of the benchmarks where the
    row gives none), scores, type and so on; None where it says nothing.

    `size` is as written, in billions. Raises UnreadableError with the reason of the reject.
    """
    cells = recognised(record, words)
    version = version_of(record, words)
    row: dict[str, Any] = {"version": version, "name": _name(cells.get("model"))}
    for name in TEXTS:
        row[name] = _text(cells.get(name))
    row["base"] = _name(cells.get("base"))
    for name in BOOLEANS:
        row[name] = _parsed(name, _boolean, cells)
    for name in ("submitted", "uploaded"):
        row[name] = _parsed(name, _day, cells)
    row["size"] = _parsed("size", _number, cells)
    likes = _parsed("likes", _number, cells)
    row["likes"] = None if likes is None else int(likes)
    scores = {
        key[1]: _parsed(key, _number, cells)
        for key in cells
        if isinstance(key, tuple) and key[0] == version
    }
    average = _parsed("average", _number, cells)
    for score in (average, *scores.values()):
        if score is not None and not 0 <= score <= 100:
            raise UnreadableError("score_out_of_range")
    if version is None:
        raise UnreadableError("unknown_version")
    if average is None and set(scores) == set(words.benchmarks[version].values()):
        average = math.fsum(scores.values()) / len(scores)
    row["score"] = average
    row["scores"] = json.dumps(scores, sort_keys=True) if scores else None
    if (row["architecture"] or "").lower() in _NO_ARCHITECTURE:
        row["architecture"] = None
    if (row["base"] or "").lower() in _NO_BASE:
        row["base"] = None
    row["type_written"] = row.pop("type") or row["symbol"]
    row["type"] = type_of(row["type_written"], row.pop("symbol"), words)
    return row


def type_of(written: str | None, symbol: str | None, words: Words) -> str:
    """The type whose symbol or word the text begins with, else that of the symbol; or unknown."""
    for text in (written, symbol):
        if not text:
            continue
        said = text.replace(_VARIANT, "").strip().lower()
        for name, begins in words.types.items():
            if said.startswith(begins):
                return name
    return UNKNOWN_TYPE


def _parsed(name: Any, parse: Any, cells: Mapping[Any, Any]) -> Any:
    cell = cells.get(name)
    if cell is None:
        return None
    try:
        return parse(cell)
    except (ValueError, TypeError, OverflowError):
        word = name[1] if isinstance(name, tuple) else name
        raise UnreadableError(f"unparsable_{word}") from None


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    return cell.strip() if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def _name(cell: Any) -> str | None:
    """A name as it is; of HTML the text of its first link, else all its text."""
    if not isinstance(cell, str):
        return None if cell is None else json.dumps(cell)
    if "<" not in cell:
        return cell
    parser = _Links()
    parser.feed(cell)
    parser.close()
    linked = "".join(parser.first_link).strip()
    return linked or "".join(parser.text).strip()


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.first_link: list[str] = []
        self.links = 0
        self.is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += 1
            self.is_inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.is_inside = False

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.is_inside and self.links == 1:
            self.first_link.append(data)


def _number(cell: Any) -> float:
    if isinstance(cell, bool):
        raise TypeError
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(cell: Any) -> bool:
    said = str(cell).strip().lower()
    if said not in _YES + _NO:
        raise ValueError
    return said in _YES


def _day(cell: Any) -> date | None:
    """The day of an ISO date or timestamp; exports write False where they know none."""
    if cell is False or (isinstance(cell, str) and cell.strip().lower() == "false"):
        return None
    match = _DAY.fullmatch(cell.strip())
    if match is None:
        raise ValueError
    day = date.fromisoformat(match.group(1))
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError
    return day
