"""Who submits models: authors over time, models per author, and how concentrated both are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import reduce
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, functions as F

from opentrace_spark.gold.leaderboard.rows import Rows, by_version, made_of, ranked
from opentrace_spark.metrics.concentration import concentration, histogram
from opentrace_spark.steps import Context
from opentrace_spark.tables import (
    GOLD_LEADERBOARD_AUTHORS,
    GOLD_LEADERBOARD_AUTHORS_DAILY,
    GOLD_LEADERBOARD_CONCENTRATION,
    TOTAL,
)

HALF = 0.5
"""Price's law: the square root of all authors make half of all contributions (Price 1963)."""
_MANY = 200
HUB = "hub"
"""Version of the rows that are of the whole Hub, whatever the leaderboard."""


def build_authors_daily(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version and day from its first submission to its last."""
    rows = inputs["silver_leaderboard"].select("version", "date", "author", "model_id")
    return made_of(rows, GOLD_LEADERBOARD_AUTHORS_DAILY, authors_daily)


def authors_daily(rows: Rows) -> Iterator[dict[str, Any]]:
    """New and cumulative authors and models by day; rows without a date are in none."""
    for version, models in by_version(rows):
        first: dict[str, date] = {}
        added: Counter[date] = Counter()
        for row in models:
            if row["date"] is not None:
                added[row["date"]] += 1
                first[row["author"]] = min(first.get(row["author"], date.max), row["date"])
        arrived = Counter(first.values())
        authors = total = 0
        for day in _days(added):
            authors += arrived[day]
            total += added[day]
            yield {
                "version": version,
                "day": day,
                "new_authors": arrived[day],
                "cumulative_authors": authors,
                "new_models": added[day],
                "cumulative_models": total,
            }


def _days(of: Mapping[date, int]) -> list[date]:
    if not of:
        return []
    return [min(of) + timedelta(days=n) for n in range((max(of) - min(of)).days + 1)]


def build_authors(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version and author, and one for all of them, which has the figures."""
    rows = inputs["silver_leaderboard"].select("version", "author")
    return made_of(rows, GOLD_LEADERBOARD_AUTHORS, authors)


def authors(rows: Rows) -> Iterator[dict[str, Any]]:
    """Models, rank and cumulative share of each author, and the total row of each version."""
    for version, models in by_version(rows):
        counts = ranked(Counter(row["author"] for row in models))
        running = 0
        for rank, (author, count) in enumerate(counts, 1):
            running += count
            yield {
                "version": version,
                "author": author,
                "is_total": False,
                "models": count,
                "rank": rank,
                "share": count / len(models),
                "cumulative_share": running / len(models),
            }
        yield {
            "version": version,
            "author": TOTAL,
            "is_total": True,
            "models": len(models),
            "authors": len(counts),
            **_figures([count for _, count in counts]),
        }


def _figures(counts: list[int]) -> dict[str, Any]:
    """Of counts, the largest first: concentration, and what Price's law says."""
    total, few = sum(counts), math.isqrt(len(counts) - 1) + 1
    metrics = concentration(*histogram(np.array(counts, dtype=np.int64)))
    held = np.cumsum(counts)
    price_share = int(held[few - 1]) / total
    return {
        **{name: metrics[name] for name in ("gini", "hhi", "top_10_share")},
        "top_200_share": int(held[min(_MANY, len(counts)) - 1]) / total,
        "price_authors": few,
        "price_share": price_share,
        "price_holds": price_share >= HALF,
        "authors_of_half": int(np.searchsorted(2 * held, total)) + 1,
    }


def build_concentration(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Concentration of building beside that of use, by the metrics of gold/concentration."""
    models = inputs["silver_leaderboard"]
    frames = [
        _units(models, "author", "building", F.lit(1)),
        _units(models, "author", "use", F.col("downloads")),
    ]
    if "silver_models" in inputs:
        hub = inputs["silver_models"].withColumn("version", F.lit(HUB))
        frames.append(_units(hub.where("is_in_models"), "developer", "building", F.lit(1)))
        frames.append(_units(hub, "developer", "use", F.col("total_downloads")))
    units = reduce(DataFrame.unionByName, frames)
    return made_of(units, GOLD_LEADERBOARD_CONCENTRATION, concentration_rows)


def _units(models: DataFrame, owner: str, activity: str, amount: Any) -> DataFrame:
    counted = models.groupBy("version", F.col(owner).alias("author"))
    return (
        counted.agg(F.sum(amount.cast("bigint")).alias("amount"))
        .where("amount > 0")
        .select("version", F.lit(activity).alias("activity"), "author", "amount")
    )


def concentration_rows(rows: Rows) -> Iterator[dict[str, Any]]:
    """The metrics of each version and activity that any unit has an amount of."""
    for version, units in by_version(rows):
        for activity in sorted({row["activity"] for row in units}):
            amounts = [row["amount"] for row in units if row["activity"] == activity]
            metrics = concentration(*histogram(np.array(amounts, dtype=np.int64)))
            metrics["amount"] = metrics.pop("downloads")
            yield {"version": version, "activity": activity, **metrics}
