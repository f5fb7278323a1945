"""Rows of organizations/: accounts with their country and kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pyspark.sql import DataFrame

from opentrace_spark.bronze.reasons import flag_first, flag_later_rows, name_rules, with_raw_values
from opentrace_spark.config import NOT_NATIONS, ORG_TYPES, Config
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import canonical_schema, row_schema
from opentrace_spark.steps import Context


def build_organizations(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of organizations/, columns as `schemas.row_schema("organizations")`."""
    return judged_organizations(read_rows(context.spark, context.landing, "organizations"))


def judged_organizations(rows: DataFrame) -> DataFrame:
    """Rows as they were read, with reasons.

    The first row of an account (`org`) is used; every later one is a `duplicate_row`.
    """
    named = flag_first(rows, name_rules("org"))
    flagged = flag_later_rows(named, "org", "duplicate_row")
    columns = canonical_schema("organizations").names
    return with_raw_values(flagged, *columns).select(row_schema("organizations").names)


def unknown_words(organizations: DataFrame, config: Config) -> tuple[str, ...]:
    """Sentences on countries and kinds of organisation that the configuration does not know.

    `organizations` as `build_organizations` makes it. Such words are kept and used as they are, so
    a misspelt country is a country of its own. Starts a Spark job.
    """
    regions = (name for names in config.regions.values() for name in names)
    known = {
        "country": ("countries", {*NOT_NATIONS, *regions}),
        "org_type": ("kinds of organisation", {*ORG_TYPES, *config.organizations.org_types}),
    }
    words = organizations.where("reason is null").groupBy(*known).count().collect()
    sentences = []
    for column, (what, listed) in known.items():
        accounts: Counter[str] = Counter()
        for row in words:
            if row[column] and row[column] not in listed:
                accounts[row[column]] += row["count"]
        named = ", ".join(f"{word!r} ({n:,})" for word, n in sorted(accounts.items()))
        if named:
            sentences.append(f"not in conf's list of {what}, kept as written: {named}")
    return tuple(sentences)
