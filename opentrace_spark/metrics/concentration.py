"""Concentration of downloads over units: every formula once, from integers to the last division.

Rational metrics are one division of exact integers, which Python rounds correctly; logarithmic ones
are summed in ascending x with `math.fsum`. So the same counts give the same bits in any order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from opentrace_spark.metrics.exact import Integers, exact_dot, exact_sum, starts_of_runs
from opentrace_spark.tables import TOP_K

Metrics = dict[str, Any]
"""Metric column of `tables.py` -> value (int, float, bool, or None where undefined)."""


_DENSE = 1 << 16
"""Counts below are tallied, those above sorted: nearly all counts are small."""


def histogram(counts: Integers) -> tuple[Integers, Integers]:
    """The distinct values of counts (int64, > 0, any order), ascending, and how many have each."""
    is_small = counts < _DENSE
    tally = np.bincount(counts[np.flatnonzero(is_small)])
    small = np.flatnonzero(tally)
    large = np.sort(counts[np.flatnonzero(~is_small)])
    starts = starts_of_runs(large)
    return (
        np.concatenate([small, large[starts]]),
        np.concatenate([tally[small], np.diff(np.r_[starts, len(large)])]),
    )


def concentration(values: Integers, units: Integers, eligible: int | None = None) -> Metrics:
    """All metrics of a histogram of downloads, as `histogram` gives it; n units in all.

    `eligible` counts the units that could have had downloads, at least n; where given, the result
    has `eligible_units` and `gini_eligible` too. With no units, units and downloads are 0 and every
    metric is None: an empty week is not an equal one. With i = 1..n, S = sum x and p = x / S:

    - hhi = sum x^2 / S^2 (Herfindahl 1950, Hirschman 1945); hhi_normalized = (n sum x^2 - S^2) /
      (S^2 (n - 1)), which is (hhi - 1/n) / (1 - 1/n);
      effective_units = S^2 / sum x^2 (Laakso & Taagepera 1979).
    - gini = (2 sum i x_i - (n + 1) S) / (n S), the population form (Gini 1912; Dixon et al. 1987);
      gini_corrected divides by (n - 1) S instead; gini_eligible counts the E - n eligible units
      without downloads as zeros, 1 - (n / E)(1 - gini) = ((E - n) S + gini n S) / (E S).
    - theil = sum p ln(n p) (Theil 1967); shannon_entropy = - sum p ln p (Shannon 1948).
    - top_k_share: the k largest over S; tied_at_k: the (k+1)-th is as large as the k-th.
    """
    n = int(units.sum())
    if n == 0:
        return _nothing(eligible)
    downloads = values * units
    total = exact_sum(downloads)
    squares = exact_dot(values, downloads)
    # The ranks of equal x, up to r, add up to units (2 r - units + 1) / 2.
    last_ranks = np.cumsum(units)
    gini_numerator = exact_dot(downloads, 2 * last_ranks - units + 1) - (n + 1) * total
    metrics = {
        "units": n,
        "downloads": total,
        "hhi": squares / total**2,
        "hhi_normalized": (n * squares - total**2) / (total**2 * (n - 1)) if n > 1 else None,
        "effective_units": total**2 / squares,
        "gini": gini_numerator / (n * total),
        "gini_corrected": gini_numerator / ((n - 1) * total) if n > 1 else None,
        **_logarithmic(values, units, total),
        **_top_shares(values, units, total),
    }
    if eligible is not None:
        metrics["eligible_units"] = eligible
        metrics["gini_eligible"] = ((eligible - n) * total + gini_numerator) / (eligible * total)
    return metrics


def _logarithmic(values: Integers, units: Integers, total: int) -> Metrics:
    """Theil index and Shannon entropy of a histogram: `units` have each of the ascending values."""
    n = int(units.sum())
    shares = values / total
    # n x / S is 1 for equal units: kept as one integer product while it fits, so that ln gives 0.
    fits = n * int(values[-1]) < 2**63
    relative = (values * n if fits else values * float(n)) / total
    weights = units * shares
    return {
        "theil": math.fsum((weights * np.log(relative)).tolist()),
        "shannon_entropy": abs(math.fsum((weights * np.log(shares)).tolist())),
    }


def _top_shares(values: Integers, units: Integers, total: int) -> Metrics:
    """Shares of the k largest, and whether each cut falls inside a tie."""
    wanted = TOP_K[-1] + 1
    from_top = np.minimum(units[::-1], wanted)
    some = int(np.searchsorted(np.cumsum(from_top), wanted)) + 1
    largest = np.repeat(values[::-1][:some], from_top[:some])[:wanted]
    running = np.cumsum(largest)
    shares, ties = {}, {}
    for k in TOP_K:
        shares[f"top_{k}_share"] = int(running[min(k, len(largest)) - 1]) / total
        ties[f"tied_at_{k}"] = bool(len(largest) > k and largest[k - 1] == largest[k])
    return {**shares, **ties}


def _nothing(eligible: int | None) -> Metrics:
    names = ["hhi", "hhi_normalized", "effective_units", "gini", "gini_corrected", "theil"]
    names += ["shannon_entropy", *(f"top_{k}_share" for k in TOP_K)]
    names += [f"tied_at_{k}" for k in TOP_K]
    metrics: Metrics = {"units": 0, "downloads": 0, **dict.fromkeys(names)}
    if eligible is not None:
        metrics |= {"eligible_units": eligible, "gini_eligible": None}
    return metrics
