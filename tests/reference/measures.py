"""The metrics of section 4, by their definitions, over exact numbers."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any

from opentrace_spark.tables import TOP_K


def metrics(downloads: Iterable[int]) -> dict[str, Any]:
    """All metrics of units with these downloads (each above 0); null where there are none."""
    x = sorted(downloads)
    n, total = len(x), sum(x)
    exact: dict[str, Fraction | Decimal | bool | None] = dict.fromkeys(
        (
            *("hhi", "hhi_normalized", "effective_units", "gini", "gini_corrected"),
            *("theil", "shannon_entropy"),
            *(f"top_{k}_share" for k in TOP_K),
            *(f"tied_at_{k}" for k in TOP_K),
        )
    )
    if n:
        hhi = Fraction(sum(v * v for v in x), total * total)
        gini = _gini(x)
        exact["hhi"] = hhi
        exact["effective_units"] = 1 / hhi
        exact["gini"] = gini
        if n > 1:
            exact["hhi_normalized"] = (hhi - Fraction(1, n)) / (1 - Fraction(1, n))
            exact["gini_corrected"] = gini * n / (n - 1)
        exact["shannon_entropy"] = _entropy(x)
        with localcontext() as context:
            context.prec = 50
            exact["theil"] = _ln(n) - _entropy(x)
        for k in TOP_K:
            exact[f"top_{k}_share"] = Fraction(sum(x[-k:]), total)
            exact[f"tied_at_{k}"] = n > k and x[-k] == x[-k - 1]
    rounded = {
        name: float(value) if isinstance(value, (Fraction, Decimal)) else value
        for name, value in exact.items()
    }
    return {"units": n, "downloads": total, **rounded}


def gini_eligible(downloads: Iterable[int], eligible: int) -> float | None:
    """Gini coefficient with the eligible units that have no downloads as zeros."""
    x = sorted(downloads)
    return float(1 - Fraction(len(x), eligible) * (1 - _gini(x))) if x else None


def share(part: int, whole: int) -> float | None:
    """part / whole, correctly rounded; null where there is no whole."""
    return part / whole if whole else None


def _gini(x: list[int]) -> Fraction:
    n = len(x)
    ranked = sum(i * v for i, v in enumerate(x, start=1))
    return Fraction(2 * ranked, n * sum(x)) - Fraction(n + 1, n)


def _entropy(x: list[int]) -> Decimal:
    """- sum p ln p = ln S - (sum x ln x) / S, with 50 digits."""
    with localcontext() as context:
        context.prec = 50
        total = sum(x)
        return _ln(total) - sum((v * _ln(v) for v in x), Decimal(0)) / total


@cache
def _ln(value: int) -> Decimal:
    with localcontext() as context:
        context.prec = 50
        return Decimal(value).ln()
