"""Everything that was ever among the 100 largest: its weeks there, and its family."""

from __future__ import annotations

from typing import Any

import pandas as pd

from opentrace_spark.publish.report.data import MissingTable, Tables
from opentrace_spark.publish.report.encode import encoded

TOP = 100
LEVELS = ("model", "developer", "organization", "country")
CELL = ["level", "attribution", "recency_window"]


def search(tables: Tables) -> dict[str, Any]:
    """`weeks`; `names` by level, sorted; `tops`: for each of them its cells (`attribution|window`)
    with the runs of weeks in which it was among the largest: place of the first week, downloads;
    `totals`: downloads by cell and week; `models`: what is known of them.

    Ranks are left to the reader: downloads, ties by name. One entity's cells lie side by side since
    they are mostly equal, which makes the page a third as large.
    """
    rows = tables.read(
        "gold_usage_shares",
        ["week_start", *CELL, "rank", "entity", "downloads"],
        [("rank", "<=", TOP), ("level", "in", list(LEVELS))],
    )
    weeks = sorted(rows["week_start"].unique())
    rows["week"] = rows["week_start"].map({week: place for place, week in enumerate(weeks)})
    rows = rows.sort_values(["level", "entity", *CELL[1:], "week"], kind="stable")
    names: dict[str, list[str]] = {}
    tops: dict[str, list[dict[str, list[list[Any]]]]] = {}
    columns = ("level", "entity", "attribution", "recency_window", "week", "downloads")
    for level, entity, attribution, window, week, downloads in zip(
        *(rows[column].tolist() for column in columns), strict=True
    ):
        known = names.setdefault(level, [])
        if not known or known[-1] != entity:
            known.append(entity)
            tops.setdefault(level, []).append({})
        runs = tops[level][-1].setdefault(f"{attribution}|{window}", [])
        if not runs or runs[-1][0] + len(runs[-1][1]) != week:
            runs.append([week, []])
        runs[-1][1].append(downloads)
    return {
        "weeks": weeks,
        "names": names,
        "tops": tops,
        "totals": _totals(tables, weeks),
        "models": encoded(_models(tables, names.get("model", []))),
    }


def _totals(tables: Tables, weeks: list[str]) -> dict[str, list[Any]]:
    """Downloads by cell, in the order of `weeks`."""
    rows = tables.read(
        "gold_concentration", ["week_start", *CELL, "downloads"], [("scope", "=", "all")]
    )
    rows = rows[rows["level"].isin(LEVELS)]
    place = {week: number for number, week in enumerate(weeks)}
    totals: dict[str, list[Any]] = {}
    for row in rows.to_dict("records"):
        cell = "|".join(str(row[column]) for column in CELL)
        if row["week_start"] in place:
            found = totals.setdefault(cell, [0] * len(weeks))
            found[place[row["week_start"]]] = int(row["downloads"])
    return totals


def _models(tables: Tables, names: list[str]) -> pd.DataFrame:
    """Lineage of the models that can be found, and what their roots carry."""
    try:
        lineage = tables.read(
            "silver_lineage",
            ["model_id", "parent_id", "kind", "root_id", "depth", "family_size", "status"],
            [("model_id", "in", names)],
        )
    except MissingTable:
        return pd.DataFrame({"model_id": names})
    try:
        columns = ["root_id", "derivatives", "derivative_developers", "downloads", "max_depth"]
        families = tables.read("gold_families", columns)
    except MissingTable:
        return lineage
    return lineage.merge(families, on="root_id", how="left")
