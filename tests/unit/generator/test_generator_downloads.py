"""Weekly downloads: weeks, zeros, histories around the creation date, totals."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from statistics import mean

from .conftest import Landing

LAST = dt.date(2025, 8, 18)


def test_weeks_are_mondays_with_a_few_missing(landing: Landing) -> None:
    weeks = set(landing.weeks)
    expected = {LAST - dt.timedelta(weeks=n) for n in range(60)}
    assert weeks < expected
    assert 1 <= len(expected - weeks) <= 3
    assert {min(expected), max(expected)} <= weeks


def test_rows_are_unique_with_a_few_zeros(landing: Landing) -> None:
    zeros = rows = 0
    for week in landing.weeks.values():
        assert len({name for name, _ in week}) == len(week)
        rows += len(week)
        zeros += sum(count == 0 for _, count in week)
        assert min(count for _, count in week) >= 0
    assert 0 < zeros < 0.002 * rows


def test_rows_grow_with_the_hub(landing: Landing) -> None:
    sizes = [len(rows) for _, rows in sorted(landing.weeks.items())]
    assert mean(sizes[-10:]) > 1.5 * mean(sizes[:10])


def test_histories_begin_around_the_creation(landing: Landing) -> None:
    first: dict[str, dt.date] = {}
    for week, rows in sorted(landing.weeks.items()):
        for name, _ in rows:
            first.setdefault(name, week)
    start = min(landing.weeks)
    lags = []
    for model in landing.models:
        created, seen = model["createdAt"], first.get(model["id"])
        if created and seen and created.date() > start + dt.timedelta(weeks=8):
            lags.append((seen - created.date()).days // 7 + 1)
    assert sum(lag in (0, 1) for lag in lags) > 0.9 * len(lags)
    assert 3 <= sum(lag < 0 for lag in lags) < 0.05 * len(lags)
    assert min(lags) >= -7


def test_new_models_of_the_tail_decay(landing: Landing) -> None:
    created = {m["id"]: m["createdAt"].date() for m in landing.models if m["createdAt"]}
    early, late = [], []
    for week, rows in landing.weeks.items():
        for name, count in rows:
            if name in created and count < 100:
                age = (week - created[name]).days
                (early if 0 <= age < 14 else late if 70 <= age < 140 else []).append(count)
    assert mean(early) > 1.3 * mean(late)


def test_totals_in_the_metadata_agree(landing: Landing) -> None:
    downloads = landing.downloads
    recent: Counter[str] = Counter()
    for n in range(4):
        for name, count in landing.weeks[LAST - dt.timedelta(weeks=n)]:
            recent[name] += count
    for model in landing.models:
        assert model["downloadsAllTime"] >= downloads[model["id"]]
        assert model["downloads"] >= recent[model["id"]]
    assert any(m["downloadsAllTime"] == downloads[m["id"]] > 0 for m in landing.models)


def test_creation_dates(landing: Landing) -> None:
    floor = {dt.datetime(2022, 3, 2, 23, 29, s, tzinfo=dt.timezone.utc) for s in (4, 5)}
    created = [model["createdAt"] for model in landing.models]
    known = [date for date in created if date]
    assert len(created) - len(known) >= 2
    floored = Counter(date for date in known if date in floor)
    assert set(floored) == floor
    assert abs(floored.total() / len(created) - 0.04) < 0.002
    assert 1 <= sum(date < min(floor) for date in known) <= 5
    years = Counter(date.year for date in known if date not in floor)
    assert years[2022] < years[2023] < years[2024]
    assert all(m["lastModified"] >= m["createdAt"] for m in landing.models if m["createdAt"])
    assert max(known).date() <= LAST + dt.timedelta(days=6)


def test_one_model_is_a_traffic_anomaly(landing: Landing) -> None:
    shares = {}
    for week, rows in landing.weeks.items():
        total = sum(count for _, count in rows)
        top = max(rows, key=lambda row: row[1])
        shares[week] = (top[0], top[1] / total)
    name, share = shares[LAST]
    assert 0.3 < share < 0.45
    before = LAST - dt.timedelta(weeks=40)
    week = min(landing.weeks, key=lambda w: abs(w - before))
    counts = dict(landing.weeks[week])
    assert counts.get(name, 0) / sum(counts.values()) < 0.1
