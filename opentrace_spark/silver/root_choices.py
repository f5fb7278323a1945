"""Roots as they would be under the other values of `attribution`, for gold/sensitivity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.config import CHOICES
from opentrace_spark.silver.lineage import first_parents, incomplete_ends, parent_links
from opentrace_spark.silver.roots import find_roots
from opentrace_spark.steps import Context


def build_root_choices(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_root_choices`: roots under the run's own values, and with one other value.

    Reads `work_parents`, `work_first_parents` and `work_roots`. Columns: parent and
    missing_ancestor, the values; model_key, root_key. Models that are their own root have no row.
    """
    own = context.config.attribution
    found = []
    for parent in CHOICES["attribution.parent"]:
        first, roots = inputs["work_first_parents"], inputs["work_roots"]
        if parent != own.parent:
            first = first_parents(inputs["work_parents"], parent)
            roots = find_roots(parent_links(first))
        derived = roots.where("root_key <> model_key")
        for missing_ancestor in CHOICES["attribution.missing_ancestor"]:
            if own.parent == parent or own.missing_ancestor == missing_ancestor:
                values = {"parent": F.lit(parent), "missing_ancestor": F.lit(missing_ancestor)}
                kept = derived if missing_ancestor == "nearest" else _whole(derived, first)
                found.append(kept.withColumns(values).select(*values, "model_key", "root_key"))
    return reduce(DataFrame.unionByName, found)


def _whole(derived: DataFrame, first: DataFrame) -> DataFrame:
    """Without the models whose chain ends in a missing parent: they keep their own."""
    return derived.join(incomplete_ends(first, "own_status"), on="root_key", how="left_anti")
