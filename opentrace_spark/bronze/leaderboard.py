"""Rows of leaderboard/: results of the Open LLM Leaderboard, whatever export they are from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.bronze.reasons import flag_first, name_rules
from opentrace_spark.config import as_of
from opentrace_spark.leaderboard.cells import UnreadableError, read_result
from opentrace_spark.leaderboard.words import shipped_words
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.steps import Context

_PLACE = (("source_file", pa.string()), ("source_row", pa.int64()))
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("version", "name", "base", "type", "type_written")),
        *((name, pa.string()) for name in ("architecture", "weight_type", "precision")),
        *((name, pa.string()) for name in ("revision", "license", "scores")),
        *((name, pa.float64()) for name in ("score", "size")),
        ("likes", pa.int64()),
        *((name, pa.date32()) for name in ("submitted", "uploaded")),
        *((name, pa.bool_()) for name in ("available", "flagged", "merged", "moe")),
        *_PLACE,
        ("reason", pa.string()),
        ("raw_values", pa.string()),
    ]
)
"""Columns of `bronze_leaderboard`: booleans, sizes and words as written, scores as JSON."""


def build_leaderboard(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of leaderboard/, as SCHEMA. Results that were submitted, or else uploaded,
    from `history.as_of` on are left out."""
    rows = judged_leaderboard(read_rows(context.spark, context.landing, "leaderboard"))
    day = as_of(context.config)
    if day is None:
        return rows
    dated = F.coalesce("submitted", "uploaded")
    return rows.where(dated.isNull() | (dated < F.lit(day)))


def judged_leaderboard(rows: DataFrame) -> DataFrame:
    """Rows as they were read to SCHEMA, with reasons for those that can't be used."""
    results = rows.mapInArrow(_results, from_arrow_schema(SCHEMA))
    flagged = flag_first(results, name_rules("name"))
    raw = F.when(F.col("reason").isNotNull(), F.col("raw_values"))
    return flagged.withColumn("raw_values", raw)


def _results(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [_result(row) for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def _result(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as SCHEMA; what it said stays with it until every reason is known."""
    kept = {name: row[name] for name, _ in _PLACE}
    if row["reason"] is not None:
        return {**kept, "reason": row["reason"], "raw_values": row["raw_values"]}
    said = row["other_fields"]
    try:
        result = read_result(json.loads(said or "{}"), shipped_words())
    except UnreadableError as error:
        return {**kept, "reason": str(error), "raw_values": said}
    return {**kept, **result, "raw_values": said}
