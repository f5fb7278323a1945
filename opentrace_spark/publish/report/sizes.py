"""How large the downloaded models are, and how good the sizes."""

from __future__ import annotations

import altair as alt

from opentrace_spark.publish.report.attributes import SAMPLES
from opentrace_spark.publish.report.data import Tables
from opentrace_spark.publish.report.figure import ROWS, AnyChart, Choice, Figure

_SHORT = "replace(format(datum.value, '~s'), 'G', 'B')"
"""Parameters as people write them: 7B, not 7G."""
_BASES = {"downloaded": "downloaded in the year", "created": "created in the year"}
_WEIGHTS = {"downloads": "downloads", "models": "models, each once"}
_MEASURES = {
    "within_2": "share within a factor of 2",
    "within_1_5": "share within a factor of 1.5",
    "median_error": "median relative error",
    "in_band": "share inside the error band",
    "r2_log": "R² of log10 of parameters",
}
_HELD_OUT = {"id": "a quarter of the models held out", "owner": "a quarter of the owners held out"}
_AMONG = {"all": "all", "not flagged": "believed published counts", "flagged": "doubted counts"}


def distribution(tables: Tables) -> Figure:
    """Sizes by year, with median and quartiles."""
    columns = ["sample", "basis", "weighting", "year", "recency_window", "bin_low", "bin_high"]
    columns += ["share", "n", "known_share", "mean", "quartile_1", "median", "quartile_3"]
    rows = tables.read("gold_size_distribution", columns)
    return Figure(
        name="sizes",
        section="attributes",
        title="How large the models are that were {basis}, by {weighting}",
        caption="Stronger shade: more of the year's weight is of that size. The bar spans the "
        "quartiles, the line across it is the median, the diamond the mean.",
        chart=_distribution(),
        rows=rows.assign(year=rows["year"].astype(str)),
        switches=("recency_window",),
        choices=(
            Choice("basis", "Models", _BASES, True),
            Choice("weighting", "Weighted by", _WEIGHTS),
            SAMPLES,
        ),
    )


def _distribution() -> AnyChart:
    rows = alt.Chart(alt.NamedData(ROWS))
    year = alt.X("year:O", title="Year", axis=alt.Axis(labelAngle=0))
    size = alt.Y(
        "bin_low:Q",
        title="Parameters (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(labelExpr=_SHORT, values=[10.0**power for power in range(3, 14)]),
    )
    tooltip = [
        alt.Tooltip("year:O"),
        alt.Tooltip("bin_low:Q", title="from", format=".3s"),
        alt.Tooltip("bin_high:Q", title="below", format=".3s"),
        alt.Tooltip("share:Q", format=".2%"),
        alt.Tooltip("median:Q", format=".3s"),
        alt.Tooltip("mean:Q", format=".3s"),
        alt.Tooltip("n:Q", title="models of known size", format=","),
        alt.Tooltip("known_share:Q", title="weight of known size", format=".1%"),
    ]
    legend = alt.Legend(title="Share of the year", format=".0%", gradientLength=220)
    cell = rows.mark_rect().encode(
        year,
        size,
        alt.Y2("bin_high:Q"),
        alt.Color("share:Q", scale=alt.Scale(domainMin=0), legend=legend),
        tooltip=tooltip,
    )
    # One row of the year is enough for what is the same in all of them.
    first = rows.transform_joinaggregate(lowest="min(bin_low)", groupby=["year"])
    first = first.transform_filter("datum.bin_low == datum.lowest")
    box = first.mark_bar(style="sign", width=5).encode(
        year, alt.Y("quartile_1:Q"), alt.Y2("quartile_3:Q"), tooltip=tooltip
    )
    median = first.mark_tick(style="sign", width=28, thickness=4).encode(
        year, alt.Y("median:Q"), tooltip=tooltip
    )
    mean = first.mark_point(style="sign", filled=True, shape="diamond", size=90, opacity=1).encode(
        year, alt.Y("mean:Q"), tooltip=tooltip
    )
    return alt.layer(cell, box, median, mean).properties(height=340)


def quality(tables: Tables) -> Figure:
    """How good sizes are on models that no fit saw."""
    columns = ["held_out_by", "method", "among", "n", *_MEASURES]
    rows = tables.read("gold_model_sizes", columns)
    rows = rows.melt(["held_out_by", "method", "among", "n"], list(_MEASURES), "measure", "value")
    return Figure(
        name="model_sizes",
        section="robustness",
        title="How well sizes are told of models that the fit did not see: {measure}",
        caption="The tables use the cascade: sizes in names first, where the bytes agree, else the "
        "regression. Counts that a test finds wrong are apart.",
        chart=_quality(),
        rows=rows.dropna(subset="value"),
        choices=(
            Choice("measure", "Measure", _MEASURES),
            Choice("among", "Among", _AMONG),
        ),
        panel=Choice("held_out_by", "Held out", _HELD_OUT),
    )


def _quality() -> AnyChart:
    rows = alt.Chart(alt.NamedData(ROWS))
    value = alt.X("value:Q", title="{measure}", scale=alt.Scale(zero=True))
    method = alt.Y("method:N", title=None, axis=alt.Axis(grid=True, ticks=False))
    tooltip = [alt.Tooltip("method:N"), alt.Tooltip("value:Q", format=".3f"), alt.Tooltip("n:Q")]
    dot = rows.mark_point(filled=True, size=80, opacity=1).encode(value, method, tooltip=tooltip)
    text = rows.transform_calculate(said="format(datum.value, '.2f')")
    text = text.mark_text(style="label", dy=-10).encode(value, method, text="said:N")
    return alt.layer(dot, text).properties(height=alt.Step(32))
