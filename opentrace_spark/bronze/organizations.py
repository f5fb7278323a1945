"""Accounts with their country and kind: rows of organizations/, and the project's own table.

conf/organizations.csv is that table: a row per account, and a further one for each later country.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from opentrace_spark.bronze.reasons import flag_first, flag_later_rows, name_rules, with_raw_values
from opentrace_spark.config import CONF_DIR, NOT_NATIONS, ORG_TYPES, Config
from opentrace_spark.sources.landing import Landing
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import canonical_schema, row_schema
from opentrace_spark.steps import Context

CURATED = "organizations.csv"
"""The project's own table, in conf/."""


def build_organizations(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of organizations/, and per account of the project's own table that is used.

    Columns as `schemas.row_schema("organizations")`.
    """
    landed = judged_organizations(read_rows(context.spark, context.landing, "organizations"))
    if not uses_curated(context.landing, context.config):
        return landed
    listed = landed.where("reason is null").select("org")
    own = _curated_organizations(context.spark, context.config.organizations.as_of)
    return landed.unionByName(own.join(listed, "org", how="left_anti").select(landed.columns))


def uses_curated(landing: Landing, config: Config) -> bool:
    """Whether the project's own table has a part in a run, as `organizations.curated` says."""
    choice = config.organizations.curated
    is_absent = not landing.of_kind("organizations")
    return choice == "fill" or (choice == "only_if_absent" and is_absent)


def _curated_organizations(spark: SparkSession, as_of: str) -> DataFrame:
    """The rows of conf/organizations.csv: of an account that moved, the last one not after `as_of`.

    Dates are ISO texts, which sort as they are; an empty `as_of` is today's.
    """
    text = (CONF_DIR / CURATED).read_text(encoding="utf-8")
    every = enumerate(csv.DictReader(io.StringIO(text)), start=1)
    rows = [(place, row) for place, row in every if not as_of or row["since"] <= as_of]
    last = {row["org"]: (place, row) for place, row in sorted(rows, key=_since)}
    columns = ("org", "country", "org_type", "organization")
    told = [
        {
            **{name: row[name] for name in columns},
            "source": row["evidence"],
            "as_of": row["since"] or None,
            "source_file": f"conf/{CURATED}",
            "source_row": place,
        }
        for place, row in last.values()
    ]
    return spark.createDataFrame(told, row_schema("organizations"))


def _since(numbered: tuple[int, dict[str, str]]) -> str:
    return numbered[1]["since"]


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
