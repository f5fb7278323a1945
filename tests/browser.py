"""The report page in the system's Chromium: opened from disk, watched for what it must not do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_PATIENCE = 15_000  # milliseconds


@contextmanager
def open_page(browser: Browser, file: Path, **options: Any) -> Iterator[Page]:
    """The page, ready, without network; at the end nothing was asked of anybody, and the console is
    empty."""
    context = browser.new_context(offline=True, **options)
    context.set_default_timeout(_PATIENCE)
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]")
    yield page
    foreign = [url for url in asked if not url.startswith((file.as_uri(), "data:", "blob:"))]
    assert not foreign
    assert not wrong
    context.close()


def draw_all(page: Page) -> None:
    """Scroll through the page, so that every chart is drawn as the state is now."""
    for figure in page.query_selector_all("article.figure"):
        figure.scroll_into_view_if_needed()
        name = figure.get_attribute("id")
        drawn = "([name, hash]) => document.getElementById(name).dataset.drawn?.startsWith(hash)"
        hash_ = page.evaluate("fragment(state.values, '')")
        page.wait_for_function(drawn, arg=[name, hash_])


def grave_faults(page: Page) -> list[Any]:
    """Serious and critical faults of accessibility that axe-core finds, with what has them."""
    faults = Axe().run(page).response["violations"]
    grave = [fault for fault in faults if fault["impact"] in ("serious", "critical")]
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in grave]
