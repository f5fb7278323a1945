"""Alpha and Wilson's interval: published examples, exact arithmetic, where there is none."""

from __future__ import annotations

import math
import random
from collections import Counter
from fractions import Fraction

import pytest

from opentrace_spark.metrics.agreement import krippendorff_alpha, wilson_interval


def exact_alpha(units: list[list[str]]) -> Fraction:
    """1 - (n - 1) * (n - sum of o_cc) / (n^2 - sum of n_c^2), from the coincidences of values."""
    units = [unit for unit in units if len(unit) > 1]
    totals = Counter(value for unit in units for value in unit)
    n = totals.total()
    agreed = sum(
        Fraction(count * (count - 1), len(unit) - 1)
        for unit in units
        for count in Counter(unit).values()
    )
    return 1 - (n - 1) * (n - agreed) / (n**2 - sum(count**2 for count in totals.values()))


def units_of(*annotators: str) -> list[list[str]]:
    """Units from a line of values per annotator; `.` is none."""
    columns = zip(*(line.split() for line in annotators), strict=True)
    return [[value for value in column if value != "."] for column in columns]


# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: four observers, 12
# units of which the last has one value. Coincidences on the diagonal, by value 1 to 5: 7, 10, 8, 4,
# 3; values: n = 40, of these 9, 13, 10, 5, 3. By his formula
# alpha = ((40 - 1) * (7 + 10 + 8 + 4 + 3) - (9*8 + 13*12 + 10*9 + 5*4 + 3*2)) / (40*39 - 344)
#       = (1248 - 344) / (1560 - 344) = 904 / 1216 = 0.743
EXAMPLE_C = units_of(
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
# Example A of the same text: two observers, ten units, two values. Four units differ; n = 20 with
# 14 zeros and 6 ones. alpha = 1 - 19 * (2 * 4) / (2 * 14 * 6) = 1 - 152 / 168 = 0.095
EXAMPLE_A = units_of("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")


def test_krippendorff_alpha_of_published_examples() -> None:
    assert krippendorff_alpha(EXAMPLE_C) == pytest.approx(904 / 1216, rel=1e-14)
    assert krippendorff_alpha(EXAMPLE_A) == pytest.approx(16 / 168, rel=1e-13)


def test_krippendorff_alpha_agrees_with_exact_arithmetic() -> None:
    chance = random.Random(7)
    below_zero = 0
    for _ in range(300):
        values = "abcdef"[: chance.randint(2, 6)]
        units = [
            [chance.choice(values) for _ in range(chance.randint(0, 5))]
            for _ in range(chance.randint(2, 30))
        ]
        found = krippendorff_alpha(units)
        if found is None:
            assert len({v for unit in units if len(unit) > 1 for v in unit}) < 2
            continue
        assert found == pytest.approx(float(exact_alpha(units)), rel=1e-12, abs=1e-13)
        below_zero += found < 0
    assert below_zero > 20


@pytest.mark.parametrize(
    ("units", "alpha"),
    [
        ([], None),
        ([["a"], ["b"], []], None),  # nobody to agree with
        ([["a", "a"]], None),  # no other label occurs: no disagreement could be expected
        ([["a", "a"], ["b"]], None),  # a single label tells nothing, not even that it exists
        ([["a", "b"]], 0.0),
        ([["a", "a"], ["b", "b"]], 1.0),
        ([["a", "b"], ["a", "b"]], -0.5),  # 1 - 3 * 4 / (16 - 8)
    ],
)
def test_krippendorff_alpha_at_its_edges(units, alpha) -> None:
    assert krippendorff_alpha(units) == alpha


def test_krippendorff_alpha_takes_sets_of_labels_as_values() -> None:
    text, both = ("Text",), ("Image", "Text")
    assert krippendorff_alpha([[text, text], [text, both]]) == 0.0


# Newcombe, Statistics in Medicine 17 (1998), table I: 95% intervals by Wilson's score method.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0000),
    ],
)
def test_wilson_interval_of_published_examples(successes, trials, low, high) -> None:
    assert wilson_interval(successes, trials, 0.95) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_of_one_trial() -> None:
    z2 = 1.959963984540054**2
    low, high = wilson_interval(1, 1, 0.95)
    assert low == pytest.approx(1 / (1 + z2), rel=1e-9)
    assert math.isclose(high, 1)


def test_wilson_interval_needs_a_trial() -> None:
    with pytest.raises(ValueError, match="not less than 1"):
        wilson_interval(0, 0, 0.95)
