"""What is submitted, week by week: metadata, types with their scores, architectures, base families.

A model belongs to the week of its date; those without one are in no week. Every week between the
first and the last has its rows.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame

from opentrace_spark.config import Leaderboard
from opentrace_spark.gold.leaderboard.rows import (
    OTHER,
    UNKNOWN,
    Row,
    Rows,
    by_version,
    in_means,
    known_sum,
    made_of,
    monday,
    ranked,
    share,
    weeks_of,
)
from opentrace_spark.leaderboard.words import UNKNOWN_TYPE, shipped_words
from opentrace_spark.steps import Context
from opentrace_spark.tables import (
    GOLD_LEADERBOARD_ARCHITECTURES_WEEKLY,
    GOLD_LEADERBOARD_BASE_MODELS_WEEKLY,
    GOLD_LEADERBOARD_METADATA_WEEKLY,
    GOLD_LEADERBOARD_TYPES_WEEKLY,
)

DOCUMENTED = ("lineage", "leaderboard")
"""Evidence of a base model that somebody has written down; the rest is inferred here."""
_NO_LICENSE = ("unknown", "?")

Weekly = Mapping[date, Sequence[Row]]


def build_metadata_weekly(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version and week."""
    columns = ("version", "model_id", "date", "license", "base_evidence")
    rows = inputs["silver_leaderboard"].select(*columns, "has_dataset", "parameters_billions")
    return made_of(rows, GOLD_LEADERBOARD_METADATA_WEEKLY, metadata_weekly)


def metadata_weekly(rows: Rows) -> Iterator[dict[str, Any]]:
    """How many of the week's models have a license, a base model, a data set and a size."""
    for version, models in by_version(rows):
        for week, new in _weeks(models).items():
            known = [row for row in new if row["has_dataset"] is not None]
            found = {
                "license": sum(has_license(row["license"]) for row in new),
                "base_model": sum(row["base_evidence"] in DOCUMENTED for row in new),
                "inferred_base": sum(row["base_evidence"] is not None for row in new),
                "size": sum(row["parameters_billions"] is not None for row in new),
            }
            yield {
                "version": version,
                "week_start": week,
                "models": len(new),
                **{f"with_{name}": count for name, count in found.items()},
                **{f"{name}_share": share(count, len(new)) for name, count in found.items()},
                "models_on_hub": len(known),
                "with_dataset": sum(row["has_dataset"] for row in known),
                "dataset_share": share(sum(row["has_dataset"] for row in known), len(known)),
            }


def has_license(license_: str | None) -> bool:
    """Whether a license is named; `unknown` names none."""
    return bool(license_) and str(license_).lower() not in _NO_LICENSE


def build_types_weekly(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version, week and type."""
    rows = inputs["silver_leaderboard"].select(
        "version", "model_id", "date", "type", "score", "in_means"
    )
    weeks = context.config.leaderboard.smooth_weeks
    return made_of(rows, GOLD_LEADERBOARD_TYPES_WEEKLY, lambda rows: types_weekly(rows, weeks))


def types_weekly(rows: Rows, smooth_weeks: int) -> Iterator[dict[str, Any]]:
    """New and cumulative models of each type, the mean score of the new ones, and the mean of all
    new ones in `smooth_weeks` weeks around each, which are fewer at both ends."""
    names = (*shipped_words().types, UNKNOWN_TYPE)
    half = timedelta(weeks=smooth_weeks // 2)
    for version, models in by_version(rows):
        for name in names:
            weekly = _weeks(models, [row for row in models if row["type"] == name])
            scores = {week: [row["score"] for row in in_means(new)] for week, new in weekly.items()}
            cumulative = 0
            for week, new in weekly.items():
                cumulative += len(new)
                near = [s for other, of in scores.items() if abs(other - week) <= half for s in of]
                yield {
                    "version": version,
                    "week_start": week,
                    "type": name,
                    "new": len(new),
                    "cumulative": cumulative,
                    "scored": len(scores[week]),
                    "mean_score": _mean(scores[week]),
                    "smoothed_score": _mean(near),
                }


def build_architectures_weekly(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version, week and named architecture, `other` and `unknown`."""
    rows = inputs["silver_leaderboard"].select("version", "model_id", "date", "architecture")
    values = context.config.leaderboard
    return made_of(
        rows, GOLD_LEADERBOARD_ARCHITECTURES_WEEKLY, lambda rows: architectures_weekly(rows, values)
    )


def architectures_weekly(rows: Rows, values: Leaderboard) -> Iterator[dict[str, Any]]:
    """Models and share of each architecture among the week's models."""
    for version, models in by_version(rows):
        known = Counter(row["architecture"] for row in models if row["architecture"])
        named = [name for name, _ in ranked(known)][: values.architectures]
        if values.architecture_floor:
            least = values.architecture_floor * len(models)
            named = [name for name, count in ranked(known) if count >= least]
        for row in _groups(models, named, lambda row: row["architecture"]):
            row.pop("downloads")
            yield {"version": version, "architecture": row.pop("group"), **row}


def build_base_models_weekly(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version, week and named base family, `other` and `unknown`."""
    columns = ("version", "model_id", "date", "base_family", "downloads")
    families = context.config.leaderboard.families
    return made_of(
        inputs["silver_leaderboard"].select(*columns),
        GOLD_LEADERBOARD_BASE_MODELS_WEEKLY,
        lambda rows: base_models_weekly(rows, families),
    )


def base_models_weekly(rows: Rows, families: int) -> Iterator[dict[str, Any]]:
    """Models, share and downloads of the models submitted in the week, by the family of their
    base."""
    for version, models in by_version(rows):
        known = Counter(row["base_family"] for row in models if row["base_family"])
        del known[OTHER]
        named = [name for name, _ in ranked(known)][:families]
        for row in _groups(models, named, lambda row: row["base_family"]):
            yield {"version": version, "base_family": row.pop("group"), **row}


def _groups(
    models: Rows, named: Sequence[str], group_of: Callable[[Row], str | None]
) -> Iterator[dict[str, Any]]:
    """Of every week: models, share and downloads of each named group, of other ones, of unknown."""
    totals: Counter[str] = Counter()
    for week, new in _weeks(models).items():
        members: defaultdict[str, list[Row]] = defaultdict(list)
        for row in new:
            group = group_of(row) or UNKNOWN
            members[group if group in (*named, UNKNOWN) else OTHER].append(row)
        for group in (*named, OTHER, UNKNOWN):
            totals[group] += len(members[group])
            yield {
                "week_start": week,
                "group": group,
                "models": len(members[group]),
                "cumulative": totals[group],
                "share": share(len(members[group]), len(new)),
                "downloads": known_sum(row.get("downloads") for row in members[group]),
            }


def _weeks(models: Rows, wanted: Rows | None = None) -> Weekly:
    """Week -> its models (default: all; else those of `wanted`), for every week that the models
    span, in order."""
    weekly: dict[date, list[Row]] = {week: [] for week in weeks_of(models)}
    for row in models if wanted is None else wanted:
        if row["date"] is not None:
            weekly[monday(row["date"])].append(row)
    return weekly


def _mean(scores: Sequence[float]) -> float | None:
    return math.fsum(scores) / len(scores) if scores else None
