"""Predicted against published sizes of models that no fit has seen: a plain line beside ours.

Needs the packages of the extra `report`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import altair as alt
import pandas as pd

from opentrace_spark.sizes.validation import Validation

MOST_POINTS = 1000
"""A panel draws at most so many models, those of the lowest SHA-256 of their ids."""
PANELS = {
    "plain line": "One plain RANSAC line on bytes",
    "cascade": "opentrace-spark: names, else estimates",
}
"""Method -> title."""
KINDS = ("no test finds the published count wrong", "a test finds the published count wrong")
_COLOURS, _SHAPES = ("#47b", "#900"), ("circle", "triangle-up")
_LOW, _HIGH = 1e5, 1e13
"""Ends of both axes; what lies beyond is drawn on the edge."""
_SIDE, _FONT = 400, 15
"""Pixels: text stays readable where the picture is shrunk to a phone's width."""


def save_size_picture(validation: Validation, path: Path) -> int:
    """Write the picture as `.svg` or `.png`; returns how many models a panel draws.

    No ids are in it, and of counts only the pixel.
    """
    points = picture_points(validation)
    panels = [_panel(validation, points, method) for method in PANELS]
    chart = (
        alt.vconcat(*panels, spacing=28)
        .properties(title=_title(validation, len(points)), background="white", padding=16)
        .configure(font="Helvetica, Arial, sans-serif", aria=False)
    )
    chart.save(str(path), scale_factor=2 if path.suffix == ".png" else 1)
    return len(points)


def picture_points(validation: Validation) -> pd.DataFrame:
    """The models drawn, flagged ones last: `published`, a column per panel's method, `kind`."""
    hashes = [hashlib.sha256(row.id.encode()).hexdigest() for row in validation.rows]
    drawn = sorted(range(len(hashes)), key=hashes.__getitem__)[:MOST_POINTS]
    every = pd.DataFrame({method: validation.found[method][0] for method in PANELS})
    every["published"] = validation.known
    every["kind"] = [KINDS[flag is not None] for flag in validation.flags]
    return every.iloc[drawn].sort_values("kind", ascending=False, kind="stable", ignore_index=True)


def _title(validation: Validation, drawn: int) -> alt.TitleParams:
    held_out = len(validation.rows)
    which = f"{held_out:,}" if drawn == held_out else f"{drawn:,} of {held_out:,}"
    return alt.TitleParams(
        "Sizes of models that the fit did not see",
        subtitle=[
            f"{which} held-out models, drawn by a fixed hash.",
            "Solid line: as published. Dashed: twice and half.",
            "What lies beyond the axes is drawn on the edge.",
        ],
        anchor="start",
        fontSize=_FONT + 4,
        subtitleFontSize=_FONT,
        offset=12,
    )


def _panel(
    validation: Validation, points: pd.DataFrame, method: str
) -> alt.LayerChart | alt.FacetChart:
    believed, every = (validation.quality(method, which) for which in ("not flagged", "all"))
    title = alt.TitleParams(
        PANELS[method],
        subtitle=f"R² of log10: {_r2(believed.r2_log)} for circles, {_r2(every.r2_log)} for all",
        anchor="start",
        fontSize=_FONT + 1,
        subtitleFontSize=_FONT,
    )
    lines = [_line(1.0, []), _line(2.0, [6, 4]), _line(0.5, [6, 4])]
    dots = (
        alt.Chart(points)
        .mark_point(size=16, strokeWidth=1, opacity=1)
        .encode(
            _x("published"),
            _y(method),
            alt.Color("kind:N", scale=alt.Scale(domain=KINDS, range=_COLOURS), legend=_legend()),
            alt.Shape("kind:N", scale=alt.Scale(domain=KINDS, range=_SHAPES), legend=_legend()),
        )
    )
    return alt.layer(*lines, dots).properties(width=_SIDE, height=_SIDE, title=title)


def _line(factor: float, dash: list[int]) -> alt.Chart:
    """Where the prediction is `factor` times what is published, as far as the axes reach."""
    ends = [_LOW * max(1, 1 / factor), _HIGH * min(1, 1 / factor)]
    frame = pd.DataFrame({"published": ends, "predicted": [factor * end for end in ends]})
    line = alt.Chart(frame).mark_line(color="#444444", strokeWidth=1.2, strokeDash=dash)
    return line.encode(_x("published"), _y("predicted"))


def _x(column: str) -> alt.X:
    return alt.X(f"{column}:Q", title="Published parameters", scale=_scale(), axis=_axis())


def _y(column: str) -> alt.Y:
    return alt.Y(f"{column}:Q", title="Predicted parameters", scale=_scale(), axis=_axis())


def _scale() -> alt.Scale:
    return alt.Scale(type="log", domain=[_LOW, _HIGH], clamp=True, nice=False, round=True)


def _axis() -> alt.Axis:
    return alt.Axis(
        values=[10.0**power for power in range(5, 14)],
        labelExpr="replace(format(datum.value, '~s'), 'G', 'B')",
        labelFlush=False,
        labelFontSize=_FONT,
        titleFontSize=_FONT,
        titleFontWeight="normal",
        gridColor="#e2e2e2",
    )


def _legend() -> alt.Legend:
    return alt.Legend(
        title=None, orient="top", direction="vertical", labelFontSize=_FONT, labelLimit=_SIDE
    )


def _r2(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
