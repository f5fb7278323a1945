"""gold/model_sizes and gold/size_distribution: how sizes are known, and how large models are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.gold.attributes.labels import samples
from opentrace_spark.gold.usage.pooled import downloads_of_years
from opentrace_spark.steps import Context

BIN_WIDTH = 0.25
"""Width of a bin of the density, in log10 of parameters: four bins to a factor of ten."""
_GROUP = ("sample", "basis", "weighting", "year", "recency_window")
_MEASURES = ("mean", "quartile_1", "median", "quartile_3")
_DISTRIBUTION = pa.schema(
    [
        *((name, pa.string()) for name in ("sample", "basis", "weighting")),
        ("year", pa.int32()),
        ("recency_window", pa.string()),
        ("bin_low", pa.float64()),
        ("bin_high", pa.float64()),
        ("share", pa.float64()),
        ("density", pa.float64()),
        ("n", pa.int64()),
        ("weight", pa.int64()),
        ("known_share", pa.float64()),
        *((name, pa.float64()) for name in _MEASURES),
    ]
)


def build_model_sizes(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """How good the estimate is on models that it did not see, and what it adds.

    Reads `work_size_validation`, `silver_models`.
    """
    fits = inputs["work_size_validation"]
    return fits.crossJoin(F.broadcast(_coverage(inputs["silver_models"])))


def _coverage(models: DataFrame) -> DataFrame:
    """One row: of how many models, and of how many downloads, the size is known."""
    is_published = F.col("parameter_source").isin("safetensors", "gguf")
    is_sized = F.col("parameter_count").isNotNull()
    is_flagged = F.col("published_parameter_count").isNotNull() & ~F.coalesce(
        is_published, F.lit(False)
    )
    downloads = F.col("total_downloads")
    every, total = F.nullif(F.count(F.lit(1)), F.lit(0)), F.nullif(F.sum(downloads), F.lit(0))

    def share(which: Column) -> Column:
        return F.sum(F.when(which, downloads).otherwise(0)) / total

    return models.agg(
        (F.count_if(is_published) / every).alias("published_models_share"),
        (F.count_if(is_sized) / every).alias("sized_models_share"),
        share(is_published).alias("published_downloads_share"),
        share(is_sized).alias("sized_downloads_share"),
        F.count_if(is_flagged).alias("flagged_models"),
    )


def build_size_distribution(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Sizes by year (Fig. 5): of what was downloaded, and of what was created.

    Reads `work_pooled`, `work_labels`, `silver_models`. A row per bin with models; the measures are
    those of the whole group, equal in its rows.
    """
    rows = _downloaded(inputs, context).unionByName(_created(inputs["silver_models"]))
    weights = F.array(
        F.struct(F.lit("models").alias("weighting"), F.lit(1).cast("bigint").alias("weight")),
        F.struct(F.lit("downloads").alias("weighting"), F.col("downloads").alias("weight")),
    )
    weighted = (
        rows.select("*", samples("in_head"))
        .select("*", F.inline(weights))
        .groupBy(*_GROUP, "parameter_count")
        .agg(F.count(F.lit(1)).alias("n"), F.sum("weight").alias("weight"))
    )
    return weighted.groupBy(*_GROUP).applyInArrow(_distribution, from_arrow_schema(_DISTRIBUTION))


def _downloaded(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Models of the population with downloads in a year: these."""
    sized = inputs["work_labels"].select("model_key", "in_head", "parameter_count")
    return (
        downloads_of_years(inputs, context)
        .join(sized, "model_key", how="inner")
        .select(
            "in_head",
            F.lit("downloaded").alias("basis"),
            "year",
            "recency_window",
            "parameter_count",
            "downloads",
        )
    )


def _created(models: DataFrame) -> DataFrame:
    """Models of the population created in a year, and all their downloads: no window applies."""
    dated = models.where("in_population and created_at is not null and not created_censored")
    return dated.select(
        F.col("in_head_sample").alias("in_head"),
        F.lit("created").alias("basis"),
        F.year("created_at").alias("year"),
        F.lit("none").alias("recency_window"),
        "parameter_count",
        F.col("total_downloads").alias("downloads"),
    )


def _distribution(table: pa.Table) -> pa.Table:
    """The rows of one group: of one row per number of parameters, null where it is not known."""
    rows = sorted(
        (row for row in table.to_pylist() if row["parameter_count"] is not None),
        key=lambda row: row["parameter_count"],
    )
    group = {name: table[name][0].as_py() for name in _GROUP}
    every = sum(table["weight"].to_pylist())
    found = [group | row for row in distribution(rows, every)]
    return pa.Table.from_pylist(found, schema=_DISTRIBUTION)


def distribution(rows: list[dict[str, Any]], every: int) -> list[dict[str, Any]]:
    """A row per bin of sizes that has weight, with the measures of all of them.

    `rows` have parameter_count (ascending, each once), n and weight; `every` is the weight with
    that of models of unknown size. Sums are exact and divided once. A quartile is the smallest size
    at which so much of the weight is reached; `density` is the share per unit of log10, so that
    bins times BIN_WIDTH add up to 1.
    """
    total = sum(row["weight"] for row in rows)
    if not total:
        return []
    weights: dict[int, int] = {}
    for row in rows:
        place = int(np.floor(np.log10(row["parameter_count"]) / BIN_WIDTH))
        weights[place] = weights.get(place, 0) + row["weight"]
    measures = {
        "n": sum(row["n"] for row in rows),
        "weight": total,
        "known_share": total / every,
        "mean": sum(row["parameter_count"] * row["weight"] for row in rows) / total,
        **{name: _quantile(rows, quarters, 4) for quarters, name in enumerate(_MEASURES[1:], 1)},
    }
    return [
        measures
        | {
            "bin_low": float(10 ** (place * BIN_WIDTH)),
            "bin_high": float(10 ** ((place + 1) * BIN_WIDTH)),
            "share": weight / total,
            "density": weight / total / BIN_WIDTH,
        }
        for place, weight in sorted(weights.items())
        if weight
    ]


def _quantile(rows: list[dict[str, Any]], part: int, of: int) -> float:
    """The smallest size at which at least part/of of the weight is reached."""
    needed = part * sum(row["weight"] for row in rows)
    reached = 0
    for row in rows:
        reached += row["weight"]
        if of * reached >= needed:
            return float(row["parameter_count"])
    raise AssertionError("the whole weight is always reached")
