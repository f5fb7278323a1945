"""The two warehouses of a comparison, each opened once: what is committed later is not seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyarrow.dataset import Expression

from opentrace_spark.errors import UsageError
from opentrace_spark.history import last_of, strays
from opentrace_spark.io import Snapshot, Warehouse
from opentrace_spark.tables import GOLD_RUNS, TABLES, TableSpec

COMPARED = tuple(spec for spec in TABLES if spec != GOLD_RUNS)
"""Tables whose rows are compared; gold/runs is about the runs and differs between any two."""


@dataclass(frozen=True)
class Side:
    """A warehouse: its name in the comparison (A or B), its tables by id, and its last run."""

    name: str
    location: str
    tables: dict[str, Snapshot]
    run: dict[str, Any] | None

    def __getitem__(self, spec: TableSpec) -> Snapshot:
        return self.tables[spec.id]

    def __contains__(self, spec: TableSpec) -> bool:
        return spec.id in self.tables

    def lacks(self, spec: TableSpec, columns: Sequence[str]) -> str:
        """What of a table with these columns is not there, in words; empty where all is."""
        if spec not in self:
            return f"{spec.path} is not in {self.name}"
        absent = [name for name in columns if name not in self[spec].dataset.schema.names]
        return f"{spec.path} in {self.name} has no {', '.join(absent)}" if absent else ""

    def rows(
        self, spec: TableSpec, columns: Sequence[str], where: Expression | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a table that is there, for small answers; columns that it lacks are null."""
        dataset = self[spec].dataset
        have = [name for name in columns if name in dataset.schema.names]
        rows: list[dict[str, Any]] = dataset.to_table(columns=have, filter=where).to_pylist()
        return [dict.fromkeys(columns) | row for row in rows]

    def of_run(self, name: str) -> Any:
        """A column of the last run that holds JSON; an empty object where there is none."""
        return json.loads((self.run or {}).get(name) or "{}")

    @property
    def layouts(self) -> set[int | None]:
        """Versions of the layout that its tables have; one, unless somebody mixed them."""
        return {self[spec].layout for spec in TABLES if spec in self}

    @property
    def apart(self) -> Iterator[str]:
        """Sentences on tables that are there but not as the last run committed them."""
        versions = {spec.path: self[spec].version if spec in self else None for spec in COMPARED}
        for sentence in strays(self.of_run("table_versions"), versions) if self.run else ():
            if versions[sentence.split(" ", 1)[0]] is not None:
                yield sentence


def open_side(name: str, location: str) -> Side:
    """Open every table of a warehouse. Raises UsageError where there is none."""
    warehouse = Warehouse(location)
    found = {spec.id: warehouse.snapshot(spec) for spec in TABLES}
    tables = {id_: snapshot for id_, snapshot in found.items() if snapshot is not None}
    if not tables:
        raise UsageError(
            f"WAREHOUSE_{name} {location}: no table of opentrace lies there; name the folder that "
            "`opentrace run --warehouse` wrote"
        )
    runs = tables.get(GOLD_RUNS.id)
    run = None if runs is None else last_of(runs.dataset.to_table().to_pylist())
    return Side(name, warehouse.location, tables, run)
