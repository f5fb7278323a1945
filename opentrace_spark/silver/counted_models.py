"""The models that snapshots/ count: who they are by their immutable ids, and in models/.

A model is the Hub's `_id`; where a row has none, its name. Its counters are its own under whatever
name; a name that another `_id` bears is another model's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window, functions as F

from opentrace_spark.bronze.models import kept_models
from opentrace_spark.config import FLOOR_DATE
from opentrace_spark.metrics.exact import starts_of_runs
from opentrace_spark.silver.names import UNKNOWN, resolve_names
from opentrace_spark.silver.sightings import (
    Bucket,
    calendar_of,
    map_buckets,
    read_bucket,
    tasks_of_buckets,
)
from opentrace_spark.steps import Context

_SEEN = pa.schema(
    [
        ("bucket", pa.int32()),
        ("number", pa.int32()),
        ("hub_id", pa.string()),
        ("name", pa.string()),
        ("names", pa.list_(pa.string())),
        ("last_seen", pa.int32()),
        ("created", pa.date32()),
        ("first_counter", pa.int64()),
        ("last_counter", pa.int64()),
    ]
)
_MODELS = (
    "bucket int, number int, model_key bigint, model_id string, unknown_id string, "
    "resolution string, name string, created date"
)


def build_seen(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_seen`: one row per model of snapshots/, as _SEEN.

    bucket and number: its place in `work_sightings`; hub_id: null for one known by its name; name:
    the last that it bore; names: all, in the order of their first snapshots; last_seen: the place
    of its last snapshot; created: as the first row that has it; first_counter and last_counter: in
    snapshots that are no stalls, null where it is in none.
    """
    see = _see(context.locations["silver_snapshots"])
    return map_buckets(inputs["work_sightings"], see, _SEEN, tasks_of_buckets(context))


def _see(uri: str) -> Callable[[int, list[dict[str, Any]]], Iterator[pa.RecordBatch]]:
    def see(number: int, runs: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
        bucket = read_bucket(runs, with_names=True)
        if len(bucket.model):
            is_stalled = np.array(calendar_of(uri).is_stalled, dtype=bool)
            yield from _described(number, bucket, is_stalled).to_batches(max_chunksize=1 << 16)

    return see


def _described(number: int, bucket: Bucket, is_stalled: Any) -> pa.Table:
    model, names = bucket.model, bucket.name
    assert names is not None
    assert bucket.created is not None
    starts = starts_of_runs(model)
    ends = np.r_[starts[1:], len(model)] - 1
    seen = model[starts]
    known = np.flatnonzero(pc.is_valid(bucket.created).to_numpy(zero_copy_only=False))
    birth = known[starts_of_runs(model[known])]
    created = np.full(len(bucket.models), -1, dtype=np.int64)
    created[model[birth]] = birth
    usable = np.flatnonzero(~is_stalled[bucket.snapshot])
    firsts = np.full(len(bucket.models), -1, dtype=np.int64)
    lasts = firsts.copy()
    at = starts_of_runs(model[usable])
    firsts[model[usable[at]]] = usable[at]
    lasts[model[usable]] = usable
    hub_id = bucket.models.take(pa.array(seen))
    is_named = pc.starts_with(hub_id, "/")
    return pa.table(
        [
            pa.repeat(pa.scalar(number, pa.int32()), len(seen)),
            pa.array(seen, pa.int32()),
            pc.if_else(is_named, None, hub_id),
            names.take(pa.array(ends)),
            _all_names(names, starts),
            pa.array(bucket.snapshot[ends], pa.int32()),
            bucket.created.take(_or_null(created[seen])),
            pa.array(bucket.counter).take(_or_null(firsts[seen])),
            pa.array(bucket.counter).take(_or_null(lasts[seen])),
        ],
        schema=_SEEN,
    )


def _or_null(places: Any) -> pa.Array:
    return pa.array(places, mask=places < 0)


def _all_names(names: pa.Array, starts: Any) -> pa.Array:
    """The distinct names of each model; nearly all have one."""
    ends = [*starts[1:].tolist(), len(names)]
    changes = pc.not_equal(names.slice(1), names.slice(0, len(names) - 1))
    is_new = np.r_[True, changes.to_numpy(zero_copy_only=False)]
    is_new[starts] = True
    kept = np.flatnonzero(is_new)
    offsets = np.searchsorted(kept, [*starts.tolist(), len(names)])
    listed = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), names.take(pa.array(kept)))
    if len(kept) == len(starts) or len(ends) == 0:
        return listed
    return pa.array([list(dict.fromkeys(said)) for said in listed.to_pylist()], listed.type)


