"""Scratch `work_sightings`: the rows of snapshots/, those of a model together.

Tasks read snapshots one after the other; what follows needs all snapshots of a model. So each task
deals its rows out to buckets by a hash of the model, as Parquet files with a row group per bucket;
a later task reads the row groups of a bucket, of some million sightings, and holds no more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.bronze.lookup import look_up
from opentrace_spark.bronze.models import read_models, superseded_rows
from opentrace_spark.bronze.snapshots import usable_sightings
from opentrace_spark.counters.calendar import Calendar
from opentrace_spark.io import read_stored
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.silver.row_groups import Batches, read_run, runs_by, write_run
from opentrace_spark.sources.files import LandingFile
from opentrace_spark.sources.landing import Landing
from opentrace_spark.sources.parts import parts_of
from opentrace_spark.sources.rows import map_rows
from opentrace_spark.steps import Context

RUNS = pa.schema(
    [("bucket", pa.int32()), ("uri", pa.string()), ("row_group", pa.int32()), ("rows", pa.int64())]
)
_SIGHTINGS = pa.schema(
    [
        ("snapshot", pa.int32()),
        ("model", pa.string()),
        ("name", pa.string()),
        ("counter", pa.int64()),
        ("created", pa.date32()),
        ("place", pa.int64()),
    ]
)
"""snapshot: its place in the landing's list; model: `_id`, that of models/ where a row has none,
or `/` and the name where there is none, either; place: of the row among all, by file and record
number."""
_HUB_IDS = "name string, hub_id string, is_kept boolean, source_file string, source_row bigint"
_RUN_ROWS = 1 << 20
_BUCKET_ROWS = 1 << 20
_SMALL_BUCKET_ROWS = 1 << 16
_BYTES_OF_A_TEXT_ROW = 50
_ROW_BITS = 40


def build_hub_ids(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_hub_ids`: `name, hub_id, is_kept, source_file, source_row` of the rows of
    models/ with an `_id`. By that of kept rows, rows of snapshots/ without one are known; others
    are names that a model bore. Empty where there are no snapshots."""
    if not context.landing.snapshots:
        return context.spark.createDataFrame([], _HUB_IDS)
    models = read_models(context)
    later = superseded_rows(models).select(
        "source_file", "source_row", F.lit(False).alias("is_kept")
    )
    return (
        models.where("reason is null and _id <> ''")
        .join(F.broadcast(later), ["source_file", "source_row"], how="left")
        .select(
            F.col("id").alias("name"),
            F.col("_id").alias("hub_id"),
            F.coalesce("is_kept", F.lit(True)).alias("is_kept"),
            *("source_file", "source_row"),
        )
    )


