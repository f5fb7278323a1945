"""The one place that resolves names: every name of a model, from any source, passes through here.

Names are resolved among the ids of the accepted rows of `models/`, in this order:

1. `exact`: the name is such an id; it is never renamed, even where an alias exists;
2. `former`: a rejected row of `models/` has the name and shares its `_id` with a kept row;
3. `alias`: an accepted row of `aliases/` has it as legacy name (exact key, one hop) and its current
   name is such an id;
4. `recased`: such an id equals it after Unicode lower-casing (the smallest in byte order);
5. `unknown`: none of these; the resolved id is null.

No trimming, no parsing of addresses.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.steps import Context

_RANKS = {"former": 1, "alias": 2}


def build_names(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per name that resolves other than by case: `name, model_id, resolution`.

    Reads `bronze_models` and `bronze_aliases`; starts no Spark job. Where a name has several
    readings, the best kind wins, then the first row by relative path (bytes) and record number.
    """
    models = inputs["bronze_models"]
    aliases = inputs["bronze_aliases"].where(F.col("reason").isNull())
    ids = models.where(F.col("reason").isNull()).select("id")
    # A target must be an id: an alias of an alias, or of another case, resolves nothing.
    targets = _ids_among(ids, aliases, "current_id")
    usable = aliases.join(F.broadcast(targets), on="current_id", how="left_semi")
    former = models.where(F.col("former_of").isNotNull())
    readings = _readings(former, "id", "former_of", "former").unionByName(
        _readings(usable, "legacy_id", "current_id", "alias")
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
    return exact.unionByName(best.select("name", "best.model_id", "best.resolution"))


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
    table `work_names`. Every row of `frame` is kept, in its partition: one broadcast join, no
    shuffle of `frame`, whatever its size. A null name is `unknown`.
    """
    lookup = F.broadcast(_lookup(names))
    lowered = F.lower(F.col(name))
    joined = frame.join(lookup, on=lowered == lookup["_lowered"], how="left")
    is_exact = F.col("_id_exact") == F.col(name)
    other = F.try_element_at("_others", F.col(name))
    resolved = (
        F.when(is_exact, F.struct(F.col("_id_exact").alias("id"), F.lit("exact").alias("how")))
        .when(other.isNotNull(), other)
        .when(
            F.col("_id_exact").isNotNull(),
            F.struct(F.col("_id_exact").alias("id"), F.lit("recased").alias("how")),
        )
    )
    kinds = joined.select(*(frame[column] for column in frame.columns), resolved.alias("_resolved"))
    return kinds.select(
        *frame.columns,
        F.col("_resolved.id").alias(into),
        F.coalesce(F.col("_resolved.how"), F.lit("unknown")).alias(how),
    )


def _lookup(names: DataFrame) -> DataFrame:
    """One row per lower-cased name: `_lowered, _id_exact, _others`.

    `_id_exact` is the smallest id with that lower-cased text, which is nearly always the name that
    is looked up; `_others` maps all other names to their id and kind, null where there is none.
    One map serves all four kinds, so a large table is broadcast once and probed once per row.
    """
    lowered = names.withColumn("_lowered", F.lower("name"))
    hashed = lowered.withColumn("_hash", F.xxhash64("_lowered"))
    # Nearly all names are alone with their lower-cased text and need no grouping. Counting hashes
    # finds the rest cheaply; two texts of one hash are grouped without need, which does no harm.
    crowded = F.broadcast(hashed.groupBy("_hash").count().where("count > 1").select("_hash"))
    alone = hashed.join(crowded, on="_hash", how="left_anti")
    others = hashed.join(crowded, on="_hash", how="left_semi")
    is_exact = F.col("resolution") == "exact"
    entry = F.struct(
        F.col("name").alias("key"),
        F.struct(F.col("model_id").alias("id"), F.col("resolution").alias("how")).alias("value"),
    )
    groups = others.groupBy("_lowered").agg(
        F.min(F.when(is_exact, F.col("name"))).alias("_id_exact"),
        F.collect_list(entry).alias("_entries"),
    )
    rest = F.filter("_entries", lambda item: ~item["key"].eqNullSafe(F.col("_id_exact")))
    return alone.select(
        "_lowered",
        F.when(is_exact, F.col("name")).alias("_id_exact"),
        F.when(~is_exact, F.map_from_entries(F.array(entry))).alias("_others"),
    ).unionByName(
        groups.select(
            "_lowered",
            "_id_exact",
            F.when(F.size(rest) > 0, F.map_from_entries(rest)).alias("_others"),
        )
    )
