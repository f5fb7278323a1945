from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from opentrace_spark.io import Warehouse
from opentrace_spark.publish.report.command import read_content
from opentrace_spark.publish.report.page import Content, page
from tests.browser import open_page
from tests.unit.publish.report.hub_tables import write_core


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


@pytest.fixture
def opened(chromium: Browser, page_file: Path) -> Iterator[Page]:
    """The page in a time zone where weeks would begin on Sundays if dates were taken as local."""
    with open_page(chromium, page_file, timezone_id="America/Los_Angeles") as shown:
        yield shown
