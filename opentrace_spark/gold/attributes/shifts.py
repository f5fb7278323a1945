"""gold/attribute_shifts: what the downloaded models became after the pivot (Table 1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from scipy import stats

from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.config import Attributes
from opentrace_spark.gold.attributes.labels import COLUMN_OF, categories_of_text
from opentrace_spark.gold.attributes.shares import ALL, SIZED
from opentrace_spark.gold.usage.pooled import complete_weeks
from opentrace_spark.metrics.association import compare_sizes, contingency
from opentrace_spark.metrics.groups import HEAD
from opentrace_spark.metrics.units import UNKNOWN_DAY
from opentrace_spark.steps import Context

_CELL = ["attribute", "category"]
SIZE_CELL = ("model_size", "mean_parameters")
"""Attribute and category of the row on sizes."""
_PLACED = pa.schema(
    [("attribute", pa.string()), ("category", pa.string()), ("is_after", pa.bool_())]
)
_TESTED = pa.schema(
    [
        ("attribute", pa.string()),
        ("category", pa.string()),
        ("share_before", pa.float64()),
        ("share_after", pa.float64()),
        ("mean_before", pa.float64()),
        ("mean_after", pa.float64()),
        ("multiplier", pa.float64()),
        ("n_before", pa.int64()),
        ("n_after", pa.int64()),
        ("of_before", pa.int64()),
        ("of_after", pa.int64()),
        ("test", pa.string()),
        ("p_value", pa.float64()),
        ("cramers_v", pa.float64()),
        ("q_value", pa.float64()),
        ("passes", pa.bool_()),
        ("rank", pa.int32()),
    ]
)


def build_attribute_shifts(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per attribute and category that the head sample has, before the pivot or after.

    Reads `work_counted`, `work_weekly`, `work_population`, `work_labels`, `gold_weeks`. Shares are
    of the head sample's downloads in complete weeks, without a window; models are those of the head
    in these weeks, by the period of their first one (or of their creation, as configured).
    """
    choices = context.config.attributes
    complete = complete_weeks(inputs["gold_weeks"]).select("week_start")
    counted = inputs["work_counted"].join(F.broadcast(complete), "week_start", "left_semi")
    placed = _placed(inputs, complete, choices)
    cells = _shares(counted, choices).join(_counts(placed), _CELL, how="full")
    both = cells.crossJoin(F.broadcast(placed.agg(*_models_of_periods())))
    every = both.unionByName(_sizes(counted, placed, choices), allowMissingColumns=True)
    # A few hundred rows, which the correction for many tests needs together.
    return every.coalesce(1).mapInArrow(_tester(choices.significance), from_arrow_schema(_TESTED))


def _shares(counted: DataFrame, choices: Attributes) -> DataFrame:
    """attribute, category, share_before, share_after: null in a period without downloads."""
    head = _head(counted)
    sums = _before_and_after("downloads", choices)
    total = head.where(F.col("attribute") == ALL).agg(*sums)
    total = total.select(F.col("before").alias("all_before"), F.col("after").alias("all_after"))
    rows = head.where("granularity = 'category'").groupBy(*_CELL).agg(*sums)
    return rows.crossJoin(F.broadcast(total)).select(
        *_CELL,
        (F.col("before") / F.nullif("all_before", F.lit(0))).alias("share_before"),
        (F.col("after") / F.nullif("all_after", F.lit(0))).alias("share_after"),
    )


def _head(counted: DataFrame) -> DataFrame:
    return counted.where("sample = 'head' and recency_window = 'none'")


def _before_and_after(column: str, choices: Attributes, prefix: str = "") -> tuple[Column, Column]:
    """The sums of a column over weeks before the pivot, and over those from it on."""
    is_after = F.col("week_start") >= F.lit(choices.pivot).cast("date")
    return (
        F.sum(F.when(~is_after, F.col(column)).otherwise(0)).alias(f"{prefix}before"),
        F.sum(F.when(is_after, F.col(column)).otherwise(0)).alias(f"{prefix}after"),
    )


def _sizes(counted: DataFrame, placed: DataFrame, choices: Attributes) -> DataFrame:
    """One row, SIZE_CELL: the sums that make means, and the sizes of models by period.

    The head sample's models are few enough for a list.
    """
    sums = (
        _head(counted)
        .where(F.col("attribute") == SIZED)
        .agg(
            *_before_and_after("downloads", choices, "downloads_"),
            *_before_and_after("parameters", choices, "parameters_"),
        )
    )
    size = F.col("parameter_count")
    lists = placed.agg(
        F.sort_array(F.collect_list(F.when(~F.col("is_after"), size))).alias("sizes_before"),
        F.sort_array(F.collect_list(F.when(F.col("is_after"), size))).alias("sizes_after"),
        *_models_of_periods(),
    )
    cell = (F.lit(value).alias(name) for name, value in zip(_CELL, SIZE_CELL, strict=True))
    return sums.crossJoin(lists).select(*cell, *sums.columns, *lists.columns)


