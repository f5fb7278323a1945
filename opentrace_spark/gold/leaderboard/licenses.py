"""Licenses of submitted models and what they permit to whom."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pyspark.sql import DataFrame

from opentrace_spark.attributes.license import license_facts
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.config import CONF_DIR
from opentrace_spark.gold.leaderboard.rows import Rows, by_version, made_of, ranked
from opentrace_spark.steps import Context
from opentrace_spark.tables import GOLD_LEADERBOARD_LICENSES

UNDOCUMENTED = "undocumented"
PERMISSIONS = ("commercial", "academic", "personal")


def build_licenses(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per version and license as written, in lower case; none is `undocumented`."""
    rows = inputs["silver_leaderboard"].select("version", "license")
    return made_of(rows, GOLD_LEADERBOARD_LICENSES, licenses)


def licenses(rows: Rows) -> Iterator[dict[str, Any]]:
    """Models and share of each license with its class and permissions."""
    for version, models in by_version(rows):
        counts = Counter((row["license"] or UNDOCUMENTED).lower() for row in models)
        for rank, (name, count) in enumerate(ranked(counts), 1):
            kind = license_class(name)
            yield {
                "version": version,
                "license": name,
                "rank": rank,
                "models": count,
                "share": count / len(models),
                "license_class": kind,
                **permissions(name, kind),
            }


def license_class(name: str) -> str:
    """The class of a license by its name, as in silver/models."""
    if name == UNDOCUMENTED:
        return UNDOCUMENTED
    return license_facts((), {"license": name}, shipped_vocabulary()).license_class


def permissions(name: str, kind: str) -> dict[str, str]:
    """commercial, academic, personal: yes, limited, no or unknown; of the license itself, else of
    its class (conf/license_permissions.csv)."""
    listed = _listed()
    found = listed.get(name) or listed[kind]
    return {use: found[use] for use in PERMISSIONS}


@lru_cache(maxsize=1)
def _listed() -> dict[str, dict[str, str]]:
    text = (CONF_DIR / "license_permissions.csv").read_text(encoding="utf-8")
    return {row["license"]: row for row in csv.DictReader(io.StringIO(text))}
