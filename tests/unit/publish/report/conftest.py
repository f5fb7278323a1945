from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from opentrace_spark.io import Warehouse
from opentrace_spark.publish.report.command import read_content
from opentrace_spark.publish.report.page import Content, page
from tests.unit.publish.report.hub_tables import write_core

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the core tables alone."""
    return write_core(tmp_path_factory.mktemp("core") / "warehouse")


@pytest.fixture(scope="session")
def content(core: Path) -> Content:
    return read_content(Warehouse(str(core)))


@pytest.fixture(scope="session")
def page_file(content: Content, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "index.html"
    file.write_text(page(content), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; Debian and Ubuntu: apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Browser, page_file: Path) -> Iterator[Page]:
    """The page from disk, in a far time zone; at the end nothing was asked of the network, and
    nothing was wrong in the console."""
    context = chromium.new_context(timezone_id="America/Los_Angeles", offline=True)
    context.set_default_timeout(10_000)
    shown = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.goto(page_file.as_uri())
    shown.wait_for_selector("html[data-ready]")
    yield shown
    foreign = [url for url in asked if not url.startswith((page_file.as_uri(), "data:", "blob:"))]
    assert not foreign
    assert not wrong
    context.close()
