"""Prints what the tables know of one name, section by section."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pyarrow as pa

from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.io import Warehouse
from opentrace_spark.locations import first_line
from opentrace_spark.publish.diff.page import Page, stdout
from opentrace_spark.publish.explain.counts import Counts
from opentrace_spark.publish.explain.figures import show_shares, show_weeks
from opentrace_spark.publish.explain.group import show_group
from opentrace_spark.publish.explain.model import Model, read_model, show_model
from opentrace_spark.publish.explain.origin import show_files, show_run
from opentrace_spark.publish.explain.subject import find
from opentrace_spark.publish.source import Source


def explain(
    warehouse: Warehouse,
    name: str,
    day: date | None = None,
    level: str | None = None,
    landing: str | None = None,
    top: int = 10,
) -> None:
    """Print what NAME is, its weeks up to that of `day`, its shares in it, and where they are from.

    Without a day, the last complete week; `level` says which of several things NAME is; with a
    landing the rows of its files are listed; tables show `top` rows. Raises UsageError for what is
    not there and for a name that could be several things, ContentError for tables that can't be
    read.
    """
    if top < 1:
        raise UsageError(f"--top {top}: show 1 row or more")
    with _plain_errors():
        source = Source(warehouse)
        week = source.week(day)
        subject = find(source, name, level)
        page, counts = Page(stdout(), top), Counts(source)
        model: Model | None = None
        if subject.level == "model":
            model = read_model(source, subject.name)
            show_model(page, source, subject, model)
        else:
            show_group(page, source, subject)
        show_weeks(page, source, counts, subject, model, week["week_start"])
        show_shares(page, source, counts, subject, model, week["week_start"])
        show_files(page, source, week, model, landing)
        show_run(page, source)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say in a sentence what is wrong with tables that can't be read."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise ContentError(
            f"a table can't be read ({first_line(error)}); run the same build again, or restore it"
        ) from error
