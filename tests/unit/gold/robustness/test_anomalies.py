"""The rules of gold/anomalies on hand-made models and weeks."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from opentrace_spark.config import load_config
from opentrace_spark.gold.robustness.anomalies import find_outlying, find_surges

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
    assert before[0].tolist() == before[19].tolist() == list(range(8))
    assert before[20].tolist() == [*range(1, 8), 28]


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


def outlying(models: list[tuple[int, int]], small: int = 0, **values: float) -> list[int]:
    """Places of models of (downloads, likes); downloads below `small` are no large share."""
    downloads, likes = (np.array(column, dtype=np.int64) for column in zip(*models, strict=True))
    rules = replace(RULES, **values)
    return [place for place, _ in find_outlying(downloads, likes, downloads >= small, rules)]


LIKED = [(50, 0), (100, 0), (200, 0)] * 20
"""The MAD of logarithms is ln 2, so that z = 5.5 is 2^(5.5 / 0.6745): 285 times the median."""


def test_downloads_per_like_compares_with_all_models() -> None:
    assert outlying([*LIKED, (28_000, 0), (29_000, 0), (1, 0)]) == [61]
    assert outlying([*LIKED, (28_000, 0), (29_000, 0), (1, 0)], per_like_z=5.4) == [60, 61]
    assert outlying([*LIKED, (29_000, 0)], small=29_001) == []


def test_more_likes_let_expect_more_downloads() -> None:
    assert outlying([*LIKED, (10**6, 0), (10**6, 9_999)], per_like_peers=1) == [60]


def test_absurd_likes_of_one_model_do_not_hide_the_others() -> None:
    assert outlying([*LIKED, (29_000, 0), (1, 2**63 - 1)]) == [60]


def test_downloads_per_like_compares_with_models_of_as_many_likes() -> None:
    """Those that are liked most have more downloads per like than most: that alone is nothing."""
    stars = [(10**7 * x, 100 + x) for x in (1, 2, 4)] * 10
    assert outlying([*LIKED, *LIKED, *stars, (10**8, 100)]) == []
    assert outlying([*LIKED, *LIKED, *stars, (10**9, 100)]) == [150]


def test_few_models_with_many_likes_are_compared_with_those_of_fewer() -> None:
    some = [(10**7 * x, 40) for x in (1, 2, 4)] * 10
    models = [*LIKED, *LIKED, *some, (10**9, 10_000)]
    assert outlying(models, per_like_z=1.0) == [150]
    # Alone with so many likes it would be compared with itself.
    assert outlying(models, per_like_z=1.0, per_like_peers=1) == []


def test_downloads_per_like_needs_a_spread() -> None:
    """Else one download more than all others would be infinitely far."""
    assert outlying([(200, 0)] * 40 + [(201, 0)]) == []
    # Here all models have one, and those with as many likes have none.
    alike = [(10**6, 999)] * 40
    assert outlying([*LIKED, *LIKED, *alike, (10**6 + 1, 999)]) == []
    assert outlying([*LIKED, *LIKED, *alike, (10**9, 999)], per_like_z=1.0) == []


def test_downloads_per_like_needs_enough_models() -> None:
    few = [(50, 0), (100, 0), (200, 0), (10**6, 0)]
    assert outlying(few) == []
    assert outlying(few, per_like_peers=4) == [3]
    empty = np.array([], dtype=np.int64)
    assert list(find_outlying(empty, empty, empty > 0, RULES)) == []
