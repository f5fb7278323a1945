"""The page in a real browser, from disk, without network."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from opentrace_spark.options import build_parser
from tests.browser import draw_all, grave_faults, open_page
from tests.unit.publish.report.hub_tables import EVIL, FORMULA, NAMES, counts, present, week


def downloaded(page: Page, button: str, folder: Path) -> list[dict[str, str]]:
    with page.expect_download() as waiting:
        page.click(button)
    file = folder / "data.csv"
    waiting.value.save_as(file)
    with file.open(newline="", encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


def test_page_draws_every_chart(opened: Page) -> None:
    draw_all(opened)
    for figure in opened.query_selector_all("article.figure"):
        assert figure.query_selector("canvas"), figure.get_attribute("id")


def test_page_shows_the_numbers_of_the_last_complete_week(opened: Page) -> None:
    # The last week is incomplete; 52 weeks before the last complete one is there.
    last = present()[-2]
    now, then = (counts("developer", "root", "365d", number) for number in (last, last - 52))
    change = 100 * (sum(now) / sum(then) - 1)
    assert opened.inner_text("#numbers .note").startswith(f"Week of {week(last)}")
    downloads = opened.inner_text("[data-number=downloads]")
    assert f"{sum(now):,}\n+{change:.1f}% in a year" in downloads
    leader = opened.inner_text("[data-number=leader_share]")
    points = 100 * (now[0] / sum(now) - then[0] / sum(then))
    assert f"{100 * now[0] / sum(now):.1f}%\nevil\n+{points:.1f} points in a year" in leader
    assert "not in these tables" in opened.inner_text("[data-number=others_share]")


@pytest.mark.parametrize("cell", [("country", "none", "none"), ("model", "root", "182d")])
def test_switches_change_every_chart_and_the_link_keeps_them(
    opened: Page, tmp_path: Path, cell: tuple[str, str, str]
) -> None:
    for column, value in zip(("level", "attribution", "recency_window"), cell, strict=True):
        opened.select_option(f"#switches select[data-state={column}]", value)
    rows = downloaded(opened, "#shares .csv", tmp_path)
    assert {(row["level"], row["attribution"], row["recency_window"]) for row in rows} == {cell}
    found = {(row["week_start"], row["entity"]): int(row["downloads"]) for row in rows}
    # A leading = would be a formula to a spreadsheet.
    names = [f"'{name}" if name == FORMULA else name for name in NAMES[cell[0]]]
    assert found == {
        (week(number).isoformat(), name): downloads
        for number in present()
        for name, downloads in zip(names, counts(*cell, number), strict=True)
    }
    opened.reload()
    opened.wait_for_selector("html[data-ready]")
    assert downloaded(opened, "#shares .csv", tmp_path) == rows
    value = opened.inner_text("[data-number=downloads] .value")
    assert value == f"{sum(counts(*cell, present()[-2])):,}"


def test_search_shows_history_and_says_how_to_ask_for_the_rest(
    opened: Page, tmp_path: Path
) -> None:
    opened.select_option("#switches select[data-state=attribution]", "none")
    opened.fill("#query", "<script>")
    opened.click("#hits button")
    assert opened.inner_text("#found h3") == f"{EVIL} (model)"
    assert asked(opened, "#found dd code") == (EVIL, "model")
    rows = downloaded(opened, "#found .csv", tmp_path)
    cell = ("model", "none", "365d")
    assert [(row["week_start"], int(row["rank"]), int(row["downloads"])) for row in rows] == [
        (week(number).isoformat(), 1, counts(*cell, number)[0]) for number in present()
    ]
    opened.reload()
    opened.wait_for_selector("#found h3")
    opened.fill("#query", "nobody/it's")
    assert asked(opened, "#told code") == ("nobody/it's", None)
    opened.fill("#query", "--help")
    assert asked(opened, "#told code") == ("--help", None)


def asked(opened: Page, selector: str) -> tuple[str, str | None]:
    """Name and level that the command on the page asks for, as a shell and the program read it."""
    program, *arguments = shlex.split(opened.inner_text(selector))
    options = build_parser().parse_args(arguments)
    assert (program, options.name, options.warehouse) == ("opentrace", "explain", "DIR")
    return options.NAME, options.level


def test_text_of_the_data_is_never_markup(opened: Page) -> None:
    opened.select_option("#switches select[data-state=level]", "developer")
    opened.click("#shares .show")
    assert "<b>x</b>" in opened.inner_text("#shares table")
    assert opened.query_selector("#shares table b") is None
    opened.click("#broken details summary")
    assert "<i>marks</i>" in opened.inner_text("#broken")
    scripts = opened.eval_on_selector_all("script", "all => all.length")
    assert scripts == 4


def test_chosen_values_that_are_not_there_fall_back(opened: Page) -> None:
    opened.goto(opened.url + "#level=nonsense&recency_window=7d&shares.x=1")
    opened.wait_for_selector("html[data-ready]")
    assert opened.input_value("#switches select[data-state=level]") == "developer"
    assert opened.input_value("#switches select[data-state=recency_window]") == "365d"


@pytest.mark.parametrize(("width", "mode"), [(360, "dark"), (1400, "light")])
def test_page_has_no_accessibility_fault_and_no_sideways_scroll(
    chromium: Browser, page_file: Path, width: int, mode: str
) -> None:
    size = {"width": width, "height": 800}
    with open_page(chromium, page_file, viewport=size, color_scheme=mode) as page:
        draw_all(page)
        page.fill("#query", "e")
        page.click("#hits button")
        page.click("#shares .show")
        for details in page.query_selector_all("details"):
            details.evaluate("one => one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert not grave_faults(page)


def test_keyboard_reaches_switches_and_tools(opened: Page) -> None:
    name = "(one => one.className || one.id || one.dataset.state)(document.activeElement)"
    reached = set()
    for _ in range(40):
        opened.keyboard.press("Tab")
        reached.add(opened.evaluate(name))
    assert {"skip", "level", "theme", "query", "csv", "show", "link"} <= reached
