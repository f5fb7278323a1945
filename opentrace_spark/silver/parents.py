"""Who each model says it was derived from: one source per model, in the author's order.

`silver/listing.py` has the rules of the sources; here every model is asked, and the names resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.attributes.method import tag_kind
from opentrace_spark.bronze.models import kept_models
from opentrace_spark.io import read_batches, read_stored
from opentrace_spark.silver.listing import TAG_PREFIX, Entry, listing_of
from opentrace_spark.silver.names import known_ids
from opentrace_spark.steps import Context

_Batches = Iterable[pa.RecordBatch]
_READ = (
    *("id", "tags", "library_name", "cardData", "baseModels"),
    *("source_file", "source_row", "reason"),
)
_LISTED = pa.schema(
    [
        ("model_id", pa.string()),
        ("position", pa.int32()),
        ("is_listed", pa.bool_()),
        ("parent_name", pa.string()),
        ("is_id", pa.bool_()),
        ("hub_id", pa.string()),
        ("parent_source", pa.string()),
        ("relation", pa.string()),
        ("tag_kind", pa.string()),
        ("entries", pa.int32()),
    ]
)


def build_listed(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_listed`: one row per model and entry of its list, names as they are written.

    Tasks read the files of `bronze_models` themselves, with `work_superseded`, `work_annotated` and
    `work_names` beside. Columns: model_id; position INT from 1; is_listed, parent_name, hub_id,
    relation as in `listing.Entry`; is_id, whether the name is an id of models/; parent_source;
    tag_kind, of the model; entries INT, how many rows the model has.
    """
    files = [unquote(uri) for uri in inputs["bronze_models"].inputFiles()]
    listed = context.spark.createDataFrame([(file,) for file in sorted(files)], "file string")
    beside = ("work_superseded", "work_annotated", "work_names")
    ask = _ask(*(context.locations[table] for table in beside))
    return listed.repartition(max(1, len(files)), "file").mapInArrow(
        ask, from_arrow_schema(_LISTED)
    )


def _ask(
    superseded: str, annotated: str, names: str
) -> Callable[[_Batches], Iterator[pa.RecordBatch]]:
    """The function of tasks that list the parents of the models in some files."""

    def ask(files: _Batches) -> Iterator[pa.RecordBatch]:
        told = read_stored(annotated)
        for file in (file for batch in files for file in batch["file"].to_pylist()):
            models = (
                _telling(_kept(batch, superseded), told) for batch in read_batches(file, _READ)
            )
            entries = list(map(_entries, models))
            if entries:  # a file may be without rows
                yield from _with_ids(pa.Table.from_batches(entries), names).to_batches()

    return ask


def _kept(models: pa.RecordBatch, superseded: str) -> pa.RecordBatch:
    usable = models.filter(pc.is_null(models["reason"]))
    later = _places(superseded)
    if not later:
        return usable
    places = zip(usable["source_file"].to_pylist(), usable["source_row"].to_pylist(), strict=True)
    return usable.filter(pa.array([place not in later for place in places], pa.bool_()))


