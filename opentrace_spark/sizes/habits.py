"""Habits: the sizes, and the surplus of bytes, of models that share a word, a phrase, an owner.

A model of a known architecture (`act`, `whisper-tiny`) has one of few sizes whatever its history
weighs; who publishes GGUF with `imatrix` stores many quantisations; a trainer leaves checkpoints.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from opentrace_spark.sizes.line import Floats
from opentrace_spark.sizes.repository import Evidence
from opentrace_spark.sizes.settings import SizeSettings

ALL = "all"
"""The kind of every model."""
STEP = 0.02
"""Width of a cell of log10: a factor of 1.047."""
SIZE_CELLS = 701
"""Cells of log10 of parameters, from 0 (one parameter) to 14."""
SURPLUS_FROM = -3.0
SURPLUS_CELLS = 451
"""Cells of the line's log10 minus the true one, from -3 to 6."""
_PHRASE_WORDS = 3

Cells = tuple[tuple[int, int], ...]
"""Cell and number of models in it, ascending; only cells with models."""


@dataclass(frozen=True)
class Habit:
    """What the known models of a kind have in common; spreads are root mean squares of log10."""

    kind: str
    rows: int
    sizes: Cells
    surpluses: Cells
    size_spread: float
    surplus_spread: float


def kinds_of(evidence: Evidence) -> Iterator[str]:
    """All kinds that a model is of, each once."""
    packaging, bits = evidence.traits.packaging, evidence.traits.bits
    yield ALL
    yield packaging
    yield f"{packaging}, {round(bits) if bits else 'unknown'} bits"
    for word in sorted(evidence.traits.words):
        yield f"{packaging} {word}"
    words = _words(evidence.id)
    phrases = set(_phrases(words))
    for name in evidence.base_models:
        phrases.update(_phrases(_words(name)))
        yield f"{packaging} of {name.lower()}"
    for phrase in sorted(phrases):
        yield f"name {phrase}"
        yield f"{packaging} name {phrase}"
    for count in range(_PHRASE_WORDS + 1):
        if count <= len(words):
            yield f"{packaging} by {evidence.owner}/{'-'.join(words[:count])}"


def fit_habits(
    known: Sequence[Evidence], on_line: Floats, settings: SizeSettings
) -> tuple[Habit, ...]:
    """The habit of all models and those of kinds with enough of them, by kind.

    `on_line` is log10 of what the line gives for each of `known`, which have bytes and a count.
    """
    y = np.log10(np.array([row.known for row in known], dtype=np.float64))
    surplus = on_line - y
    members: dict[str, list[int]] = {}
    for place, row in enumerate(known):
        for kind in dict.fromkeys(kinds_of(row)):
            members.setdefault(kind, []).append(place)
    enough = {
        kind: len(places)
        for kind, places in members.items()
        if len(places) >= settings.habit_min_rows
        and (
            " by " in kind
            or len({known[place].owner for place in places}) >= settings.habit_min_owners
        )
    }
    chosen = sorted(enough, key=lambda kind: (-enough[kind], kind))[: settings.habit_max_count]
    kinds = sorted({*chosen, ALL} & members.keys())
    return tuple(_habit(kind, y[members[kind]], surplus[members[kind]], settings) for kind in kinds)


def _habit(kind: str, y: Floats, surplus: Floats, settings: SizeSettings) -> Habit:
    return Habit(
        kind,
        len(y),
        _cells(y, 0.0, SIZE_CELLS),
        _cells(surplus, SURPLUS_FROM, SURPLUS_CELLS),
        _spread(y, settings.size_spread, settings.prior_rows),
        _spread(surplus, settings.surplus_spread, settings.prior_rows),
    )


def _cells(values: Floats, start: float, count: int) -> Cells:
    cells = np.clip(np.rint((values - start) / STEP).astype(int), 0, count - 1)
    return tuple(sorted(Counter(cells.tolist()).items()))


def _spread(values: Floats, prior: float, prior_rows: float) -> float:
    squares = float(np.sum(np.sort((values - np.median(values)) ** 2)))
    return float(np.sqrt((squares + prior_rows * prior**2) / (len(values) + prior_rows)))


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[-_./ ]+", name.rpartition("/")[2].lower()) if word]


def _phrases(words: list[str]) -> Iterator[str]:
    """Words of a name and their neighbours, up to `_PHRASE_WORDS` in a row."""
    for length in range(1, _PHRASE_WORDS + 1):
        for start in range(len(words) - length + 1):
            phrase = "-".join(words[start : start + length])
            if len(phrase) > 1:
                yield phrase
