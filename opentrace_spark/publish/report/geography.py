"""Where downloads come from: a world map, and kinds of organisation by country."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from opentrace_spark.errors import UsageError
from opentrace_spark.publish.report.data import Tables
from opentrace_spark.publish.report.figure import ROWS, AnyChart, Choice, Figure, periods_of
from opentrace_spark.publish.report.leaders import PERIODS, bars, ranked

OTHER_NAMES = {
    "Bolivia": "Plurinational State of Bolivia",
    "Brunei": "Brunei Darussalam",
    "Czechia": "Czech Republic",
    "DR Congo": "The Democratic Republic of the Congo",
    "Eswatini": "Swaziland",
    "Iran": "Islamic Republic of Iran",
    "Ivory Coast": "Cote d'Ivoire",
    "Laos": "Lao People's Democratic Republic",
    "Moldova": "Republic of Moldova",
    "North Korea": "Democratic People's Republic of  Korea",
    "North Macedonia": "The former Yugoslav Republic of Macedonia",
    "Palestine": "Occupied Palestinian Territory",
    "Russia": "Russian Federation",
    "South Korea": "Republic of Korea",
    "Syria": "Syrian Arab Republic",
    "Taiwan": "Taiwan, Province of China",
    "Tanzania": "United Republic of Tanzania",
    "UK": "Britain (UK)",
    "USA": "United States",
    "Venezuela": "Bolivarian Republic of Venezuela",
    "Vietnam": "Viet Nam",
}
"""Names of conf/countries.toml that the map spells otherwise."""
_SHOWN = 12
"""Rows of bars at most."""


def shapes() -> dict[str, Any]:
    """Countries as TopoJSON (Natural Earth, 1:110 million), from the package bqplot.

    Its file is read without importing the package, whose widgets are not needed.
    """
    found = find_spec("bqplot")
    if found is None or not found.submodule_search_locations:
        raise UsageError("report needs the package bqplot; install opentrace-spark[report]")
    path = Path(found.submodule_search_locations[0], "map_data", "WorldMap.json")
    return json.loads(path.read_text(encoding="utf-8"))


def world(tables: Tables) -> Figure:
    """Shares of countries on a map."""
    rows, drawn = _countries(tables), shapes()
    return Figure(
        name="world",
        section="geography",
        title="Which countries hold the downloads: {period}",
        caption="Countries of the developers' headquarters; grey ones have no downloads. What has "
        "no place on the map is in the next chart.",
        chart=_map(drawn),
        rows=rows[rows["place"].isin(_names(drawn))],
        switches=("attribution", "recency_window"),
        choices=(Choice("period", "Period", PERIODS, True),),
    )


def nowhere(tables: Tables) -> Figure:
    """Shares of what the map can't show."""
    rows = _countries(tables)
    rows = rows[~rows["place"].isin(_names(shapes()))].drop(columns="place")
    cell = ["period", "attribution", "recency_window"]
    return Figure(
        name="off_the_map",
        section="geography",
        title="What has no place on the map: {period}",
        caption="Individual accounts, whose country is not recorded (User), owners that nobody has "
        "annotated (Unknown), organisations without a country, and states too small for the map.",
        chart=bars("share", "Share of downloads", ".1%"),
        rows=ranked(rows, "downloads", "entity", cell, _SHOWN),
        switches=("attribution", "recency_window"),
        choices=(Choice("period", "Period", PERIODS),),
        shared="share",
    )


def _countries(tables: Tables) -> pd.DataFrame:
    columns = ["period", "level", "attribution", "recency_window", "entity", "downloads", "share"]
    rows = tables.read("gold_leaderboards", columns, [("level", "=", "country")])
    rows["place"] = [OTHER_NAMES.get(name, name) for name in rows["entity"]]
    return rows.drop(columns="level")


def _names(drawn: dict[str, Any]) -> set[str]:
    return {shape["properties"]["name"] for shape in drawn["objects"]["subunits"]["geometries"]}


def _map(drawn: dict[str, Any]) -> AnyChart:
    form = alt.TopoDataFormat(type="topojson", feature="subunits")
    land = alt.Chart(alt.InlineData(values=drawn, format=form)).mark_geoshape()
    land = land.transform_filter("datum.properties.name != 'Antarctica'")
    fields = ["entity", "share", "downloads"]
    found = alt.LookupData(data=alt.NamedData(ROWS), key="place", fields=fields)
    legend = alt.Legend(
        title="Share of downloads", format=".0%", gradientLength=220, tickCount=4, orient="bottom"
    )
    coloured = land.transform_lookup(lookup="properties.name", from_=found)
    coloured = coloured.transform_filter("isValid(datum.share)").encode(
        color=alt.Color("share:Q", scale=alt.Scale(type="sqrt", domainMin=0), legend=legend),
        tooltip=[
            alt.Tooltip("entity:N", title="country"),
            alt.Tooltip("share:Q", title="share", format=".2%"),
            alt.Tooltip("downloads:Q", title="downloads", format=","),
        ],
    )
    return alt.layer(land, coloured).project("equalEarth").properties(height=340)


def kinds(tables: Tables) -> Figure:
    """Kinds of organisation within each country."""
    cell = ["period", "attribution", "recency_window"]
    columns = [*cell, "region", "country", "org_type", "downloads", "share_of_country"]
    rows = tables.read("gold_org_type_by_country", columns)
    rows["country_downloads"] = rows.groupby([*cell, "country"])["downloads"].transform("sum")
    return Figure(
        name="kinds_by_country",
        section="geography",
        title="Which kinds of organisation each country's downloads come from: {period}",
        caption="Countries from most to fewest downloads; those that the configuration does not "
        "list singly are together by region.",
        chart=_kinds(),
        rows=rows[rows["downloads"] > 0],
        switches=("attribution", "recency_window"),
        choices=(periods_of(rows, tables.periods),),
    )


def _kinds() -> AnyChart:
    rows = (
        alt.Chart(alt.NamedData(ROWS))
        .transform_stack(
            stack="share_of_country",
            as_=["low", "high"],
            groupby=["country"],
            sort=[alt.SortField("org_type")],
        )
        .transform_calculate(
            middle="(datum.low + datum.high) / 2",
            named="datum.share_of_country > 0.02 * length(datum.org_type) ? datum.org_type : ''",
        )
    )
    order = alt.EncodingSortField("country_downloads", op="max", order="descending")
    country = alt.Y("country:N", title=None, sort=order, axis=alt.Axis(ticks=False))
    share = alt.X(
        "low:Q",
        title="Share of the country's downloads",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    bar = rows.mark_bar(style="edge").encode(
        share,
        country,
        alt.X2("high:Q"),
        alt.Color("org_type:N", legend=alt.Legend(title="Kind")),
        tooltip=[
            alt.Tooltip("country:N", title="country"),
            alt.Tooltip("org_type:N", title="kind"),
            alt.Tooltip("share_of_country:Q", title="share", format=".2%"),
            alt.Tooltip("downloads:Q", title="downloads", format=","),
        ],
    )
    where = alt.X("middle:Q")
    halo = rows.mark_text(style="halo").encode(where, country, text="named:N")
    name = rows.mark_text(style="label").encode(where, country, text="named:N")
    return alt.layer(bar, halo, name).properties(height=alt.Step(26))
