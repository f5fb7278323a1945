"""A small warehouse for reports, written without Spark: what it holds is known by arithmetic."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from itertools import product
from pathlib import Path
from typing import Any

from opentrace_spark import tables as t
from tests.unit.publish.small_tables import write_table

FIRST = date(2024, 1, 1)
WEEKS = 55
MISSING = 20
"""Week without downloads, counted from 0."""
LEVELS = ("model", "developer", "organization", "country", "org_type")
CELLS = tuple(product(LEVELS, ("none", "root"), ("none", "365d", "182d")))
EVIL = "evil/<script>alert(1)</script>"
FORMULA = "=cmd|'/c calc'!A1/\"x\", y"
NAMES = {
    "model": [EVIL, "acme/large", "zoo/small-GGUF", FORMULA],
    "developer": ["evil", "acme", "zoo", "<b>x</b>"],
    "organization": ["evil", "ACME Inc", "zoo", "one & two"],
    "country": ["USA", "China", "Singapore", "User"],
    "org_type": ["company", "university", "user", "unknown"],
}
PARAMETERS: dict[str, Any] = {
    "periods": [
        {"name": "before", "first": None, "last": "2024-06-30"},
        {"name": "after </script>", "first": "2024-07-01", "last": None},
    ],
    "population": {"min_downloads": 200, "head_size": 200},
    "windows": {"recency": ["none", "365d", "182d"]},
}


def week(number: int) -> date:
    return FIRST + timedelta(weeks=number)


def present() -> list[int]:
    return [number for number in range(WEEKS) if number != MISSING]


def counts(level: str, attribution: str, window: str, number: int) -> list[int]:
    """Downloads of NAMES[level] in a week: grow by week, differ between all cells."""
    scale = 1 + CELLS.index((level, attribution, window))
    return [scale * (100 + number), scale * 50, scale * 20, scale * 5]


def write_core(warehouse: Path) -> Path:
    """gold/weeks, gold/usage_shares, gold/concentration and gold/runs."""
    write_table(warehouse, t.GOLD_WEEKS, [_week(number) for number in range(WEEKS)])
    shares, metrics = [], []
    for number, cell in product(present(), CELLS):
        level, attribution, window = cell
        found = counts(*cell, number)
        total = sum(found)
        key = {"week_start": week(number), "level": level, "attribution": attribution}
        key["recency_window"] = window
        for rank, (name, downloads) in enumerate(zip(NAMES[level], found, strict=True), 1):
            row = {"rank": rank, "entity": name, "downloads": downloads, "share": downloads / total}
            shares.append({**key, **row})
        parts = [downloads / total for downloads in found]
        hhi = sum(part * part for part in parts)
        row = {
            "scope": "all",
            "units": 4,
            "downloads": total,
            "hhi": hhi,
            "gini": 0.5,
            "theil": 0.4,
        }
        row |= {"effective_units": 1 / hhi, "top_1_share": parts[0]}
        metrics.append({**key, **row, "top_10_share": 1.0, "top_100_share": 1.0})
    write_table(warehouse, t.GOLD_USAGE_SHARES, shares)
    write_table(warehouse, t.GOLD_CONCENTRATION, metrics)
    now = datetime(2025, 2, 1, 12, 30, tzinfo=timezone.utc)
    run = {"run_id": "20250201-abc", "processed_at": now, "finished_at": now, "version": "0.1.0"}
    run |= {"parameters": json.dumps(PARAMETERS), "inputs": '{"a": {}}', "checks_passed": 7}
    write_table(warehouse, t.GOLD_RUNS, [{**run, "notes": ["a note with <i>marks</i>"]}])
    return warehouse


def _week(number: int) -> dict[str, Any]:
    breaks = "window 365d: censored cohort leaves" if number == 10 else None
    is_missing = number == MISSING
    row = {"week_start": week(number), "is_missing": is_missing, "known_breaks": breaks}
    return row | {"is_complete": number < WEEKS - 1 or is_missing}
