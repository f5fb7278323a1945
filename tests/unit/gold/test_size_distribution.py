"""The measures of a distribution of sizes, by hand and against plain lists."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from opentrace_spark.gold.attributes.sizes import BIN_WIDTH, distribution


def of(weights: dict[int, int]) -> list[dict[str, int]]:
    return [
        {"parameter_count": size, "n": 1, "weight": weight}
        for size, weight in sorted(weights.items())
    ]


def test_distribution_by_hand():
    found = distribution(of({10: 1, 100: 2, 1000: 1, 2_000: 0}), every=8)
    assert [row["bin_low"] for row in found] == [10.0, 100.0, 1000.0]
    assert [row["share"] for row in found] == [0.25, 0.5, 0.25]
    assert [row["density"] for row in found] == [1.0, 2.0, 1.0]
    for row in found:
        assert (row["n"], row["weight"], row["known_share"]) == (4, 4, 0.5)
        assert row["mean"] == 302.5
        # A quarter of the weight is reached at 10 exactly, half and three quarters at 100.
        assert (row["quartile_1"], row["median"], row["quartile_3"]) == (10.0, 100.0, 100.0)


def test_one_model_is_all_of_its_measures():
    (row,) = distribution(of({7_241_732_096: 5}), every=5)
    assert (row["mean"], row["quartile_1"], row["quartile_3"]) == (7_241_732_096.0,) * 3
    assert row["bin_low"] <= 7_241_732_096 < row["bin_high"]
    assert (row["share"], row["known_share"]) == (1.0, 1.0)


@pytest.mark.parametrize("rows", [{}, {10: 0}])
def test_nothing_known_has_no_rows(rows):
    assert distribution(of(rows), every=9) == []


def test_sums_beyond_64_bits_are_exact():
    weights = {10**12 + 1: 10**12, 3: 1}
    expected = Fraction(sum(s * w for s, w in weights.items()), sum(weights.values()))
    assert distribution(of(weights), every=10**13)[0]["mean"] == float(expected)


def test_distribution_agrees_with_the_list_of_all_weights():
    draw = random.Random(5)
    for _ in range(50):
        weights = {draw.randrange(1, 10**6): draw.randrange(0, 4) for _ in range(30)}
        listed = sorted(size for size, weight in weights.items() for _ in range(weight))
        found = distribution(of(weights), every=len(listed))
        assert sum(row["share"] for row in found) == pytest.approx(1)
        assert sum(row["density"] * BIN_WIDTH for row in found) == pytest.approx(1)
        for row in found:
            inside = sum(row["bin_low"] <= size < row["bin_high"] for size in listed)
            assert row["share"] == inside / len(listed)
            for part, name in enumerate(("quartile_1", "median", "quartile_3"), 1):
                first = next(
                    s for s in listed if 4 * sum(x <= s for x in listed) >= part * len(listed)
                )
                assert row[name] == first
