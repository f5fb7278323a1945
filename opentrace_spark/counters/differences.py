"""Differences of counters, model by model, as counts of weeks.

    count(week) = sum over intervals a..b of F(last) - F(first),  F(k) = floor(d k / n)

of a difference d over n days, of which those after `first` up to `last` are in the week
(`calendar.Piece`): exact integers that add up to d.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from opentrace_spark.counters.calendar import WHOLE_DAYS, Calendar
from opentrace_spark.metrics.exact import Integers, starts_of_runs

Booleans = npt.NDArray[np.bool_]

FLAGS = ("catch_up", "first_seen", "gap", "regression", "reset", "spread", "stall")
"""What may be said of a week of a model, in the order of their bits."""
_BIT = {flag: 1 << place for place, flag in enumerate(FLAGS)}
_DAY_BITS = 32
UNKNOWN_DAY = np.iinfo(np.int64).min
"""Where a model's date of creation is not known."""


@dataclass(frozen=True)
class Sightings:
    """Counters of models in snapshots, ascending by model and snapshot, each pair once.

    model: from 0 on, below the length of `created`; snapshot: its place in the calendar.
    `created` has the day of creation of each model, or UNKNOWN_DAY.
    """

    model: Integers
    snapshot: Integers
    counter: Integers
    created: Integers


@dataclass(frozen=True)
class WeeklyCounts:
    """Rows by model and week, ascending, and what they start from.

    count: what is known, 0 where `is_counted` is false; difference: sum of the raw differences, the
    negative ones, too, 0 where `has_difference` is false; flags: bits of FLAGS. Of each model:
    `base` and `last`, its counter before the first and after the last difference, both 0 for one
    that is in stalls only. base + sum of differences = last.
    """

    model: Integers
    week: Integers
    count: Integers
    is_counted: Booleans
    difference: Integers
    has_difference: Booleans
    flags: Integers
    base: Integers
    last: Integers


@dataclass
class _Intervals:
    """Days of models between sightings: from `start` to `end` - 1, with the counter's difference
    over them. `is_known` is false where it is not known yet."""

    model: Integers
    start: Integers
    end: Integers
    difference: Integers
    is_known: Booleans
    flags: Integers


def bit_of(flag: str) -> int:
    """The bit of one of FLAGS."""
    return _BIT[flag]


def weekly_counts(seen: Sightings, calendar: Calendar, reset_share: Fraction) -> WeeklyCounts:
    """The weekly counts of some models.

    A negative difference is a `regression`, and a `reset`, too, where at most `reset_share` of the
    counter is left. Raises OverflowError where counts of a model and week do not fit 64 bits.
    """
    is_stalled = np.array(calendar.is_stalled, dtype=bool)
    usable = np.flatnonzero(~is_stalled[seen.snapshot])
    first, base = _first_sightings(seen, usable, calendar)
    last = np.zeros(len(seen.created), dtype=np.int64)
    last[seen.model[usable]] = seen.counter[usable]
    intervals = _joined(
        first,
        _between(seen, usable, calendar, reset_share),
        _stalled_ends(seen, usable, calendar),
    )
    return _by_week(intervals, calendar, base, last)


def _days(calendar: Calendar) -> Integers:
    return np.array(calendar.days, dtype=np.int64)


def _ranks(calendar: Calendar) -> Integers:
    """How many snapshots before each are no stalls."""
    usable = ~np.array(calendar.is_stalled, dtype=bool)
    ranks: Integers = np.cumsum(usable, dtype=np.int64) - usable
    return ranks


def _first_sightings(
    seen: Sightings, usable: Integers, calendar: Calendar
) -> tuple[_Intervals, Integers]:
    """What models count that are new, and the counter that all others start from.

    A model is new that was created on the day of the snapshot before or later: the days that its
    downloads can be of are those of this interval.
    """
    days = _days(calendar)
    firsts = usable[starts_of_runs(seen.model[usable])]
    model, snapshot = seen.model[firsts], seen.snapshot[firsts]
    before = np.array(calendar.usable, dtype=np.int64)[_ranks(calendar)[snapshot] - 1]
    created = seen.created[model]
    is_new = (snapshot > before) & (created != UNKNOWN_DAY) & (created >= days[before])
    base = np.zeros(len(seen.created), dtype=np.int64)
    base[model[~is_new]] = seen.counter[firsts[~is_new]]
    end = days[snapshot[is_new]]
    intervals = _Intervals(
        model[is_new],
        np.minimum(created[is_new], end - 1),  # created on the day itself: at least one day
        end,
        seen.counter[firsts[is_new]],
        np.ones(len(end), dtype=bool),
        np.full(len(end), _BIT["first_seen"], dtype=np.int64),
    )
    return intervals, base


