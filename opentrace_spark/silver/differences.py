"""Scratch `work_differences`: weekly counts of the models of snapshots/, from their counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from opentrace_spark.counters.differences import (
    UNKNOWN_DAY,
    Sightings,
    WeeklyCounts,
    bit_of,
    weekly_counts,
)
from opentrace_spark.io import read_stored
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.silver.row_groups import read_run, write_run
from opentrace_spark.silver.sightings import calendar_of, map_buckets, read_bucket, tasks_of_buckets
from opentrace_spark.steps import Context

COUNTED_RUNS = pa.schema(
    [
        ("week_start", pa.date32()),
        ("bucket", pa.int32()),
        ("uri", pa.string()),
        ("row_group", pa.int32()),
        ("rows", pa.int64()),
        ("difference", pa.int64()),
    ]
)
COUNTED = pa.schema(
    [
        ("number", pa.int32()),
        ("count", pa.int64()),
        ("difference", pa.int64()),
        ("flags", pa.int64()),
    ]
)
"""number: of the model in its bucket (`work_counted_models`); flags: bits of
`counters.differences.FLAGS`."""
_ADDED = pa.schema(
    [
        ("bucket", pa.int32()),
        ("number", pa.int32()),
        ("difference", pa.int64()),
        ("is_new", pa.bool_()),
    ]
)


def build_differences(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per bucket and week, as COUNTED_RUNS: which row group of which file has its rows."""
    locations = context.locations
    count = _count(
        locations["silver_snapshots"],
        locations["work_counted_models"],
        Fraction(str(context.config.counters.reset_share)),
        context.scratch,
    )
    return map_buckets(inputs["work_sightings"], count, COUNTED_RUNS, tasks_of_buckets(context))


def _count(
    snapshots: str, models: str, reset_share: Fraction, folder: str
) -> Callable[[int, list[dict[str, Any]]], Iterator[pa.RecordBatch]]:
    def count(number: int, runs: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
        bucket = read_bucket(runs)
        created = np.full(len(bucket.models), UNKNOWN_DAY, dtype=np.int64)
        first, end = counted_models(models).span(number)
        who = counted_models(models).number[first:end]
        created[who] = counted_models(models).created[first:end]
        seen = Sightings(bucket.model, bucket.snapshot, bucket.counter, created)
        rows = weekly_counts(seen, calendar_of(snapshots), reset_share)
        if len(rows.week):
            yield _written(rows, number, folder)

    return count


def _written(counts: WeeklyCounts, bucket: int, folder: str) -> pa.RecordBatch:
    """Write a bucket's counts with a row group per week; returns what COUNTED_RUNS says of it."""
    rows = pa.table(
        [
            pa.array(counts.model, pa.int32()),
            pa.array(counts.count, mask=~counts.is_counted),
            pa.array(counts.difference, mask=~counts.has_difference),
            pa.array(counts.flags),
        ],
        schema=COUNTED,
    )
    weeks = write_run(rows, counts.week, COUNTED, folder, compression="lz4")
    said = [
        {
            "week_start": week_start,
            "bucket": bucket,
            "difference": pc.sum(week["difference"], min_count=0).as_py(),
            **place,
        }
        for week_start, week, place in weeks
    ]
    return pa.RecordBatch.from_pylist(said, schema=COUNTED_RUNS)


def added_differences(runs: DataFrame, tasks: int) -> DataFrame:
    """What the files of a stored `work_differences` add up to: bucket, number, difference, and
    is_new (a week counts the model's first sighting)."""

    def add(bucket: int, of_bucket: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
        rows = pa.concat_tables([read_run(run) for run in of_bucket])
        is_new = pc.not_equal(pc.bit_wise_and(rows["flags"], bit_of("first_seen")), 0)
        sums = rows.append_column("is_new", is_new).group_by("number")
        added = sums.aggregate([("difference", "sum"), ("is_new", "any")])
        columns = (added["number"], added["difference_sum"], added["is_new_any"])
        buckets = pa.repeat(pa.scalar(bucket, pa.int32()), len(added))
        yield from pa.table([buckets, *columns], schema=_ADDED).to_batches()

    return map_buckets(runs, add, _ADDED, tasks)


@dataclass(frozen=True)
class CountedModels:
    """`work_counted_models` by bucket and number, which ascend together.

    created: days, UNKNOWN_DAY where unknown; name: the last that it bore.
    """

    buckets: Integers
    number: Integers
    created: Integers
    model_key: Integers
    is_own: Any
    resolution: pa.Array
    name: pa.Array

    def span(self, bucket: int) -> tuple[int, int]:
        """Where the models of a bucket begin and end."""
        first, end = np.searchsorted(self.buckets, [bucket, bucket + 1]).tolist()
        return first, end


@lru_cache(maxsize=1)
def counted_models(uri: str) -> CountedModels:
    """The stored `work_counted_models`, for functions on workers; kept for the next one."""
    columns = ["bucket", "number", "created", "model_key", "model_id", "resolution", "name"]
    table = read_stored(uri, columns)
    bucket, number = table["bucket"].to_numpy(), table["number"].to_numpy()
    order = pa.array(np.lexsort((number, bucket)))
    table = table.take(order).combine_chunks()
    created = table["created"].cast(pa.int32()).cast(pa.int64()).fill_null(UNKNOWN_DAY)
    return CountedModels(
        table["bucket"].to_numpy().astype(np.int64),
        table["number"].to_numpy().astype(np.int64),
        created.to_numpy(),
        table["model_key"].to_numpy(),
        pc.fill_null(pc.equal(table["name"], table["model_id"]), False)
        .combine_chunks()
        .to_numpy(zero_copy_only=False),
        table["resolution"].combine_chunks(),
        table["name"].combine_chunks(),
    )
