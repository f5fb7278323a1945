"""What is known of the weeks, drawn into every figure over time: periods, gaps, breaks, surges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd

from opentrace_spark.publish.report.data import MissingTable, Tables
from opentrace_spark.publish.report.figure import MARKS

KINDS = {
    "missing": "no data for the week",
    "partial": "incomplete week, left out of summaries",
    "censored": "known break of the method (floored creation dates)",
    "anomaly": "abnormal traffic",
}
"""Kind of mark -> its meaning, in the order of the legend."""
SHAPES = {"missing": "square", "partial": "circle", "censored": "diamond", "anomaly": "triangle-up"}
GLYPHS = {"missing": "■", "partial": "●", "censored": "◆", "anomaly": "▲"}
COLUMNS = ["kind", "start", "end", "text", "is_odd"]
_NAMED = 3


def marks(tables: Tables, periods: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """COLUMNS: kind (`period` or one of KINDS), first day, day after the last, what it says.

    `periods` are those of the run's parameters: name, first and last day as ISO text or None.
    """
    weeks = tables.read("gold_weeks", ["week_start", "is_missing", "is_complete", "known_breaks"])
    rows = [*_periods(weeks, periods)]
    for week in weeks.to_dict("records"):
        if week["is_missing"]:
            rows.append(_mark("missing", week["week_start"], "no downloads were reported"))
        elif not week["is_complete"]:
            rows.append(_mark("partial", week["week_start"], KINDS["partial"]))
        if week["known_breaks"] is not None:
            rows.append(_mark("censored", week["week_start"], week["known_breaks"]))
    return pd.DataFrame([*rows, *_surges(tables)], columns=COLUMNS)


def _mark(kind: str, week: str, text: str) -> tuple[str, str, str, str, bool]:
    return kind, week, _after(week, 7), text, False


def _after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _periods(
    weeks: pd.DataFrame, periods: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str, str, str, bool]]:
    """Those parts of the periods that the data reach."""
    if weeks.empty:
        return []
    first, end = weeks["week_start"].iloc[0], _after(weeks["week_start"].iloc[-1], 7)
    rows = []
    for place, period in enumerate(periods):
        start = max(first, period["first"] or first)
        stop = min(end, _after(period["last"], 1) if period["last"] else end)
        if start < stop:
            rows.append(("period", start, stop, period["name"], place % 2 == 1))
    return rows


def _surges(tables: Tables) -> list[tuple[str, str, str, str, bool]]:
    try:
        found = tables.read("gold_anomalies", ["rule", "week_start", "model_id", "ratio"])
    except MissingTable:
        return []
    rows = []
    for week, models in found.dropna(subset="week_start").groupby("week_start"):
        largest = models.sort_values("ratio", ascending=False, kind="stable")
        named = [f"{m.model_id} ({m.ratio:.0f} times)" for m in largest[:_NAMED].itertuples()]
        more = [f"{len(models) - _NAMED} more"] if len(models) > _NAMED else []
        rows.append(_mark("anomaly", str(week), "; ".join([*named, *more])))
    return rows


def under() -> list[alt.Chart]:
    """Layers below a figure's own: the shade and name of the periods."""
    base = alt.Chart(alt.NamedData(MARKS)).transform_filter("datum.kind == 'period'")
    shade = base.transform_filter("datum.is_odd").mark_rect(style="band")
    name = base.mark_text(style="note", align="left", baseline="top", dx=3)
    return [
        shade.encode(_x("start"), alt.X2("end:T")),
        name.encode(_x("start"), y=alt.value(-26), text="text:N"),
    ]


def over() -> list[alt.Chart]:
    """Layers above: missing weeks blank out what is drawn, a sign stands above every mark."""
    known = alt.Chart(alt.NamedData(MARKS)).transform_filter("datum.kind != 'period'")
    gap = known.transform_filter("datum.kind == 'missing'").mark_rect(style="gap")
    sign = known.mark_point(style="sign", filled=True, size=45, opacity=1)
    shape = alt.Scale(domain=list(SHAPES), range=list(SHAPES.values()))
    return [
        gap.encode(_x("start"), alt.X2("end:T"), tooltip=_tooltip()),
        sign.encode(
            _x("start"),
            y=alt.value(-8),
            shape=alt.Shape("kind:N", scale=shape, legend=None),
            tooltip=_tooltip(),
        ),
    ]


def _x(column: str) -> alt.X:
    return alt.X(f"{column}:T", scale=alt.Scale(type="utc"))


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("utcyearmonthdate(start):T", title="week", format="%Y-%m-%d"),
        alt.Tooltip("kind:N", title="mark"),
        alt.Tooltip("text:N", title="what"),
    ]
