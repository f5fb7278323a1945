"""silver/leaderboard: the kept result of every model of each version, and what it is built on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.config import Leaderboard
from opentrace_spark.leaderboard.bases import base_of
from opentrace_spark.leaderboard.submissions import kept_submissions, upright
from opentrace_spark.leaderboard.words import shipped_families, shipped_words
from opentrace_spark.silver.models import developer_of
from opentrace_spark.silver.names import resolve_names
from opentrace_spark.sizes.names import named_size
from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.steps import Context

_TEXT, _DAY, _YES, _WHOLE = pa.string(), pa.date32(), pa.bool_(), pa.int64()
_KEPT = pa.schema(
    [
        *((name, _TEXT) for name in ("version", "model_id", "name", "resolution")),
        *((name, _TEXT) for name in ("date_source", "type", "type_written", "architecture")),
        *((name, _TEXT) for name in ("weight_type", "precision", "revision", "license", "scores")),
        *((name, _TEXT) for name in ("base_model_id", "base_family", "base_evidence", "inverted")),
        *((name, _DAY) for name in ("date", "result_date")),
        *((name, pa.float64()) for name in ("score", "parameters_billions")),
        *((name, _WHOLE) for name in ("submissions", "likes", "downloads")),
        *((name, _YES) for name in ("has_invalid_size", "is_flagged", "is_removed", "is_merged")),
        *((name, _YES) for name in ("is_moe", "in_means", "has_dataset")),
        ("source_file", _TEXT),
        ("source_row", _WHOLE),
    ]
)
_JOINED = {
    "base_id": "string",
    "base_root": "string",
    "root_id": "string",
    "created": "date",
    "license_of_model": "string",
    "downloads": "bigint",
    "has_dataset": "boolean",
}
"""What models/ and downloads/ add to a result; null without them."""


def build_leaderboard(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per version and model of the usable rows of `bronze_leaderboard`.

    Where the landing has them, names are resolved by `work_names`, and `silver_lineage` and
    `silver_models` add what they know. All results go through one task: they are some ten thousand,
    and which way round a column is can be told from whole files alone.
    """
    results = inputs["bronze_leaderboard"].where("reason is null")
    results = results.withColumnRenamed("base", "base_name")
    if "silver_models" in inputs:
        is_counted = any(map(context.landing.of_kind, ("downloads", "snapshots")))
        joined = _with_models(results, inputs, "total_downloads" if is_counted else "downloads_30d")
    else:
        absent = {name: F.lit(None).cast(type_) for name, type_ in _JOINED.items()}
        joined = results.withColumns(
            {"model_id": F.col("name"), "resolution": F.lit(None).cast("string"), **absent}
        )
    values = context.config.leaderboard

    def keep(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = [row for batch in batches for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(kept_rows(rows, values), schema=_KEPT)

    kept = joined.coalesce(1).mapInArrow(keep, from_arrow_schema(_KEPT))
    return kept.withColumns(
        {"model_key": F.xxhash64("model_id"), "author": developer_of("model_id")}
    )


def _with_models(results: DataFrame, inputs: Mapping[str, DataFrame], downloads: str) -> DataFrame:
    """The results with their models' names as everywhere, roots, dates and the rest of _JOINED."""
    names = inputs["work_names"]
    resolved = resolve_names(results, names, name="name")
    resolved = resolve_names(resolved, names, name="base_name", into="base_id", how="base_how")
    resolved = resolved.withColumn("model_id", F.coalesce("model_id", "name"))
    # Of a chain that ends in a model that is not in models/, the first parent is the one to tell.
    ended = F.when(F.col("status") == "parent_missing", F.col("parent_name"))
    root = F.coalesce(ended, "root_id")
    lineage = inputs["silver_lineage"]
    roots = lineage.select("model_id", root.alias("root_id"))
    bases = lineage.select(F.col("model_id").alias("base_id"), root.alias("base_root"))
    models = inputs["silver_models"].select(
        "model_id",
        F.col("created_date").alias("created"),
        F.col("license").alias("license_of_model"),
        F.col(downloads).alias("downloads"),
        F.when(F.col("is_in_models"), F.col("data_availability").isNotNull()).alias("has_dataset"),
    )
    return (
        resolved.join(roots, "model_id", how="left")
        .join(bases, "base_id", how="left")
        .join(models, "model_id", how="left")
        .drop("base_how")
    )


def _size_in_name(model_id: str) -> float | None:
    """Billions of parameters that a name tells, only to find out what it was built on."""
    size = named_size(model_id, SizeSettings().expert_share)
    return None if size is None else size / 1e9


def kept_rows(rows: list[dict[str, Any]], values: Leaderboard) -> list[dict[str, Any]]:
    """The rows of the table, in the order of version and model, whatever the order of `rows`."""
    rows.sort(key=lambda row: (row["source_file"], row["source_row"]))
    models = kept_submissions(upright(rows, values.polarity_rows), values.repeated)
    families, words = shipped_families(), shipped_words()
    table = []
    for model in models:
        sized = {**model, "size": model["size"] or _size_in_name(model["model_id"])}
        base = base_of(sized, families, words, values.size_tolerance)
        table.append(
            model
            | {
                "license": model["license"] or model["license_of_model"],
                "parameters_billions": model["size"],
                "in_means": not (model["is_flagged"] or model["is_removed"]),
                "base_model_id": base.model_id,
                "base_family": base.family,
                "base_evidence": base.evidence,
            }
        )
    return table
