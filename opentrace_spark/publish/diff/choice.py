"""Which levels, attributions and windows are compared, as options say and tables have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opentrace_spark.errors import UsageError
from opentrace_spark.publish.diff.sides import Side
from opentrace_spark.tables import GOLD_CONCENTRATION

Pair = tuple[str, str]
"""A value in A and the one in B that it is compared with."""

_COLUMNS = {"level": "level", "attribution": "attribution", "window": "recency_window"}
_DEFAULTS = {
    "level": ("developer", "organization", "country"),
    "attribution": ("none", "root"),
    "window": ("none", "365d"),
}


@dataclass(frozen=True)
class Choice:
    """The levels to compare, and the attributions and windows, each of A with one of B."""

    levels: tuple[str, ...]
    attributions: tuple[Pair, ...]
    windows: tuple[Pair, ...]

    @property
    def cells(self) -> Iterator[tuple[str, Pair, Pair]]:
        """Label, attribution and window in A, attribution and window in B."""
        for attribution in self.attributions:
            for window in self.windows:
                label = ", ".join(":".join(dict.fromkeys(pair)) for pair in (attribution, window))
                yield label, (attribution[0], window[0]), (attribution[1], window[1])


def choose(a: Side, b: Side, options: dict[str, Sequence[str]]) -> Choice:
    """The choice of the options `level`, `attribution` and `window`; empty ones have a default.

    `365d:90d` compares one value of A with another one of B. Raises UsageError for a value that a
    side does not have.
    """
    there = _values(a), _values(b)
    pairs = {option: tuple(_pairs(option, options[option] or (), there)) for option in _COLUMNS}
    return Choice(tuple(one for one, _ in pairs["level"]), pairs["attribution"], pairs["window"])


def unpaired_windows(a: Side, b: Side) -> str:
    """A sentence on windows of one side alone; empty where there are none, or one side has none."""
    ours, theirs = (_values(side)["window"] for side in (a, b))
    alone = sorted(ours - theirs), sorted(theirs - ours)
    if not (ours and theirs and any(alone)):
        return ""
    parts = [f"{', '.join(v)} only in {n}" for n, v in zip("AB", alone, strict=True) if v]
    example = f"{(alone[0] or sorted(ours))[-1]}:{(alone[1] or sorted(theirs))[-1]}"
    return f"{'; '.join(parts)}; for example --window {example} compares one with another"


def _values(side: Side) -> dict[str, set[str]]:
    """Option -> values that the side's figures have; none where there are no figures."""
    columns = list(_COLUMNS.values())
    if side.lacks(GOLD_CONCENTRATION, columns):
        return {option: set() for option in _COLUMNS}
    table = side[GOLD_CONCENTRATION].dataset.to_table(columns=columns)
    return {option: set(table[column].unique().to_pylist()) for option, column in _COLUMNS.items()}


def _pairs(
    option: str, given: Sequence[str], there: tuple[dict[str, set[str]], ...]
) -> Iterator[Pair]:
    if not given:
        values = [side[option] for side in there if side[option]]
        for value in _DEFAULTS[option]:
            if all(value in found for found in values):
                yield value, value
    for text in given:
        pair = tuple(text.split(":")) if option != "level" else (text,)
        if len(pair) > 2:
            raise UsageError(f"--{option} {text}: names one value, or one of A and one of B (X:Y)")
        for name, value, side in zip("AB", (pair[0], pair[-1]), there, strict=True):
            if side[option] and value not in side[option]:
                have = ", ".join(sorted(side[option]))
                raise UsageError(f"--{option} {text}: {name} has no {value}; it has {have}")
        yield pair[0], pair[-1]
