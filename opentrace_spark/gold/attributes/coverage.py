"""gold/field_coverage: of how many models, and of how many downloads, an attribute is known."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.gold.attributes.labels import COLUMN_OF
from opentrace_spark.steps import Context

ANY = "any"
"""Source of the rows that count an attribute as known wherever it is from."""
_SOURCES = (ANY, "human", "machine", "derived")


def build_field_coverage(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Per sample, attribute and source; reads `silver_models`. A source of no model has no row, but
    `any` has."""
    models = inputs["silver_models"]
    samples = F.array_compact(
        F.array(
            F.lit("all"),
            F.when(F.col("in_population"), F.lit("population")),
            F.when(F.col("in_head_sample"), F.lit("head")),
        )
    )
    known = {(name, source): _is_known(models, name, source) for name, source in _cells()}
    downloads = F.col("total_downloads")
    # One aggregate per cell: a row per model and cell would be fifty million rows.
    counted = (
        models.withColumn("sample", F.explode(samples))
        .groupBy("sample")
        .agg(
            F.count(F.lit(1)).alias("of_models"),
            F.sum(downloads).alias("of_downloads"),
            *(
                F.count_if(is_known).alias(f"models_{_name(*cell)}")
                for cell, is_known in known.items()
            ),
            *(
                F.sum(F.when(is_known, downloads).otherwise(0)).alias(f"downloads_{_name(*cell)}")
                for cell, is_known in known.items()
            ),
        )
    )
    cells = F.array(
        *(
            F.struct(
                F.lit(name).alias("attribute"),
                F.lit(source).alias("source"),
                F.col(f"models_{_name(name, source)}").alias("models"),
                F.col(f"downloads_{_name(name, source)}").alias("downloads"),
            )
            for name, source in known
        )
    )
    return (
        counted.select("sample", "of_models", "of_downloads", F.inline(cells))
        .where((F.col("models") > 0) | (F.col("source") == ANY))
        .select(
            "sample",
            "attribute",
            "source",
            "models",
            (F.col("models") / F.col("of_models")).alias("share_of_models"),
            "downloads",
            (F.col("downloads") / F.nullif("of_downloads", F.lit(0))).alias("share_of_downloads"),
        )
    )


def _cells() -> list[tuple[str, str]]:
    return [(name, source) for name in COLUMN_OF for source in _SOURCES]


def _name(attribute: str, source: str) -> str:
    return f"{attribute}_{source}"


def _is_known(models: DataFrame, attribute: str, source: str) -> Column:
    """Whether a model has a label of the attribute, from this source."""
    column = COLUMN_OF[attribute]
    if dict(models.dtypes)[column].startswith("array"):
        is_known = F.coalesce(F.size(column) > 0, F.lit(False))
    elif attribute == "org_type":
        is_known = F.col(column) != "unknown"
    else:
        is_known = F.col(column).isNotNull()
    if source == ANY:
        return is_known
    is_annotated, is_machine = (
        F.coalesce(F.array_contains(named, attribute), F.lit(False))
        for named in ("annotated", "machine_annotated")
    )
    of_source = {
        "human": is_annotated & ~is_machine,
        "machine": is_machine,
        "derived": ~is_annotated,
    }
    return is_known & of_source[source]
