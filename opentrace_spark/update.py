"""What has changed since the tables were made: nothing, then they need no run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import opentrace_spark
from opentrace_spark.config import Config, as_of
from opentrace_spark.digests import libraries
from opentrace_spark.flow import FLOW
from opentrace_spark.history import changed_files, changed_values, strays, versions_now
from opentrace_spark.io import Warehouse
from opentrace_spark.reuse import of_other_code
from opentrace_spark.run import fingerprints
from opentrace_spark.sources.landing import Landing

_NAMED = 3


def whats_new(
    last: Mapping[str, Any] | None, landing: Landing, warehouse: Warehouse, config: Config
) -> tuple[str, ...]:
    """Sentences on what differs from the last run of the warehouse (of `history.last_run`); none
    where its tables are what a run on this landing would give.

    Reads every file of the landing once. Raises ContentError where one can't be read.
    """
    if last is None:
        return ("the warehouse has no run yet",)
    return (
        *_of_files(json.loads(last["inputs"]), fingerprints(landing.until(as_of(config)), config)),
        *_of_program(last, warehouse),
        *_of_method(last, config),
        *strays(json.loads(last["table_versions"]), versions_now(warehouse)),
    )


def _of_files(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for what, paths in changed_files(before, now).items():
        yield f"{what}: {_listed(paths)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _of_program(last: Mapping[str, Any], warehouse: Warehouse) -> Iterator[str]:
    if last["version"] != opentrace_spark.__version__:
        yield f"the tables are of version {last['version']} of the program"
    then, now = json.loads(last["libraries"]), libraries()
    changed = [name for name in now if then.get(name) != now[name]]
    if changed:
        yield f"other libraries: {', '.join(f'{name} {now[name]}' for name in changed)}"
    if steps := of_other_code(warehouse, FLOW):
        yield f"other code of steps: {_listed(steps)}"


def _of_method(last: Mapping[str, Any], config: Config) -> Iterator[str]:
    changed = changed_values(json.loads(last["parameters"]), json.loads(config.parameters))
    other = [name for name in changed if "." in name]
    if other:
        yield f"other method values: {', '.join(other)}"
    elif changed:
        yield "other periods or countries"
