"""Sums of 64-bit integers whose results need more than 64 bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_LIMB_BITS = 21
_LIMB_MASK = (1 << _LIMB_BITS) - 1
# A product of two limbs stays below 2^42, so this many of them add up within int64.
_CHUNK = 1 << 20


def exact_sum(values: Integers) -> int:
    """Sum of non-negative int64 values as a Python integer, whatever its size."""
    return (int(np.sum(values >> 32)) << 32) + int(np.sum(values & 0xFFFFFFFF))


def starts_of_runs(ascending: Integers) -> Integers:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.r_[len(ascending) > 0, ascending[1:] != ascending[:-1]])


def exact_dot(left: Integers, right: Integers) -> int:
    """Dot product of two arrays of non-negative int64 values, exact whatever its size.

    Both arrays are cut into limbs of 21 bits, whose products add up in int64 without overflow.
    """
    total = 0
    for start in range(0, len(left), _CHUNK):
        left_limbs = _limbs(left[start : start + _CHUNK])
        right_limbs = _limbs(right[start : start + _CHUNK])
        for i, a in enumerate(left_limbs):
            for j, b in enumerate(right_limbs):
                total += int(np.dot(a, b)) << (_LIMB_BITS * (i + j))
    return total


def _limbs(values: Integers) -> list[Integers]:
    """The values' base-2^21 digits, least significant first, up to the largest value's last."""
    count = -(-int(values.max()).bit_length() // _LIMB_BITS) if len(values) else 0
    return [(values >> (_LIMB_BITS * place)) & _LIMB_MASK for place in range(count)]
