"""Where a week's counts came from: files, their rows, the run and what it was told."""

from __future__ import annotations

import json
from typing import Any

from opentrace_spark.publish.diff.page import Page
from opentrace_spark.publish.explain.files import described, files_of_week, rows_of_week
from opentrace_spark.publish.explain.model import Model
from opentrace_spark.publish.source import Source

_FIGURES = ("population", "windows", "attribution", "organizations", "weeks", "counters", "history")
"""Sections of the parameters that decide who is counted, when, and for whom."""


def show_files(
    page: Page, source: Source, week: dict[str, Any], model: Model | None, landing: str | None
) -> None:
    """The files behind the week, and of a model the rows in them where the landing is at hand."""
    page.sentence(f"Where the counts of the week of {week['week_start']} came from")
    what, paths = files_of_week(source, week)
    page.line("source", f"{week['source']}/: {what}")
    page.lines("files", described(source, paths[: page.top]))
    if len(paths) > page.top:
        page.line("", f"and {len(paths) - page.top:,} more")
    if model is None or landing is None:
        return
    row = model.weeks.get(week["week_start"])
    names = row["reported_as"] if row and row["reported_as"] else [model.row["model_id"]]
    if week["source"] != "downloads":
        page.line("rows", "counters are not listed: their differences are in silver/model_weeks")
        return
    found, remarks = rows_of_week(source, landing, names, week)
    page.lines("landing", remarks)
    rows = [
        (
            one["source_file"],
            f"{one['source_row']:,}",
            str(one["week"]),
            one["id"],
            str(one["count"]),
        )
        for one in found
    ]
    page.table("Rows of the landing", "<file|row|week|<id|count", rows)


def show_run(page: Page, source: Source) -> None:
    """The run that wrote the tables, and the method values behind these figures."""
    run = source.run
    page.sentence("How they were counted")
    page.line(
        "run",
        f"{run['run_id']}, {run['finished_at']:%Y-%m-%d %H:%M} UTC, version {run['version']}",
    )
    page.lines("", source.apart)
    told = {name: source.parameters[name] for name in _FIGURES if name in source.parameters}
    for number, (name, values) in enumerate(told.items()):
        text = json.dumps(values, ensure_ascii=False, sort_keys=True)
        page.line("" if number else "parameters", f"{name} {text}")
    page.line("", "all of them, and every file with its hash: gold/runs")
