"""What `gold/runs` tells of the runs of a warehouse, and in what two runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opentrace_spark.io import Warehouse, content_version
from opentrace_spark.tables import GOLD_RUNS, TABLES

ABSENT = object()
"""Stands for a method value that one of two runs does not know."""


def last_run(warehouse: Warehouse) -> dict[str, Any] | None:
    """The row of `gold/runs` that was committed last, None where there is none."""
    try:
        return last_of(warehouse.read(GOLD_RUNS).to_pylist())
    except LookupError:
        return None


def run_ids(warehouse: Warehouse) -> set[str]:
    """The ids of all runs that committed their tables."""
    try:
        return set(warehouse.read(GOLD_RUNS, ["run_id"])["run_id"].to_pylist())
    except LookupError:
        return set()


def last_of(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of rows of `gold/runs` the one that was committed last, None of none."""
    return max(runs, key=lambda run: (run["finished_at"], run["run_id"]), default=None)


def changed_files(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[str]]:
    """Sorted paths of the files that are new, changed or gone, of two runs' `inputs`."""
    found = {
        "new": now.keys() - before.keys(),
        "changed": {path for path in now.keys() & before.keys() if now[path] != before[path]},
        "gone": before.keys() - now.keys(),
    }
    return {what: sorted(paths) for what, paths in found.items() if paths}


def changed_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Method values that differ between two runs' `parameters`: name -> before and now, by name.

    Names are `section.value`, or that of a list (`periods`); a value that a side lacks is ABSENT.
    """
    olds, news = _flat(before), _flat(now)
    pairs = {
        name: (olds.get(name, ABSENT), news.get(name, ABSENT))
        for name in sorted(olds.keys() | news.keys())
    }
    return {name: (old, new) for name, (old, new) in pairs.items() if old != new}


def versions_now(warehouse: Warehouse) -> dict[str, int | None]:
    """Path -> version of each table's content as it is now; None: there is no such table."""
    tables = {spec.path: warehouse.table(spec) for spec in TABLES}
    return {
        path: None if table is None else content_version(table) for path, table in tables.items()
    }


def strays(committed: Mapping[str, int], now: Mapping[str, int | None]) -> Iterator[str]:
    """Sentences on tables that are not as a run committed them.

    `committed` is the run's `table_versions`, `now` is of `versions_now`, both by path.
    """
    for spec in TABLES:
        if spec == GOLD_RUNS:
            continue  # it cannot say of itself which version holds its row
        version = now[spec.path]
        if version is None or spec.path not in committed:
            yield f"{spec.path} is not of the last run"
        elif version != committed[spec.path]:
            yield f"{spec.path} was written after the last run"


def _flat(parameters: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for section, values in parameters.items():
        if isinstance(values, dict):
            flat |= {f"{section}.{name}": value for name, value in values.items()}
        else:
            flat[section] = values
    return flat
