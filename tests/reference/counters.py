"""Cumulative counters to weekly counts, one model and one day at a time."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

DAY = timedelta(days=1)


@dataclass
class ModelWeek:
    """What is known of a week of a model."""

    count: int | None = None
    difference: int | None = None
    flags: set[str] = field(default_factory=set)


@dataclass
class History:
    """A model's weeks, and the counters before the first and after the last difference."""

    weeks: dict[date, ModelWeek]
    base: int | None
    last: int | None


def monday(day: date) -> date:
    """The Monday of the ISO week that contains the day."""
    return day - timedelta(days=day.weekday())


def days_between(first: date, end: date) -> list[date]:
    """The days from `first` on, before `end`."""
    return [first + timedelta(days=n) for n in range((end - first).days)]


def weeks_of_days(first: date, end: date) -> list[date]:
    """The week that each day of an interval belongs to."""
    days = days_between(first, end)
    weeks = [monday(day) for day in days]
    if len(days) > 7:
        return weeks
    most = max(Counter(weeks).values())
    week = min(week for week, held in Counter(weeks).items() if held == most)
    return [week] * len(days)


def stalls(counters: dict[date, dict[str, int]], share: Fraction) -> set[date]:
    """Snapshots without news; counters by day and model."""
    days = sorted(counters)
    stalled: set[date] = set()
    for place in range(2, len(days)):
        last = max(p for p in range(place) if days[p] not in stalled)
        if last == 0:
            continue
        active = unchanged = 0
        for model in counters[days[place]]:
            needed = (days[last - 1], days[last], days[place - 1], days[place])
            if any(model not in counters[day] for day in needed):
                continue
            before, after, previous, now = (counters[day][model] for day in needed)
            if after > before:
                active += 1
                unchanged += now == previous
        if active and Fraction(unchanged, active) >= share:
            stalled.add(days[place])
    return stalled


def covered_days(days: list[date], stalled: set[date]) -> Counter[date]:
    """How many days belong to each week, by the list of snapshots alone."""
    usable = [day for day in sorted(days) if day not in stalled]
    covered: Counter[date] = Counter()
    for before, after in itertools.pairwise(usable):
        covered.update(weeks_of_days(before, after))
    return covered


def history(
    sightings: dict[date, int],
    created: date | None,
    days: list[date],
    stalled: set[date],
    reset_share: Fraction,
) -> History:
    """The weeks of a model that was seen with these counters; `days` are those of all snapshots."""
    days = sorted(days)
    usable = [day for day in days if day not in stalled]
    seen = sorted(day for day in sightings if day not in stalled)
    weeks: dict[date, ModelWeek] = {}
    if not seen:
        return History(weeks, None, None)
    covered = covered_days(days, stalled)

    def settle(first: date, end: date, difference: int | None, flags: set[str]) -> None:
        length = (end - first).days
        flags = flags | ({"spread"} if length > 7 else set())
        quiet = {
            _kept(week, end, usable, covered)
            for before, after in itertools.pairwise(days)
            if after in stalled and first <= before and after <= end
            for week in weeks_of_days(before, after)
        }
        for number, week in enumerate(weeks_of_days(first, end), start=1):
            row = weeks.setdefault(_kept(week, end, usable, covered), ModelWeek())
            row.flags |= flags
            if _kept(week, end, usable, covered) in quiet:
                row.flags.add("stall")
            if difference is None:
                continue
            part = difference * number // length - difference * (number - 1) // length
            row.difference = (row.difference or 0) + part
            if difference >= 0:
                row.count = (row.count or 0) + part

    earlier = [day for day in usable if day < seen[0]]
    base = sightings[seen[0]]
    if earlier and created is not None and created >= earlier[-1]:
        settle(min(created, seen[0] - DAY), seen[0], base, {"first_seen"})
        base = 0
    for before, after in itertools.pairwise(seen):
        flags = set()
        between = [day for day in days if before < day < after]
        if any(day in stalled for day in between):
            flags.add("catch_up")
        if any(day not in stalled for day in between):
            flags.add("gap")
        difference = sightings[after] - sightings[before]
        if difference < 0:
            flags.add("regression")
            if sightings[after] <= reset_share * sightings[before]:
                flags.add("reset")
        settle(before, after, difference, flags)
    open_end = max(sightings)
    if open_end > usable[-1]:
        missed = any(day > seen[-1] for day in usable)
        settle(seen[-1], open_end, None, {"stall"} | ({"gap"} if missed else set()))
    return History(weeks, base, sightings[seen[-1]])


def _kept(week: date, end: date, usable: list[date], covered: Counter[date]) -> date:
    """The week itself, or the first or last that the list of snapshots covers."""
    if not covered:
        return week
    week = max(week, min(covered))
    return week if end > usable[-1] else min(week, max(covered))
