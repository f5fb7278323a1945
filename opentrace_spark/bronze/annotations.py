"""Rows of annotations/: labels that people gave to models."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from opentrace_spark.bronze.reasons import flag_first, name_rules, with_raw_values
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import canonical_schema, row_schema
from opentrace_spark.steps import Context


def build_annotations(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of annotations/, columns as `schemas.row_schema("annotations")`."""
    return judged_annotations(read_rows(context.spark, context.landing, "annotations"))


def judged_annotations(rows: DataFrame) -> DataFrame:
    """Rows as they were read, those flagged whose id is none."""
    flagged = flag_first(rows, name_rules("id"))
    columns = canonical_schema("annotations").names
    return with_raw_values(flagged, *columns).select(row_schema("annotations").names)