def build_sightings(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per run and bucket, as RUNS: which row group of which file has the rows. Rows that
    are of no use are in none."""
    places = places_of_files(context.landing)
    buckets = bucket_count(context.landing, context.spark.sparkContext.defaultParallelism)
    folder, hub_ids = context.scratch, context.locations["work_hub_ids"]

    def dealt(held: list[pa.RecordBatch]) -> pa.RecordBatch:
        return _dealt(pa.Table.from_batches(held, _SIGHTINGS), buckets, folder)

    def deal(rows: Batches) -> Iterator[pa.RecordBatch]:
        held: list[pa.RecordBatch] = []
        for batch in rows:
            held.append(_sightings(usable_sightings(batch), places, hub_ids))
            if sum(map(len, held)) >= _RUN_ROWS:
                yield dealt(held)
                held = []
        if sum(map(len, held)):
            yield dealt(held)

    return map_rows(context.spark, context.landing, "snapshots", deal, from_arrow_schema(RUNS))


def places_of_files(landing: Landing) -> dict[str, tuple[int, int]]:
    """Relative path of each file of snapshots/ -> the place of its snapshot in the landing's list,
    and its own place in the snapshot."""
    return {
        file.relative_path: (snapshot, number)
        for snapshot, dated in enumerate(landing.snapshots)
        for number, file in enumerate(sorted(dated.files, key=_path_bytes))
    }


def _path_bytes(file: LandingFile) -> bytes:
    return os.fsencode(file.relative_path)


def tasks_of_buckets(context: Context) -> int:
    """Into how many tasks work on buckets is shared out."""
    cores = context.spark.sparkContext.defaultParallelism
    return min(2 * bucket_count(context.landing, cores), context.tasks_by_week)


@lru_cache(maxsize=4)
def bucket_count(landing: Landing, cores: int) -> int:
    """How many buckets: few rows in each for the memory of a task, and work for every core."""
    rows = sum(
        part.file.size // _BYTES_OF_A_TEXT_ROW if part.rows is None else part.rows
        for part in parts_of(landing, "snapshots")
    )
    return 1 + max(rows // _BUCKET_ROWS, min(rows // _SMALL_BUCKET_ROWS, 2 * cores))


def _sightings(
    rows: pa.RecordBatch, places: Mapping[str, tuple[int, int]], hub_ids: str
) -> pa.RecordBatch:
    files = rows["source_file"].dictionary_encode()
    of_file = np.array([places[file] for file in files.dictionary.to_pylist()], dtype=np.int64)
    snapshot, number = of_file.reshape(-1, 2)[files.indices.to_numpy()].T
    columns = [
        pa.array(snapshot, pa.int32()),
        hub_models(rows["_id"], rows["id"], hub_ids),
        rows["id"],
        rows["downloadsAllTime"],
        pc.cast(pc.floor_temporal(rows["createdAt"], unit="day"), pa.date32()),
        pa.array((number << _ROW_BITS) + rows["source_row"].to_numpy()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_SIGHTINGS)


def hub_models(hub_ids: pa.Array, names: pa.Array, known: str) -> pa.Array:
    """Who the models of rows are: their `_id`, else that of models/ for the name (`known` is where
    `work_hub_ids` is stored), else `/` and the name."""
    models = pc.if_else(pc.equal(hub_ids, ""), None, hub_ids)
    if not models.null_count:
        return models
    asked = pc.if_else(pc.is_null(models), names, None)
    by_models = look_up(asked, _hub_ids(known), "name", "hub_id")
    return pc.coalesce(models, by_models, pc.binary_join_element_wise("", names, "/"))


@lru_cache(maxsize=1)
def _hub_ids(uri: str) -> pa.Table:
    rows = read_stored(uri, ["name", "hub_id", "is_kept"])
    return rows.filter(rows["is_kept"])


def _dealt(rows: pa.Table, buckets: int, folder: str) -> pa.RecordBatch:
    """Write a run with a row group per bucket; returns what RUNS says of it."""
    rows = rows.combine_chunks()
    models = rows["model"].combine_chunks().dictionary_encode()
    hashes = [crc32(model.encode()) % buckets for model in models.dictionary.to_pylist()]
    bucket = np.array(hashes, dtype=np.int64)[models.indices.to_numpy()]
    groups = write_run(rows, bucket, _SIGHTINGS, folder, compression="zstd")
    said = [{"bucket": number, **place} for number, _, place in groups]
    return pa.RecordBatch.from_pylist(said, schema=RUNS)


@dataclass(frozen=True)
class Bucket:
    """The sightings of some models, ascending by model and snapshot, each pair once.

    models: who they are, in byte order; model: the place there; name, created: as the rows say,
    None where they were not asked for.
    """

    models: pa.Array
    model: Integers
    snapshot: Integers
    counter: Integers
    name: pa.Array | None = None
    created: pa.Array | None = None


def map_buckets(
    runs: DataFrame,
    function: Callable[[int, list[dict[str, Any]]], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
    tasks: int,
) -> DataFrame:
    """What a function on workers makes of each bucket, given its number and its runs."""

    def work(batches: Batches) -> Iterator[pa.RecordBatch]:
        for bucket, runs in runs_by("bucket", batches):
            yield from function(bucket, runs)

    return runs.repartition(tasks, "bucket").mapInArrow(work, from_arrow_schema(schema))


def read_bucket(runs: Iterable[Mapping[str, Any]], with_names: bool = False) -> Bucket:
    """The sightings of a bucket. Of a model that is there twice in a snapshot the first row is
    kept, and none where the counters differ."""
    wanted = [name for name in _SIGHTINGS.names if with_names or name not in ("name", "created")]
    rows = pa.concat_tables([read_run(run, wanted) for run in runs]).combine_chunks()
    seen = rows["model"].combine_chunks()
    models = seen.unique()
    models = models.take(pc.sort_indices(models))
    model = pc.index_in(seen, value_set=models).to_numpy().astype(np.int64)
    snapshot = rows["snapshot"].to_numpy().astype(np.int64)
    order = np.lexsort((rows["place"].to_numpy(), snapshot, model))
    model, snapshot, counter = model[order], snapshot[order], rows["counter"].to_numpy()[order]
    starts = np.flatnonzero(
        np.r_[True, (model[1:] != model[:-1]) | (snapshot[1:] != snapshot[:-1])]
    )
    agree = np.minimum.reduceat(counter, starts) == np.maximum.reduceat(counter, starts)
    kept = starts[agree]
    said = rows.take(pa.array(order[kept]))
    names, created = (
        said[column].combine_chunks() if with_names else None for column in ("name", "created")
    )
    return Bucket(models, model[kept], snapshot[kept], counter[kept], names, created)


@lru_cache(maxsize=1)
def calendar_of(uri: str) -> Calendar:
    """The calendar of the stored `silver_snapshots`, for functions on workers."""
    table = read_stored(uri, ["snapshot_date", "is_stalled"]).sort_by("snapshot_date")
    days = table["snapshot_date"].cast(pa.int32()).to_pylist()
    return Calendar(tuple(days), tuple(table["is_stalled"].to_pylist()))
