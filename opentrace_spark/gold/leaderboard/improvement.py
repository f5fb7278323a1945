"""How much better derivatives are than their base: the best of each, and day by day.

Derivatives are models with this base, merges left out: a merge has more than one. All are counted;
flagged and removed ones have no part in gains.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame
from scipy.stats import spearmanr

from opentrace_spark.config import Leaderboard
from opentrace_spark.gold.leaderboard.rows import (
    Row,
    Rows,
    best_of,
    by_version,
    in_means,
    made_of,
)
from opentrace_spark.leaderboard.words import shipped_families
from opentrace_spark.steps import Context
from opentrace_spark.tables import (
    GOLD_LEADERBOARD_IMPROVEMENT,
    GOLD_LEADERBOARD_IMPROVEMENT_DAILY,
    TOTAL,
)

_COLUMNS = (
    *("version", "model_id", "date", "type", "is_merged", "score", "in_means"),
    *("base_model_id", "base_family"),
)


def build_improvement(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version and base model with a derivative or merge, and one for all of them."""
    rows = inputs["silver_leaderboard"].select(*_COLUMNS)
    gain = context.config.leaderboard.gain
    return made_of(rows, GOLD_LEADERBOARD_IMPROVEMENT, lambda rows: improvement(rows, gain))


def improvement(rows: Rows, gain: str) -> Iterator[dict[str, Any]]:
    """Scores of bases and of their best derivatives. The row of all bases has Spearman's rank
    correlation of gain (points or percent) and number of derivatives, None where it is undefined.
    """
    for version, models in by_version(rows):
        own = {row["model_id"]: row for row in in_means(models)}
        pairs: list[tuple[float, int]] = []
        for base_id, members in sorted(_members(models).items()):
            row = _improved(base_id, own.get(base_id), members)
            if row[f"gain_{gain}"] is not None:
                pairs.append((row[f"gain_{gain}"], row["derivatives"]))
            yield {"version": version, "is_total": False, **row}
        yield {
            "version": version,
            "base_model_id": TOTAL,
            "is_total": True,
            "derivatives": sum(
                not _is_merge(row) for of in _members(models).values() for row in of
            ),
            "merges": sum(_is_merge(row) for of in _members(models).values() for row in of),
            "bases": len(pairs),
            "rank_correlation": rank_correlation(pairs),
        }


def _improved(base_id: str, own: Row | None, members: Rows) -> dict[str, Any]:
    derivatives = [row for row in members if not _is_merge(row)]
    base_score = own["score"] if own is not None else None
    best = best_of(derivatives)
    points, percent = None, None
    if best is not None and base_score is not None:
        points = _gain(best["score"], base_score, "points")
        percent = _gain(best["score"], base_score, "percent")
    return {
        "base_model_id": base_id,
        "base_family": members[0]["base_family"],
        "base_score": base_score,
        "derivatives": len(derivatives),
        "merges": len(members) - len(derivatives),
        "best_model_id": best["model_id"] if best else None,
        "best_score": best["score"] if best else None,
        "gain_points": points,
        "gain_percent": percent,
    }


def _gain(score: float, base: float, unit: str) -> float | None:
    """In decimals as written: 76.76 is 15.79 points above 60.97. No percent of 0."""
    points = Decimal(repr(score)) - Decimal(repr(base))
    if unit == "points":
        return float(points)
    return float(100 * points / Decimal(repr(base))) if base else None


def rank_correlation(pairs: list[tuple[float, int]]) -> float | None:
    """Spearman's rho (1904), ties by mean ranks; None where one side is all alike."""
    if any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        return None
    gains, counts = zip(*pairs, strict=True)
    return float(spearmanr(gains, counts).statistic)


def build_improvement_daily(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version, base model and day with a new derivative."""
    rows = inputs["silver_leaderboard"].select(*_COLUMNS)
    values = context.config.leaderboard
    return made_of(
        rows, GOLD_LEADERBOARD_IMPROVEMENT_DAILY, lambda rows: improvement_daily(rows, values)
    )


def improvement_daily(rows: Rows, values: Leaderboard) -> Iterator[dict[str, Any]]:
    """Running best gain over bases that have a score and a date; derivatives without a date are in
    no day. Days before the base's are negative: boards list bases late."""
    for version, models in by_version(rows):
        own = {row["model_id"]: row for row in in_means(models)}
        for base_id, members in sorted(_members(models).items()):
            base = own.get(base_id)
            begun = _begin(base, values.base_date) if base else None
            if base is None or begun is None:
                continue
            dated = [row for row in members if row["date"] is not None and not _is_merge(row)]
            yield from ({"version": version, **row} for row in _daily(base, begun, dated, values))


def _daily(base: Row, begun: date, derivatives: Rows, values: Leaderboard) -> list[dict[str, Any]]:
    days: Counter[date] = Counter(row["date"] for row in derivatives)
    best_on: defaultdict[date, list[float]] = defaultdict(list)
    for row in in_means(derivatives):
        gain = _gain(row["score"], base["score"], values.gain)
        if gain is not None:
            best_on[row["date"]].append(gain)
    rows, running, so_far = [], None, 0
    for day in sorted(days):
        so_far += days[day]
        running = max([*best_on[day], *([] if running is None else [running])], default=None)
        n = so_far if values.gain_derivatives == "so_far" else len(derivatives)
        scaled = None if running is None else running / math.log(1 + n, values.log_base)
        rows.append(
            {
                "developer": _owner(base["model_id"]),
                "base_model_id": base["model_id"],
                "base_date": begun,
                "day": day,
                "days": (day - begun).days,
                "new_derivatives": days[day],
                "derivatives": so_far,
                "gain": running,
                "gain_per_log": scaled,
            }
        )
    reached = _day_reached(rows, values.gain_reached)
    return [{**row, "days_to_reached": reached} for row in rows]


def _day_reached(rows: list[dict[str, Any]], part: float) -> int | None:
    """The first day with that part of the last gain; None where nothing was gained."""
    last = rows[-1]["gain"] if rows else None
    if last is None or last <= 0:
        return None
    return next(row["days"] for row in rows if (row["gain"] or 0) >= part * last)


def _begin(base: Row, base_date: str) -> date | None:
    """The day a base begins: of its release where that is known and asked for, else its own."""
    if base_date == "release":
        released = {each.model_id: each.released for each in shipped_families().releases}
        if base["model_id"] in released:
            return released[base["model_id"]]
    day: date | None = base["date"]
    return day


def _members(models: Rows) -> dict[str, list[Row]]:
    """Base model -> the other models that have it as their base."""
    members: defaultdict[str, list[Row]] = defaultdict(list)
    for row in models:
        if row["base_model_id"] not in (None, row["model_id"]):
            members[row["base_model_id"]].append(row)
    return members


def _is_merge(row: Row) -> bool:
    return bool(row["is_merged"]) or row["type"] == "merge"


def _owner(model_id: str) -> str:
    owner, slash, _ = model_id.partition("/")
    return owner if slash and owner else "(no owner)"
