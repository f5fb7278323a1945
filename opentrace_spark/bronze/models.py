"""Metadata of repositories, one row kept of each: from models/, and the last of snapshots/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window, functions as F

from opentrace_spark.bronze.lookup import look_up
from opentrace_spark.bronze.reasons import flag_first, name_rules, with_raw_values
from opentrace_spark.bronze.snapshots import are_names
from opentrace_spark.config import as_of
from opentrace_spark.errors import ContentError
from opentrace_spark.io import read_stored
from opentrace_spark.sources.rows import Filter, read_rows
from opentrace_spark.sources.schemas import canonical_schema, row_schema
from opentrace_spark.steps import Context

_ROW = ("source_file", "source_row")


def read_models(context: Context, keep: Filter | None = None) -> DataFrame:
    """One row per row of models/, with what is wrong with it by itself; columns as
    `schemas.row_schema("models")`. Models that were created after `history.as_of` are left out."""
    rows = judged_models(read_rows(context.spark, context.landing, "models", keep))
    day = as_of(context.config)
    if day is None:
        return rows
    return rows.where(F.col("createdAt").isNull() | (F.to_date("createdAt") < F.lit(day)))


def build_models(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """`read_models`, and of snapshots/ the rows that `work_described` names as models' last.

    What models/ says of a model that was not modified since its last snapshot is left out. Acts:
    asks which files of snapshots/ to read. Raises ContentError where nothing describes any model.
    """
    if not context.landing.snapshots:
        return read_models(context)
    last = inputs["work_described"].where("is_bearer")
    named = {row["source_file"] for row in last.select("source_file").distinct().collect()}
    if not named:
        if not context.landing.of_kind("models"):
            raise ContentError(
                "snapshots/: no row has lastModified, so nothing describes the models; bring "
                "models/, or snapshots with the Hub's metadata"
            )
        return read_models(context)
    described = context.locations["work_described"]
    rows = read_models(context, _keep_newer(described))
    dated = context.landing.snapshots_as("models")
    files = tuple(file for file in dated.files if file.relative_path in named)
    keep = _keep_last(described)
    chosen = read_rows(context.spark, replace(dated, files=files), "models", keep)
    return rows.unionByName(judged_models(chosen))


def _keep_newer(described: str) -> Filter:
    """The function of tasks that leaves out rows of models/ whose model, by its `_id` or else by
    its name, is described in snapshots/ and was not modified since."""

    def keep(batch: pa.RecordBatch) -> pa.RecordBatch:
        hub_ids = pc.if_else(pc.equal(batch["_id"], ""), None, batch["_id"])
        models = _described(described)
        by_id = look_up(hub_ids, models, "model", "modified")
        by_name = look_up(batch["id"], models, "name", "modified")
        modified = pc.if_else(pc.is_valid(hub_ids), by_id, by_name)
        is_newer = pc.fill_null(pc.greater(batch["lastModified"], modified), False)
        # A row that is to be rejected is to be told.
        is_useless = pc.or_(pc.is_valid(batch["reason"]), pc.invert(are_names(batch["id"])))
        return batch.filter(pc.or_(pc.or_(pc.is_null(modified), is_newer), is_useless))

    return keep


@lru_cache(maxsize=1)
def _described(uri: str) -> pa.Table:
    models = read_stored(uri, ["model", "name", "modified", "is_bearer"])
    return models.filter(models["is_bearer"])


def _keep_last(described: str) -> Filter:
    """The function of tasks that leaves out rows of snapshots/ that are no model's last."""

    def keep(batch: pa.RecordBatch) -> pa.RecordBatch:
        if not len(batch):
            return batch
        wanted = _last_rows(described)[batch["source_file"][0].as_py()]
        return batch.filter(pa.array(np.isin(batch["source_row"].to_numpy(), wanted)))

    return keep


@lru_cache(maxsize=1)
def _last_rows(described: str) -> dict[str, npt.NDArray[np.int64]]:
    """Relative path -> record numbers, of the stored `work_described`."""
    rows = read_stored(described, ["source_file", "source_row", "is_bearer"])
    rows = (
        rows.filter(rows["is_bearer"]).group_by("source_file").aggregate([("source_row", "list")])
    )
    lists = zip(rows["source_file"].to_pylist(), rows["source_row_list"], strict=True)
    return {file: numbers.values.to_numpy() for file, numbers in lists}


def judged_models(rows: DataFrame) -> DataFrame:
    """Rows as they were read, those flagged whose id is none."""
    judged = with_raw_values(flag_first(rows, name_rules("id")), *canonical_schema("models").names)
    return judged.select(row_schema("models").names)


def build_superseded(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_superseded`: see `superseded_rows`; reads `bronze_models`."""
    return superseded_rows(inputs["bronze_models"])


def is_dated() -> Column:
    """Whether the row is of snapshots/."""
    return F.col("source_file").startswith("snapshots/")


def superseded_rows(models: DataFrame) -> DataFrame:
    """Rows that a later one replaces: of one repository (`_id`), then, of what is left, of one id.

    Kept is the row with the latest lastModified (unknown is earliest), of equals one that has a
    date, of snapshots/, else the first.
    Returns `source_file, source_row, id, former_of`: the last is the id of the kept row where that
    is another one.
    """
    usable = models.where("reason is null").select(
        F.expr("nullif(_id, '')").alias("hub_id"),
        *("id", "lastModified"),
        is_dated().alias("is_dated"),
        *_ROW,
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
    latest_first = Window.partitionBy(key).orderBy(
        F.desc_nulls_last("lastModified"), F.desc("is_dated"), *_ROW
    )
    kept = F.first("id").over(latest_first)
    ranked = rows.select(
        *_ROW,
        "id",
        F.when(F.col("id") != kept, kept).alias("former_of"),
        F.row_number().over(latest_first).alias("number"),
    )
    return ranked.filter("number > 1").drop("number")


def settled_models(models: DataFrame, superseded: DataFrame) -> DataFrame:
    """The rows of `bronze_models`, those flagged, too, that others supersede; not those of
    snapshots/, which are in silver/model_history all the same."""
    later = F.broadcast(superseded.select(*_ROW, F.lit(True).alias("is_superseded")))
    marked = models.join(later, list(_ROW), how="left")
    flagged = flag_first(marked, [(F.col("is_superseded") & ~is_dated(), "duplicate_row")])
    said = with_raw_values(flagged, *canonical_schema("models").names)
    return said.select(row_schema("models").names)


def kept_models(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The rows of models/ that are used; no two have one id. From `bronze_models` and
    `work_superseded`."""
    usable = inputs["bronze_models"].where("reason is null")
    later = F.broadcast(inputs["work_superseded"].select(*_ROW))
    return usable.join(later, list(_ROW), how="left_anti")
