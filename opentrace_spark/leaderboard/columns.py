"""Which column of an export says what, by its name: positions and order mean nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentrace_spark.leaderboard.words import VERSIONS, Words, plain

NOTHING = ("", "nan", "none", "null", "n/a", "nat")
"""Texts, in lower case, of cells that say nothing."""


def recognised(record: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """Our name -> cell, of the columns that are known and say something.

    Where several columns are one of ours, the one that stands first in the words. Benchmarks are
    under (version, benchmark).
    """
    found: dict[Any, tuple[int, Any]] = {}
    for path, cell in _leaves(record):
        if isinstance(cell, str) and cell.strip().lower() in NOTHING:
            continue
        for key, place in _meanings(path, words):
            if key not in found or place < found[key][0]:
                found[key] = (place, cell)
    return {key: cell for key, (_, cell) in found.items()}


def missing_columns(names: Iterable[str], words: Words) -> list[str]:
    """What a header lacks without which it is no export: a model, and an average or benchmarks."""
    meanings = {key for name in names for key, _ in _meanings((name,), words)}
    has_score = "average" in meanings or any(isinstance(key, tuple) for key in meanings)
    wanted = {"Model": "model" in meanings, "Average": has_score}
    return [name for name, is_there in wanted.items() if not is_there]


def version_of(record: Mapping[str, Any], words: Words) -> str | None:
    """v1 or v2: what the row says itself, else whose benchmarks it has more of, else whose other
    columns; None where nothing tells."""
    cells = recognised(record, words)
    said = str(cells.get("version", "")).lower().strip()
    if said.removeprefix("v") in ("1", "2"):
        return f"v{said.removeprefix('v')}"
    scores = [sum(key[0] == v for key in cells if isinstance(key, tuple)) for v in VERSIONS]
    if scores[0] == scores[1]:
        names = {plain(path[-1]) for path, _ in _leaves(record)}
        scores = [len(words.hints[version] & names) for version in VERSIONS]
    if scores[0] == scores[1]:
        return None
    return VERSIONS[scores[1] > scores[0]]


def _leaves(record: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The cells that are no objects, with their paths; nulls say nothing."""
    for name, cell in record.items():
        if isinstance(cell, Mapping):
            yield from (((name, *path), inner) for path, inner in _leaves(cell))
        elif cell is not None:
            yield (name,), cell


def _meanings(path: tuple[str, ...], words: Words) -> list[tuple[Any, int]]:
    names = [plain(" ".join(path))] + ([plain(path[-1])] if len(path) > 1 else [])
    for name in names:
        found: list[tuple[Any, int]] = [
            ((version, listed[name]), 0)
            for version, listed in words.benchmarks.items()
            if name in listed
        ]
        if name in words.columns:
            found.append(words.columns[name])
        if found:
            return found
    return []
