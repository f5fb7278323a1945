"""What rests on whom: how models were derived, who stands between, and families."""

from __future__ import annotations

import altair as alt

from opentrace_spark.publish.report.attributes import SAMPLES
from opentrace_spark.publish.report.data import Tables
from opentrace_spark.publish.report.figure import ROWS, AnyChart, Figure, periods_of
from opentrace_spark.publish.report.flows import bands, laid_out
from opentrace_spark.publish.report.leaders import bars, ranked
from opentrace_spark.publish.report.usage import areas
from opentrace_spark.tables import DERIVATION_KINDS

_SHOWN = 20
_STEPS = {"1": 0, "2": 1, "3+": 2}
_NOT_DERIVED, _ENDED = "not derived", "ended"


def flows(tables: Tables) -> Figure:
    """Derivation by derivation from the roots."""
    cell = ["sample", "period", "recency_window"]
    columns = [*cell, "step", "previous_method", "method", "downloads", "share"]
    rows = tables.read("gold_derivation_flows", columns)
    rows = rows[(rows["method"] != _NOT_DERIVED) & (rows["previous_method"] != _ENDED)]
    rows = rows.assign(stage=rows["step"].map(_STEPS)).drop(columns="step")
    rows = rows.rename(columns={"previous_method": "source", "method": "target"})
    stages = ("How the root was made", "1st derivation", "2nd", "3rd and later")
    return Figure(
        name="derivation_flows",
        section="derivation",
        title="How the downloaded derivatives were made, step by step from their roots: {period}",
        caption="Shares of all downloads of the sample; what is not derived from anything is left "
        "out. Where a model names several methods, they share equally.",
        chart=bands(stages, "share of all downloads"),
        rows=laid_out(rows, cell),
        switches=("recency_window",),
        choices=(periods_of(rows, tables.periods), SAMPLES),
    )


def others_roots(tables: Tables) -> Figure:
    """Week by week, downloads of models that were built on roots of other developers."""
    kinds = [f"{kind}_share" for kind in DERIVATION_KINDS]
    rows = tables.read(
        "gold_intermediaries",
        ["week_start", "recency_window", *kinds],
        [("period", "=", "week"), ("is_total", "=", True)],
    )
    rows = rows.melt(["week_start", "recency_window"], kinds, "entity", "share")
    rows["place"] = [kinds.index(name) + 1 for name in rows["entity"]]
    rows["entity"] = [name.removesuffix("_share") for name in rows["entity"]]
    rows = rows.dropna(subset="share")
    return Figure(
        name="others_roots",
        section="derivation",
        title="How much is downloaded through models built on other developers' roots",
        caption="By how the downloaded model was made from what it rests on.",
        chart=areas("Share of the week's downloads"),
        rows=rows.sort_values(["recency_window", "week_start", "place"], ignore_index=True),
        switches=("recency_window",),
        is_over_time=True,
    )


def intermediaries(tables: Tables) -> Figure:
    """Accounts with most downloads of models built on others' roots."""
    columns = ["period", "recency_window", "developer", "downloads", "others_downloads"]
    columns += ["others_share", "root_developers_served", "is_intermediary"]
    rows = tables.read("gold_intermediaries", columns, [("is_total", "=", False)])
    rows = rows[rows["others_downloads"] > 0].rename(columns={"developer": "entity"})
    rows["note"] = [None if above else "mostly own roots" for above in rows["is_intermediary"]]
    rows = ranked(rows, "others_downloads", "entity", ["period", "recency_window"], _SHOWN).drop(
        columns="is_intermediary"
    )
    return Figure(
        name="intermediaries",
        section="derivation",
        title="Through whom others' models are downloaded: {period}",
        caption="Downloads of an account's models whose root is another developer's. A circle: "
        "most of the account's own downloads rest on roots of its own, so it is no intermediary.",
        chart=bars(
            "others_downloads", "Downloads of models built on others' roots", ",.0f", sign="○"
        ),
        rows=rows,
        switches=("recency_window",),
        choices=(periods_of(rows, tables.periods),),
        shared="others_downloads",
    )


def families(tables: Tables) -> Figure:
    """The roots on which most downloads rest."""
    columns = ["root_id", "developer", "country", "derivatives", "derivative_developers"]
    columns += ["max_depth", "downloads", "root_downloads", "days_to_10th_derivative"]
    rows = tables.read("gold_families", columns)
    rows = ranked(rows, "downloads", "root_id", [], _SHOWN)
    rows = rows.assign(derived_downloads=rows["downloads"] - rows["root_downloads"])
    values = {"root_downloads": "the root itself", "derived_downloads": "its derivatives"}
    same = [column for column in rows if column not in values]
    rows = rows.melt(same, list(values), "part", "part_downloads")
    rows["part"] = rows["part"].map(values)
    return Figure(
        name="families",
        section="derivation",
        title="Which roots most downloads rest on",
        caption="Downloads over all weeks, of the root (first) and of everything whose chain of "
        "first parents ends there; the number is how many derivatives there are.",
        chart=_families(list(values.values())),
        rows=rows,
    )


def _families(parts: list[str]) -> AnyChart:
    rows = alt.Chart(alt.NamedData(ROWS))
    root = alt.Y(
        "root_id:N",
        title=None,
        sort=alt.EncodingSortField("rank", op="min"),
        axis=alt.Axis(ticks=False, domain=False),
    )
    tooltip = [
        alt.Tooltip("root_id:N", title="root"),
        alt.Tooltip("part:N"),
        alt.Tooltip("part_downloads:Q", title="downloads", format=","),
        alt.Tooltip("downloads:Q", title="of the family", format=","),
        alt.Tooltip("derivatives:Q", format=","),
        alt.Tooltip("derivative_developers:Q", title="by developers", format=","),
        alt.Tooltip("max_depth:Q", title="longest chain"),
        alt.Tooltip("days_to_10th_derivative:Q", title="days to the 10th"),
    ]
    bar = rows.mark_bar(style="edge").encode(
        alt.X("part_downloads:Q", title="Downloads", axis=alt.Axis(format="~s", tickCount=5)),
        root,
        alt.Color("part:N", sort=parts, legend=alt.Legend(title=None)),
        alt.Order("part:N", sort="descending"),
        tooltip=tooltip,
    )
    text = (
        rows.transform_filter(f"datum.part == '{parts[0]}'")
        .transform_calculate(said="format(datum.derivatives, ',')")
        .mark_text(style="label", align="left", dx=4)
        .encode(alt.X("downloads:Q"), root, text="said:N")
    )
    return alt.layer(bar, text).properties(height=alt.Step(20))
