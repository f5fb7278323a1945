"""Every formula against textbook cases and against exact arithmetic written down another way."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from opentrace_spark.metrics.concentration import concentration, histogram
from opentrace_spark.tables import TOP_K

counts = st.lists(
    st.one_of(st.integers(1, 5), st.integers(1, 10**6), st.integers(1, 10**16)),
    min_size=1,
    max_size=60,
)


def close(got, want):
    """The contract's tolerance: 1e-12 relative, absolute near zero."""
    return abs(Fraction(got) - Fraction(want)) <= Fraction(1e-12) * max(abs(want), Fraction(1e-3))


def measure(values, eligible=None):
    return concentration(*histogram(np.array(values, dtype=np.int64)), eligible)


def mean_difference_gini(values):
    """Gini as half the relative mean absolute difference, the definition it has its name from."""
    n, total = len(values), sum(values)
    return Fraction(sum(abs(a - b) for a in values for b in values), 2 * n * total)


def test_concentration_of_one_two_three_four():
    got = measure([3, 1, 4, 2], eligible=8)
    assert (got["units"], got["downloads"]) == (4, 10)
    assert got["hhi"] == pytest.approx(0.30, abs=1e-15)
    assert got["hhi_normalized"] == pytest.approx(0.05 / 0.75, abs=1e-15)
    assert got["effective_units"] == pytest.approx(10 / 3, abs=1e-15)
    assert got["gini"] == pytest.approx(0.25, abs=1e-15)
    assert got["gini_corrected"] == pytest.approx(1 / 3, abs=1e-15)
    assert got["gini_eligible"] == pytest.approx(1 - 0.5 * 0.75, abs=1e-15)
    assert (got["top_1_share"], got["top_3_share"], got["top_5_share"]) == (0.4, 0.9, 1.0)


def test_concentration_of_nothing_is_null_and_never_zero():
    got = measure([], eligible=7)
    assert (got.pop("units"), got.pop("downloads"), got.pop("eligible_units")) == (0, 0, 7)
    assert got
    assert set(got.values()) == {None}


def test_concentration_of_one_unit():
    got = measure([7])
    assert (got["hhi"], got["gini"], got["theil"], got["shannon_entropy"]) == (1, 0, 0, 0)
    assert got["hhi_normalized"] is None
    assert got["gini_corrected"] is None
    assert not any(got[f"tied_at_{k}"] for k in TOP_K)


@pytest.mark.parametrize("n", [2, 3, 7, 1000])
@pytest.mark.parametrize("value", [1, 7, 10**15 + 1])
def test_concentration_of_equal_units(n, value):
    got = measure([value] * n)
    assert (got["gini"], got["theil"]) == (0, 0)
    assert got["effective_units"] == n
    assert [got[f"tied_at_{k}"] for k in TOP_K] == [n > k for k in TOP_K]


def test_tied_only_where_the_cut_falls_inside():
    got = measure([9, 9, 5, 5, 5, 1])
    assert got["tied_at_1"]
    assert got["tied_at_3"]
    assert not got["tied_at_5"]


@given(counts, st.integers(0, 50))
def test_concentration_agrees_with_exact_arithmetic(values, idle):
    n, total = len(values), sum(values)
    if total >= 2**63:
        return
    got = measure(values, eligible=n + idle)
    hhi = sum(Fraction(v, total) ** 2 for v in values)
    gini = mean_difference_gini(values)
    assert close(got["hhi"], hhi)
    assert close(got["effective_units"], 1 / hhi)
    assert close(got["gini"], gini)
    assert close(got["gini_eligible"], mean_difference_gini(values + [0] * idle))
    if n > 1:
        assert close(got["hhi_normalized"], (hhi - Fraction(1, n)) / (1 - Fraction(1, n)))
        assert close(got["gini_corrected"], gini * n / (n - 1))
    largest = sorted(values, reverse=True)
    for k in TOP_K:
        assert close(got[f"top_{k}_share"], Fraction(sum(largest[:k]), total))
        assert got[f"tied_at_{k}"] == (n > k and largest[k - 1] == largest[k])


@given(counts)
def test_logarithmic_metrics_agree_with_fifty_digits(values):
    n, total = len(values), sum(values)
    if total >= 2**63:
        return
    with localcontext() as context:
        context.prec = 50
        shares = [Decimal(v) / Decimal(total) for v in values]
        theil = sum((p * (n * p).ln() for p in shares), Decimal(0))
        entropy = -sum((p * p.ln() for p in shares), Decimal(0))
    got = measure(values)
    assert close(got["theil"], Fraction(theil))
    assert close(got["shannon_entropy"], Fraction(entropy))


@given(counts, st.randoms())
def test_concentration_has_the_same_bits_in_any_order(values, random):
    if sum(values) >= 2**63:
        return
    shuffled = list(values)
    random.shuffle(shuffled)
    assert measure(values) == measure(shuffled)