def build_counted_models(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_counted_models`: what each row of `work_seen` is in models/, as _MODELS.

    By its `_id`, where models/ has it; else by its last name, as any name, but never to a model
    that is known to have another `_id` (an alias says that two are one). model_id is null where
    models/ does not know it; `unknown_id` is then its name, or name and `_id` (`owner/name#_id`)
    where the name is another's: that of models/, else of the model that bore it last. `resolution`
    is as in `names.py`; created: of snapshots/, else of models/, null where floored.
    """
    if not context.landing.snapshots:
        return context.spark.createDataFrame([], _MODELS)
    seen = inputs["work_seen"]
    known = kept_models(inputs).select(
        F.col("id").alias("model_id"),
        F.expr("nullif(_id, '')").alias("known_hub_id"),
        F.to_date("createdAt").alias("known_created"),
    )
    by_hub_id = known.where("known_hub_id is not null").select(
        F.col("known_hub_id").alias("hub_id"), F.col("model_id").alias("same_id")
    )
    named = resolve_names(
        seen.join(by_hub_id, "hub_id", how="left").select(*seen.columns, "same_id"),
        inputs["work_names"],
        name="name",
    )
    met = named.join(known, "model_id", how="left")
    is_others = (
        F.col("same_id").isNull()
        & F.col("hub_id").isNotNull()
        & F.col("known_hub_id").isNotNull()
        & (F.col("resolution") != "alias")
    )
    found = met.select(
        *seen.columns,
        F.coalesce("same_id", F.when(~is_others, F.col("model_id"))).alias("model_id"),
        F.when(F.col("same_id") == F.col("name"), F.lit("exact"))
        .when(F.col("same_id").isNotNull(), F.lit("former"))
        .when(is_others, F.lit(UNKNOWN))
        .otherwise(F.col("resolution"))
        .alias("resolution"),
        is_others.alias("is_others"),
    )
    return (
        _with_unknown_ids(found)
        .join(
            known.select(F.col("model_id").alias("found_id"), "known_created"),
            F.col("model_id") == F.col("found_id"),
            how="left",
        )
        .select(
            "bucket",
            "number",
            F.xxhash64(F.coalesce("model_id", "unknown_id")).alias("model_key"),
            "model_id",
            "unknown_id",
            "resolution",
            "name",
            # The floor hides an older date: such a model is never new.
            F.nullif(F.coalesce("created", "known_created"), F.lit(FLOOR_DATE)).alias("created"),
        )
    )


def _with_unknown_ids(found: DataFrame) -> DataFrame:
    """Add `unknown_id`: of models that are not in models/, one has the name."""
    unknown = F.col("model_id").isNull()
    bearers = Window.partitionBy("name", unknown & ~F.col("is_others")).orderBy(
        F.desc("last_seen"), F.asc_nulls_last("hub_id")
    )
    apart = F.concat("name", F.lit("#"), "hub_id")
    is_last = F.row_number().over(bearers) == 1
    name = (
        F.when(~unknown, F.lit(None).cast("string"))
        .when(F.col("hub_id").isNull() | (is_last & ~F.col("is_others")), F.col("name"))
        .otherwise(apart)
    )
    return found.withColumn("unknown_id", name)
