"""Figures of who is downloaded, week by week: concentration, and shares of the largest."""

from __future__ import annotations

from contextlib import suppress

import altair as alt
import pandas as pd

from opentrace_spark.publish.report import marks
from opentrace_spark.publish.report.data import MissingTable, Tables
from opentrace_spark.publish.report.figure import ROWS, AnyChart, Choice, Figure, week, week_tooltip
from opentrace_spark.tables import REST

CELL = ("level", "attribution", "recency_window")
_MEASURES = {
    "hhi": "Herfindahl-Hirschman index (0 to 1)",
    "effective_units": "effective number (1 / HHI)",
    "gini": "Gini coefficient (0 to 1)",
    "top_1_share": "share of the largest",
    "top_10_share": "share of the 10 largest",
    "top_100_share": "share of the 100 largest",
    "theil": "Theil index (natural log)",
}
_SCOPES = {"all": "all units", "national": "nations only"}
_LARGEST = {"developer": 20, "organization": 20, "model": 12, "country": 12, "org_type": 12}
"""How many are followed in levels that developer_trends has not, or where it is not there."""
LAST = 1000
"""Place of the rest, above all others and grey."""
_SIGN_EVERY = 13
"""Weeks from one sign on a line to the next."""
_LABELLED = 0.035
"""Shares from this on have their name in the picture."""


def concentration(tables: Tables) -> Figure:
    """Every measure of concentration, three windows and both attributions in one picture."""
    found = tables.read(
        "gold_concentration", ["week_start", "scope", *CELL, *_MEASURES, "units", "downloads"]
    )
    # National scope says something new of countries alone: it leaves out who has no country.
    found = found[(found["scope"] == "all") | (found["level"] == "country")]
    rows = found.melt(
        id_vars=["week_start", "scope", *CELL, "units", "downloads"],
        value_vars=list(_MEASURES),
        var_name="measure",
        value_name="value",
    ).dropna(subset="value")
    return Figure(
        name="concentration",
        section="usage",
        title="How concentrated downloads are among {level}: {measure}",
        caption="One line per window and attribution; the chosen one is bold. Circles: as "
        "downloaded; triangles: credited to roots. Higher means that "
        "fewer hold more, except for the effective number, where it is the reverse.",
        chart=_lines(),
        rows=rows,
        switches=("level",),
        choices=(
            Choice("measure", "Measure", _MEASURES, True),
            Choice("scope", "Among", _SCOPES),
        ),
        is_over_time=True,
    )


def _lines() -> AnyChart:
    chosen = "datum.recency_window == recency_window && datum.attribution == attribution"
    rows = alt.Chart(alt.NamedData(ROWS))
    percent = "indexof(measure, 'top_') == 0 ? format(datum.value, '.0%') : datum.label"
    value = alt.Y(
        "value:Q",
        title="{measure}",
        scale=alt.Scale(zero=True),
        axis=alt.Axis(labelExpr=percent, tickCount=6),
    )
    attribution = alt.Color(
        "attribution:N",
        scale=alt.Scale(domain=["none", "root"]),
        legend=alt.Legend(
            title="Downloads",
            labelExpr="datum.label == 'root' ? 'credited to roots' : 'as downloaded'",
        ),
    )
    age = alt.StrokeDash(
        "recency_window:N",
        sort=alt.SortField("recency_window", order="descending"),
        legend=alt.Legend(
            title="Of models of",
            labelExpr="datum.label == 'none' ? 'any age' : "
            "'their first ' + slice(datum.label, 0, -1) + ' days'",
        ),
    )
    line = rows.mark_line().encode(
        week(),
        value,
        attribution,
        age,
        strokeWidth=alt.condition(chosen, alt.value(3.5), alt.value(1.2)),
        opacity=alt.condition(chosen, alt.value(1), alt.value(0.45)),
        detail="scope:N",
    )
    # A sign now and then tells the attributions apart without colour.
    series = ["attribution", "recency_window", "scope"]
    some = rows.transform_window(
        number="row_number()", groupby=series, sort=[alt.SortField("week_start")]
    )
    some = some.transform_filter(f"datum.number % {_SIGN_EVERY} == 1")
    signs = alt.Scale(domain=["none", "root"], range=["circle", "triangle-up"])
    sign = some.mark_point(filled=True, size=45, opacity=1).encode(
        week(),
        value,
        attribution.copy(),
        shape=alt.Shape("attribution:N", scale=signs, legend=None),
    )
    seen = rows.mark_point(opacity=0, size=90).encode(
        week(),
        value,
        tooltip=[
            week_tooltip(),
            alt.Tooltip("value:Q", title="value", format=".4f"),
            alt.Tooltip("attribution:N", title="attribution"),
            alt.Tooltip("recency_window:N", title="window"),
            alt.Tooltip("units:Q", title="units", format=","),
            alt.Tooltip("downloads:Q", title="downloads", format=","),
        ],
    )
    parameters = (
        alt.param(name="recency_window", value="365d"),
        alt.param(name="attribution", value="root"),
        alt.param(name="measure", value="hhi"),
    )
    layers = alt.layer(*marks.under(), line, sign, *marks.over(), seen)
    return layers.add_params(*parameters).resolve_scale(shape="independent")


