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
COLUMNS = ["kind", "start", "end", "weeks", "text", "is_odd"]
_Mark = dict[str, Any]
_NAMED = 3


def marks(tables: Tables, periods: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """COLUMNS: kind (`period` or one of KINDS), first day, day after the last, weeks, what it says.

    Weeks on end that are marked alike are one mark. `periods` are those of the run's parameters:
    name, first and last day as ISO text or None.
    """
    weeks = tables.read("gold_weeks", ["week_start", "is_missing", "is_complete", "known_breaks"])
    found: list[_Mark] = []
    for week in weeks.to_dict("records"):
        if week["is_missing"]:
            found.append(_mark("missing", week["week_start"], "no downloads were reported"))
        elif not week["is_complete"]:
            found.append(_mark("partial", week["week_start"], "left out of summaries"))
        if week["known_breaks"] is not None:
            found.append(_mark("censored", week["week_start"], week["known_breaks"]))
    rows = [*_periods(weeks, periods), *_spans(found), *_spans(_surges(tables))]
    return pd.DataFrame(rows, columns=COLUMNS)


def _mark(kind: str, week: str, text: str) -> _Mark:
    same = {"weeks": 1, "is_odd": False}
    return {"kind": kind, "start": week, "end": _after(week, 7), "text": text, **same}


def _after(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _spans(found: Sequence[_Mark]) -> list[_Mark]:
    """Marks in the order of their weeks, those of weeks on end that say the same as one."""
    spans: list[_Mark] = []
    last: dict[str, _Mark] = {}
    for mark in found:
        before = last.get(mark["kind"])
        if before and before["end"] == mark["start"] and before["text"] == mark["text"]:
            before |= {"end": mark["end"], "weeks": before["weeks"] + 1}
        else:
            last[mark["kind"]] = mark
            spans.append(mark)
    return spans


def _periods(weeks: pd.DataFrame, periods: Sequence[Mapping[str, Any]]) -> list[_Mark]:
    """Those parts of the periods that the data reach."""
    if weeks.empty:
        return []
    first, end = weeks["week_start"].iloc[0], _after(weeks["week_start"].iloc[-1], 7)
    rows = []
    for place, period in enumerate(periods):
        start = max(first, period["first"] or first)
        stop = min(end, _after(period["last"], 1) if period["last"] else end)
        if start < stop:
            span = {"kind": "period", "start": start, "end": stop, "text": period["name"]}
            rows.append(span | {"weeks": None, "is_odd": place % 2 == 1})
    return rows


def _surges(tables: Tables) -> list[_Mark]:
    """Weeks with abnormal traffic, with the models that have most of it."""
    try:
        found = tables.read("gold_anomalies", ["week_start", "model_id", "downloads"])
    except MissingTable:
        return []
    rows = []
    for week, models in found.dropna(subset="week_start").groupby("week_start", sort=True):
        largest = models.sort_values("downloads", ascending=False, kind="stable")["model_id"]
        more = [f"{len(largest) - _NAMED} more"] if len(largest) > _NAMED else []
        rows.append(_mark("anomaly", str(week), "; ".join([*largest[:_NAMED], *more])))
    return rows


def under() -> list[alt.Chart]:
    """Layers below a figure's own: the shade and name of the periods."""
    base = alt.Chart(alt.NamedData(MARKS)).transform_filter("datum.kind == 'period'")
    shade = base.transform_filter("datum.is_odd").mark_rect(style="band")
    # The last name ends with the picture: there may be no room to its right.
    base = base.transform_joinaggregate(last="max(end)")
    name = base.transform_filter("datum.end < datum.last")
    name = name.mark_text(style="note", align="left", baseline="top", dx=3)
    end = base.transform_filter("datum.end == datum.last")
    end = end.mark_text(style="note", align="right", baseline="top", dx=-3)
    return [
        shade.encode(_x("start"), alt.X2("end:T")),
        name.encode(_x("start"), y=alt.value(-26), text="text:N"),
        end.encode(_x("end"), y=alt.value(-26), text="text:N"),
    ]


def over() -> list[alt.Chart]:
    """Layers above: missing weeks blank out what is drawn, a sign stands above every mark."""
    known = alt.Chart(alt.NamedData(MARKS)).transform_filter("datum.kind != 'period'")
    gap = known.transform_filter("datum.kind == 'missing'").mark_rect(style="gap")
    span = known.transform_filter("datum.weeks > 1").mark_rule(style="rule", strokeWidth=3)
    sign = known.mark_point(style="sign", filled=True, size=45, opacity=1)
    shape = alt.Scale(domain=list(SHAPES), range=list(SHAPES.values()))
    above = alt.value(-8)
    # Where shades are hidden by areas, a line still tells the periods apart.
    start = alt.Chart(alt.NamedData(MARKS)).transform_filter("datum.kind == 'period'")
    border = start.mark_rule(style="rule", strokeDash=[2, 3], strokeWidth=1)
    return [
        border.encode(_x("start")),
        gap.encode(_x("start"), alt.X2("end:T"), tooltip=_tooltip()),
        span.encode(_x("start"), alt.X2("end:T"), y=above, tooltip=_tooltip()),
        sign.encode(
            _x("start"),
            y=above,
            shape=alt.Shape("kind:N", scale=shape, legend=None),
            tooltip=_tooltip(),
        ),
    ]


def _x(column: str) -> alt.X:
    return alt.X(f"{column}:T", scale=alt.Scale(type="utc"))


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("utcyearmonthdate(start):T", title="from week", format="%Y-%m-%d"),
        alt.Tooltip("weeks:Q"),
        alt.Tooltip("kind:N", title="mark"),
        alt.Tooltip("text:N", title="what"),
    ]
