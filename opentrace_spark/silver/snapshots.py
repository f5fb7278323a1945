"""silver/snapshots: the snapshots of the landing, and which of them are stalls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F

from opentrace_spark.counters.stalls import Pair, count_unchanged, find_stalls
from opentrace_spark.io import spark_schema
from opentrace_spark.silver.sightings import map_buckets, read_bucket, tasks_of_buckets
from opentrace_spark.steps import Context
from opentrace_spark.tables import SILVER_SNAPSHOTS

_COUNTED = pa.schema([(name, pa.int64()) for name in ("before", "place", "active", "unchanged")])
_ALL = -1
"""`before` of the rows that count the models of a snapshot, as `active`."""


def build_snapshots(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per snapshot. Acts: counts who stands still, once more for each snapshot of a stall
    after the first."""
    snapshots = context.landing.snapshots
    schema = spark_schema(SILVER_SNAPSHOTS)
    if not snapshots:
        return context.spark.createDataFrame([], schema)
    models: dict[int, int] = {}
    compared: dict[Pair, tuple[int, int]] = {}

    def count(pairs: Sequence[Pair]) -> dict[Pair, tuple[int, int]]:
        found = dict.fromkeys(pairs, (0, 0))
        for row in _counted(inputs["work_sightings"], pairs, context).collect():
            if row["before"] == _ALL:
                models[row["place"]] = row["active"]
            else:
                found[row["before"], row["place"]] = (row["active"], row["unchanged"])
        compared.update(found)
        return found

    if len(snapshots) < 3:
        count(())
    share = Fraction(str(context.config.counters.stall_share))
    is_stalled, judged = find_stalls(len(snapshots), count, share)
    before_of = {place: before for before, place in judged}
    rows: list[dict[str, Any]] = []
    for place, snapshot in enumerate(snapshots):
        before = before_of.get(place)
        active, unchanged = (None, None) if before is None else compared[before, place]
        rows.append(
            {
                "snapshot_date": snapshot.day,
                "source": snapshot.source,
                "files": len(snapshot.files),
                "models": models.get(place, 0),
                "compared_with": None if before is None else snapshots[before].day,
                "active_models": active,
                "unchanged_models": unchanged,
                "is_stalled": is_stalled[place],
            }
        )
    return context.spark.createDataFrame(
        [tuple(row[field.name] for field in schema) for row in rows], schema
    )


def _counted(sightings: DataFrame, pairs: Sequence[Pair], context: Context) -> DataFrame:
    counted = map_buckets(sightings, _counter(tuple(pairs)), _COUNTED, tasks_of_buckets(context))
    sums = (F.sum(name).alias(name) for name in ("active", "unchanged"))
    return counted.groupBy("before", "place").agg(*sums)


def _counter(
    pairs: tuple[Pair, ...],
) -> Callable[[int, list[dict[str, Any]]], Iterator[pa.RecordBatch]]:
    def count(_: int, runs: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
        bucket = read_bucket(runs)
        places, models = np.unique(bucket.snapshot, return_counts=True)
        active, unchanged = count_unchanged(bucket.model, bucket.snapshot, bucket.counter, pairs)
        before, place = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(np.r_[np.full(len(places), _ALL), before]),
                pa.array(np.r_[places, place]),
                pa.array(np.r_[models, active]),
                pa.array(np.r_[np.zeros(len(places), dtype=np.int64), unchanged]),
            ],
            schema=_COUNTED,
        )

    return count