def trends(tables: Tables) -> Figure:
    """Shares of the largest, the same ones in every week, and the rest."""
    columns = ["week_start", *CELL, "entity", "rank", "downloads", "share"]
    parts = []
    with suppress(MissingTable):
        parts.append(tables.read("gold_developer_trends", columns))
    followed = set(parts[0]["level"]) if parts else set()
    levels = [level for level in _LARGEST if level not in followed]
    shares = tables.read("gold_usage_shares", columns, [("level", "in", levels)])
    rows = pd.concat([*parts, _largest(shares)], ignore_index=True).dropna(subset="share")
    rows["place"] = rows.pop("rank").fillna(LAST).astype(int)
    return Figure(
        name="shares",
        section="usage",
        title="Which {level} hold the downloads ({attribution}, {recency_window})",
        caption="The leaders of the whole history, the same in every week, and the rest: 20 "
        "developers or organisations, 12 of the other levels.",
        chart=areas("Share of the week's downloads", alt.Scale(domain=[0, 1])),
        rows=rows.sort_values([*CELL, "week_start", "place"], ignore_index=True),
        switches=CELL,
        is_over_time=True,
    )


def _largest(shares: pd.DataFrame) -> pd.DataFrame:
    """The largest entities of each cell over all its weeks, and the rest of every week."""
    named = shares[shares["entity"] != REST]
    totals = named.groupby([*CELL, "entity"], as_index=False)[["downloads"]].sum()
    totals = totals.sort_values(["downloads", "entity"], ascending=[False, True], kind="stable")
    totals["rank"] = totals.groupby(list(CELL)).cumcount() + 1
    leaders = totals[totals["rank"] <= totals["level"].map(_LARGEST)].drop(columns="downloads")
    kept = named.drop(columns="rank").merge(leaders, on=[*CELL, "entity"])
    week_of = [*CELL, "week_start"]
    whole = shares.groupby(week_of, as_index=False)[["downloads", "share"]].sum()
    shown = kept.groupby(week_of, as_index=False)[["downloads", "share"]].sum()
    rest = whole.merge(shown, on=week_of, how="left", suffixes=("", "_shown")).fillna(0)
    rest["downloads"] -= rest.pop("downloads_shown").astype("int64")
    rest["share"] = (rest["share"] - rest.pop("share_shown")).clip(lower=0)
    rest = rest[rest["downloads"] > 0].assign(entity=REST)
    # A leader without downloads in a week is there with none: areas need all weeks.
    full = kept[week_of].drop_duplicates().merge(leaders, on=list(CELL))
    kept = full.merge(kept, on=[*week_of, "entity", "rank"], how="left")
    kept = kept.fillna({"downloads": 0, "share": 0})
    return pd.concat([kept, rest], ignore_index=True)


def areas(title: str, scale: alt.Scale | None = None) -> AnyChart:
    """Shares of `entity` piled up by `place`, week by week from 0; rows need every week of each."""
    rows = (
        alt.Chart(alt.NamedData(ROWS))
        .transform_stack(
            stack="share",
            as_=["low", "high"],
            groupby=["week_start"],
            sort=[alt.SortField("place")],
        )
        .transform_joinaggregate(last="max(week_start)")
        .transform_calculate(
            after="datetime(+toDate(datum.week_start) + 7 * 86400000)",
            middle="(datum.low + datum.high) / 2",
        )
    )
    share = alt.Y(
        "low:Q",
        title=title,
        scale=scale or alt.Scale(zero=True, nice=False),
        axis=alt.Axis(format=".0%"),
    )
    colour = alt.Color("place:O", scale=alt.Scale(scheme="tableau20"), legend=None)
    named = f"datum.place < {LAST}"
    area = rows.mark_area(style="edge").encode(
        week(), share, alt.Y2("high:Q"), colour, order="place:O", detail="entity:N"
    )
    rest = rows.transform_filter(f"!({named})").mark_area(style="rest", opacity=1)
    rest = rest.encode(week(), share, alt.Y2("high:Q"))
    name = rows.transform_filter(f"datum.week_start == datum.last && datum.share > {_LABELLED}")
    name = name.mark_text(style="halo", align="right", dx=-6)
    bold = rows.transform_filter(f"datum.week_start == datum.last && datum.share > {_LABELLED}")
    bold = bold.mark_text(style="label", align="right", dx=-6)
    seen = rows.mark_rect(opacity=0).encode(
        week(),
        alt.X2("after:T"),
        share,
        alt.Y2("high:Q"),
        tooltip=[
            week_tooltip(),
            alt.Tooltip("entity:N", title="who"),
            alt.Tooltip("share:Q", title="share", format=".2%"),
            alt.Tooltip("downloads:Q", title="downloads", format=","),
        ],
    )
    where = alt.Y("middle:Q")
    return alt.layer(
        *marks.under(),
        area,
        rest,
        name.encode(week(), where, text="entity:N"),
        bold.encode(week(), where, text="entity:N"),
        seen,
        *marks.over(),
    )


def history() -> AnyChart:
    """One unit's weeks among the largest: its share, with its rank and downloads in tooltips."""
    rows = alt.Chart(alt.NamedData(ROWS))
    share = alt.Y(
        "share:Q",
        title="Share of the week's downloads",
        scale=alt.Scale(zero=True),
        axis=alt.Axis(format=".1%", tickCount=5),
    )
    tooltip = [
        week_tooltip(),
        alt.Tooltip("share:Q", title="share", format=".2%"),
        alt.Tooltip("rank:Q", title="rank"),
        alt.Tooltip("downloads:Q", title="downloads", format=","),
    ]
    dots = rows.mark_point(filled=True, size=30, opacity=1).encode(week(), share, tooltip=tooltip)
    return alt.layer(*marks.under(), dots, *marks.over()).properties(height=180)
