"""How large models are, the best of each size, and how small one can be for a given score."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from pyspark.sql import DataFrame

from opentrace_spark.config import Leaderboard
from opentrace_spark.gold.leaderboard.rows import (
    UNKNOWN,
    Row,
    Rows,
    best_of,
    by_version,
    in_means,
    known_sum,
    made_of,
    share,
)
from opentrace_spark.steps import Context
from opentrace_spark.tables import (
    GOLD_LEADERBOARD_SIZE_ARCHITECTURES,
    GOLD_LEADERBOARD_SIZE_FOR_SCORE,
    GOLD_LEADERBOARD_SIZES,
)


def size_classes(bounds: Sequence[int]) -> tuple[str, ...]:
    """Names of the classes that `bounds`, billions of parameters, divide sizes into, in order."""
    between = (f"{low}B-{high}B" for low, high in pairwise(bounds))
    return (f"<{bounds[0]}B", *between, f">={bounds[-1]}B")


def size_class(parameters: float | None, bounds: Sequence[int]) -> str:
    """The class of a size; a bound belongs to the class that begins with it."""
    if parameters is None:
        return UNKNOWN
    return size_classes(bounds)[bisect_right(bounds, parameters)]


def build_sizes(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version and size class, and one for unknown sizes."""
    rows = inputs["silver_leaderboard"].select(
        *("version", "model_id", "date", "result_date", "parameters_billions"),
        *("downloads", "score", "in_means"),
    )
    bounds = context.config.leaderboard.size_bounds
    return made_of(rows, GOLD_LEADERBOARD_SIZES, lambda rows: sizes(rows, bounds))


def sizes(rows: Rows, bounds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Models and downloads of each class with their running shares, and its best model. Classes
    without a model are there; unknown sizes come last, and have no running share."""
    for version, models in by_version(rows):
        members: defaultdict[str, list[Row]] = defaultdict(list)
        for row in models:
            members[size_class(row["parameters_billions"], bounds)].append(row)
        sized = sum(row["parameters_billions"] is not None for row in models)
        all_downloads = known_sum(row["downloads"] for row in models)
        running = 0
        for place, name in enumerate((*size_classes(bounds), UNKNOWN)):
            is_known = name != UNKNOWN
            running += len(members[name]) if is_known else 0
            downloads = known_sum(row["downloads"] for row in members[name])
            best = best_of(members[name]) or {}
            yield {
                "version": version,
                "size_class": name,
                "class_order": place,
                "models": len(members[name]),
                "share": len(members[name]) / len(models),
                "cumulative_share": share(running, sized) if is_known else None,
                "downloads": downloads,
                "download_share": share(downloads or 0, all_downloads or 0),
                "best_model_id": best.get("model_id"),
                "best_score": best.get("score"),
                "best_date": best.get("result_date") or best.get("date"),
            }


def build_size_architectures(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version, size class and architecture that there are together."""
    rows = inputs["silver_leaderboard"].select("version", "parameters_billions", "architecture")
    bounds = context.config.leaderboard.size_bounds
    return made_of(
        rows, GOLD_LEADERBOARD_SIZE_ARCHITECTURES, lambda rows: size_architectures(rows, bounds)
    )


def size_architectures(rows: Rows, bounds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Models of each class by architecture; `unknown` is a class and an architecture, too."""
    order = {name: place for place, name in enumerate((*size_classes(bounds), UNKNOWN))}
    for version, models in by_version(rows):
        counts = Counter(
            (size_class(row["parameters_billions"], bounds), row["architecture"] or UNKNOWN)
            for row in models
        )
        for (name, architecture), count in sorted(counts.items()):
            yield {
                "version": version,
                "size_class": name,
                "class_order": order[name],
                "architecture": architecture,
                "models": count,
            }


def build_size_for_score(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version, month with a submission, and percent of the best average."""
    rows = inputs["silver_leaderboard"].select(
        "version", "model_id", "date", "parameters_billions", "score", "in_means"
    )
    values = context.config.leaderboard
    return made_of(rows, GOLD_LEADERBOARD_SIZE_FOR_SCORE, lambda rows: size_for_score(rows, values))


def size_for_score(rows: Rows, values: Leaderboard) -> Iterator[dict[str, Any]]:
    """The smallest and the mean size of the models that reach a percent of the best average.

    Of the models of the month, or of all up to it (`best_of = "so_far"`); those that reach it and
    whose size is unknown are counted and have no part in the sizes.
    """
    for version, models in by_version(rows):
        months: defaultdict[date, list[Row]] = defaultdict(list)
        for row in models:
            if row["date"] is not None:
                months[row["date"].replace(day=1)].append(row)
        so_far: list[Row] = []
        for month in sorted(months):
            so_far += months[month]
            judged = in_means(months[month] if values.best_of == "month" else so_far)
            best = best_score(judged)
            for percent in values.score_percents:
                yield {
                    "version": version,
                    "month": month,
                    "percent": percent,
                    "submitted": len(months[month]),
                    "best_score": best,
                    **_reaching([row for row in judged if _reaches(row["score"], percent, best)]),
                }


def best_score(models: Rows) -> Any:
    """The best average; None of no models."""
    return max((row["score"] for row in models), default=None)


def _reaches(score: float, percent: int, best: float) -> bool:
    """In decimals as written: 90% of 80 is 72, which 72.0 reaches."""
    return 100 * Decimal(repr(score)) >= percent * Decimal(repr(best))


def _reaching(models: Rows) -> dict[str, Any]:
    sized = [row for row in models if row["parameters_billions"] is not None]
    smallest = min(
        sized,
        key=lambda row: (row["parameters_billions"], -row["score"], row["model_id"]),
        default=None,
    )
    return {
        "reaching": len(models),
        "reaching_sized": len(sized),
        "smallest_billions": smallest["parameters_billions"] if smallest else None,
        "smallest_model_id": smallest["model_id"] if smallest else None,
        "mean_billions": (
            math.fsum(row["parameters_billions"] for row in sized) / len(sized) if sized else None
        ),
    }
