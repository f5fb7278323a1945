"""Which weeks two warehouses have, whose downloads differ, and which are compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from opentrace_spark.errors import UsageError
from opentrace_spark.publish.diff.sides import Side
from opentrace_spark.tables import GOLD_WEEKS

WeekPair = tuple[date, date]
"""Monday of a week in A and of the one in B that it is compared with."""


@dataclass(frozen=True)
class Weeks:
    """Mondays of the weeks with downloads in A and in B, and of the complete ones, in order.

    `moved` are weeks of both with other downloads (week, in A, in B), the largest change first.
    """

    there: tuple[list[date], list[date]]
    complete: tuple[list[date], list[date]]
    moved: list[tuple[date, int, int]]

    @property
    def both(self) -> list[date]:
        """Weeks of both sides."""
        return sorted({*self.there[0]} & {*self.there[1]})

    @property
    def completed(self) -> list[date]:
        """Weeks of both that are complete on one side only."""
        return sorted({*self.both} & ({*self.complete[0]} ^ {*self.complete[1]}))

    @property
    def last(self) -> date | None:
        """The last week that is complete on both sides."""
        return max({*self.complete[0]} & {*self.complete[1]}, default=None)


def weeks_of(a: Side, b: Side) -> Weeks:
    """Compare gold/weeks, which both sides have."""
    columns = ["week_start", "is_missing", "is_complete", "downloads"]
    ours, theirs = (
        {row["week_start"]: row for row in side.rows(GOLD_WEEKS, columns) if not row["is_missing"]}
        for side in (a, b)
    )
    downloads = [
        (week, ours[week]["downloads"], theirs[week]["downloads"])
        for week in ours.keys() & theirs.keys()
    ]
    moved = [row for row in downloads if None not in row and row[1] != row[2]]
    return Weeks(
        (sorted(ours), sorted(theirs)),
        (_complete(ours), _complete(theirs)),
        sorted(moved, key=lambda row: (-abs(row[2] - row[1]), row[0])),
    )


def _complete(rows: dict[date, dict[str, object]]) -> list[date]:
    return sorted(week for week, row in rows.items() if row["is_complete"])


def week_pair(text: str, weeks: Weeks) -> WeekPair | None:
    """The weeks to compare: those of the option, any date in them, else the last complete one.

    `2025-08-11:2025-08-18` compares a week of A with another one of B. Raises UsageError for a date
    that is none, or whose week a side does not have.
    """
    if not text:
        return None if weeks.last is None else (weeks.last, weeks.last)
    try:
        days = [date.fromisoformat(word) for word in text.split(":")]
    except ValueError:
        days = []
    if len(days) not in (1, 2):
        raise UsageError(f"--week {text}: is no date like 2025-08-18, nor two with a colon between")
    first, second = (day - timedelta(days=day.weekday()) for day in (days[0], days[-1]))
    for side, week, there in zip("AB", (first, second), weeks.there, strict=True):
        if week not in there:
            span = f"they go from {there[0]} to {there[-1]}" if there else "it has none"
            raise UsageError(f"--week {text}: {week} is no week of {side}; {span}")
    return first, second
