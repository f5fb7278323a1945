"""The last complete week in five numbers, with their change over a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from opentrace_spark.publish.report.data import MissingTable, Tables
from opentrace_spark.tables import TOTAL

YEAR = timedelta(weeks=52)
CELL = ["level", "attribution", "recency_window"]


@dataclass(frozen=True)
class Numbers:
    """The last complete week with data, the week a year before where it has data, and `rows`: a
    cell, the number's name, its `value`, `before` (NaN where unknown) and `who` it is about."""

    week: str | None
    week_before: str | None
    rows: pd.DataFrame


def numbers(tables: Tables) -> Numbers:
    """Of every level, attribution and window: downloads, the leader's share, the share of the ten
    largest, the effective number, and what goes through others' roots (of the window alone)."""
    weeks = tables.read("gold_weeks", ["week_start", "is_missing", "is_complete"])
    there = weeks[~weeks["is_missing"] & weeks["is_complete"]]["week_start"]
    if there.empty:
        return Numbers(None, None, pd.DataFrame(columns=[*CELL, "name", "value", "before", "who"]))
    week = str(there.max())
    before: str | None = (date.fromisoformat(week) - YEAR).isoformat()
    before = before if before in set(there) else None
    cells = _concentration(tables, week, before)
    found = (cells, _leader(tables, week, before), _others(tables, week, before, cells))
    # Frames of records, since pandas guesses the types of columns that are null in one of them.
    rows = pd.DataFrame([row for frame in found for row in frame.to_dict("records")])
    return Numbers(week, before, rows.sort_values([*CELL, "name"], ignore_index=True))


def _days(*weeks: str | None) -> list[date]:
    return [date.fromisoformat(week) for week in weeks if week]


def _paired(frame: pd.DataFrame, keys: list[str], week: str, before: str | None) -> pd.DataFrame:
    """`value` of the week beside that of the week a year before."""
    now = frame[frame["week_start"] == week].drop(columns="week_start")
    then = frame[frame["week_start"] == before].drop(columns=["week_start", "who"])
    return now.merge(then.rename(columns={"value": "before"}), on=keys, how="left")


def _concentration(tables: Tables, week: str, before: str | None) -> pd.DataFrame:
    names = ["downloads", "top_10_share", "effective_units"]
    rows = tables.read(
        "gold_concentration",
        ["week_start", *CELL, *names],
        [("scope", "=", "all"), ("week_start", "in", _days(week, before))],
    )
    rows = rows.melt(["week_start", *CELL], names, "name", "value").assign(who="")
    return _paired(rows, [*CELL, "name"], week, before)


def _leader(tables: Tables, week: str, before: str | None) -> pd.DataFrame:
    """The leader's share, beside the share that the same entity had a year before."""
    columns = ["week_start", *CELL, "rank", "entity", "share"]
    shares = tables.read("gold_usage_shares", columns, [("week_start", "in", _days(week, before))])
    now = shares[(shares["week_start"] == week) & (shares["rank"] == 1)]
    then = shares[shares["week_start"] == before]
    then = then[[*CELL, "entity", "share"]].rename(columns={"share": "before"})
    rows = now.merge(then, on=[*CELL, "entity"], how="left")
    rows = rows.rename(columns={"entity": "who", "share": "value"}).assign(name="leader_share")
    return rows[[*CELL, "name", "value", "before", "who"]]


def _others(tables: Tables, week: str, before: str | None, cells: pd.DataFrame) -> pd.DataFrame:
    columns = ["week_start", "recency_window", "developer", "others_share"]
    chosen = [("period", "=", "week"), ("week_start", "in", _days(week, before))]
    try:
        rows = tables.read("gold_intermediaries", columns, chosen)
    except MissingTable:
        return pd.DataFrame(columns=cells.columns)
    rows = rows[rows["developer"] == TOTAL].drop(columns="developer")
    rows = rows.rename(columns={"others_share": "value"}).assign(who="", name="others_share")
    paired = _paired(rows, ["recency_window", "name"], week, before)
    every = cells[CELL].drop_duplicates()
    return every.merge(paired, on="recency_window")
