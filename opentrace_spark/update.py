"""What has changed since the tables were made: nothing, then they need no run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import opentrace_spark
from opentrace_spark.config import Config
from opentrace_spark.io import Warehouse
from opentrace_spark.run import fingerprints
from opentrace_spark.sources.landing import Landing
from opentrace_spark.tables import GOLD_RUNS, TABLES

_NAMED = 3


def whats_new(
    last: Mapping[str, Any] | None, landing: Landing, warehouse: Warehouse, config: Config
) -> tuple[str, ...]:
    """Sentences on what differs from the last run of the warehouse (of `last_run`); none where its
    tables are what a run on this landing would give.

    Reads every file of the landing once. Raises ContentError where one can't be read.
    """
    if last is None:
        return ("the warehouse has no run yet",)
    return (
        *_of_files(json.loads(last["inputs"]), fingerprints(landing, config)),
        *_of_method(last, config),
        *_of_tables(json.loads(last["table_versions"]), warehouse),
    )


def last_run(warehouse: Warehouse) -> dict[str, Any] | None:
    """The row of `gold/runs` that was committed last, None where there is none."""
    try:
        runs = warehouse.read(GOLD_RUNS).to_pylist()
    except LookupError:
        return None
    return max(runs, key=lambda run: (run["finished_at"], run["run_id"]), default=None)


def _of_files(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    found = {
        "new": now.keys() - before.keys(),
        "changed": {path for path in now.keys() & before.keys() if now[path] != before[path]},
        "gone": before.keys() - now.keys(),
    }
    for what, paths in found.items():
        if paths:
            named = ", ".join(sorted(paths)[:_NAMED])
            more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            yield f"{what}: {named}{more}"


def _of_method(last: Mapping[str, Any], config: Config) -> Iterator[str]:
    if last["version"] != opentrace_spark.__version__:
        yield f"the tables are of version {last['version']} of the program"
    before, now = json.loads(last["parameters"]), json.loads(config.parameters)
    other = sorted(
        f"{section}.{name}"
        for section, values in now.items()
        if isinstance(values, dict)
        for name, value in values.items()
        if before.get(section, {}).get(name) != value
    )
    if other:
        yield f"other method values: {', '.join(other)}"
    elif before != now:
        yield "other periods or countries"


def _of_tables(versions: Mapping[str, int], warehouse: Warehouse) -> Iterator[str]:
    for spec in TABLES:
        if spec == GOLD_RUNS:
            continue  # it cannot say of itself which version holds its row
        table = warehouse.table(spec)
        if table is None or spec.path not in versions:
            yield f"{spec.path} is not of the last run"
        elif table.version() != versions[spec.path]:
            yield f"{spec.path} was written after the last run"
