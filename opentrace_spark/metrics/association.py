"""Tests of whether what came before and what came after differ, and how strongly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

_FEW = 5
"""Expected count below which Fisher's exact test stands in for chi-square (Cochran's rule)."""


@dataclass(frozen=True)
class Contingency:
    """A test of a 2 x 2 table: its name, p-value and Cramer's V; None where a margin is 0."""

    test: str | None
    p_value: float | None
    cramers_v: float | None


def contingency(n_before: int, n_after: int, of_before: int, of_after: int) -> Contingency:
    """Whether models of a category are as frequent after as before.

    Chi-square with Yates' correction; Fisher's exact test where an expected count is below 5.
    Cramer's V of a 2 x 2 table is |phi| = |ad - bc| / sqrt of the product of the margins.
    """
    table = np.array([[n_before, of_before - n_before], [n_after, of_after - n_after]])
    margins = [int(side) for axis in (0, 1) for side in table.sum(axis=axis)]
    if not all(margins):
        return Contingency(None, None, None)
    determinant = n_before * (of_after - n_after) - n_after * (of_before - n_before)
    v = abs(determinant) / math.sqrt(math.prod(margins))
    if stats.contingency.expected_freq(table).min() < _FEW:
        return Contingency("fisher_exact", float(stats.fisher_exact(table).pvalue), v)
    found = stats.chi2_contingency(table, correction=True)
    return Contingency("chi_square_yates", float(found.pvalue), v)


def compare_sizes(before: Sequence[int], after: Sequence[int]) -> float | None:
    """p-value of the Mann-Whitney U test, two-sided, of models' sizes; None where it has none.

    Sizes span many powers of ten: only their order counts. (Mann & Whitney 1947, with the
    correction for ties.)
    """
    if not before or not after or len({*before, *after}) < 2:
        return None
    return float(stats.mannwhitneyu(before, after).pvalue)
