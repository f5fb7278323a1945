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
    """`weeks` and `cells`; `names` by level; `tops`: by cell and week, places in the level's names
    and downloads, from rank 1 on; `totals`: downloads by cell and week; `models`: what is known."""
    rows = tables.read(
        "gold_usage_shares",
        ["week_start", *CELL, "rank", "entity", "downloads"],
        [("rank", "<=", TOP), ("level", "in", list(LEVELS))],
    )
    weeks = sorted(rows["week_start"].unique())
    names: dict[str, list[str]] = {}
    for level, group in rows.groupby("level"):
        names[str(level)] = sorted(group["entity"].unique())
    places = {
        level: {name: place for place, name in enumerate(found)} for level, found in names.items()
    }
    rows = rows.sort_values([*CELL, "week_start", "rank"], kind="stable")
    tops: dict[str, list[Any]] = {}
    for key, group in rows.groupby([*CELL, "week_start"], sort=True):
        level, attribution, window, week = map(str, key)
        known = places[level]
        found = [known[name] for name in group["entity"]]
        entry = [weeks.index(week), found, group["downloads"].tolist()]
        tops.setdefault("|".join((level, attribution, window)), []).append(entry)
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
