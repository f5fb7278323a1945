"""Rows of aliases/: former names and what they are called now."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from opentrace_spark.bronze.reasons import flag_first, flag_later_rows, name_rules, with_raw_values
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import row_schema
from opentrace_spark.steps import Context


def build_aliases(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of aliases/, columns as `schemas.row_schema("aliases")`."""
    return judged_aliases(read_rows(context.spark, context.landing, "aliases"))


def judged_aliases(rows: DataFrame) -> DataFrame:
    """Rows as they were read, with reasons.

    The first row of a legacy name is used; every later one is an `ambiguous_alias`.
    """
    names = ("legacy_id", "current_id")
    named = flag_first(rows, name_rules(*names))
    flagged = flag_later_rows(named, "legacy_id", "ambiguous_alias")
    return with_raw_values(flagged, *names).select(row_schema("aliases").names)
