"""What is downloaded: attributes over time and after the pivot, modalities, sizes."""

from __future__ import annotations

import altair as alt
import pandas as pd

from opentrace_spark.metrics.agreement import wilson_interval
from opentrace_spark.publish.report.data import Tables
from opentrace_spark.publish.report.figure import ROWS, AnyChart, Choice, Figure, periods_of
from opentrace_spark.publish.report.flows import bands, laid_out
from opentrace_spark.publish.report.usage import LAST, areas

SAMPLES = Choice(
    "sample", "Sample", {"head": "head sample (most downloaded)", "population": "population"}
)
_CONFIDENCE = 0.95
_ABSENT = ("undocumented", "unknown")
"""Words for nothing known, drawn like the rest."""


def _attributes(rows: pd.DataFrame) -> Choice:
    names = sorted({str(name) for name in rows["attribute"]})
    return Choice("attribute", "Attribute", {name: name.replace("_", " ") for name in names}, True)


def shares(tables: Tables) -> Figure:
    """Attributes week by week."""
    cell = ["sample", "recency_window", "attribute"]
    rows = tables.read(
        "gold_attribute_shares",
        [*cell, "granularity", "week_start", "category", "share"],
        [("granularity", "=", "category")],
    )
    rows = rows.drop(columns="granularity").dropna(subset="week_start")
    totals = rows.groupby([*cell, "category"], as_index=False)[["share"]].sum()
    totals = totals.sort_values(["share", "category"], ascending=[False, True], kind="stable")
    totals["place"] = totals.groupby(cell).cumcount() + 1
    totals.loc[totals["category"].str.lower().isin(_ABSENT), "place"] = LAST
    # Areas need every category in every week.
    weeks = rows[[*cell, "week_start"]].drop_duplicates()
    every = weeks.merge(totals.drop(columns="share"), on=cell)
    rows = every.merge(rows, on=[*cell, "week_start", "category"], how="left")
    rows = rows.fillna({"share": 0.0}).rename(columns={"category": "entity"})
    return Figure(
        name="attribute_shares",
        section="attributes",
        title="What the downloaded models are: {attribute}, {sample}",
        caption="A model may have several languages, modalities or methods: then the shares add "
        "up to more than 100%. What nobody documents is a category of its own.",
        chart=areas("Share of the week's downloads"),
        rows=rows.sort_values([*cell, "week_start", "place"], ignore_index=True),
        switches=("recency_window",),
        choices=(_attributes(rows), SAMPLES),
        is_over_time=True,
    )


def shifts(tables: Tables) -> Figure:
    """What changed after the pivot, in downloads and in models."""
    columns = ["attribute", "category", "share_before", "share_after", "n_before", "n_after"]
    columns += ["of_before", "of_after", "multiplier", "q_value", "passes"]
    found = tables.read("gold_attribute_shifts", columns)
    found = found[found["attribute"] != "model_size"]
    rows = pd.DataFrame(
        [
            row
            for shift in found.to_dict("records")
            for when in ("before", "after")
            for row in _sides({str(name): value for name, value in shift.items()}, when)
        ]
    )
    return Figure(
        name="attribute_shifts",
        section="attributes",
        title="What the most downloaded models became after the pivot: {attribute}",
        caption="Head sample, before the pivot (hollow) and from it on (filled). Of downloads all "
        "are counted, so there is no interval; of models the bars are 95% intervals (Wilson). A "
        "star: the change passes its test after Benjamini and Hochberg.",
        chart=_dots(),
        rows=rows,
        choices=(_attributes(found),),
        panel=Choice("of", "Of", {"downloads": "Share of downloads", "models": "Share of models"}),
    )


def _sides(shift: dict[str, object], when: str) -> list[dict[str, object]]:
    """A shift's downloads and models on one side of the pivot."""
    names = ("attribute", "category", "multiplier", "q_value")
    star = " *" if shift["passes"] is True else ""
    same = {name: shift[name] for name in names} | {"when": when}
    same |= {"label": f"{shift['category']}{star}"}
    models, of = int(str(shift[f"n_{when}"])), int(str(shift[f"of_{when}"]))
    low, high = wilson_interval(models, of, _CONFIDENCE) if of else (None, None)
    rows: list[dict[str, object]] = []
    rows.append({**same, "of": "downloads", "share": shift[f"share_{when}"], "n": None})
    share = models / of if of else None
    rows.append({**same, "of": "models", "share": share, "low": low, "high": high, "n": models})
    return rows


def _dots() -> AnyChart:
    rows = alt.Chart(alt.NamedData(ROWS))
    category = alt.Y("label:N", title=None, axis=alt.Axis(ticks=False, grid=True))
    when = alt.YOffset("when:N", sort=["before", "after"])
    share = alt.X(
        "share:Q",
        title="Share",
        scale=alt.Scale(zero=True),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    colour = alt.Color("when:N", sort=["before", "after"], legend=alt.Legend(title="Pivot"))
    tooltip = [
        alt.Tooltip("category:N"),
        alt.Tooltip("when:N", title="pivot"),
        alt.Tooltip("share:Q", format=".2%"),
        alt.Tooltip("low:Q", title="from", format=".2%"),
        alt.Tooltip("high:Q", title="to", format=".2%"),
        alt.Tooltip("n:Q", title="models", format=","),
        alt.Tooltip("multiplier:Q", title="downloads, after / before", format=".2f"),
        alt.Tooltip("q_value:Q", title="q", format=".3g"),
    ]
    interval = rows.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2)
    interval = interval.encode(alt.X("low:Q"), category, when, colour, alt.X2("high:Q"))
    filled = "datum.when == 'after'"
    hollow = rows.transform_filter(f"!({filled})").mark_point(size=60, strokeWidth=2, opacity=1)
    solid = rows.transform_filter(filled).mark_point(size=60, filled=True, opacity=1)
    marks = [
        mark.encode(share, category, when, colour, tooltip=tooltip) for mark in (hollow, solid)
    ]
    return alt.layer(interval, *marks).properties(height=alt.Step(12))


def modalities(tables: Tables) -> Figure:
    """From what goes in to what comes out."""
    cell = ["sample", "period", "recency_window"]
    columns = [*cell, "inputs", "outputs", "downloads", "share"]
    rows = tables.read("gold_modality_flows", columns)
    rows = rows.rename(columns={"inputs": "source", "outputs": "target"}).assign(stage=0)
    return Figure(
        name="modality_flows",
        section="attributes",
        title="From what goes into the downloaded models to what comes out: {period}",
        caption="The width of a band is its share of the sample's downloads.",
        chart=bands(("What goes in", "What comes out"), "share of downloads"),
        rows=laid_out(rows, cell),
        switches=("recency_window",),
        choices=(periods_of(rows, tables.periods), SAMPLES),
    )
