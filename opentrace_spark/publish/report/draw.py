"""A figure in one state as a whole Vega-Lite specification, and as SVG or PNG."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import vl_convert

from opentrace_spark.publish.report.figure import MARKS, ROWS, SWITCHES, Figure, State, filled
from opentrace_spark.publish.report.theme import theme

_WIDTH, _PANEL, _SCALE = 720, 380, 1.5
"""Pixels of a chart, and of one of several; pixels of a PNG for each."""


def save(figure: Figure, state: State, marks: pd.DataFrame, stem: Path) -> None:
    """Write `stem`.svg and `stem`.png."""
    specification = drawing(figure, state, marks)
    svg = vl_convert.vegalite_to_svg(specification)
    stem.with_suffix(".svg").write_text(svg, encoding="utf-8")
    stem.with_suffix(".png").write_bytes(vl_convert.svg_to_png(svg, scale=_SCALE))


def drawing(figure: Figure, state: State, marks: pd.DataFrame) -> dict[str, Any]:
    """The specification with its data, title and settings."""
    rows, words = figure.chosen(state), figure.words(state)
    panels = _panels(figure, rows)
    charts: list[dict[str, Any]] = []
    sets: dict[str, Any] = {MARKS: records(marks)} if figure.is_over_time else {}
    parameters: list[dict[str, Any]] = []
    for number, (title, shown) in enumerate(panels):
        name = f"{ROWS}_{number}"
        sets[name] = records(shown)
        chart = _renamed(with_parameters(figure, figure.spec(), state), name)
        parameters = chart.pop("params", [])  # those of a whole picture stand above its panels
        sets |= chart.pop("datasets", {})
        chart |= {"width": _WIDTH if len(panels) == 1 else _PANEL}
        charts.append(chart | ({"title": title} if title else {}))
    whole: dict[str, Any] = charts[0] if len(charts) == 1 else {"hconcat": charts, "spacing": 24}
    said = [SWITCHES[name].lower() + ": " + words[name] for name in figure.switches]
    chosen = [f"{choice.label.lower()}: {words[choice.column]}" for choice in figure.choices]
    heading = {"text": figure.title, "subtitle": "; ".join(said + chosen), "offset": 16}
    whole = filled(whole | {"params": parameters, "title": heading}, words)
    return whole | {"datasets": sets, "config": theme("light"), "padding": 16}


def _panels(figure: Figure, rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    if figure.panel is None:
        return [("", rows)]
    column = figure.panel.column
    panels = figure.panel.words.items()
    return [(title, rows[rows[column] == value]) for value, title in panels]


def with_parameters(figure: Figure, spec: dict[str, Any], state: State) -> dict[str, Any]:
    """The specification with its parameters set for the state."""
    most = float(figure.chosen(state)[figure.shared].max()) if figure.shared else None
    for parameter in spec.get("params", []):
        if parameter["name"] in state:
            parameter["value"] = state[parameter["name"]]
        elif parameter["name"] == "most":
            parameter["value"] = most
    return spec


def _renamed(part: Any, name: str) -> Any:
    """The specification with other data for ROWS, wherever it reads them."""
    if isinstance(part, list):
        return [_renamed(value, name) for value in part]
    if not isinstance(part, dict):
        return part
    return (
        {"name": name}
        if part == {"name": ROWS}
        else {k: _renamed(v, name) for k, v in part.items()}
    )


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON has them: NaN is null."""
    return json.loads(frame.to_json(orient="records", double_precision=15))


def file_name(figure: Figure, state: State) -> str:
    """`concentration-hhi-all`: the figure's name and its chosen values, safe in any file system."""
    chosen = [state[choice.column] for choice in figure.choices if choice.pictured]
    text = "-".join([figure.name, *chosen]).lower()
    return re.sub(r"[^a-z0-9_]+", "-", text).strip("-")
