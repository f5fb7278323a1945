"""The modified z-score by hand."""

import numpy as np
import pytest

from opentrace_spark.metrics.outliers import robust_z


def test_robust_z_is_not_moved_by_the_outlier():
    sample = np.array([1.0, 2.0, 3.0, 4.0, 1000.0])  # median 3, deviations 2, 1, 0, 1, 997
    assert robust_z(sample, sample) == pytest.approx(0.6745 * (sample - 3))


def test_robust_z_of_equal_values_is_infinite_beside_them():
    sample = np.array([2.0, 2.0, 2.0, 9.0])
    assert robust_z(np.array([2.0, 3.0, 1.0]), sample).tolist() == [0, np.inf, -np.inf]
