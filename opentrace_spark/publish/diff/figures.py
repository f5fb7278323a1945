"""Headline figures and shares of two warehouses, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow.dataset as ds

from opentrace_spark.publish.diff.choice import Choice, Pair
from opentrace_spark.publish.diff.sides import Side
from opentrace_spark.tables import GOLD_CONCENTRATION, GOLD_PERIOD_SUMMARY, TableSpec

MEASURES = {
    "hhi": "HHI",
    "effective_units": "effective units",
    "top_10_share": "top 10 share",
    "leader_share": "largest share",
}
"""The headline figures and what they are called."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A measure of a week or period, null where a side has no downloads there."""

    when: str
    cell: str
    measure: str
    a: float | None
    b: float | None

    @property
    def change(self) -> float | None:
        """B - A."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def relative(self) -> float | None:
        """(B - A) / A; null where A is 0."""
        return self.change / self.a if self.change is not None and self.a else None


@dataclass(frozen=True)
class Move:
    """A unit's rank and share on both sides, null where it is not among the published ranks.

    `is_rest`: it is all that stands below them.
    """

    entity: str
    is_rest: bool
    cell: str
    rank_a: int | None
    rank_b: int | None
    share_a: float | None
    share_b: float | None

    @property
    def entered(self) -> bool:
        """Whether B has it and A does not."""
        return self.share_a is None

    @property
    def left(self) -> bool:
        """Whether A has it and B does not."""
        return self.share_b is None

    @property
    def change(self) -> float:
        """B - A, where what is not among the published ranks counts as 0."""
        return (self.share_b or 0.0) - (self.share_a or 0.0)


@dataclass(frozen=True)
class Headline:
    """Figures of one level that differ, of how many; periods of one side alone; other leaders."""

    compared: int
    figures: list[Figure]
    only_a: list[str]
    only_b: list[str]
    leaders: list[str]


def headline(a: Iterable[Row], b: Iterable[Row], choice: Choice) -> Headline:
    """Compare rows of `summaries`, of one level and scope."""
    found = Headline(0, [], [], [], [])
    compared = 0
    for cell, (when,), ours, theirs in _paired(a, b, choice, ("when",)):
        if ours is None or theirs is None:
            lone = found.only_a if theirs is None else found.only_b
            lone += [when] if when not in lone else []
            continue
        if ours["leader"] != theirs["leader"]:
            found.leaders.append(f"{when} ({cell}): {ours['leader']}, in B {theirs['leader']}")
        for measure in MEASURES:
            compared += 1
            if ours[measure] != theirs[measure]:
                found.figures.append(Figure(when, cell, measure, ours[measure], theirs[measure]))
    found.figures.sort(key=_largest_first)
    return replace(found, compared=compared)


def _largest_first(figure: Figure) -> tuple[Any, ...]:
    """What has no relative change (one side is null, or A is 0) changed most."""
    size = math.inf if figure.relative is None else abs(figure.relative)
    return -size, figure.when, figure.cell, list(MEASURES).index(figure.measure)


def moves(a: Iterable[Row], b: Iterable[Row], choice: Choice) -> list[Move]:
    """Units of one level whose share or rank differs, those whose share moved most first."""
    found = []
    for cell, (entity, is_rest), ours, theirs in _paired(a, b, choice, ("entity", "is_rest")):
        ours, theirs = ours or {}, theirs or {}
        ranks, shares = ((ours.get(n), theirs.get(n)) for n in ("rank", "share"))
        if ranks[0] != ranks[1] or shares[0] != shares[1]:
            found.append(Move(entity, is_rest, cell, *ranks, *shares))
    return sorted(found, key=lambda m: (-abs(m.change), m.entity, m.cell, m.is_rest))


def summaries(
    side: Side, specs: Sequence[TableSpec], week: date | None, when: str
) -> list[dict[str, Any]]:
    """Rows of gold/period_summary, and of gold/concentration for the week, as `specs` name them.

    The column `when` is the period's name, and for the week the given one; the leader of a week is
    not in its row.
    """
    names = ["level", "scope", "attribution", "recency_window", *MEASURES]
    rows: list[dict[str, Any]] = []
    if GOLD_PERIOD_SUMMARY in specs:
        found = side.rows(GOLD_PERIOD_SUMMARY, [*names, "period", "leader"])
        rows += [row | {"when": row["period"]} for row in found]
    if GOLD_CONCENTRATION in specs:
        of_week = ds.field("week_start") == week
        found = side.rows(GOLD_CONCENTRATION, [*names, "top_1_share", "leader"], of_week)
        rows += [row | {"when": when, "leader_share": row["top_1_share"]} for row in found]
    return rows


def ranked(side: Side, spec: TableSpec, where: ds.Expression, level: str) -> list[dict[str, Any]]:
    """Rows of a table of ranks that `where` selects, of one level."""
    names = ["attribution", "recency_window", "rank", "entity", "share"]
    rows = side.rows(spec, names, where & (ds.field("level") == level))
    return [row | {"is_rest": row["rank"] is None} for row in rows]


def _paired(
    a: Iterable[Row], b: Iterable[Row], choice: Choice, key: Sequence[str]
) -> Iterator[tuple[str, tuple[Any, ...], Row | None, Row | None]]:
    """Rows of the chosen cells that belong together: cell, key, row in A, row in B."""
    sides = [_by_cell(rows, key) for rows in (a, b)]
    for label, *cells in choice.cells:
        ours, theirs = (side.get(cell, {}) for side, cell in zip(sides, cells, strict=True))
        for where in sorted(ours.keys() | theirs.keys()):
            yield label, where, ours.get(where), theirs.get(where)


def _by_cell(rows: Iterable[Row], key: Sequence[str]) -> dict[Pair, dict[tuple[Any, ...], Row]]:
    cells: dict[Pair, dict[tuple[Any, ...], Row]] = {}
    for row in rows:
        cell = cells.setdefault((row["attribution"], row["recency_window"]), {})
        cell[tuple(row[name] for name in key)] = row
    return cells
