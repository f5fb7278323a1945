"""The one place that resolves names: every name of a model, from any source, passes through here.

Names are resolved among the ids of the kept rows of models (`bronze/models.py`), in this order:

1. `exact`: the name is such an id; it is never renamed, even where an alias exists;
2. `former`: a row of `models/` or of `snapshots/` that is not the kept one of its model has the
   name, and the kept row has its `_id`;
3. `alias`: an accepted row of `aliases/` has it as legacy name (exact key, one hop) and its current
   name is such an id;
4. `recased`: such an id equals it after Unicode lower-casing (the smallest in byte order);
5. `unknown`: none of these; the resolved id is null.

No trimming, no parsing of addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F

from opentrace_spark.bronze.models import is_dated, kept_models
from opentrace_spark.io import read_stored
from opentrace_spark.steps import Context

UNKNOWN = "unknown"
"""How a name resolves that is none of the others."""
_RANKS = {"former": 1, "alias": 2}


def build_names(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per name that resolves other than by case: `name, model_id, resolution, model_key`.

    Reads `bronze_models`, `work_superseded`, `work_hub_ids`, `work_described`, `bronze_aliases`;
    starts no Spark job. Where a name has several readings, the best kind wins, then the first row
    by relative path (bytes) and record number; in snapshots/ the model that bore it last.
    """
    aliases = inputs["bronze_aliases"].where(F.col("reason").isNull())
    ids = kept_models(inputs).select("id")
    # A target must be an id: an alias of an alias, or of another case, resolves nothing.
    targets = _ids_among(ids, aliases, "current_id")
    usable = aliases.join(F.broadcast(targets), on="current_id", how="left_semi")
    # Of the names in snapshots/ `_borne` has all.
    former = inputs["work_superseded"].where(F.col("former_of").isNotNull() & ~is_dated())
    readings = (
        _readings(former, "id", "former_of", "former")
        .unionByName(_readings(_borne(inputs), "borne", "id", "former"))
        .unionByName(_readings(usable, "legacy_id", "current_id", "alias"))
    )
    taken = _ids_among(ids, readings, "name")
    order = F.struct("rank", "source_file", "source_row", "model_id", "resolution")
    best = (
        readings.join(F.broadcast(taken), on="name", how="left_anti")
        .groupBy("name")
        .agg(F.min(order).alias("best"))
    )
    exact = ids.select(
        F.col("id").alias("name"), F.col("id").alias("model_id"), F.lit("exact").alias("resolution")
    )
    resolved = exact.unionByName(best.select("name", "best.model_id", "best.resolution"))
    return resolved.withColumn("model_key", F.xxhash64("model_id"))


def _borne(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Names that models have in models/ or bore in snapshots/ beside that of their kept row, in
    snapshots/ each of the model that bore it last: `borne, id, source_file, source_row`."""
    kept = kept_models(inputs).select("id", F.col("_id").alias("hub_id"))
    columns = ("borne", "id", "source_file", "source_row")
    written = inputs["work_hub_ids"].withColumnRenamed("name", "borne").join(kept, "hub_id")
    described = inputs["work_described"].withColumnRenamed("model", "hub_id").join(kept, "hub_id")
    of_row = F.struct("row.before", "row.source_file", "row.source_row", "id")
    last = (
        described.select("id", F.explode("names").alias("row"))
        .where("row.name <> id")
        .groupBy(F.col("row.name").alias("borne"))
        .agg(F.min(of_row).alias("last"))
        .select("borne", "last.id", "last.source_file", "last.source_row")
    )
    return written.where("borne <> id").select(*columns).unionByName(last)


def _ids_among(ids: DataFrame, rows: DataFrame, column: str) -> DataFrame:
    """The ids that are in the rows' column. The rows are few: it is the ids that must not move."""
    asked = F.broadcast(rows.select(F.col(column).alias("id")))
    return ids.join(asked, on="id", how="left_semi").select(F.col("id").alias(column))


def _readings(rows: DataFrame, name: str, model_id: str, resolution: str) -> DataFrame:
    return rows.select(
        F.col(name).alias("name"),
        F.lit(_RANKS[resolution]).alias("rank"),
        "source_file",
        "source_row",
        F.col(model_id).alias("model_id"),
        F.lit(resolution).alias("resolution"),
    )


def resolve_names(
    frame: DataFrame,
    names: DataFrame,
    *,
    name: str,
    into: str = "model_id",
    how: str = "resolution",
) -> DataFrame:
    """Add the resolved id as `into` (null where unknown) and the kind of resolution as `how`.

    `frame` is any frame with a STRING column `name` and neither `into` nor `how`; `names` is the
    table `work_names`. Every row of `frame` is kept; it is read twice, so it should be stored. A
    null name is `unknown`.
    """
    asked = frame.select(F.col(name).alias("asked")).where(F.col("asked").isNotNull()).distinct()
    answers = _answers(asked, names).select(
        F.col("asked").alias(name), F.col("best.model_id").alias(into), F.col("best.how").alias(how)
    )
    resolved = frame.join(answers, on=name, how="left")
    return resolved.select(*frame.columns, into, F.coalesce(how, F.lit(UNKNOWN)).alias(how))


def _answers(asked: DataFrame, names: DataFrame) -> DataFrame:
    """One row per asked name that resolves: `asked, best`.

    Equal names are equal in lower case, too: one join finds all candidates, and the best is the
    name itself, else the smallest id.
    """
    lowered = names.withColumn("lowered", F.lower("name"))
    met = asked.withColumn("lowered", F.lower("asked")).join(lowered, on="lowered", how="inner")
    is_itself = F.col("name") == F.col("asked")
    candidate = F.struct(
        F.when(is_itself, 0).otherwise(1).alias("rank"),
        "model_id",
        F.when(is_itself, F.col("resolution")).otherwise("recased").alias("how"),
    )
    candidates = met.where(is_itself | (F.col("resolution") == "exact"))
    return candidates.groupBy("asked").agg(F.min(candidate).alias("best"))


@dataclass(frozen=True)
class KnownIds:
    """The ids of models/ and, in the same order, their keys."""

    ids: pa.Array
    keys: pa.Array


@lru_cache(maxsize=1)
def known_ids(uri: str) -> KnownIds:
    """The ids in `work_names` at `uri`, for functions on workers; kept for the next one."""
    names = read_stored(uri, ["name", "model_key", "resolution"])
    exact = names.filter(pc.equal(names["resolution"], "exact"))
    return KnownIds(exact["name"].combine_chunks(), exact["model_key"].combine_chunks())