def _between(
    seen: Sightings, usable: Integers, calendar: Calendar, reset_share: Fraction
) -> _Intervals:
    """The intervals between two sightings of a model."""
    days, ranks = _days(calendar), _ranks(calendar)
    follows = np.flatnonzero(seen.model[usable][1:] == seen.model[usable][:-1])
    before, after = usable[follows], usable[follows + 1]
    a, b = seen.snapshot[before], seen.snapshot[after]
    difference = seen.counter[after] - seen.counter[before]
    steps = ranks[b] - ranks[a]
    falls = np.flatnonzero(difference < 0)  # few, and compared exactly
    is_reset = np.zeros(len(difference), dtype=bool)
    is_reset[falls] = [
        left <= reset_share * counter
        for left, counter in zip(
            seen.counter[after[falls]].tolist(), seen.counter[before[falls]].tolist(), strict=True
        )
    ]
    flags = (
        _BIT["gap"] * (steps > 1)
        | _BIT["catch_up"] * (b - a > steps)
        | _BIT["regression"] * (difference < 0)
        | _BIT["reset"] * is_reset
    )
    known = np.ones(len(a), dtype=bool)
    return _Intervals(seen.model[after], days[a], days[b], difference, known, flags)


def _stalled_ends(seen: Sightings, usable: Integers, calendar: Calendar) -> _Intervals:
    """The time between a model's last sighting and the stalls after it, where it is seen, too."""
    days, ranks = _days(calendar), _ranks(calendar)
    ends = np.flatnonzero(np.r_[seen.model[1:] != seen.model[:-1], len(seen.model) > 0])
    models = seen.model[ends]
    place = np.full(len(seen.created), -1, dtype=np.int64)
    place[seen.model[usable]] = usable
    is_open = (place[models] >= 0) & (place[models] < ends)
    is_open &= seen.snapshot[ends] > (calendar.usable[-1] if calendar.usable else -1)
    model, last = models[is_open], seen.snapshot[ends[is_open]]
    start = seen.snapshot[place[model]]
    gap = ranks[last] - ranks[start] > 1
    return _Intervals(
        model,
        days[start],
        days[last],
        np.zeros(len(model), dtype=np.int64),
        np.zeros(len(model), dtype=bool),
        _BIT["stall"] | _BIT["gap"] * gap,
    )


def _joined(*parts: _Intervals) -> _Intervals:
    return _Intervals(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("model", "start", "end", "difference", "is_known", "flags")
        )
    )


def _by_week(
    intervals: _Intervals, calendar: Calendar, base: Integers, last: Integers
) -> WeeklyCounts:
    """Cut the intervals into weeks, and add up those of one model and week."""
    number, week, first_day, last_day, flags = _cut(intervals, calendar)
    days = (intervals.end - intervals.start)[number]
    whole, rest = np.divmod(intervals.difference[number], days)
    # floor(d k / n) = k floor(d / n) + floor((d mod n) k / n): nothing here exceeds d.
    difference = whole * (last_day - first_day) + (
        rest * last_day // days - rest * first_day // days
    )
    model, is_known = intervals.model[number], intervals.is_known[number]
    is_counted = is_known & (intervals.difference[number] >= 0)
    order = np.lexsort((week, model))
    model, week = model[order], week[order]
    starts = np.flatnonzero(
        np.r_[len(model) > 0, (model[1:] != model[:-1]) | (week[1:] != week[:-1])]
    )

    def added(values: Integers) -> Integers:
        return np.add.reduceat(values[order], starts) if len(starts) else values[:0]

    def joined(values: npt.NDArray[np.int64]) -> Integers:
        return np.bitwise_or.reduceat(values[order], starts) if len(starts) else values[:0]

    counts = np.where(is_counted, difference, 0)
    if len(starts) and np.add.reduceat(counts[order].astype(float), starts).max() >= 2**63:
        raise OverflowError("counts of one model and week add up to more than 64 bits can hold")
    return WeeklyCounts(
        model=model[starts],
        week=week[starts],
        count=added(counts),
        is_counted=joined(is_counted.astype(np.int64)) > 0,
        difference=added(difference),
        has_difference=joined(is_known.astype(np.int64)) > 0,
        flags=joined(flags),
        base=base,
        last=last,
    )


def _cut(
    intervals: _Intervals, calendar: Calendar
) -> tuple[Integers, Integers, Integers, Integers, Integers]:
    """Of each piece: the interval's number, the week, its days (after the first, up to the last),
    and flags. Intervals of the same days, of which there are many, are cut once."""
    codes = (intervals.start << _DAY_BITS) + (intervals.end - intervals.start)
    spans, of_span = np.unique(codes, return_inverse=True)
    of_span = of_span.reshape(-1)
    rows: list[tuple[int, int, int, int]] = []
    counts = np.zeros(len(spans), dtype=np.int64)
    for place, code in enumerate(spans.tolist()):
        start, end = code >> _DAY_BITS, (code >> _DAY_BITS) + code % (1 << _DAY_BITS)
        quiet = calendar.quiet_weeks(start, end)
        spread = _BIT["spread"] if end - start > WHOLE_DAYS else 0
        pieces = calendar.pieces(start, end)
        counts[place] = len(pieces)
        for piece in pieces:
            stall = _BIT["stall"] if piece.week in quiet else 0
            rows.append((piece.week, piece.first, piece.last, spread | stall))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    offsets = np.cumsum(counts) - counts
    number = np.repeat(np.arange(len(of_span)), counts[of_span])
    within = np.arange(len(number)) - np.repeat(
        np.cumsum(counts[of_span]) - counts[of_span], counts[of_span]
    )
    places = offsets[of_span[number]] + within
    week, first_day, last_day, said = table[places].T
    return number, week, first_day, last_day, said | intervals.flags[number]
