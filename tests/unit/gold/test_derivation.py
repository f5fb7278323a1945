"""Sharing downloads out over pairs of methods, on rows written by hand."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pyarrow as pa

from opentrace_spark.gold.attributes.derivation import share_out

CELL = {"sample": "head", "period": "all", "recency_window": "none"}
CLM, MLM = (
    "Pretraining: Causal Language Modeling (CLM)",
    "Pretraining: Masked Language Modeling (MLM)",
)
RLHF = "Reinforcement learning from feedback"
BETWEEN = "\x1f"


def row(step: str, before: str, after: str, downloads: int, parts: int = 1, of: int = 1) -> Any:
    names = {"step": step, "previous_method": before, "method": after}
    return CELL | names | {"parts": parts, "of": of, "downloads": downloads}


def shared(rows: list[Any]) -> dict[tuple[str, str, str], tuple[float, float]]:
    return {
        (found["step"], found["previous_method"], found["method"]): (
            found["downloads"],
            found["share"],
        )
        for found in share_out(pa.Table.from_pylist(rows)).to_pylist()
    }


def test_pretraining_has_its_name_at_a_root_only() -> None:
    rows = [
        row("1", BETWEEN.join([CLM, MLM]), BETWEEN.join([MLM, CLM, RLHF]), 12),
        row("2", BETWEEN.join([MLM, CLM, RLHF]), "ended", 12),
        row("3+", "ended", "ended", 12),
    ]
    continued = "continued pretraining"
    assert shared(rows) == {
        **{("1", root, method): (3, 0.25) for root in (CLM, MLM) for method in (continued, "RLHF")},
        **{("2", method, "ended"): (6, 0.5) for method in (continued, "RLHF")},
        ("3+", "ended", "ended"): (12, 1),
    }


def test_sums_are_exact_whatever_the_order() -> None:
    """Sevenths and thirds of odd numbers, some of them larger than a double holds."""
    randoms = random.Random(1)
    rows, sums, total = [], {"Quantization": Fraction(), "": Fraction()}, 0
    for _ in range(200):
        downloads, of = randoms.choice([1, 3, 2**60 + 1]), randoms.randint(3, 9)
        parts = randoms.randint(1, of - 1)
        rows.append(row("1", CLM, "Quantization", downloads))
        total += downloads
        for method, some in (("Quantization", parts), ("", of - parts)):
            rows.append(row("3+", "Model Merging", method, downloads, some, of))
            sums[method] += Fraction(downloads * some, of)
    expected = {
        ("3+", "Model Merging", method or "Undocumented"): (float(n), float(n / total))
        for method, n in sums.items()
    }
    first = shared(rows)
    for key, (downloads, share) in expected.items():
        assert abs(first[key][0] / downloads - 1) < 1e-15
        assert abs(first[key][1] / share - 1) < 1e-15
    for _ in range(5):
        randoms.shuffle(rows)
        assert shared(rows) == first
