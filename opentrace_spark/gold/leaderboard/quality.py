"""What is wrong with the results of the leaderboard, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.gold.leaderboard.rows import Row, Rows, made_of, share
from opentrace_spark.leaderboard.words import UNKNOWN_TYPE
from opentrace_spark.steps import Context
from opentrace_spark.tables import GOLD_LEADERBOARD_QUALITY

NO_VERSION = "(none)"
"""Version of rejected rows, of which it is not always known."""
_RESULT = ("version", "type", "size", "submitted", "uploaded", "architecture", "license", "score")
_MODEL = ("version", "is_flagged", "is_removed", "in_means", "inverted", "submissions", "date")


def build_quality(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version and thing that is counted."""
    results = inputs["bronze_leaderboard"].select("reason", *_RESULT)
    models = inputs["silver_leaderboard"].select(
        *_MODEL, F.col("parameters_billions").alias("size"), F.lit(True).alias("is_model")
    )
    both = results.unionByName(models, allowMissingColumns=True)
    return made_of(both, GOLD_LEADERBOARD_QUALITY, quality)


def quality(rows: Rows) -> Iterator[dict[str, Any]]:
    """How many results, then how many models, each of the things in the table's description."""
    counts: Counter[tuple[str, str, str]] = Counter()
    totals: Counter[tuple[str, str]] = Counter()
    for row in rows:
        unit = "model" if row["is_model"] else "result"
        version = row["version"] or NO_VERSION
        issues = list(_of_model(row) if row["is_model"] else _of_result(row))
        if row["reason"] is not None:
            version, issues = NO_VERSION, [f"rejected: {row['reason']}"]
        totals[unit, version] += 1
        for issue in ("all", *issues):
            counts[version, unit, issue] += 1
    for (version, unit, issue), count in sorted(counts.items()):
        yield {
            "version": version,
            "unit": unit,
            "issue": issue,
            "rows": count,
            "share": share(count, totals[unit, version]),
        }


def _of_result(row: Row) -> Iterator[str]:
    if row["type"] == UNKNOWN_TYPE:
        yield "no type"
    if row["submitted"] is None and row["uploaded"] is None:
        yield "no date"
    if row["size"] is None:
        yield "no size"
    elif row["size"] <= 0:
        yield "size not above 0"
    for name in ("architecture", "license", "score"):
        if row[name] in (None, ""):
            yield f"no {name}"


def _of_model(row: Row) -> Iterator[str]:
    if row["submissions"] > 1:
        yield "submitted again"
    if row["date"] is None:
        yield "no date"
    if row["size"] is None:
        yield "no size"
    if row["is_flagged"]:
        yield "flagged"
    if row["is_removed"]:
        yield "removed"
    if not row["in_means"]:
        yield "not in means"
    for name in (row["inverted"] or "").split(","):
        if name:
            yield f"column turned: {name}"
