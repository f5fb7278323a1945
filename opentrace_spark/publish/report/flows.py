"""Flows between named stages, drawn as bands whose width is a share of downloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import altair as alt
import pandas as pd

from opentrace_spark.publish.report.figure import ROWS, AnyChart

_Side = Literal["left", "center", "right"]
_GAP = 0.03
"""Between the nodes of a stage, of the whole width of all its bands."""
_NAMED = 0.012
"""Nodes from this part of the picture's height on have their name beside them."""
_EDGE = 0.006
"""Half of a node's width, of the picture's."""


def laid_out(flows: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    """Rows for `bands`: the flows, and a row for each node (`part` tells which).

    `flows` have the columns of `cell`, `stage` (int, of the source), `source`, `target`, `share`
    and `downloads`. Places are in columns that begin with `_`: shares, from the top.
    """
    parts = [_placed(group, cell) for _, group in flows.groupby(cell, sort=True)]
    return pd.concat(parts, ignore_index=True) if parts else flows.assign(part="flow")


def _placed(flows: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    nodes = _nodes(flows)
    tops = nodes.set_index(["stage", "source"])["_top"]
    starts = list(zip(flows["stage"], flows["source"], strict=True))
    ends = list(zip(flows["stage"] + 1, flows["target"], strict=True))
    placed = flows.assign(_from=tops.loc[starts].to_numpy(), _to=tops.loc[ends].to_numpy())
    placed = placed.sort_values(["stage", "_to", "_from"], kind="stable")
    placed["_b"] = placed["_to"] + _before(placed, ["stage", "target"])
    placed = placed.sort_values(["stage", "_from", "_to"], kind="stable")
    placed["_a"] = placed["_from"] + _before(placed, ["stage", "source"])
    same = {name: flows[name].iloc[0] for name in cell}
    placed = placed.drop(columns=["_from", "_to"]).assign(part="flow")
    return pd.concat([placed, nodes.assign(**same, part="node")], ignore_index=True)


def _nodes(flows: pd.DataFrame) -> pd.DataFrame:
    """Nodes by stage, the largest on top: what flows in or out, whichever is more."""
    into = flows.assign(stage=flows["stage"] + 1, source=flows["target"])
    sums = [
        ends.groupby(["stage", "source"], as_index=False)[["share", "downloads"]].sum()
        for ends in (flows, into)
    ]
    nodes = pd.concat(sums).groupby(["stage", "source"], as_index=False).max()
    nodes = nodes.sort_values(["stage", "share", "source"], ascending=[True, False, True])
    gap = _GAP * float(nodes.groupby("stage")["share"].sum().max())
    above = nodes.groupby("stage")["share"].cumsum() - nodes["share"]
    nodes["_top"] = above + gap * nodes.groupby("stage").cumcount()
    nodes["_end"] = nodes["_top"] + nodes["share"]
    nodes["_named"] = (nodes["share"] >= _NAMED * nodes["_end"].max()).astype(int)
    return nodes


def _before(flows: pd.DataFrame, node: list[str]) -> pd.Series:
    return flows.groupby(node)["share"].cumsum() - flows["share"]


def bands(stages: Sequence[str], whole: str) -> AnyChart:
    """A chart of rows `laid_out`: `stages` are the titles above the nodes, from the left."""
    rows = alt.Chart(alt.NamedData(ROWS))
    last = len(stages) - 1
    edge = _EDGE * last
    across = alt.X("x:Q", scale=alt.Scale(domain=[-edge, last + edge], nice=False), axis=None)
    down = alt.Scale(reverse=True, zero=True, nice=False)
    tooltip = [
        alt.Tooltip("source:N", title="from"),
        alt.Tooltip("target:N", title="to"),
        alt.Tooltip("share:Q", title=whole, format=".2%"),
        alt.Tooltip("downloads:Q", title="downloads", format=",.0f"),
    ]
    steps = "datum._b - datum._a) * datum.t * datum.t * (3 - 2 * datum.t)"
    band = (
        rows.transform_filter("datum.part == 'flow'")
        .transform_calculate(t="sequence(0, 1.001, 0.05)")
        .transform_flatten(["t"])
        .transform_calculate(
            x=f"datum.stage + {edge} + datum.t * {1 - 2 * edge}",
            high=f"datum._a + ({steps}",
            low=f"datum._a + datum.share + ({steps}",
            flow="datum.stage + '|' + datum.source + '|' + datum.target",
        )
        .mark_area(opacity=0.45, line=False)
        .encode(
            across,
            alt.Y("high:Q", scale=down, axis=None),
            alt.Y2("low:Q"),
            alt.Color("source:N", legend=None),
            detail="flow:N",
            tooltip=tooltip,
        )
    )
    nodes = rows.transform_filter("datum.part == 'node'").transform_calculate(
        x=f"datum.stage - {edge}",
        right=f"datum.stage + {edge}",
        middle="(datum._top + datum._end) / 2",
        said="datum.source + '  ' + format(datum.share, '.1%')",
    )
    node = nodes.mark_rect(style="sign").encode(
        across,
        alt.X2("right:Q"),
        alt.Y("_top:Q", scale=down),
        alt.Y2("_end:Q"),
        tooltip=tooltip[::2],
    )
    layers: list[alt.Chart] = [band, node]
    sides: tuple[tuple[_Side, str, float], ...] = (
        ("left", f"datum.stage < {last - 1}", 1.0),
        ("left", f"datum.stage == {last - 1}", 0.5),
        ("right", f"datum.stage == {last}", 0.5),
    )
    # Names of the last two stages share the space between them.
    for style in ("halo", "label"):
        for side, chosen, space in sides:
            room = alt.ExprRef(f"{space} * width / {last} - 14")
            text = nodes.transform_filter(f"datum._named == 1 && {chosen}")
            away, at = (6, "right:Q") if side == "left" else (-6, "x:Q")
            text = text.mark_text(style=style, align=side, dx=away, limit=room)
            layers.append(text.encode(alt.X(at), alt.Y("middle:Q", scale=down), text="said:N"))
    titles = [_title(title, stage, last) for stage, title in enumerate(stages)]
    return alt.layer(*layers, *titles).properties(height=430)


def _title(text: str, stage: int, last: int) -> alt.Chart:
    align: _Side = "left" if stage == 0 else "right" if stage == last else "center"
    room = alt.ExprRef(f"{0.5 if 0 < stage < last else 0.7} * width / {last} - 4")
    base = alt.Chart(alt.InlineData(values=[{"x": stage}]))
    mark = base.mark_text(
        style="note", align=align, baseline="bottom", text=text, dy=-8, limit=room
    )
    return mark.encode(alt.X("x:Q"), y=alt.value(0))