def _models_of_periods() -> tuple[Column, Column]:
    return (
        F.count_if(~F.col("is_after")).alias("of_before"),
        F.count_if("is_after").alias("of_after"),
    )


def _placed(inputs: Mapping[str, DataFrame], complete: DataFrame, choices: Attributes) -> DataFrame:
    """Models of the head sample with their labels and `is_after`: which period they belong to."""
    first = (
        inputs["work_weekly"]
        .where(F.col("part") == HEAD)
        .join(F.broadcast(complete), "week_start", how="left_semi")
        .groupBy("code")
        .agg(F.min("week_start").alias("first_week"))
    )
    pivot = F.lit(choices.pivot).cast("date")
    own = inputs["work_population"].select(
        "model_key", F.col("none_model").alias("code"), "created"
    )
    day: Column = (
        F.unix_date("first_week") if choices.shift_period == "first_head_week" else F.col("created")
    )
    known = day > F.lit(UNKNOWN_DAY)
    dated = own.join(F.broadcast(first), "code", how="inner").where(known)
    placed = dated.select("model_key", (day >= F.unix_date(pivot)).alias("is_after"))
    return inputs["work_labels"].join(F.broadcast(placed), "model_key", how="inner")


def _counts(placed: DataFrame) -> DataFrame:
    """attribute, category, n_before and n_after: models in it. A category of models that are in
    the head in incomplete weeks only, or whose creation is not known, has no row."""
    rows = placed.select("is_after", *COLUMN_OF).mapInArrow(_categories, from_arrow_schema(_PLACED))
    return rows.groupBy(*_CELL).agg(
        F.count_if(~F.col("is_after")).alias("n_before"), F.count_if("is_after").alias("n_after")
    )


def _categories(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A row per model, attribute and category."""
    words = shipped_vocabulary().attributes
    for batch in batches:
        rows = [
            {"attribute": name, "category": category, "is_after": model["is_after"]}
            for model in batch.to_pylist()
            for name in COLUMN_OF
            for category in categories_of_text(model[name], words[name])
        ]
        yield pa.RecordBatch.from_pylist(rows, schema=_PLACED)


def _tester(significance: float) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def tested(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = [row for batch in batches for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(_tested(rows, significance), schema=_TESTED)

    return tested


def _measured_shares(row: dict[str, Any]) -> dict[str, Any]:
    counts = {name: row[name] or 0 for name in ("n_before", "n_after", "of_before", "of_after")}
    return counts | vars(contingency(*counts.values()))


def _measured_sizes(row: dict[str, Any]) -> dict[str, Any]:
    """Means of parameters by downloads: exact sums, divided once."""
    before, after = row["sizes_before"], row["sizes_after"]
    p_value = compare_sizes(before, after)
    means = {
        f"mean_{period}": int(row[f"parameters_{period}"]) / row[f"downloads_{period}"]
        if row[f"downloads_{period}"]
        else None
        for period in ("before", "after")
    }
    return means | {
        "n_before": len(before),
        "n_after": len(after),
        "test": None if p_value is None else "mann_whitney_u",
        "p_value": p_value,
    }


def _tested(rows: list[dict[str, Any]], significance: float) -> list[dict[str, Any]]:
    """The rows in order of their keys, with multiplier, test, q-value and rank."""
    rows = sorted(rows, key=lambda row: (row["attribute"], row["category"]))
    for row in rows:
        is_size = (row["attribute"], row["category"]) == SIZE_CELL
        row |= _measured_sizes(row) if is_size else _measured_shares(row)
        measure = "mean" if is_size else "share"
        before, after = row.get(f"{measure}_before"), row.get(f"{measure}_after")
        row["multiplier"] = after / before if before and after is not None else None
    asked = [row for row in rows if row["p_value"] is not None]
    if asked:
        corrected = stats.false_discovery_control([row["p_value"] for row in asked], method="bh")
        for row, q in zip(asked, corrected.tolist(), strict=True):
            row |= {"q_value": q, "passes": q < significance}
    ranked = [row for row in rows if row["multiplier"]]
    ranked.sort(key=lambda row: -abs(math.log(row["multiplier"])))
    for rank, row in enumerate(ranked, start=1):
        row["rank"] = rank
    return [{name: row.get(name) for name in _TESTED.names} for row in rows]
