"""The test of sizes before and after; contingency tables are tested with gold/attribute_shifts."""

from __future__ import annotations

import itertools

import pytest

from opentrace_spark.metrics.association import compare_sizes


def test_compare_sizes_counts_all_orders():
    """Few values, no ties: the share of the orders that are as uneven as the one seen."""
    before, after = [10, 20, 30], [25, 40, 50, 60]

    def pairs(first: tuple[int, ...], every: list[int]) -> int:
        second = [value for value in every if value not in first]
        return sum(a > b for a in first for b in second)

    every = sorted(before + after)
    seen = pairs(tuple(before), every)
    middle = len(before) * len(after) / 2
    orders = [pairs(chosen, every) for chosen in itertools.combinations(every, len(before))]
    uneven = sum(abs(u - middle) >= abs(seen - middle) for u in orders)
    assert compare_sizes(before, after) == pytest.approx(uneven / len(orders))


@pytest.mark.parametrize(
    ("before", "after"), [([], [1]), ([1], []), ([], []), ([7, 7], [7]), ([7], [7])]
)
def test_compare_sizes_has_nothing_to_say(before, after):
    assert compare_sizes(before, after) is None


def test_compare_sizes_looks_at_the_order_alone():
    before, after = [1, 2, 3, 3, 8] * 5, [2, 4, 8, 16, 16] * 5
    powers = [[10**value for value in values] for values in (before, after)]
    assert compare_sizes(*powers) == compare_sizes(before, after)
    assert compare_sizes(after, before) == pytest.approx(compare_sizes(before, after))
    assert compare_sizes(before, before) > 0.9 > 0.05 > compare_sizes(before, [9] * 25)
