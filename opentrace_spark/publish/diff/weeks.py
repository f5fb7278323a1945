"""Which weeks two warehouses have, and whose downloads differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from opentrace_spark.publish.diff.sides import Side
from opentrace_spark.tables import GOLD_WEEKS


@dataclass(frozen=True)
class Weeks:
    """Mondays of the weeks with downloads: those of one side alone, how many both have.

    `moved` are weeks of both with other downloads (week, in A, in B), the largest change first;
    `completed` those that are complete on one side only; `last` the last that is on both.
    """

    only_a: list[date]
    only_b: list[date]
    both: int
    moved: list[tuple[date, int, int]]
    completed: list[date]
    last: date | None


def weeks_of(a: Side, b: Side) -> Weeks:
    """Compare gold/weeks, which both sides have."""
    columns = ["week_start", "is_missing", "is_complete", "downloads"]
    ours, theirs = (
        {row["week_start"]: row for row in side.rows(GOLD_WEEKS, columns) if not row["is_missing"]}
        for side in (a, b)
    )
    both = sorted(ours.keys() & theirs.keys())
    downloads = [(week, ours[week]["downloads"], theirs[week]["downloads"]) for week in both]
    complete = {week: (ours[week]["is_complete"], theirs[week]["is_complete"]) for week in both}
    return Weeks(
        sorted(ours.keys() - theirs.keys()),
        sorted(theirs.keys() - ours.keys()),
        len(both),
        sorted(
            (row for row in downloads if None not in row and row[1] != row[2]),
            key=lambda row: (-abs(row[2] - row[1]), row[0]),
        ),
        [week for week in both if complete[week][0] != complete[week][1]],
        max((week for week in both if all(complete[week])), default=None),
    )
