"""How far a value lies from the middle of a sample, by measures that outliers do not move."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NORMAL_MAD = 0.6745
"""Median absolute deviation of a standard normal distribution."""


def robust_z(values: Floats, sample: Floats) -> Floats:
    """The modified z-score 0.6745 (x - median) / MAD of Iglewicz & Hoaglin (1993).

    Median and median absolute deviation (MAD) are those of `sample`, which is not empty. Where the
    MAD is 0, values above the median are infinitely far.
    """
    middle = np.median(sample)
    spread = np.median(np.abs(sample - middle))
    apart = values - middle
    if spread > 0:
        return _NORMAL_MAD * apart / spread
    return np.where(apart == 0, 0.0, np.copysign(math.inf, apart))
