"""Which ISO weeks the days between two snapshots belong to.

Days and weeks are whole numbers, days since 1970-01-01; a week is its Monday. Snapshots dated
a < b cover the days a to b - 1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

WHOLE_DAYS = 7
"""Up to so many days belong to one week."""


@dataclass(frozen=True)
class Piece:
    """The days of an interval that belong to one week: after `first` of its days, up to `last`."""

    week: int
    first: int
    last: int


@dataclass(frozen=True)
class Calendar:
    """The days of all snapshots, ascending, and which of them are stalls."""

    days: tuple[int, ...]
    is_stalled: tuple[bool, ...]

    @cached_property
    def usable(self) -> tuple[int, ...]:
        """Places of the snapshots that are no stalls."""
        return tuple(place for place, stalled in enumerate(self.is_stalled) if not stalled)

    @cached_property
    def covered_days(self) -> dict[int, int]:
        """Week -> how many days belong to it, of those between the first and the last snapshot that
        is no stall. Weeks between the first and the last of these are all there."""
        days: Counter[int] = Counter()
        for before, after in pairwise(self.days[place] for place in self.usable):
            for piece in pieces_of(before, after):
                days[piece.week] += piece.last - piece.first
        return dict(days)

    def pieces(self, start: int, end: int) -> tuple[Piece, ...]:
        """The pieces of the days start to end - 1 of a model between two snapshots.

        Where the list's own intervals leave the ends of its first or last week to the week beside
        it, so do those of a model that it lacks for a time: else a week would seem to be there in
        which nearly all models are missing. Weeks after the last of these keep their days.
        """
        covered = self.covered_days
        if not covered:
            return pieces_of(start, end)
        first, last = min(covered), max(covered)
        if end > self.days[self.usable[-1]]:
            last = monday_of(end)
        return tuple(
            Piece(min(max(piece.week, first), last), piece.first, piece.last)
            for piece in pieces_of(start, end)
        )

    def quiet_weeks(self, start: int, end: int) -> frozenset[int]:
        """The weeks without news: those of the intervals that end in a stall, of the intervals
        between two days."""
        return frozenset(
            piece.week
            for place in range(1, len(self.days))
            if self.is_stalled[place] and start <= self.days[place - 1] and self.days[place] <= end
            for piece in self.pieces(self.days[place - 1], self.days[place])
        )


def monday_of(day: int) -> int:
    """The week of a day; 1970-01-01 was a Thursday."""
    return day - (day + 3) % 7


def pieces_of(start: int, end: int) -> tuple[Piece, ...]:
    """The days start to end - 1 by weeks: at most WHOLE_DAYS to the week that holds most of them
    (ties: the earlier), more to the week of each."""
    days = end - start
    if days <= WHOLE_DAYS:
        in_first = min(days, monday_of(start) + 7 - start)
        week = monday_of(start) if 2 * in_first >= days else monday_of(start) + 7
        return (Piece(week, 0, days),)
    ends = [*range(monday_of(start) + 7, end, 7), end]
    return tuple(
        Piece(monday_of(after - 1), before - start, after - start)
        for before, after in pairwise((start, *ends))
    )