@lru_cache(maxsize=1)
def _places(superseded: str) -> frozenset[tuple[str, int]]:
    rows = read_stored(superseded, ["source_file", "source_row"])
    return frozenset(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _telling(models: pa.RecordBatch, annotated: pa.Table) -> pa.RecordBatch:
    """The models that may list a parent, with `derived_from`: most tell nothing."""
    places = pc.index_in(models["id"], value_set=annotated["id"].combine_chunks())
    derived_from = annotated["derived_from"].combine_chunks().take(places)
    card, tags = models["cardData"], models["tags"]
    members = pc.list_value_length(pc.struct_field(models["baseModels"], "models"))
    tells = [
        pc.is_valid(derived_from),
        pc.match_substring(card, "base_model"),
        pc.match_substring(card, "\\u"),
        pc.greater(members, 0),
    ]
    named = pc.list_parent_indices(tags).filter(pc.starts_with(pc.list_flatten(tags), TAG_PREFIX))
    is_telling = np.zeros(len(models), dtype=bool)
    is_telling[named.to_numpy()] = True
    for told in tells:
        is_telling |= pc.fill_null(told, False).to_numpy(zero_copy_only=False)
    return models.append_column("derived_from", derived_from).filter(pa.array(is_telling))


def _entries(models: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of _LISTED, but for `is_id`."""
    rows: list[tuple[str, int, Entry, str, str, int]] = []
    asked = ("id", "derived_from", "cardData", "baseModels", "tags", "library_name")
    for model, derived_from, card, base, tags, library in zip(
        *(models[name].to_pylist() for name in asked), strict=True
    ):
        listing = listing_of(derived_from, card, base, tags)
        if listing is not None:
            kind = tag_kind(tags, library)
            for position, entry in enumerate(listing.entries, start=1):
                rows.append((model, position, entry, listing.source, kind, len(listing.entries)))
    columns = {
        "model_id": [row[0] for row in rows],
        "position": [row[1] for row in rows],
        "is_listed": [row[2].is_listed for row in rows],
        "parent_name": [row[2].name for row in rows],
        "hub_id": [row[2].hub_id for row in rows],
        "relation": [row[2].relation for row in rows],
        "parent_source": [row[3] for row in rows],
        "tag_kind": [row[4] for row in rows],
        "entries": [row[5] for row in rows],
    }
    fields = [field for field in _LISTED if field.name in columns]
    return pa.RecordBatch.from_pydict(columns, schema=pa.schema(fields))


def _with_ids(entries: pa.Table, names: str) -> pa.Table:
    # A map of the few names that are asked for, not of all ids.
    ids, asked = known_ids(names).ids, entries["parent_name"].unique()
    found = ids.filter(pc.is_in(ids, value_set=asked))
    is_id = pc.is_in(entries["parent_name"], value_set=found)
    return entries.append_column("is_id", is_id).select(_LISTED.names)


def unfound_names(listed: DataFrame) -> DataFrame:
    """The names of `work_listed` that are no ids of models/, as `name`, some more than once."""
    return listed.where("not is_id and parent_name is not null").select(
        F.col("parent_name").alias("name")
    )


def build_parents(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per model and listed parent, names resolved; starts no Spark job.

    Reads `work_listed`, `work_asked`, `bronze_models`, `work_superseded`. Columns: `model_id,
    model_key, position, parent_name, parent_id, parent_key, resolution, parent_source, relation,
    is_self, tag_kind`.

    - position INT: place in the source's list of names, from 1; two names of one model keep the
      first place;
    - parent_name: as written; null in the one row of a model that is annotated `No`;
    - parent_id, parent_key: the resolved parent, null where it is not in `models/`;
    - resolution: hub_id (settled by `_id`), exact, former, alias, recased, unknown; null for `No`;
    - relation: the documented one, null where none is; tag_kind: see `attributes/method.py`;
    - is_self: the parent is the model itself. Such rows are kept here, so that they can be counted.

    Models that list nothing have no row.
    """
    listed = inputs["work_listed"]
    is_hub_id = F.coalesce(F.col("hub_id") != "", F.lit(False))
    # Most entries are ids, and most models have one: such rows are not moved.
    is_plain = F.col("is_id") & ~is_hub_id
    plain = listed.where(is_plain).select(
        "*", F.col("parent_name").alias("parent_id"), F.lit("exact").alias("resolution")
    )
    asked = inputs["work_asked"].select(
        F.col("name").alias("parent_name"),
        F.col("model_id").alias("asked_id"),
        F.col("resolution").alias("asked_how"),
    )
    others = listed.where(~is_plain)
    hub_ids = others.where(is_hub_id).select("hub_id").distinct()
    by_hub_id = (
        kept_models(inputs)
        .select(F.col("_id").alias("hub_id"), F.col("id").alias("id_by_hub_id"))
        .join(F.broadcast(hub_ids), on="hub_id", how="left_semi")
    )
    resolved = others.join(asked, on="parent_name", how="left").join(
        by_hub_id, on="hub_id", how="left"
    )
    own_id = F.when(F.col("is_id"), F.col("parent_name"))
    settled = resolved.select(
        *listed.columns,
        F.coalesce("id_by_hub_id", "asked_id", own_id).alias("parent_id"),
        F.when(F.col("id_by_hub_id").isNotNull(), "hub_id")
        .when(F.col("is_id"), "exact")
        .otherwise(F.col("asked_how"))
        .alias("resolution"),
    )
    return _distinct_parents(plain.unionByName(settled))


def _distinct_parents(parents: DataFrame) -> DataFrame:
    """Keep the first place of each parent: two names of one model, or a name twice, count once."""
    # A name that resolves to nothing is no id of models/, so the two never mix.
    one_parent = F.coalesce("parent_id", "parent_name").alias("same_parent")
    first = F.min(F.struct("position", "is_listed", "parent_name", "resolution"))
    relation = F.min(F.when(F.col("relation").isNotNull(), F.struct("position", "relation")))
    # What is the same in all rows of a model is carried by the grouping.
    model = ("model_id", "parent_source", "tag_kind", "parent_id")
    several = (
        parents.where("entries > 1")
        .groupBy(*model, one_parent)
        .agg(first.alias("first"), relation.alias("documented"))
        # What is not listed comes after all that is: such a first place is of nothing listed.
        .where("first.is_listed")
        .select(*model, "first.*", F.col("documented.relation").alias("relation"))
    )
    single = parents.where("entries = 1").select(*several.columns)
    return single.unionByName(several).select(
        "model_id",
        F.xxhash64("model_id").alias("model_key"),
        "position",
        "parent_name",
        "parent_id",
        F.when(F.col("parent_id").isNotNull(), F.xxhash64("parent_id")).alias("parent_key"),
        "resolution",
        "parent_source",
        "relation",
        F.coalesce(F.col("parent_id") == F.col("model_id"), F.lit(False)).alias("is_self"),
        "tag_kind",
    )
