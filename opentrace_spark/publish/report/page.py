"""The page: one HTML file with its styles, scripts, charts and data inside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import vl_convert
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from opentrace_spark.publish.report import marks as signs, usage
from opentrace_spark.publish.report.encode import encoded, packed, script_json
from opentrace_spark.publish.report.figure import MARKS, SWITCHES, Figure, bare, ordered, word
from opentrace_spark.publish.report.numbers import Numbers
from opentrace_spark.publish.report.theme import theme

SECTIONS = {
    "usage": "Who is downloaded",
    "geography": "Where they come from",
    "attributes": "What is downloaded",
    "derivation": "What rests on whom",
    "robustness": "How sure it is",
}
_SCRIPTS = ("data.js", "state.js", "chart.js", "numbers.js", "search.js", "main.js")


@dataclass(frozen=True)
class Content:
    """All that the page shows; `about` is what the last run said of itself."""

    figures: Sequence[Figure]
    numbers: Numbers
    marks: pd.DataFrame
    search: dict[str, Any]
    about: dict[str, Any]
    left_out: dict[str, str]


def page(content: Content) -> str:
    """The page as HTML; the same content gives the same bytes."""
    data = {figure.name: encoded(figure.rows) for figure in content.figures}
    blob = {"figures": data, MARKS: encoded(content.marks), "search": content.search}
    description = {
        "figures": [_described(figure) for figure in content.figures],
        "switches": {column: _options(content, column) for column in SWITCHES},
        "numbers": {
            "week": content.numbers.week,
            "before": content.numbers.week_before,
            "rows": encoded(content.numbers.rows),
        },
        "history": bare(usage.history()),
        "themes": {mode: theme(mode) for mode in ("light", "dark")},
    }
    scripts = [_vega(), _own_scripts()]
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        _text("page.html")
    )
    sections = {
        name: [figure for figure in content.figures if figure.section == name] for name in SECTIONS
    }
    return template.render(
        sections={name: figures for name, figures in sections.items() if figures},
        titles=SECTIONS,
        switches=SWITCHES,
        policy=_policy(scripts),
        styles=Markup(_text("page.css")),
        scripts=[Markup(script) for script in scripts],
        description=Markup(script_json(description)),
        blob=Markup(packed(blob)),
        numbers=content.numbers,
        about=content.about,
        parameters=json.dumps(content.about["parameters"], indent=2, ensure_ascii=False),
        left_out=content.left_out,
        signs=_signs(content.marks),
    )


def _text(name: str) -> str:
    return files("opentrace_spark.publish.report").joinpath("page", name).read_text("utf-8")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and what embeds them; it takes seconds to put together."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _own_scripts() -> str:
    return '"use strict";\n' + "".join(_text(name) for name in _SCRIPTS)


def _policy(scripts: Sequence[str]) -> str:
    """Only these scripts run, and nothing is fetched; Vega compiles its expressions by `eval`."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _described(figure: Figure) -> dict[str, Any]:
    offered = {column: figure.values(column) for column in figure.switches}
    return {
        "name": figure.name,
        "title": figure.title,
        "spec": figure.spec(),
        "switches": offered,
        "choices": [
            {"column": choice.column, "label": choice.label, "words": dict(choice.words)}
            for choice in figure.choices
        ],
        "panel": None
        if figure.panel is None
        else {"column": figure.panel.column, "words": dict(figure.panel.words)},
        "shared": figure.shared,
        "marks": figure.is_over_time,
    }


def _options(content: Content, column: str) -> list[list[str]]:
    """Values of a switch that any figure has, with their words."""
    values = {
        str(value)
        for figure in content.figures
        if column in figure.switches
        for value in figure.rows[column].unique()
    }
    return [[value, word(column, value)] for value in ordered(column, list(values))]


def _signs(marks: pd.DataFrame) -> list[dict[str, Any]]:
    """Kinds of marks that occur, with what they mean and where."""
    return [
        {
            "kind": kind,
            "glyph": signs.GLYPHS[kind],
            "meaning": meaning,
            "rows": rows,
            "weeks": int(sum(row["weeks"] for row in rows)),
        }
        for kind, meaning in signs.KINDS.items()
        if (rows := marks[marks["kind"] == kind].to_dict("records"))
    ]
