"""What a developer, an organisation or a country is made of."""

from __future__ import annotations

from itertools import islice

import pyarrow.compute as pc
from pyarrow.dataset import field

from opentrace_spark.publish.diff.page import Page
from opentrace_spark.publish.explain.subject import COLUMN_OF, Subject, largest_of
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import SILVER_MODELS

_WORD = {"developer": "developer", "organization": "organisation", "country": "country"}
_PARTS = {
    "developer": ("model",),
    "organization": ("developer", "model"),
    "country": ("organization", "model"),
}
"""Of what levels the largest parts are listed."""
_NAMED = {"model": "models", "developer": "accounts", "organization": "organisations"}


def show_group(page: Page, source: Source, subject: Subject) -> None:
    """Who it is, how many models it has, and the largest of them."""
    column = COLUMN_OF[subject.level]
    words = source.words_of_unit(subject.name) if column == "country" else [subject.name]
    columns = ["organization", "country", "org_type", "in_population", "total_downloads"]
    rows = source.table(SILVER_MODELS, columns, field(column).isin(words))
    page.line(_WORD[subject.level], subject.name)
    page.lines("", [subject.found_by] if subject.found_by else [])
    if subject.level == "country":
        page.line("words", ", ".join(words))
    else:
        facts = {"organisation": "organization", "country": "country", "kind": "org_type"}
        said = (
            f"{label} {', '.join(sorted(rows[name].unique().to_pylist()))}"
            for label, name in facts.items()
            if name != column
        )
        page.line("owner", ", ".join(said))
    counted = pc.sum(rows["in_population"]).as_py() or 0
    downloads = pc.sum(rows["total_downloads"]).as_py() or 0
    page.line(
        "models",
        f"{len(rows):,}, of which {counted:,} in the population; {downloads:,} downloads of all "
        "weeks",
    )
    for level in _PARTS[subject.level]:
        parts = list(largest_of(source, level, column, subject.name))
        shown = [(name, f"{total:,}") for name, total in islice(parts, page.top)]
        title = f"The most downloaded of its {_NAMED[level]}, all weeks"
        page.table(title, f"<{level}|downloads", shown, len(parts))
