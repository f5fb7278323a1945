"""Sums beyond 64 bits."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from opentrace_spark.metrics.exact import exact_dot, exact_sum

counts = st.lists(st.integers(0, 2**63 - 1), max_size=50)


@given(counts)
def test_exact_sum_is_python_sum(values):
    assert exact_sum(np.array(values, dtype=np.int64)) == sum(values)


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)), max_size=50))
def test_exact_dot_is_python_sum_of_products(pairs):
    left = np.array([a for a, _ in pairs], dtype=np.int64)
    right = np.array([b for _, b in pairs], dtype=np.int64)
    assert exact_dot(left, right) == sum(a * b for a, b in pairs)


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_exact_dot_over_a_chunk_border(size):
    largest = np.full(size, 2**63 - 1, dtype=np.int64)
    assert exact_dot(largest, largest) == size * (2**63 - 1) ** 2
