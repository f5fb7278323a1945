"""Rows of snapshots/: the cumulative counter of a model on a day, and why one is not used."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F

from opentrace_spark.bronze.reasons import (
    LONGEST_NAME,
    flag_first,
    flag_repeated_counts,
    name_rules,
    with_raw_values,
)
from opentrace_spark.sources.schemas import canonical_schema, row_schema

_CONTROL = r"[\x00-\x1f\x7f-\x{9f}]"


def judged_snapshots(rows: DataFrame, hub_ids: DataFrame | None = None) -> DataFrame:
    """Rows of snapshots/ as they were read, those flagged that are of no use.

    `hub_ids` (name, hub_id) are those of models/, each name once, for rows that have none.
    A model that is there twice on a day counts once where its counters agree (the others are
    `duplicate_row`), and not at all where they differ (`conflicting_counts`).
    """
    rules = [
        (F.col("downloadsAllTime").isNull(), "missing_downloadsAllTime"),
        (F.col("downloadsAllTime") < 0, "negative_count"),
        *name_rules("id"),
    ]
    judged = flag_first(rows, rules).withColumn("hub_id", F.expr("nullif(_id, '')"))
    if hub_ids is not None:
        known = hub_ids.select(F.col("name").alias("id"), F.col("hub_id").alias("known_hub_id"))
        judged = judged.join(known, "id", how="left").withColumn(
            "hub_id", F.coalesce("hub_id", "known_hub_id")
        )
    by_itself = F.concat(F.lit("/"), "id")
    keyed = judged.withColumns(
        {
            "snapshot": F.regexp_extract("source_file", "^snapshots/([^/]*)/", 1),
            "model": F.coalesce("hub_id", by_itself),
        }
    )
    judged = flag_repeated_counts(keyed, "downloadsAllTime", "snapshot", "model")
    said = with_raw_values(judged, *canonical_schema("snapshots").names)
    return said.select(row_schema("snapshots").names)


def usable_sightings(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The rows that say by themselves who has which counter: for functions on workers."""
    is_counted = pc.and_(pc.greater_equal(rows["downloadsAllTime"], 0), pc.is_null(rows["reason"]))
    return rows.filter(pc.and_(are_names(rows["id"]), pc.fill_null(is_counted, False)))


def are_names(ids: pa.Array) -> pa.Array:
    """Which ids are names, by the rules of `reasons.name_rules`: for functions on workers."""
    length = pc.utf8_length(ids)
    is_long_enough = pc.and_(pc.greater(length, 0), pc.less_equal(length, LONGEST_NAME))
    is_name = pc.and_(is_long_enough, pc.invert(pc.match_substring_regex(ids, _CONTROL)))
    return pc.fill_null(is_name, False)
