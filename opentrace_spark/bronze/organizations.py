"""Rows of organizations/: accounts with their country and kind."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from opentrace_spark.bronze.reasons import flag_first, flag_later_rows, name_rules, with_raw_values
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import canonical_schema, row_schema
from opentrace_spark.steps import Context


def build_organizations(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of organizations/, columns as `schemas.row_schema("organizations")`.

    The first row of an account (`org`) is used; every later one is a `duplicate_row`.
    """
    read = read_rows(context.spark, context.landing, "organizations")
    rows = flag_first(read, name_rules("org"))
    flagged = flag_later_rows(rows, "org", "duplicate_row")
    columns = canonical_schema("organizations").names
    return with_raw_values(flagged, *columns).select(row_schema("organizations").names)
