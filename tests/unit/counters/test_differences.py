"""Weekly counts of counters against a day-by-day truth, and the rules one by one."""

from __future__ import annotations

import random
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from opentrace_spark.counters.calendar import Calendar
from opentrace_spark.counters.differences import (
    FLAGS,
    UNKNOWN_DAY,
    Sightings,
    WeeklyCounts,
    bit_of,
    weekly_counts,
)
from opentrace_spark.counters.stalls import Pair, count_unchanged, find_stalls
from tests.reference import counters as truth

EPOCH = date(1970, 1, 1)
MONDAY = date(2025, 1, 6)
SHARE, RESET = Fraction("0.99"), Fraction("0.1")
Histories = dict[str, dict[date, int]]


def day(number: int) -> date:
    """The so-manieth day from MONDAY on."""
    return MONDAY + timedelta(days=number)


def numbers(days: list[date]) -> tuple[int, ...]:
    return tuple((one - EPOCH).days for one in days)


def sightings(histories: Histories, created: dict[str, date | None], days: list[date]) -> Sightings:
    place = {one: number for number, one in enumerate(sorted(days))}
    rows = [
        (number, place[one], histories[model][one])
        for number, model in enumerate(sorted(histories))
        for one in sorted(histories[model])
    ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    births = [created.get(model) for model in sorted(histories)]
    known = [UNKNOWN_DAY if birth is None else (birth - EPOCH).days for birth in births]
    return Sightings(*table.T.copy(), created=np.array(known, dtype=np.int64))


def found_stalls(seen: Sightings, days: list[date]) -> set[date]:
    def count(pairs: list[Pair]) -> dict[Pair, tuple[int, int]]:
        active, unchanged = count_unchanged(seen.model, seen.snapshot, seen.counter, pairs)
        return {
            pair: (int(active[number]), int(unchanged[number])) for number, pair in enumerate(pairs)
        }

    is_stalled, _ = find_stalls(len(days), count, SHARE)
    return {one for one, stalled in zip(sorted(days), is_stalled, strict=True) if stalled}


def weeks_of(
    histories: Histories,
    created: dict[str, date | None] | None = None,
    days: list[date] | None = None,
    stalled: set[date] | None = None,
) -> tuple[dict[str, dict[date, truth.ModelWeek]], WeeklyCounts]:
    """What the kernel says, by model and week; its own stalls unless some are given."""
    days = sorted(days or {one for history in histories.values() for one in history})
    seen = sightings(histories, created or {}, days)
    stalled = found_stalls(seen, days) if stalled is None else stalled
    calendar = Calendar(numbers(days), tuple(one in stalled for one in days))
    said = weekly_counts(seen, calendar, RESET)
    names = sorted(histories)
    weeks: dict[str, dict[date, truth.ModelWeek]] = {name: {} for name in names}
    for place, model in enumerate(said.model.tolist()):
        week = EPOCH + timedelta(days=int(said.week[place]))
        weeks[names[model]][week] = truth.ModelWeek(
            int(said.count[place]) if said.is_counted[place] else None,
            int(said.difference[place]) if said.has_difference[place] else None,
            {flag for flag in FLAGS if said.flags[place] & bit_of(flag)},
        )
    return weeks, said


def one(counters: dict[int, int], created: int | None = None, **options: Any) -> dict[int, Any]:
    """Weeks of a single model seen on some days: day of the Monday -> (count, raw, flags)."""
    history = {"m": {day(number): counter for number, counter in counters.items()}}
    birth = None if created is None else day(created)
    options.setdefault("stalled", set())
    weeks, _ = weeks_of(history, {"m": birth}, **options)
    return {
        (week - MONDAY).days: (row.count, row.difference, " ".join(sorted(row.flags)))
        for week, row in weeks["m"].items()
    }


@pytest.mark.parametrize("seed", range(300))
def test_weekly_counts_agree_with_a_truth_of_days(seed: int) -> None:
    histories, created, days = random_histories(random.Random(seed))
    seen = sightings(histories, created, days)
    by_day: dict[date, dict[str, int]] = {
        one: {m: h[one] for m, h in histories.items() if one in h} for one in days
    }
    expected_stalls = truth.stalls(by_day, SHARE)
    assert found_stalls(seen, days) == expected_stalls
    weeks, said = weeks_of(histories, created, days, expected_stalls)
    for number, model in enumerate(sorted(histories)):
        history = truth.history(histories[model], created[model], days, expected_stalls, RESET)
        assert weeks[model] == history.weeks, f"seed {seed}, model {model}"
        if history.last is not None:
            assert (said.base[number], said.last[number]) == (history.base, history.last)
            differences = [row.difference or 0 for row in history.weeks.values()]
            assert history.base + sum(differences) == history.last


def random_histories(
    rng: random.Random,
) -> tuple[Histories, dict[str, date | None], list[date]]:
    """Some models in some snapshots: regular or not, with stalls, gaps, falls and newcomers."""
    steps = rng.choice([(7,), (1,), (7, 7, 7, 14), (3, 4, 7, 8, 20), (1, 2, 30), (14,)])
    days = [day(rng.randrange(7))]
    while len(days) < rng.randint(1, 14):
        days.append(days[-1] + timedelta(days=rng.choice(steps)))
    still = {one for one in days if rng.random() < rng.choice([0, 0.2])}
    histories: Histories = {}
    created: dict[str, date | None] = {}
    for number in range(rng.randint(1, 12)):
        counter = rng.choice([0, 5, 10**6, 2**62])
        history: dict[date, int] = {}
        birth = rng.choice([None, *days, days[0] + timedelta(days=rng.randrange(60))])
        pace = rng.choice([0, 1, 10, 1000])
        for one in days:
            if one not in still:
                counter += rng.randrange(pace + 1)
                if rng.random() < 0.08:
                    counter = rng.choice([0, counter // 10, counter // 2])
            visible = birth is None or one >= birth or rng.random() < 0.1
            if visible and rng.random() > 0.15:
                history[one] = counter
        if history:
            histories[f"m{number}"] = history
            created[f"m{number}"] = birth
    return histories, created, days


def test_weekly_counts_gives_a_week_the_whole_difference() -> None:
    assert one({0: 100, 7: 130, 14: 130}) == {0: (30, 30, ""), 7: (0, 0, "")}


@pytest.mark.parametrize(
    ("start", "length", "week"),
    [(3, 7, 0), (4, 7, 7), (2, 7, 0), (4, 6, 0), (5, 4, 0), (5, 5, 7), (6, 2, 0), (6, 1, 0)],
    ids=["thu7", "fri7", "wed7", "fri6tie", "sat4tie", "sat5", "sun2tie", "sun1"],
)
def test_weekly_counts_takes_the_week_of_most_days(start: int, length: int, week: int) -> None:
    assert one({start: 1, start + length: 9}) == {week: (8, 8, "")}


def test_weekly_counts_spreads_more_than_a_week_by_days_with_whole_remainders() -> None:
    # 10 over 9 days, Friday to the Saturday after next: 3, 6 days -> floor(30/9), the rest.
    assert one({4: 0, 13: 10}) == {0: (3, 3, "spread"), 7: (7, 7, "spread")}


def test_weekly_counts_spreads_the_largest_counter_exactly() -> None:
    whole = 2**63 - 1
    weeks = one({0: 0, 14: whole})
    assert weeks == {0: (whole // 2, whole // 2, "spread"), 7: (whole // 2 + 1,) * 2 + ("spread",)}


def test_weekly_counts_never_calls_a_fall_zero() -> None:
    assert one({0: 100, 7: 60, 14: 70}) == {0: (None, -40, "regression"), 7: (10, 10, "")}


@pytest.mark.parametrize(("left", "flags"), [(11, "regression"), (10, "regression reset")])
def test_weekly_counts_tells_a_reset_by_what_is_left(left: int, flags: str) -> None:
    assert one({0: 100, 7: left})[0] == (None, left - 100, flags)


def test_weekly_counts_adds_what_is_known_of_a_week() -> None:
    daily = one({0: 10, 1: 15, 2: 12, 3: 20})
    assert daily == {0: (13, 10, "regression")}


def test_weekly_counts_spreads_an_absence() -> None:
    days = [day(n) for n in (0, 7, 14, 21)]
    weeks = one({0: 0, 21: 22}, days=days)
    assert weeks == {0: (7, 7, "gap spread"), 7: (7, 7, "gap spread"), 14: (8, 8, "gap spread")}


def test_weekly_counts_catches_up_over_a_stall() -> None:
    days = [day(n) for n in (0, 7, 14, 21)]
    weeks = one({0: 0, 7: 10, 14: 10, 21: 30}, days=days, stalled={day(14)})
    assert weeks == {
        0: (10, 10, ""),
        7: (10, 10, "catch_up spread stall"),
        14: (10, 10, "catch_up spread"),
    }


def test_weekly_counts_leaves_a_stalled_end_unknown() -> None:
    days = [day(n) for n in (0, 7, 14, 21)]
    weeks = one({0: 0, 7: 10, 14: 10, 21: 10}, days=days, stalled={day(14), day(21)})
    assert weeks == {
        0: (10, 10, ""),
        7: (None, None, "spread stall"),
        14: (None, None, "spread stall"),
    }


@pytest.mark.parametrize(
    ("created", "weeks"),
    [
        (None, {}),
        (6, {}),  # before the snapshot before: it was somewhere else
        (7, {7: (50, 50, "first_seen")}),
        (12, {7: (50, 50, "first_seen")}),
        (14, {7: (50, 50, "first_seen")}),  # on the day itself
        (99, {7: (50, 50, "first_seen")}),  # a clock that is wrong
    ],
)
def test_weekly_counts_counts_a_first_sighting_of_new_models_alone(
    created: int | None, weeks: dict[int, Any]
) -> None:
    days = [day(n) for n in (0, 7, 14)]
    assert one({14: 50}, created, days=days) == weeks


def test_weekly_counts_takes_the_first_snapshot_as_a_base() -> None:
    assert one({0: 50, 7: 51}, created=0) == {0: (1, 1, "")}


def test_weekly_counts_spreads_a_first_sighting_since_the_creation() -> None:
    days = [day(n) for n in (0, 28)]
    assert one({28: 10}, 18, days=days) == {
        14: (3, 3, "first_seen spread"),
        21: (7, 7, "first_seen spread"),
    }


def test_weekly_counts_opens_no_week_that_the_list_does_not_cover() -> None:
    # Wednesdays: the list's weeks are 0 and 7; a model that was away has no week 14 of its own.
    days = [day(n) for n in (2, 9, 16)]
    away = one({2: 0, 16: 14}, days=days)
    assert away == {0: (5, 5, "gap spread"), 7: (9, 9, "gap spread")}
    assert one({16: 3}, 14, days=days) == {7: (3, 3, "first_seen")}


def test_weekly_counts_of_nothing() -> None:
    weeks, said = weeks_of({}, days=[day(0), day(7)])
    assert weeks == {}
    assert len(said.week) == 0


def test_weekly_counts_refuses_what_64_bits_do_not_hold() -> None:
    most = 2**63 - 1
    with pytest.raises(OverflowError, match="64 bits"):
        one({0: 0, 1: most, 2: 0, 3: most})


def test_find_stalls_needs_the_share_of_the_active() -> None:
    days = [day(0), day(7), day(14)]
    moving = {f"a{n}": {days[0]: 0, days[1]: 5, days[2]: 5} for n in range(99)}
    resting = {f"r{n}": dict.fromkeys(days, 7) for n in range(500)}
    last = {"z": {days[0]: 0, days[1]: 5, days[2]: 6}}
    both = {**moving, **last, **resting}
    assert found_stalls(sightings(both, {}, days), days) == {days[2]}
    fewer = {name: history for name, history in both.items() if name != "a0"}
    assert found_stalls(sightings(fewer, {}, days), days) == set()  # 98 of 99


def test_find_stalls_compares_a_run_of_stalls_with_the_time_before_it() -> None:
    days = [day(7 * n) for n in range(5)]
    counters = (0, 5, 5, 5, 9)
    moving = {f"a{n}": dict(zip(days, counters, strict=True)) for n in range(100)}
    assert found_stalls(sightings(moving, {}, days), days) == {days[2], days[3]}


def test_find_stalls_sees_none_where_nothing_moved_before() -> None:
    days = [day(7 * n) for n in range(4)]
    resting = {f"r{n}": dict.fromkeys(days, 7) for n in range(5)}
    assert found_stalls(sightings(resting, {}, days), days) == set()
