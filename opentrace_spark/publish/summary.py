"""What a run found, in the few lines that a person wants to read at its end."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import zip_longest
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from opentrace_spark.io import Warehouse
from opentrace_spark.moved import told
from opentrace_spark.run import RunResult
from opentrace_spark.tables import GOLD_RUNS, TABLES

_SPECS = {spec.id: spec for spec in TABLES}
_LEADERS = 5
_RESOLUTIONS = {
    "exact": "as written",
    "renamed": "renamed",
    "recased": "in other case",
    "hub_id": "by their id on the Hub",
    "unknown": "not in models/",
}


def print_summary(console: Console, warehouse: Warehouse, result: RunResult) -> None:
    """Print what the tables that this run wrote say; parts whose table it did not write are left
    out."""
    console.print()
    if "gold_weeks" in result.rows:
        week = _print_weeks(console, warehouse, result)
        if week and "gold_usage_shares" in result.rows:
            _print_leaders(console, warehouse, week)
        if week and "gold_concentration" in result.rows:
            _print_concentration(console, warehouse, week)
    if "gold_leaderboard_quality" in result.rows:
        _print_leaderboard(console, warehouse)
    if "silver_resolutions" in result.rows:
        _print_names(console, warehouse)
    if "silver_rejects" in result.rows:
        _print_rejects(console, warehouse)
    if "gold_annotation_quality" in result.rows:
        _print_annotations(console, warehouse)
    for sentence in told(result.moved) if result.moved else ():
        console.print(f"moved      {escape(sentence)}", soft_wrap=True)
    for note in result.notes:
        console.print(f"note       {escape(note)}", soft_wrap=True)
    _print_where(console, warehouse, result)


def _print_weeks(console: Console, warehouse: Warehouse, result: RunResult) -> date | None:
    """Print the span of weeks and their coverage; returns the last complete week."""
    weeks = warehouse.read(
        _SPECS["gold_weeks"], ["week_start", "is_missing", "is_complete", "coverage"]
    )
    rows = sorted(weeks.to_pylist(), key=lambda row: row["week_start"])
    present = [row for row in rows if not row["is_missing"]]
    if not present:
        console.print("weeks      none: no downloads could be counted")
        return None
    missing = len(rows) - len(present)
    console.print(
        f"weeks      {len(present):,} from {present[0]['week_start']} to "
        f"{present[-1]['week_start']}{f', {missing:,} missing between' if missing else ''}"
    )
    population = result.rows.get("work_credits", 0)
    console.print(
        f"models     {result.rows['work_models']:,}, of which {population:,} in the population"
    )
    complete = [row for row in present if row["is_complete"]]
    if not complete:
        console.print("           no week is complete: there is nothing to summarise")
        return None
    coverage = complete[-1]["coverage"]
    if coverage is not None:
        console.print(
            f"coverage   {coverage:.2%} of the last complete week's downloads have metadata"
        )
    week: date = complete[-1]["week_start"]
    return week


def _print_leaders(console: Console, warehouse: Warehouse, week: date) -> None:
    """Top developers of the week with downloads credited to the model itself and to its root."""
    columns = ["attribution", "recency_window", "rank", "entity", "share"]
    shares = warehouse.read(
        _SPECS["gold_usage_shares"],
        columns,
        [("week_start", "=", week), ("level", "=", "developer")],
    ).to_pylist()
    table = Table(title=f"Developers, week of {week}, all ages", title_justify="left", box=None)
    for heading in ("rank", "as downloaded", "share", "credited to the root", "share"):
        table.add_column(heading, justify="right" if heading in ("rank", "share") else "left")
    leaders: dict[str, list[dict[str, Any]]] = {}
    for attribution in ("none", "root"):
        rows = [
            row
            for row in shares
            if row["attribution"] == attribution
            and row["recency_window"] == "none"
            and row["rank"] is not None
        ]
        leaders[attribution] = sorted(rows, key=lambda row: row["rank"])[:_LEADERS]
    for place, sides in enumerate(zip_longest(leaders["none"], leaders["root"]), 1):
        cells = [
            [escape(side["entity"]), f"{side['share']:.2%}"] if side else ["", ""] for side in sides
        ]
        table.add_row(str(place), *cells[0], *cells[1])
    console.print()
    console.print(table)


def _print_concentration(console: Console, warehouse: Warehouse, week: date) -> None:
    columns = ["attribution", "recency_window", "units", "hhi", "gini"]
    rows = warehouse.read(
        _SPECS["gold_concentration"],
        columns,
        [("week_start", "=", week), ("level", "=", "developer"), ("scope", "=", "all")],
    ).to_pylist()
    title = f"Concentration over developers, week of {week}"
    table = Table(title=title, title_justify="left", box=None)
    for heading in ("window", "credited to", "developers", "HHI", "Gini"):
        table.add_column(
            heading, justify="left" if heading in ("window", "credited to") else "right"
        )
    for row in sorted(
        rows,
        key=lambda row: (
            row["recency_window"] != "none",
            row["recency_window"],
            row["attribution"],
        ),
    ):
        credited = "the root" if row["attribution"] == "root" else "as downloaded"
        metrics = ["-" if row[name] is None else f"{row[name]:.4f}" for name in ("hhi", "gini")]
        table.add_row(row["recency_window"], credited, f"{row['units']:,}", *metrics)
    console.print()
    console.print(table)


def _print_leaderboard(console: Console, warehouse: Warehouse) -> None:
    """Models of each version of the leaderboard, and what is left out of its means."""
    counts = {
        (row["version"], row["unit"], row["issue"]): row["rows"]
        for row in warehouse.read(_SPECS["gold_leaderboard_quality"]).to_pylist()
    }
    for version in sorted(version for version, *what in counts if what == ["model", "all"]):
        numbers = {
            issue: counts.get((version, "model", issue), 0)
            for issue in ("all", "flagged", "removed", "no date", "no size")
        }
        turned = sorted(
            issue.partition(": ")[2]
            for of, _, issue in counts
            if of == version and issue.startswith("column turned: ")
        )
        console.print(
            f"leaderboard {version}: {numbers.pop('all'):,} models of "
            f"{counts.get((version, 'result', 'all'), 0):,} results; "
            + ", ".join(f"{count:,} {issue}" for issue, count in numbers.items())
            + (f"; read the other way round: {', '.join(turned)}" if turned else ""),
            soft_wrap=True,
        )


def _print_names(console: Console, warehouse: Warehouse) -> None:
    """How names were found, each source of names apart."""
    console.print()
    rows = warehouse.read(_SPECS["silver_resolutions"]).to_pylist()
    sources = {"downloads": "weekly counts", "parents": "listed parents"}
    if any(row["source"] == "annotations" for row in rows):
        sources["annotations"] = "annotated rows"
    for source, what in sources.items():
        found = {row["resolution"]: row["rows"] for row in rows if row["source"] == source}
        kinds = [
            f"{found[kind]:,} {words}" for kind, words in _RESOLUTIONS.items() if kind in found
        ]
        console.print(f"names      {what}: {', '.join(kinds) or 'none'}", soft_wrap=True)


def count_rejects(warehouse: Warehouse) -> Counter[str]:
    """Rows of silver/rejects by their reason."""
    reasons: Counter[str] = Counter()
    for batch in warehouse.read_batches(_SPECS["silver_rejects"], ["reason"]):
        for found in batch["reason"].value_counts().to_pylist():
            reasons[found["values"]] += found["counts"]
    return reasons


def _print_rejects(console: Console, warehouse: Warehouse) -> None:
    reasons = count_rejects(warehouse)
    listed = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
    console.print(
        f"rejects    {sum(reasons.values()):,} rows{f': {listed}' if listed else ''}",
        soft_wrap=True,
    )


def _print_annotations(console: Console, warehouse: Warehouse) -> None:
    """Fields whose labels reviewers confirm too seldom."""
    rows = warehouse.read(_SPECS["gold_annotation_quality"]).to_pylist()
    reviewed = [
        row
        for row in rows
        if (row["source"], row["reference"], row["granularity"]) == ("human", "review", "label")
    ]
    below = [
        f"{row['attribute']} ({row['agreeing']:,} of {row['models']:,} right)"
        for row in sorted(reviewed, key=lambda row: (row["value"], row["attribute"]))
        if row["is_below_bar"]
    ]
    if reviewed:
        told = f"below annotations.bar: {', '.join(below)}" if below else "no field below the bar"
        console.print(f"reviewed   {len(reviewed)} fields of annotations, {told}", soft_wrap=True)


def _unchanged(result: RunResult) -> str:
    if not result.skipped:
        return ""
    steps = len(result.skipped) + len(result.seconds)
    return f"{len(result.skipped)} of {steps} steps were unchanged, "


def _print_where(console: Console, warehouse: Warehouse, result: RunResult) -> None:
    made = [path for path in result.versions if path != GOLD_RUNS.path]
    favourite = _SPECS["gold_concentration"].path
    shown = favourite if favourite in made else (made or [GOLD_RUNS.path])[-1]
    path = f"{warehouse.location.rstrip('/')}/{shown}"
    lines = [
        f"tables     {len(result.versions)} in {warehouse.location}, run {result.run_id}",
        f"           {result.checks} checks held, {_unchanged(result)}{result.elapsed:,.0f} s",
        'read one   .venv/bin/python -c "from deltalake import DeltaTable; '
        f'print(DeltaTable({path!r}).to_pandas())"',
    ]
    for line in lines:
        # Whole and as it is: paths may be long and hold brackets.
        console.print(line, soft_wrap=True, markup=False)
