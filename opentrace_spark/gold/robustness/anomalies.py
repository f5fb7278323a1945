"""gold/anomalies: traffic that is no use of a model as others are used, by named rules.

Nothing is taken out of any other table for it; gold/sensitivity says what that would change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.config import Anomalies
from opentrace_spark.gold.usage.pooled import complete_weeks
from opentrace_spark.metrics.exact import Integers, exact_sum
from opentrace_spark.metrics.outliers import robust_z
from opentrace_spark.steps import Context

Mask = npt.NDArray[np.bool_]

PER_LIKE, SURGE = "downloads_per_like", "surge"

_FOUND = pa.schema(
    [
        ("rule", pa.string()),
        ("model_key", pa.int64()),
        ("week_start", pa.date32()),
        ("downloads", pa.int64()),
        ("expected", pa.float64()),
        ("ratio", pa.float64()),
        ("robust_z", pa.float64()),
        ("share", pa.float64()),
        ("evidence", pa.string()),
    ]
)


def build_anomalies(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """What the rules list; reads `silver_models`, `silver_model_weeks`, `work_head`, `gold_weeks`.

    `downloads_per_like` compares models, so one week is enough for it; `surge` compares a week of
    a model of the head sample with the weeks before, so that no later week changes what it found.
    """
    settings, schema = context.config.anomalies, from_arrow_schema(_FOUND)
    liked = (
        inputs["silver_models"]
        .where("in_population")
        .select("model_key", F.col("total_downloads").alias("downloads"), "likes")
    )
    found = liked.coalesce(1).mapInArrow(_per_like(settings), schema)
    weeks = complete_weeks(inputs["gold_weeks"]).select("week_start", "population_downloads")
    series = (
        inputs["silver_model_weeks"]
        .where("download_count > 0")
        .join(F.broadcast(inputs["work_head"]), "model_key", how="left_semi")
        .join(F.broadcast(weeks), "week_start", how="inner")
        .select("model_key", "week_start", "download_count", "population_downloads")
    )
    surges = series.groupBy("model_key").applyInArrow(_surges(settings), schema)
    names = inputs["silver_models"].select("model_key", "model_id")
    # A rule lists few models: they move to the names, not the names to them.
    return names.join(F.broadcast(found.unionByName(surges)), "model_key", how="inner").select(
        "rule", "model_id", *(name for name in _FOUND.names if name != "rule")
    )


def _per_like(
    settings: Anomalies,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function of the one task that compares all models of the population."""

    def compared(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        models = pa.Table.from_batches(rows) if (rows := list(batches)) else None
        if models is None:
            return
        total = exact_sum(models["downloads"].to_numpy())
        liked = models.filter(pc.greater_equal(models["likes"], 0))
        keys, downloads, likes = (
            liked[name].to_numpy() for name in ("model_key", "downloads", "likes")
        )
        is_large = downloads / total >= settings.min_share
        yield pa.RecordBatch.from_pylist(
            [
                _row(PER_LIKE, (int(keys[place]), None), downloads, place, peers, total)
                | {"evidence": _likes_told(downloads, likes, place, peers)}
                for place, peers in find_outlying(downloads, likes, is_large, settings)
            ],
            schema=_FOUND,
        )

    return compared


def find_outlying(
    downloads: Integers, likes: Integers, is_large: Mask, settings: Anomalies
) -> Iterator[tuple[int, Integers]]:
    """Models with far more downloads for their likes than others: their places, and their peers'.

    Both must be far from usual: downloads / (likes + 1) among all models, and downloads among the
    peers, the models with about as many likes (of which those with most downloads have more per
    like, too). Nothing is found among fewer models than `per_like_peers`, nor where half of the
    models are alike to the last download: without a spread, one more download would be too many.
    """
    if len(downloads) < settings.per_like_peers:
        return
    rates = np.log(downloads / (likes + 1.0))
    group = _groups(likes, settings.per_like_peers)
    logs = np.log(downloads)
    far = robust_z(rates, rates)
    for place in np.flatnonzero(is_large & np.isfinite(far) & (far >= settings.per_like_z)):
        peers = np.flatnonzero(group == group[place])
        if settings.robust_z <= robust_z(logs[[place]], logs[peers])[0] < math.inf:
            yield int(place), peers


def _groups(likes: Integers, fewest: int) -> Integers:
    """A number for models with about as many likes: 0, 1-2, 3-6, 7-14 and so on, doubling.

    The last group has all likes from its own on, so that it holds at least `fewest` models.
    """
    group = np.frexp(likes + 1.0)[1] - 1  # the exponent: exact where a logarithm may not be
    from_here_on = np.cumsum(np.bincount(group)[::-1])[::-1]
    return np.minimum(group, np.flatnonzero(from_here_on >= fewest)[-1])


def _likes_told(downloads: Integers, likes: Integers, place: int, peers: Integers) -> str:
    rates = downloads / (likes + 1.0)
    return (
        f"{likes[place]:,} likes, {rates[place]:,.6g} downloads per (likes + 1), the median model "
        f"of all has {np.median(rates):,.6g}; {len(peers):,} models have {likes[peers].min():,} to "
        f"{likes[peers].max():,} likes"
    )


def _surges(settings: Anomalies) -> Callable[[pa.Table], pa.Table]:
    """The function that looks at all weeks of one model."""

    def looked_at(series: pa.Table) -> pa.Table:
        series = series.sort_by("week_start")
        counts, totals = (
            series[name].to_numpy() for name in ("download_count", "population_downloads")
        )
        weeks, key = series["week_start"].to_pylist(), series["model_key"][0].as_py()
        is_large = counts / totals >= settings.min_share
        found = [
            _row(SURGE, (key, weeks[place]), counts, place, before, int(totals[place]))
            | {
                "evidence": f"{counts[before].min():,} to {counts[before].max():,} downloads in "
                f"the {len(before)} ordinary weeks before, {weeks[before[0]]} to "
                f"{weeks[before[-1]]}"
            }
            for place, before in find_surges(counts, is_large, settings)
        ]
        return pa.Table.from_pylist(found, schema=_FOUND)

    return looked_at


def find_surges(
    counts: Integers, is_large: Mask, settings: Anomalies
) -> Iterator[tuple[int, Integers]]:
    """Weeks far above a model's usual ones: their places, and those that they are compared with.

    `counts` > 0 are the downloads of a model week by week, weeks without any left out; `is_large`
    says in which they are worth a look. A week is compared with the last `surge_weeks` ordinary
    ones before it, at least half as many: those that are no surge themselves. After
    `surge_longest` weeks of one surge in a row, its level is the ordinary one.
    """
    ordinary: list[int] = []
    lasting = 0
    for place, count in enumerate(counts):
        before = ordinary[-settings.surge_weeks :]
        if lasting == settings.surge_longest:
            ordinary, before = [], []
        is_surge = (
            is_large[place]
            and 2 * len(before) >= settings.surge_weeks
            and count >= settings.surge_ratio * np.median(counts[before])
            and robust_z(np.log(counts[[place]]), np.log(counts[before]))[0] >= settings.robust_z
        )
        if is_surge:
            lasting += 1
            yield place, np.array(before)
        else:
            lasting = 0
            ordinary.append(place)


def _row(
    rule: str,
    where: tuple[int, date | None],
    counts: Integers,
    place: int,
    usual: Integers,
    total: int,
) -> dict[str, Any]:
    """A row of _FOUND without evidence: counts[place], compared with counts[usual]."""
    downloads, expected = int(counts[place]), float(np.median(counts[usual]))
    z = float(robust_z(np.log(counts[[place]]), np.log(counts[usual]))[0])
    return {
        "rule": rule,
        "model_key": where[0],
        "week_start": where[1],
        "downloads": downloads,
        "expected": expected,
        "ratio": downloads / expected,
        "robust_z": z if math.isfinite(z) else None,
        "share": downloads / total,
    }
