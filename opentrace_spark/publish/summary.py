"""What a run found, in the few lines that a person wants to read at its end."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from opentrace_spark.io import Warehouse
from opentrace_spark.run import RunResult
from opentrace_spark.tables import TABLES

_SPECS = {spec.id: spec for spec in TABLES}
_LEADERS = 5


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
    if "silver_rejects" in result.rows:
        _print_rejects(console, warehouse)
    _print_where(console, warehouse, result)


def _print_weeks(console: Console, warehouse: Warehouse, result: RunResult) -> date | None:
    """Print the span of weeks and their coverage; returns the last complete week."""
    weeks = _read(warehouse, "gold_weeks", ["week_start", "is_missing", "is_complete", "coverage"])
    rows = sorted(weeks.to_pylist(), key=lambda row: row["week_start"])
    present = [row for row in rows if not row["is_missing"]]
    if not present:
        console.print("weeks      none: no row of downloads/ was accepted")
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
    shares = _read(
        warehouse,
        "gold_usage_shares",
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
    for place, (own, root) in enumerate(zip(leaders["none"], leaders["root"], strict=False), 1):
        table.add_row(
            str(place),
            escape(own["entity"]),
            f"{own['share']:.2%}",
            escape(root["entity"]),
            f"{root['share']:.2%}",
        )
    console.print()
    console.print(table)


def _print_concentration(console: Console, warehouse: Warehouse, week: date) -> None:
    columns = ["attribution", "recency_window", "units", "hhi", "gini"]
    rows = _read(
        warehouse,
        "gold_concentration",
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


def _print_rejects(console: Console, warehouse: Warehouse) -> None:
    reasons = Counter(_read(warehouse, "silver_rejects", ["reason"])["reason"].to_pylist())
    listed = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items()))
    console.print()
    console.print(f"rejects    {sum(reasons.values()):,} rows{f': {listed}' if listed else ''}")


def _print_where(console: Console, warehouse: Warehouse, result: RunResult) -> None:
    path = warehouse.uri(_SPECS["gold_concentration"].path)
    lines = [
        f"tables     {len(result.versions)} in {warehouse.location}, run {result.run_id}",
        f"           {result.checks} checks held",
        'read one   .venv/bin/python -c "from deltalake import DeltaTable; '
        f'print(DeltaTable({path!r}).to_pandas())"',
    ]
    for line in lines:
        # Whole and as it is: paths may be long and hold brackets.
        console.print(line, soft_wrap=True, markup=False)


def _read(
    warehouse: Warehouse,
    table: str,
    columns: list[str],
    filters: list[tuple[str, str, Any]] | None = None,
) -> pa.Table:
    delta = warehouse.table(_SPECS[table])
    if delta is None:
        raise LookupError(f"{table} is not in the warehouse")
    return delta.to_pyarrow_table(columns=columns, filters=filters)
