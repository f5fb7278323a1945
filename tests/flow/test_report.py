"""The report of real tables: every figure is there, draws, and says what the tables say."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from opentrace_spark.io import Warehouse
from opentrace_spark.publish.report.command import FIGURES, read_content
from opentrace_spark.publish.report.draw import save
from opentrace_spark.publish.report.page import Content, page
from opentrace_spark.tables import TABLES
from tests.browser import draw_all, grave_faults, open_page

Row = dict[str, Any]
SPECS = {spec.id: spec for spec in TABLES}
CELL = ("level", "attribution", "recency_window")


@pytest.fixture(scope="module")
def content(built: Path) -> Content:
    return read_content(Warehouse(str(built)))


@pytest.fixture(scope="module")
def html(content: Content) -> str:
    return page(content)


@pytest.fixture(scope="module")
def shown(html: str) -> dict[str, list[Row]]:
    """Figure -> rows, read back from the page."""
    blob = re.search(r'id="blob">([^<]*)<', html)
    assert blob
    figures = json.loads(gzip.decompress(base64.b64decode(unescape(blob[1]))))["figures"]
    return {
        name: [_row(frame["columns"], at) for at in range(frame["rows"])]
        for name, frame in figures.items()
    }


def _row(columns: dict[str, Any], at: int) -> Row:
    def cell(column: dict[str, Any]) -> Any:
        if "numbers" in column:
            return column["numbers"][at]
        place = column["places"][at]
        return None if place < 0 else column["words"][place]

    return {name: cell(column) for name, column in columns.items()}


def _key(row: Row, names: Iterable[str]) -> tuple[str, ...]:
    """What names a row, as the page writes it: numbers short, attributes in words."""
    values = ((name, row[name]) for name in names)
    return tuple(
        f"{value:.5g}" if name == "bin_low" else str(value).replace("_", " ")
        for name, value in values
    )


def test_no_figure_is_left_out(content: Content) -> None:
    assert not content.left_out
    assert [figure.name for figure in content.figures] == list(FIGURES)


def test_the_page_is_the_same_every_time(built: Path, html: str) -> None:
    assert page(read_content(Warehouse(str(built)))) == html


@pytest.mark.parametrize(
    ("figure", "table", "key", "value", "which"),
    [
        ("shares", "gold_developer_trends", ("week_start", *CELL, "entity"), "downloads", None),
        ("leaderboards", "gold_leaderboards", ("period", *CELL, "entity"), "share",
         lambda row: row["rank"] <= 20),
        ("kinds_by_country", "gold_org_type_by_country",
         ("period", "attribution", "recency_window", "country", "org_type"), "downloads",
         lambda row: row["downloads"] > 0),
        ("modality_flows", "gold_modality_flows",
         ("sample", "period", "recency_window", "inputs", "outputs"), "share", None),
        ("sizes", "gold_size_distribution",
         ("sample", "basis", "weighting", "year", "recency_window", "bin_low"), "share", None),
        ("coverage", "gold_field_coverage", ("sample", "attribute"), "share_of_downloads",
         lambda row: row["source"] == "any"),
        ("families", "gold_families", ("root_id",), "downloads", None),
    ],
)  # fmt: skip
def test_the_page_has_the_numbers_of_the_table(
    built: Path,
    shown: dict[str, list[Row]],
    figure: str,
    table: str,
    key: tuple[str, ...],
    value: str,
    which: Callable[[Row], bool] | None,
) -> None:
    renamed = {"inputs": "source", "outputs": "target", "attribute": "entity"}
    renamed["share_of_downloads"] = "share"
    rows = Warehouse(str(built)).read(SPECS[table]).to_pylist()
    wanted = {
        _key(row, key): row[value]
        for row in rows
        if (which is None or which(row)) and None not in (row[value], row.get("share", 0))
    }
    places = [renamed.get(name, name) for name in key]
    there = [row for row in shown[figure] if None not in [row.get(name) for name in places]]
    found = {_key(row, places): row[renamed.get(value, value)] for row in there}
    assert wanted
    assert {k: v for k, v in found.items() if k in wanted} == pytest.approx(wanted, rel=1e-4)


def test_the_page_has_every_concentration(built: Path, shown: dict[str, list[Row]]) -> None:
    measures = ("hhi", "gini", "top_10_share", "effective_units")
    rows = Warehouse(str(built)).read(SPECS["gold_concentration"]).to_pylist()
    wanted = {
        (str(row["week_start"]), row["scope"], *(row[name] for name in CELL), measure): row[measure]
        for row in rows
        for measure in measures
        if row[measure] is not None and (row["scope"] == "all" or row["level"] == "country")
    }
    found = {
        (row["week_start"], row["scope"], *(row[name] for name in CELL), row["measure"]): row[
            "value"
        ]
        for row in shown["concentration"]
        if row["measure"] in measures
    }
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_picture(content: Content, tmp_path: Path, name: str) -> None:
    figure = next(one for one in content.figures if one.name == name)
    state = next(figure.states())
    save(figure, state, content.marks, tmp_path / "one")
    svg = (tmp_path / "one.svg").read_text("utf-8")
    assert "NaN" not in svg
    assert len(re.findall(r"<path ", svg)) > 1
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


def test_every_figure_draws_in_a_browser(chromium: Browser, html: str, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(html, encoding="utf-8")
    size = {"width": 360, "height": 800}
    with open_page(chromium, file, viewport=size, color_scheme="dark") as shown:
        draw_all(shown)
        assert shown.evaluate("document.documentElement.scrollWidth") == 360
        assert not grave_faults(shown)
        assert len(shown.query_selector_all("article.figure canvas")) >= len(FIGURES)
        names = shown.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
        assert len(names) == len(set(names))
        shown.select_option("#switches select[data-state=recency_window]", "none")
        shown.select_option("#switches select[data-state=level]", "country")
        draw_all(shown)
