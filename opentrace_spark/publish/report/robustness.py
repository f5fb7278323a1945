"""How sure it is: options of the method one at a time, coverage, and the data criterion."""

from __future__ import annotations

import altair as alt

from opentrace_spark.publish.report.attributes import SAMPLES
from opentrace_spark.publish.report.data import Tables
from opentrace_spark.publish.report.figure import ROWS, AnyChart, Choice, Figure, periods_of, word
from opentrace_spark.publish.report.leaders import bars
from opentrace_spark.tables import SHARE

_FIGURES = {
    "hhi": "Herfindahl-Hirschman index (0 to 1)",
    "effective_units": "effective number (1 / HHI)",
    "top_1_share": "share of the largest (0 to 1)",
    "top_3_share": "share of the 3 largest (0 to 1)",
    "top_10_share": "share of the 10 largest (0 to 1)",
}
_GRAINS = {"quarter": "quarters", "week": "weeks", "year": "years"}
_WHEN = {
    "": "all periods",
    "first_": "first period in which more lacks it",
    "lasting_": "from here on more lacks it",
}


def sensitivity(tables: Tables) -> Figure:
    """Headline figures under every option."""
    columns = ["period", "headline_window", "option", "value", "level", "scope", "figure"]
    columns += ["is_baseline", "result", "baseline", "change"]
    rows = tables.read("gold_sensitivity", columns, [("scope", "=", "all")])
    rows = rows[rows["figure"] != SHARE].drop(columns="scope").dropna(subset="result")
    rows["label"] = rows["option"] + " = " + rows["value"]
    windows = {window: word("recency_window", window) for window in rows["headline_window"]}
    return Figure(
        name="sensitivity",
        section="robustness",
        title="How the method's options move the figure of {level}: {figure}",
        caption="One option at a time is changed. The line is the headline figure (hollow points "
        "are the values that it has already); a point far from it is an option that matters.",
        chart=_sensitivity(),
        rows=rows,
        switches=("level",),
        choices=(
            Choice("figure", "Figure", _FIGURES, True),
            periods_of(rows, tables.periods),
            Choice("headline_window", "Headline window", windows),
        ),
    )


def _sensitivity() -> AnyChart:
    rows = alt.Chart(alt.NamedData(ROWS))
    few = alt.Axis(tickCount=6)
    result = alt.X("result:Q", title="{figure}", scale=alt.Scale(zero=True), axis=few)
    option = alt.Y("label:N", title=None, axis=alt.Axis(grid=True, ticks=False, labelLimit=230))
    tooltip = [
        alt.Tooltip("option:N"),
        alt.Tooltip("value:N"),
        alt.Tooltip("result:Q", format=".4f"),
        alt.Tooltip("baseline:Q", format=".4f"),
        alt.Tooltip("change:Q", format="+.4f"),
    ]
    line = rows.mark_rule(style="rule", strokeDash=[4, 3]).encode(alt.X("mean(baseline):Q"))
    move = rows.mark_rule(strokeWidth=2).encode(alt.X("baseline:Q"), option, alt.X2("result:Q"))
    same = rows.transform_filter("datum.is_baseline").mark_point(size=55, opacity=1)
    other = rows.transform_filter("!datum.is_baseline")
    other = other.mark_point(size=60, filled=True, opacity=1)
    dots = [dot.encode(result, option, tooltip=tooltip) for dot in (same, other)]
    return alt.layer(line, move, *dots).properties(height=alt.Step(18))


def crossover(tables: Tables) -> Figure:
    """Downloads of models that meet and that lack the OSI data criterion."""
    kinds = {"meets": "meets it", "lacks": "lacks it", "documented": "is known at all"}
    values = [f"{when}{kind}_share" for when in _WHEN for kind in kinds]
    columns = ["sample", "recency_window", "grain", "first_period", "lasting_period", *values]
    rows = tables.read("gold_osi_crossover", columns)
    rows = rows.melt(columns[:5], values, "which", "share").dropna(subset="share")
    parts = rows["which"].str.extract(r"^(first_|lasting_|)(\w+)_share$")
    rows = rows.drop(columns="which")
    rows["kind"], rows["when"] = parts[1].map(kinds), parts[0].map(_WHEN)
    return Figure(
        name="osi_crossover",
        section="attributes",
        title="Whether downloads are of models whose training data are open, by {grain}",
        caption="Share of downloads whose model meets the OSI data criterion, lacks it, or of "
        "which it is known at all. Where no later row is shown, those that lack it never led.",
        chart=_crossover(list(kinds.values())),
        rows=rows,
        switches=("recency_window",),
        choices=(Choice("grain", "Compared by", _GRAINS), SAMPLES),
    )


def _crossover(kinds: list[str]) -> AnyChart:
    when = alt.Y(
        "when:N", title=None, sort=list(_WHEN.values()), axis=alt.Axis(grid=True, labelLimit=240)
    )
    share = alt.X(
        "share:Q",
        title="Share of downloads",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    title = "The criterion: the model"
    kind = alt.Shape("kind:N", sort=kinds, title=title)
    tooltip = [
        alt.Tooltip("kind:N"),
        alt.Tooltip("share:Q", format=".2%"),
        alt.Tooltip("first_period:N", title="first period"),
        alt.Tooltip("lasting_period:N", title="lasting from"),
    ]
    mark = alt.Chart(alt.NamedData(ROWS)).mark_point(filled=True, size=90, opacity=0.9)
    colour = alt.Color("kind:N", sort=kinds, legend=None)
    encoded = mark.encode(share, when, kind, colour, tooltip=tooltip)
    return encoded.properties(height=alt.Step(40))


def coverage(tables: Tables) -> Figure:
    """Of how many downloads an attribute is known."""
    columns = ["sample", "attribute", "source", "share_of_downloads", "share_of_models"]
    rows = tables.read("gold_field_coverage", [*columns, "models"], [("source", "=", "any")])
    rows = rows.rename(columns={"attribute": "entity", "share_of_downloads": "share"})
    rows["entity"] = rows["entity"].str.replace("_", " ")
    rows = rows.assign(rank=rows.groupby("sample")["share"].rank(ascending=False, method="first"))
    return Figure(
        name="coverage",
        section="robustness",
        title="Of how many downloads each attribute is known ({sample})",
        caption="By a label of a person or a machine, or from the model's metadata.",
        chart=bars("share", "Share of the sample's downloads", ".1%"),
        rows=rows.drop(columns="source").dropna(subset="share"),
        choices=(SAMPLES,),
        shared="share",
    )
