"""Rows of contributors/: who has committed to a repository, as names or as their number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.bronze.reasons import flag_first, flag_later_rows, name_rules
from opentrace_spark.sources.cells import UnparsableError, parse_integer, parse_texts
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.steps import Context

COLUMNS = ("id", "contributors", "source_file", "source_row", "reason", "raw_values")


def build_contributors(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of contributors/, COLUMNS."""
    return judged_contributors(read_rows(context.spark, context.landing, "contributors"))


def judged_contributors(rows: DataFrame) -> DataFrame:
    """Rows as they were read, with reasons: `contributors` is how many distinct ones there are.

    The first row of a repository is used; every later one is a `duplicate_row`.
    """
    count = F.udf(count_contributors, "bigint", useArrow=False)("other_fields")
    counted = rows.withColumn("contributors", count)
    rules = [*name_rules("id"), (F.col("contributors").isNull(), "unparsable_contributors")]
    flagged = flag_later_rows(flag_first(counted, rules), "id", "duplicate_row")
    said = F.to_json(F.struct("id", "other_fields"))
    raw = F.when(F.col("reason").isNotNull(), F.coalesce("raw_values", said))
    return flagged.withColumn("raw_values", raw).select(*COLUMNS)


def count_contributors(cells: str | None) -> int | None:
    """Distinct contributors in the cell `contributors` of a row's JSON: a whole number from 0 on,
    or a list of names (`["a", "b"]`, `a;b`); None for neither."""
    cell: Any = json.loads(cells or "{}").get("contributors")
    if cell is None:
        return None
    try:
        number = parse_integer(cell)
    except UnparsableError:
        pass
    else:
        return number if number >= 0 else None
    try:
        names = parse_texts(cell)
    except UnparsableError:
        return None
    return len({name.strip() for name in names} - {""})
