"""gold/anomalies: traffic that is no use of a model as others are used, by named rules.

Nothing is taken out of any other table for it; gold/sensitivity says what that would change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.config import Anomalies
from opentrace_spark.gold.usage.pooled import complete_weeks
from opentrace_spark.metrics.exact import Integers, exact_sum
from opentrace_spark.metrics.outliers import Floats, robust_z
from opentrace_spark.steps import Context

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
        places, z, median = outlying_per_like(downloads, likes, settings)
        found = [
            _row(
                PER_LIKE,
                (int(keys[place]), None),
                (int(downloads[place]), median * (int(likes[place]) + 1), float(z[place]), total),
                f"{likes[place]:,} likes; the median model has {median:,.6g} downloads per "
                "(likes + 1)",
            )
            for place in places
            if downloads[place] / total >= settings.min_share
        ]
        yield pa.RecordBatch.from_pylist(found, schema=_FOUND)

    return compared


def outlying_per_like(
    downloads: Integers, likes: Integers, settings: Anomalies
) -> tuple[Integers, Floats, float]:
    """Models with far more downloads for their likes than most: places, z of all, the median.

    The rate is downloads / (likes + 1), compared on a logarithmic scale. Nothing is found among
    fewer models than `per_like_models`, or where most of them have the same rate.
    """
    if len(downloads) < settings.per_like_models:
        return np.array([], dtype=np.int64), np.array([]), math.nan
    rates = downloads / (likes + 1)
    z = robust_z(np.log(rates), np.log(rates))
    return np.flatnonzero((z >= settings.per_like_z) & np.isfinite(z)), z, float(np.median(rates))


def _surges(settings: Anomalies) -> Callable[[pa.Table], pa.Table]:
    """The function that looks at all weeks of one model."""

    def looked_at(series: pa.Table) -> pa.Table:
        series = series.sort_by("week_start")
        counts, totals = (
            series[name].to_numpy() for name in ("download_count", "population_downloads")
        )
        weeks, key = series["week_start"].to_pylist(), series["model_key"][0].as_py()
        found = []
        for place, before in find_surges(counts, counts / totals >= settings.min_share, settings):
            usual = counts[before]
            z = robust_z(np.log(counts[[place]]), np.log(usual))[0]
            found.append(
                _row(
                    SURGE,
                    (key, weeks[place]),
                    (int(counts[place]), float(np.median(usual)), float(z), int(totals[place])),
                    f"{usual.min():,} to {usual.max():,} downloads in the {len(usual)} ordinary "
                    f"weeks before, {weeks[before[0]]} to {weeks[before[-1]]}",
                )
            )
        return pa.Table.from_pylist(found, schema=_FOUND)

    return looked_at


def find_surges(
    counts: Integers, is_large: Any, settings: Anomalies
) -> Iterator[tuple[int, list[int]]]:
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
            and robust_z(np.log(counts[[place]]), np.log(counts[before]))[0] >= settings.surge_z
        )
        if is_surge:
            lasting += 1
            yield place, before
        else:
            lasting = 0
            ordinary.append(place)


def _row(
    rule: str,
    where: tuple[int, Any],
    measured: tuple[int, float, float, int],
    evidence: str,
) -> dict[str, Any]:
    """A row of _FOUND: key and week; downloads, what was expected, z, downloads of all."""
    downloads, expected, z, total = measured
    values = (
        *(rule, *where, downloads, expected, downloads / expected),
        *(z if math.isfinite(z) else None, downloads / total, evidence),
    )
    return dict(zip(_FOUND.names, values, strict=True))
