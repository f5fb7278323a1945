"""The rules of gold/anomalies on hand-made models and weeks."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from opentrace_spark.config import load_config
from opentrace_spark.gold.robustness.anomalies import find_surges, outlying_per_like

RULES = load_config().anomalies


def surges(counts: list[int], small: int = 0, **values: float) -> list[int]:
    """The places of surges; counts below `small` are no large share."""
    series = np.array(counts, dtype=np.int64)
    rules = replace(RULES, **values)
    return [place for place, _ in find_surges(series, series >= small, rules)]


NOISE = [100, 104, 98, 101, 97, 103, 99, 102]


def test_surge_needs_half_of_the_weeks_before() -> None:
    assert surges([*NOISE[:3], 9000]) == []
    assert surges([*NOISE[:4], 9000]) == [4]


def test_surge_is_from_the_named_ratio_on() -> None:
    usual = [100, 104, 98, 100, 96]  # median 100
    assert surges([*usual, 499]) == []
    assert surges([*usual, 500]) == [5]


def test_surge_of_a_constant_model_needs_the_ratio_alone() -> None:
    assert surges([100] * 8 + [499, 100]) == []
    assert surges([100] * 8 + [500, 100]) == [8]


def test_surge_is_no_part_of_what_later_weeks_are_compared_with() -> None:
    long = [*NOISE, *[5000] * 20, 100, 5000]
    assert surges(long) == [*range(8, 28), 29]
    series = np.array(long, dtype=np.int64)
    before = [usual for _, usual in find_surges(series, series > 0, RULES)]
    assert before[0] == before[19] == list(range(8))
    assert before[20] == [*range(1, 8), 28]


def test_surge_that_holds_becomes_the_ordinary_level() -> None:
    level = [5000, 5100, 4900, 5050, 4950, 5000]
    assert surges([*NOISE, *level], surge_longest=2) == [8, 9]
    assert surges([*NOISE, *level, 60_000], surge_longest=2) == [8, 9, 14]
    assert surges([*NOISE, 5000, 5000, 100, 5000, 5000, 5000], surge_longest=3) == [
        8,
        9,
        11,
        12,
        13,
    ]


def test_steady_growth_is_no_surge() -> None:
    assert surges([2**week for week in range(40)]) == []
    assert surges([100 * 3**week for week in range(12)]) == []


def test_small_share_is_no_surge_but_counts_as_ordinary() -> None:
    assert surges([*NOISE, 1000], small=1001) == []
    assert surges([*NOISE, *[1000] * 5, 1100], small=1001) == []
    assert surges([*NOISE, *[1000] * 2, 1100], small=1001) == [10]


def test_later_weeks_do_not_change_what_was_found() -> None:
    random.seed(5)
    series = [random.choice([10, 11, 12, 13, 100, 1000]) for _ in range(200)]
    whole = surges(series)
    assert len(whole) > 20
    for end in range(0, 200, 17):
        assert surges(series[:end]) == [place for place in whole if place < end]


def outlying(rates: list[float], likes: int = 0, **values: float) -> list[int]:
    downloads = np.array([round(rate * (likes + 1)) for rate in rates], dtype=np.int64)
    rules = replace(RULES, **values)
    places, _, _ = outlying_per_like(downloads, np.full(len(rates), likes), rules)
    return places.tolist()


def test_downloads_per_like_compares_with_most_models() -> None:
    # The MAD is ln 2, so that z = 5.5 is 2 to the power of 5.5 / 0.6745: 285 times the median.
    rates = [50, 100, 200] * 40
    assert outlying([*rates, 28_000, 29_000, 1]) == [121]
    assert outlying([*rates, 28_000, 29_000, 1], likes=99) == [121]
    assert outlying([*rates, 28_000, 29_000, 1], per_like_z=5.4) == [120, 121]


def test_downloads_per_like_needs_enough_models_and_a_spread() -> None:
    few = [50, 100, 200] * 2 + [10**6]
    assert outlying(few) == []
    assert outlying(few, per_like_models=7) == [6]
    assert outlying([100] * 200 + [10**9]) == []
    assert outlying([]) == []


def test_more_likes_let_expect_more_downloads() -> None:
    downloads = np.array([100, 200, 400] * 40 + [10**6, 10**6], dtype=np.int64)
    likes = np.array([0, 1, 3] * 40 + [0, 9999])
    rates = downloads / (likes + 1)
    assert set(rates[:120].tolist()) == {100.0}
    spread = np.array([1, 2] * 61)
    places, z, median = outlying_per_like(downloads * spread, likes, RULES)
    assert places.tolist() == [120]
    assert median == 200
    assert z[121] == pytest.approx(0)
