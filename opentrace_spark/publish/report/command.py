"""`opentrace report`: reads the tables, writes the figures and the page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentrace_spark.errors import UsageError
from opentrace_spark.history import last_run
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.counting import what_is_counted
from opentrace_spark.publish.report import (
    attributes,
    derivation,
    draw,
    geography,
    leaders,
    robustness,
    sizes,
    usage,
)
from opentrace_spark.publish.report.data import MissingTable, Tables, check_there
from opentrace_spark.publish.report.figure import Figure
from opentrace_spark.publish.report.marks import marks
from opentrace_spark.publish.report.numbers import numbers
from opentrace_spark.publish.report.page import Content, page
from opentrace_spark.publish.report.search import search
from opentrace_spark.tables import GOLD_CONCENTRATION, GOLD_RUNS, GOLD_USAGE_SHARES, GOLD_WEEKS

FIGURES: dict[str, Callable[[Tables], Figure]] = {
    "concentration": usage.concentration,
    "shares": usage.trends,
    "leaderboards": leaders.leaderboards,
    "world": geography.world,
    "off_the_map": geography.nowhere,
    "kinds_by_country": geography.kinds,
    "attribute_shares": attributes.shares,
    "attribute_shifts": attributes.shifts,
    "modality_flows": attributes.modalities,
    "sizes": sizes.distribution,
    "osi_crossover": robustness.crossover,
    "others_roots": derivation.others_roots,
    "derivation_flows": derivation.flows,
    "intermediaries": derivation.intermediaries,
    "families": derivation.families,
    "sensitivity": robustness.sensitivity,
    "coverage": robustness.coverage,
    "model_sizes": sizes.quality,
}
"""Every figure of the report, in its order."""
_CORE = (GOLD_WEEKS, GOLD_USAGE_SHARES, GOLD_CONCENTRATION, GOLD_RUNS)
PAGE, PICTURES = "index.html", "figures"


@dataclass(frozen=True)
class Written:
    """What was written: the page, how many pictures, and figure -> table that it lacks."""

    page: Path
    pictures: int
    left_out: dict[str, str]


def write_report(
    warehouse: Warehouse, out: Path, counted: Callable[[str, int, int], None] | None = None
) -> Written:
    """Write `index.html` and `figures/*.svg` and `.png` below `out`.

    Figures whose table is not there are left out and named. Replaces an earlier report's files.
    Raises UsageError for a warehouse without the core tables, and for a folder of other things.
    """
    content = read_content(warehouse)
    pictures = _emptied(out)
    (out / PAGE).write_text(page(content), encoding="utf-8")
    drawn = [(figure, state) for figure in content.figures for state in figure.states()]
    for done, (figure, state) in enumerate(drawn):
        if counted:
            counted("pictures", done, len(drawn))
        draw.save(figure, state, content.marks, pictures / draw.file_name(figure, state))
    return Written(out / PAGE, 2 * len(drawn), content.left_out)


def read_content(warehouse: Warehouse) -> Content:
    """Everything that a report shows, as the tables are now."""
    warehouse.check_version(_CORE)
    check_there(warehouse, _CORE)
    about = _about(warehouse)
    periods = about["parameters"].get("periods", [])
    tables = Tables(warehouse, [period["name"] for period in periods])
    figures: list[Figure] = []
    left_out: dict[str, str] = {}
    for name, make in FIGURES.items():
        try:
            figure = make(tables)
        except MissingTable as missing:
            left_out[name] = f"{missing} is not in the warehouse"
            continue
        if figure.rows.empty:
            left_out[name] = "its tables have no rows for it"
        else:
            figures.append(figure)
    return Content(
        figures=figures,
        numbers=numbers(tables),
        marks=marks(tables, periods),
        search=search(tables),
        about=about,
        left_out=left_out,
    )


def _emptied(out: Path) -> Path:
    """The folder of pictures, empty; refuses to write among files that are not a report's."""
    try:
        others = {path.name for path in out.iterdir()} - {PAGE, PICTURES} if out.exists() else set()
        if others:
            raise UsageError(
                f"--out {out}: holds other things ({sorted(others)[0]}); name a new or empty "
                "folder, or that of an earlier report"
            )
        shutil.rmtree(out / PICTURES, ignore_errors=True)
        (out / PICTURES).mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None
    return out / PICTURES


def _about(warehouse: Warehouse) -> dict[str, Any]:
    """What the last run says: parameters, version, when, notes, what its downloads are."""
    run = last_run(warehouse)
    assert run is not None  # gold/runs is one of _CORE
    parameters, inputs = json.loads(run["parameters"]), json.loads(run["inputs"])
    return {
        "run_id": run["run_id"],
        "finished": f"{run['finished_at']:%Y-%m-%d %H:%M} UTC",
        "version": run["version"],
        "parameters": parameters,
        "files": len(inputs),
        "counted": what_is_counted(parameters, inputs),
        "checks": run["checks_passed"],
        "notes": list(run["notes"]),
    }
