"""The RANSAC line from bytes to parameters on log-log scale.

The bytes are first turned into the weights that they can hold in the bits that dtype and
quantisation take: so 4-bit and 32-bit files lie on one line, of slope 1 where that is all. A line
for each packaging is worse: that of GGUF settles on whichever model is most often requantised.
Who keeps a history of files or several formats is an outlier to the line, and left to habits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opentrace_spark.sizes.repository import Evidence
from opentrace_spark.sizes.settings import SizeSettings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """y = intercept + slope x: x is log10 of weights or bytes, y of parameters.

    `rows` models made it, `inliers` of them RANSAC's.
    """

    intercept: float
    slope: float
    rows: int
    inliers: int

    def at(self, x: Floats) -> Floats:
        """y of each x, NaN for NaN."""
        return self.intercept + self.slope * x


def capacities(rows: Sequence[Evidence]) -> Floats:
    """log10 of the weights that each row's bytes can hold, NaN without bytes; shape (n,)."""
    return np.array([row.capacity for row in rows], dtype=np.float64)


def fit_line(x: Floats, y: Floats, settings: SizeSettings, inlier_residual: float | None) -> Line:
    """The RANSAC line (Fischler & Bolles 1981) through n points, shapes (n,).

    Inliers lie within `inlier_residual`; None takes scikit-learn's default, the median absolute
    deviation of y. All trials are made: the two in five of models that store one copy of their
    weights and nothing else are found in every part of the data. Order decides nothing.
    Slopes are at most `slope_factor` from 1: else a family of one size and many packagings, which
    lies on a level line, may have more inliers than the law that bytes hold weights.

    Few points, or all at one x, or none on such a line, get slope 1 and their median offset: a
    number of bytes per parameter; without any point the offset is 0.
    """
    flat = Line(float(np.median(y - x)) if len(x) else 0.0, 1.0, len(x), len(x))
    if len(x) < settings.line_min_rows or np.ptp(x) <= settings.inlier_residual:
        return flat
    # Only who fits needs scikit-learn: tasks that predict import this module without it.
    from sklearn.linear_model import LinearRegression, RANSACRegressor

    def is_law(line: LinearRegression, *_: Floats) -> bool:
        return bool(1 / settings.slope_factor <= line.coef_[0] <= settings.slope_factor)

    order = np.lexsort((y, x))
    ransac = RANSACRegressor(
        LinearRegression(),
        min_samples=2,
        residual_threshold=inlier_residual,
        is_model_valid=is_law,
        max_trials=settings.ransac_trials,
        stop_probability=1.0,
        random_state=settings.random_state,
    )
    try:
        fit = ransac.fit(x[order, None], y[order])
    except ValueError:  # no two points lie on such a line
        return flat
    intercept, slope = float(fit.estimator_.intercept_), float(fit.estimator_.coef_[0])
    return Line(intercept, slope, len(x), int(fit.inlier_mask_.sum()))
