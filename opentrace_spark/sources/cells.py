"""A cell of a text file to a typed value: one parser per form of `schemas.FORMS`.

A parser takes what the CSV or JSON reader gives (never None) and returns a value that Arrow takes
for the column, None for an empty one, or raises UnparsableError.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

Cell = Any

_INTEGER = re.compile("[+-]?[0-9]{1,30}")
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
ISO_TIMESTAMP = (
    "(?!0000)([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    "(?:(Z)|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)
"""ISO 8601 in its extended form; a regular expression that Python and Java read alike."""

_TIMESTAMP = re.compile(ISO_TIMESTAMP)
_EPOCH = datetime(1970, 1, 1)
FIRST_DATE, LAST_DATE = date(2000, 1, 1), date(2099, 12, 31)
"""Dates outside are no weeks of the Hub: a mistyped year would make thousands of empty ones."""
_LONGEST_OFFSET = timedelta(hours=18)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class UnparsableError(ValueError):
    """A cell that does not parse as its column's form."""


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for what is none, NaN and Infinity included."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def to_json(value: Any) -> str:
    """Compact JSON that UTF-8 can hold, also where a source escaped half a surrogate pair."""
    text = _COMPACT.encode(value)
    return text if encodes(text) else json.dumps(value, separators=(",", ":"))


def encodes(text: str) -> bool:
    """Whether UTF-8 can hold the text (half a surrogate pair is no character)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def parse_text(cell: Cell) -> str:
    """Text as it is; a JSON number or boolean as JSON writes it."""
    if isinstance(cell, (bool, int, float)):
        return json.dumps(cell)
    if not isinstance(cell, str) or not (cell.isascii() or encodes(cell)):
        raise UnparsableError
    return cell


def parse_gate(cell: Cell) -> str:
    """`gated` as the Hub writes it; Python's True and False in lower case."""
    text = parse_text(cell)
    return text.lower() if text in ("True", "False") else text


def parse_integer(cell: Cell) -> int:
    """A decimal integer of 64 bits; 12.0, 1e3 and 1,000 are none."""
    if isinstance(cell, str):
        if not _INTEGER.fullmatch(cell):
            raise UnparsableError
        cell = int(cell)
    if type(cell) is not int or not -(2**63) <= cell < 2**63:
        raise UnparsableError
    return cell


@lru_cache(maxsize=4096)
def _date_of(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise UnparsableError
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UnparsableError from None
    if not FIRST_DATE <= day <= LAST_DATE:
        raise UnparsableError
    return day


def parse_date(cell: Cell) -> date:
    """A date written YYYY-MM-DD, from FIRST_DATE to LAST_DATE."""
    if not isinstance(cell, str):
        raise UnparsableError
    return _date_of(cell)


def parse_timestamp(cell: Cell) -> int:
    """Microseconds since 1970 UTC of an ISO 8601 text; without a zone UTC."""
    match = _TIMESTAMP.fullmatch(cell) if isinstance(cell, str) else None
    if match is None:
        raise UnparsableError
    day, clock, seconds, fraction, _, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day} {clock or '00:00'}:{seconds or '00'}")
    except ValueError:
        raise UnparsableError from None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset > _LONGEST_OFFSET or int(minutes or 0) > 59:
        raise UnparsableError
    since = moment - _EPOCH + (offset if sign == "-" else -offset)
    return since // timedelta(microseconds=1) + int((fraction or "0")[:6].ljust(6, "0"))


def parse_texts(cell: Cell) -> list[str]:
    """A list of texts: JSON, Python's own form, or separated by `;`. Nulls in it are left out."""
    if isinstance(cell, str):
        cell = _listed(cell) if cell.startswith("[") else cell.split(";")
    if not isinstance(cell, (list, tuple)):
        raise UnparsableError
    texts = [text for text in cell if text is not None]
    if not all(isinstance(text, str) and encodes(text) for text in texts):
        raise UnparsableError
    return texts


def _listed(text: str) -> Any:
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise UnparsableError from None


def parse_json(cell: Cell) -> str | None:
    """JSON text of any structure, None for JSON's null and for an empty text."""
    if isinstance(cell, str):
        value = _loads(cell)
        return cell if value is not None and encodes(cell) else _dumps(value)
    return _dumps(cell)


def parse_object(cell: Cell) -> str | None:
    """JSON text of an object, None for JSON's null and for an empty text."""
    value = _loads(cell) if isinstance(cell, str) else cell
    if value is not None and not isinstance(value, dict):
        raise UnparsableError
    return cell if isinstance(cell, str) and value is not None and encodes(cell) else _dumps(value)


def parse_parents(cell: Cell) -> dict[str, Any] | None:
    """The struct of `baseModels`; keys that it does not have are null, others are left out."""
    value = _loads(cell) if isinstance(cell, str) else cell
    if value is None:
        return None
    if not isinstance(value, dict):
        raise UnparsableError
    models = value.get("models")
    if models is not None:
        if not isinstance(models, list):
            raise UnparsableError
        models = [_texts_of(model, "_id", "id") for model in models]
    return {**_texts_of(value, "relation"), "models": models}


def _texts_of(value: Any, *keys: str) -> dict[str, str | None]:
    if not isinstance(value, dict):
        raise UnparsableError
    texts = {key: value.get(key) for key in keys}
    for text in texts.values():
        if text is not None and not (isinstance(text, str) and encodes(text)):
            raise UnparsableError
    return texts


def _loads(text: str) -> Any:
    try:
        return read_json(text) if text else None
    except (ValueError, RecursionError):
        raise UnparsableError from None


def _dumps(value: Any) -> str | None:
    return None if value is None else to_json(value)


PARSERS: dict[str, Callable[[Cell], Any]] = {
    "text": parse_text,
    "label": parse_text,
    "gate": parse_gate,
    "integer": parse_integer,
    "date": parse_date,
    "timestamp": parse_timestamp,
    "texts": parse_texts,
    "object": parse_object,
    "json": parse_json,
    "parents": parse_parents,
}
