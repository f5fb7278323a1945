"""silver/model_history: license, gating, parents and name of each model, from when until when."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window, functions as F

from opentrace_spark.bronze.models import kept_models
from opentrace_spark.io import spark_schema
from opentrace_spark.silver.models import developer_of
from opentrace_spark.steps import Context
from opentrace_spark.tables import SILVER_MODEL_HISTORY

_STATE = ("name", "license", "gated", "parents")


def build_model_history(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per model and span of snapshots in which it is there and is described alike.

    Acts: asks which snapshots describe models; a model that is in none of two that follow each
    other had vanished between them. Reads `work_descriptions`, `bronze_models`, `work_superseded`.
    """
    if not context.landing.snapshots:
        return context.spark.createDataFrame([], spark_schema(SILVER_MODEL_HISTORY))
    rows = inputs["work_descriptions"].where("reason is null")
    numbers = sorted(row["snapshot"] for row in rows.select("snapshot").distinct().collect())
    days = [context.landing.snapshots[number].day for number in numbers]
    places = dict(zip(numbers, range(len(numbers)), strict=True))
    of_model = Window.partitionBy("model").orderBy("place", "source_file", "source_row")
    state, before = F.struct(*_STATE), F.lag("place").over(of_model)
    is_new = (
        before.isNull()
        | (F.col("place") != before + 1)
        | ~state.eqNullSafe(F.lag(state).over(of_model))
    )
    spans = (
        rows.withColumn("place", _looked_up(places, "snapshot"))
        .withColumn("before", before)
        # Of several rows of a model in one snapshot, the first counts.
        .where("before is null or before <> place")
        .withColumn("is_new", is_new)
        .withColumn("span", F.sum(F.col("is_new").cast("int")).over(of_model))
        .groupBy("model", "span", *_STATE)
        .agg(F.min("place").alias("first"), F.max("place").alias("last"))
    )
    if not days:
        return context.spark.createDataFrame([], spark_schema(SILVER_MODEL_HISTORY))
    dated = dict(enumerate(days))
    is_last = F.col("last") == len(days) - 1
    return _identified(spans, inputs).select(
        "model_id",
        F.xxhash64("model_id").alias("model_key"),
        "hub_id",
        "name",
        developer_of("name").alias("developer"),
        "license",
        "gated",
        "parents",
        _looked_up(dated, "first").alias("valid_from"),
        F.when(~is_last, _looked_up(dated, F.col("last") + 1)).alias("valid_to"),
        _looked_up(dated, "last").alias("last_seen"),
    )


def build_last_seen(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_last_seen`: `model_key, last_seen` of the models of snapshots/: the day of the
    last one that has it, described or only counted."""
    days = {number: snapshot.day for number, snapshot in enumerate(context.landing.snapshots)}
    counted = inputs["work_seen"].select(
        "bucket", "number", _looked_up(days, "last_seen").cast("date").alias("last_seen")
    )
    keyed = inputs["work_counted_models"].join(counted, ["bucket", "number"])
    described = inputs["silver_model_history"].select("model_key", "last_seen")
    every = keyed.select("model_key", "last_seen").unionByName(described)
    return every.groupBy("model_key").agg(F.max("last_seen").alias("last_seen"))


def _identified(spans: DataFrame, inputs: Mapping[str, DataFrame]) -> DataFrame:
    """Add hub_id and model_id: that of the kept row with the `_id`, or, of a model without one, its
    name where the kept row has none, either; else name and `_id`."""
    kept = kept_models(inputs).select(
        F.coalesce(F.expr("nullif(_id, '')"), F.concat(F.lit("/"), "id")).alias("model"),
        F.col("id").alias("kept_id"),
    )
    is_named = F.col("model").startswith("/")
    hub_id = F.when(~is_named, F.col("model"))
    last_name = F.max_by("name", "span").over(Window.partitionBy("model"))
    apart = F.concat(last_name, F.lit("#"), F.coalesce(hub_id, F.lit("")))
    return (
        spans.join(kept, "model", how="left")
        .withColumn("hub_id", hub_id)
        .withColumn("model_id", F.coalesce("kept_id", apart))
    )


def _looked_up(values: Mapping[int, object], key: str | Column) -> Column:
    """The value of a whole number."""
    pairs = [F.lit(each) for pair in values.items() for each in pair]
    place = F.col(key) if isinstance(key, str) else key
    return F.element_at(F.create_map(*pairs), place) if pairs else F.lit(None)
