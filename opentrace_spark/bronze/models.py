"""Rows of models/: metadata of repositories, one row kept of each."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window, functions as F

from opentrace_spark.bronze.reasons import flag_first, name_rules, with_raw_values
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import canonical_schema, row_schema
from opentrace_spark.steps import Context

_ROW = ("source_file", "source_row")


def build_models(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of models/, with what is wrong with it by itself; columns as
    `schemas.row_schema("models")`."""
    return judged_models(read_rows(context.spark, context.landing, "models"))


def judged_models(rows: DataFrame) -> DataFrame:
    """Rows as they were read, those flagged whose id is none."""
    judged = with_raw_values(flag_first(rows, name_rules("id")), *canonical_schema("models").names)
    return judged.select(row_schema("models").names)


def build_superseded(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_superseded`: see `superseded_rows`; reads `bronze_models`."""
    return superseded_rows(inputs["bronze_models"])


def superseded_rows(models: DataFrame) -> DataFrame:
    """Rows that a later one replaces: of one repository (`_id`), then, of what is left, of one id.

    Kept is the row with the latest lastModified (unknown is earliest), of equals the first.
    Returns `source_file, source_row, id, former_of`: the last is the id of the kept row where that
    is another one.
    """
    usable = models.where("reason is null").select(
        F.expr("nullif(_id, '')").alias("hub_id"), "id", "lastModified", *_ROW
    )
    # One aggregation of hashes finds what may repeat: few rows, and only they are compared.
    hashed = usable.withColumns(
        {
            "hub_hash": F.when(F.col("hub_id").isNotNull(), F.xxhash64("hub_id", F.lit("_id"))),
            "id_hash": F.xxhash64("id", F.lit("id")),
        }
    )
    hashes = hashed.select(F.explode(F.array("hub_hash", "id_hash")).alias("hash"))
    counts = hashes.where("hash is not null").groupBy("hash").agg(F.count("*").alias("rows"))
    repeated = F.broadcast(counts.where("rows > 1"))
    of_repository = _losers(_among(repeated, hashed, "hub_hash"), "hub_id")
    left = _among(repeated, hashed, "id_hash").join(of_repository, list(_ROW), how="left_anti")
    return of_repository.unionByName(_losers(left, "id"))


def _among(repeated: DataFrame, rows: DataFrame, hash_column: str) -> DataFrame:
    return rows.join(repeated, rows[hash_column] == repeated["hash"], how="left_semi")


def _losers(rows: DataFrame, key: str) -> DataFrame:
    latest_first = Window.partitionBy(key).orderBy(F.desc_nulls_last("lastModified"), *_ROW)
    kept = F.first("id").over(latest_first)
    ranked = rows.select(
        *_ROW,
        "id",
        F.when(F.col("id") != kept, kept).alias("former_of"),
        F.row_number().over(latest_first).alias("number"),
    )
    return ranked.filter("number > 1").drop("number")


def settled_models(models: DataFrame, superseded: DataFrame) -> DataFrame:
    """The rows of `bronze_models`, those flagged, too, that others supersede."""
    later = F.broadcast(superseded.select(*_ROW, F.lit(True).alias("is_superseded")))
    marked = models.join(later, list(_ROW), how="left")
    flagged = flag_first(marked, [(F.col("is_superseded"), "duplicate_row")])
    said = with_raw_values(flagged, *canonical_schema("models").names)
    return said.select(row_schema("models").names)


def kept_models(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The rows of models/ that are used; no two have one id. From `bronze_models` and
    `work_superseded`."""
    usable = inputs["bronze_models"].where("reason is null")
    later = F.broadcast(inputs["work_superseded"].select(*_ROW))
    return usable.join(later, list(_ROW), how="left_anti")
