"""What moved in the headline tables since the run before: weeks, leading developers, shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.io import Warehouse
from opentrace_spark.tables import GOLD_USAGE_SHARES, GOLD_WEEKS

TOP = 20
"""A developer among so many of the largest is a top developer."""
THRESHOLD = 0.01
"""A share that changed by so much, in parts of 1, is told."""
_LEVELS = ("developer", "country", "org_type")
_WEEK = ["week_start", "downloads", "is_missing", "is_complete"]
_SHARE = ["level", "attribution", "entity", "rank", "share"]
_Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Headlines:
    """What is compared of a warehouse.

    `weeks` maps each week that is not missing to its downloads; `week` is the last complete one,
    None where there is none, `shares` its rows of `_LEVELS` without a window.
    """

    weeks: Mapping[date, int | None]
    week: date | None
    shares: _Rows


def headlines_of(weeks: _Rows, shares: Mapping[date, _Rows]) -> Headlines:
    """Of rows of gold/weeks, and those of gold/usage_shares by week."""
    there = {row["week_start"]: row for row in weeks if not row["is_missing"]}
    week = max((day for day, row in there.items() if row["is_complete"]), default=None)
    downloads = {day: row["downloads"] for day, row in sorted(there.items())}
    return Headlines(downloads, week, shares.get(week, ()) if week else ())


def published_headlines(warehouse: Warehouse) -> Headlines | None:
    """Those of the tables as they are published now; None where there are none."""
    try:
        weeks = warehouse.read(GOLD_WEEKS, _WEEK).to_pylist()
        week = headlines_of(weeks, {}).week
        wanted: list[tuple[str, str, Any]] = [
            ("week_start", "=", week),
            ("recency_window", "=", "none"),
            ("level", "in", _LEVELS),
        ]
        shares = warehouse.read(GOLD_USAGE_SHARES, _SHARE, wanted).to_pylist() if week else []
    except LookupError:
        return None
    return headlines_of(weeks, {week: shares} if week else {})


def built_headlines(tables: Mapping[str, DataFrame]) -> Headlines | None:
    """Those of the tables of a run; None where it has not both."""
    if not {GOLD_WEEKS.id, GOLD_USAGE_SHARES.id} <= tables.keys():
        return None
    weeks = tables[GOLD_WEEKS.id].select(_WEEK).toArrow().to_pylist()
    week = headlines_of(weeks, {}).week
    if week is None:
        return headlines_of(weeks, {})
    shares = (
        tables[GOLD_USAGE_SHARES.id]
        .where((F.col("week_start") == F.lit(week)) & (F.col("recency_window") == "none"))
        .where(F.col("level").isin(*_LEVELS))
        .select(_SHARE)
    )
    return headlines_of(weeks, {week: shares.toArrow().to_pylist()})


def moved(before: Headlines, after: Headlines) -> dict[str, Any]:
    """The differences, as lists: `new_weeks`, `gone_weeks`; `revised_weeks`, with downloads before
    and after; of the last complete weeks, `week_before` and `week`: `new_top_developers`, by rank,
    and `shares` that changed by THRESHOLD or more, largest change first. A unit that is not among
    the published ranks has the share None.
    """
    old, new = before.weeks, after.weeks
    both = before.week is not None and after.week is not None
    shares_before, shares_after = (
        _by_unit(side.shares if both else ()) for side in (before, after)
    )
    top_before = {unit for unit, row in shares_before.items() if row["rank"] <= TOP}
    newcomers = [
        {"attribution": unit[1], "developer": unit[2], "rank": row["rank"], "share": row["share"]}
        for unit, row in shares_after.items()
        if unit[0] == "developer" and row["rank"] <= TOP and unit not in top_before
    ]
    changed = []
    for unit in shares_before.keys() | shares_after.keys():
        sides = [side.get(unit, {}).get("share") for side in (shares_before, shares_after)]
        change = abs((sides[1] or 0.0) - (sides[0] or 0.0))
        if change >= THRESHOLD:
            changed.append((-change, unit, sides))
    return {
        "week_before": before.week,
        "week": after.week,
        "new_weeks": sorted(new.keys() - old.keys()),
        "gone_weeks": sorted(old.keys() - new.keys()),
        "revised_weeks": [
            {"week_start": day, "before": old[day], "after": new[day]}
            for day in sorted(old.keys() & new.keys())
            if old[day] != new[day]
        ],
        "new_top_developers": sorted(newcomers, key=lambda row: (row["attribution"], row["rank"])),
        "shares": [
            dict(zip(("level", "attribution", "entity"), unit, strict=True))
            | {"before": sides[0], "after": sides[1]}
            for _, unit, sides in sorted(changed, key=lambda each: each[:2])
        ],
    }


def _by_unit(shares: _Rows) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Ranked rows by level, attribution and entity."""
    return {
        (row["level"], row["attribution"], row["entity"]): row
        for row in shares
        if row["rank"] is not None
    }


def told(found: Mapping[str, Any]) -> list[str]:
    """Sentences on what moved, for a person; none where nothing did."""
    sentences = []
    for what, days in (("new", found["new_weeks"]), ("gone", found["gone_weeks"])):
        if days:
            sentences.append(f"{_weeks(days)} {what}: {_span(days)}")
    revised = found["revised_weeks"]
    if revised:
        days = [row["week_start"] for row in revised]
        sentences.append(f"{_weeks(days)} revised: {_span(days)}")
    for attribution, words in (("none", "as downloaded"), ("root", "credited to the root")):
        names = [
            f"{row['developer']} ({row['rank']})"
            for row in found["new_top_developers"]
            if row["attribution"] == attribution
        ]
        if names:
            sentences.append(f"new among the {TOP} largest developers, {words}: {_listed(names)}")
        changed = [
            f"{row['entity']} {_percent(row['before'])} to {_percent(row['after'])}"
            for row in found["shares"]
            if row["attribution"] == attribution
        ]
        if changed:
            sentences.append(f"shares {words}: {_listed(changed)}")
    return sentences


def _weeks(days: Sequence[Any]) -> str:
    return f"{len(days):,} week{'s' if len(days) > 1 else ''}"


def _span(days: Sequence[Any]) -> str:
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _listed(words: Sequence[str], most: int = 5) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return f"{', '.join(words[:most])}{more}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
