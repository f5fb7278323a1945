"""Leaderboards, with attribution on and off side by side."""

from __future__ import annotations

import altair as alt
import pandas as pd

from opentrace_spark.publish.report.data import MissingTable, Tables
from opentrace_spark.publish.report.figure import ROWS, AnyChart, Choice, Figure

_SHOWN = 20
_END = "most * (width < 260 ? 1.45 : 1.2)"
"""End of an axis of bars: beyond the longest one, there is room for its value."""
PERIODS = {
    "all_time": "all time",
    "cohort_1y": "models of the last year",
    "rolling_1y": "the last year",
}
_SIDES = {"none": "as downloaded", "root": "credited to roots"}


def leaderboards(tables: Tables) -> Figure:
    columns = [
        *("period", "level", "attribution", "recency_window", "rank", "entity", "downloads"),
        *("share", "developer", "country", "kind"),
    ]
    rows = tables.read("gold_leaderboards", columns, [("rank", "<=", _SHOWN)])
    odd = _abnormal(tables)
    rows["note"] = ["abnormal traffic" if entity in odd else None for entity in rows["entity"]]
    return Figure(
        name="leaderboards",
        section="usage",
        title="The {level} with most downloads: {period}",
        caption="Left as downloaded, right credited to the models that they derive from. A "
        "triangle marks models with abnormal traffic (gold/anomalies), which are left in.",
        chart=bars("share", "Share of downloads", ".1%"),
        rows=rows,
        switches=("level", "recency_window"),
        choices=(Choice("period", "Period", PERIODS, True),),
        panel=Choice("attribution", "Attribution", _SIDES),
        shared="share",
    )


def _abnormal(tables: Tables) -> set[str]:
    try:
        return set(tables.read("gold_anomalies", ["model_id"])["model_id"])
    except MissingTable:
        return set()


def bars(value: str, title: str, form: str, sign: str = "▲") -> AnyChart:
    """Named bars from 0, in the order of `rank`, with their value, and a sign where a `note` is."""
    rows = alt.Chart(alt.NamedData(ROWS)).transform_calculate(
        shown=f"format(datum.{value}, '{form}') + (datum.note ? ' {sign}' : '')"
    )
    who = alt.Y(
        "entity:N",
        title=None,
        sort=alt.EncodingSortField("rank", op="min"),
        axis=alt.Axis(ticks=False, domain=False),
    )
    long = alt.X(
        f"{value}:Q",
        title=title,
        scale=alt.Scale(
            domainMin=0, domainMax=alt.ExprRef("most * (width < 260 ? 1.45 : 1.2)"), nice=False
        ),
        axis=alt.Axis(format=form.replace(".1", ".0"), tickCount=4),
    )
    tooltip = [
        alt.Tooltip("rank:Q", title="rank"),
        alt.Tooltip("entity:N", title="who"),
        alt.Tooltip("share:Q", title="share", format=".2%"),
        alt.Tooltip("downloads:Q", title="downloads", format=","),
        alt.Tooltip("developer:N", title="developer"),
        alt.Tooltip("country:N", title="country"),
        alt.Tooltip("kind:N", title="made as"),
        alt.Tooltip("note:N", title="note"),
    ]
    bar = rows.mark_bar(cursor="default").encode(long, who, tooltip=tooltip)
    text = rows.mark_text(style="label", align="left", dx=4).encode(long, who, text="shown:N")
    return (
        alt.layer(bar, text)
        .add_params(alt.param(name="most", value=1))
        .properties(height=alt.Step(20))
    )


def ranked(rows: pd.DataFrame, by: str, name: str, groups: list[str], most: int) -> pd.DataFrame:
    """The `most` largest of each group by a column, ties by name; adds `rank`, from 1."""
    rows = rows.sort_values([by, name], ascending=[False, True], kind="stable")
    rank = rows.groupby(groups).cumcount() + 1 if groups else pd.RangeIndex(1, len(rows) + 1)
    rows = rows.assign(rank=rank)
    return rows[rows["rank"] <= most].reset_index(drop=True)
