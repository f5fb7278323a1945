"""Compares the core tables of a warehouse with those of `duckdb_program.py`, cell by cell.

    python benchmarks/compare.py WAREHOUSE OUT

Integers, texts, booleans, dates and keys must be equal, fractions equal to 1e-12 of their size (or
to 1e-15). What `--rules clean` does not write is not compared. Prints per table the rows, the cells
compared and the differences with the first few of them; the exit status is 1 where anything
differs.

The warehouse is read through its Delta logs, so files that a later version removed do not count.
Weekly counts are compared week by week, which bounds the memory whatever the history.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from opentrace_spark.errors import UsageError
from opentrace_spark.io import Warehouse
from opentrace_spark.tables import (
    GOLD_CONCENTRATION,
    GOLD_USAGE_SHARES,
    GOLD_WEEKS,
    SILVER_LINEAGE,
    SILVER_MODEL_WEEKS,
    SILVER_REJECTS,
    Column,
    TableSpec,
)

_RELATIVE, _ABSOLUTE = 1e-12, 1e-15
_SHOWN = 5

_NOT_COMPARED = {
    # hashes, which say nothing of the figures
    *("model_key", "root_key"),
    # families are compared by their members: each program names them after another one
    *("family_id", "family_key"),
    *("parameters", "run_id", "processed_at"),
}
"""Columns of the warehouse that the program does not compute, or in its own way."""


@dataclass
class Outcome:
    """What the comparison of one table found; `shown` are the first differences, as text."""

    table: str
    rows: int
    program_rows: int
    cells: int = 0
    differences: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, part: Outcome) -> None:
        """Take in the outcome of a part of the same table."""
        self.rows += part.rows
        self.program_rows += part.program_rows
        self.cells += part.cells
        self.differences += part.differences
        self.shown = (self.shown + part.shown)[:_SHOWN]

    def __str__(self) -> str:
        rows = f"{self.rows:,} rows"
        if self.rows != self.program_rows:
            rows += f" (the program has {self.program_rows:,})"
        head = f"{self.table}: {rows}, {self.cells:,} cells, {self.differences:,} differences"
        return "\n".join([head, *(f"  {line}" for line in self.shown)])


class Comparison:
    """A warehouse and a folder of the program's tables, side by side in one DuckDB database."""

    def __init__(self, warehouse: Path, out: Path, temp: str) -> None:
        self.warehouse = Warehouse(str(warehouse))
        self.out = out
        # What Arrow holds beside it comes on top.
        self.database = duckdb.connect(config={"memory_limit": "4GB", "temp_directory": temp})

    def outcomes(self) -> list[Outcome]:
        """The outcome of every table, and of the families."""
        whole = [GOLD_WEEKS, GOLD_USAGE_SHARES, GOLD_CONCENTRATION]
        if self._path(SILVER_REJECTS).exists():
            whole.insert(0, SILVER_REJECTS)
        return [
            self._table(SILVER_LINEAGE),
            self._families(),
            self._model_weeks(),
            *map(self._table, whole),
        ]

    def _table(self, spec: TableSpec) -> Outcome:
        columns = self._columns(spec)
        self._load(spec, [c.name for c in columns])
        values = {c.name: c.type for c in columns if c.name not in spec.key}
        return self._joined(spec.path, spec.key, values)

    def _load(self, spec: TableSpec, columns: list[str]) -> None:
        """Bring in `theirs`, rows of the warehouse, and `ours`, those of the program."""
        self.database.register("theirs", self.warehouse.read(spec, columns))
        self._keep("ours", f"SELECT {', '.join(columns)} FROM {self._program(spec)}")

    def _keep(self, name: str, query: str) -> None:
        self.database.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def _columns(self, spec: TableSpec) -> list[Column]:
        """The columns that both have, and whose values can be compared."""
        described = self._rows(f"DESCRIBE FROM {self._program(spec)}")
        written = {name for name, *_ in described} - _NOT_COMPARED
        return [column for column in spec.columns if column.name in written]

    def _path(self, spec: TableSpec) -> Path:
        return self.out / f"{spec.id}.parquet"

    def _program(self, spec: TableSpec) -> str:
        path = str(self._path(spec)).replace("'", "''")
        return f"read_parquet('{path}')"

    def _joined(self, table: str, key: tuple[str, ...], values: dict[str, str]) -> Outcome:
        """Compare `theirs` and `ours`, whose rows meet by `key`; `values` is column -> type."""
        outcome = Outcome(table, self._number("FROM theirs"), self._number("FROM ours"))
        for side, other, owner in (("theirs", "ours", "warehouse"), ("ours", "theirs", "program")):
            keys = ", ".join(f"{side}.{name}" for name in key)
            repeated = f"FROM {side} GROUP BY {keys} HAVING count(*) > 1"
            alone = f"FROM {side} ANTI JOIN {other} ON {_same(key)}"
            for what, rows in (("several rows", repeated), ("only", alone)):
                count = self._number(f"FROM (SELECT {keys} {rows})")
                outcome.differences += count
                for row in self._first(f"SELECT {keys} {rows} ORDER BY ALL", count):
                    outcome.shown.append(f"{_described(key, row)}: {what} in the {owner}")
        met = f"FROM theirs JOIN ours ON {_same(key)}"
        differs = {name: _differs(name, type_) for name, type_ in values.items()}
        counted = ", ".join(f"count_if({condition})" for condition in differs.values())
        [(rows_met, *counts)] = self._rows(f"SELECT count(*), {counted} {met}")
        outcome.cells = rows_met * (len(key) + len(values))
        keys = ", ".join(f"theirs.{name}" for name in key)
        for (name, condition), count in zip(differs.items(), counts, strict=True):
            outcome.differences += count
            query = (
                f"SELECT {keys}, theirs.{name}, ours.{name} {met} WHERE {condition} ORDER BY ALL"
            )
            for row in self._first(query, count):
                outcome.shown.append(
                    f"{_described(key, row)}: {name} is {row[-2]!r}, the program has {row[-1]!r}"
                )
        return outcome

    def _families(self) -> Outcome:
        """Both must put the same models together, under whatever name."""
        self._load(SILVER_LINEAGE, ["model_id", "family_id"])
        self._keep(
            "pairs",
            "SELECT DISTINCT theirs.family_id AS theirs, ours.family_id AS ours "
            "FROM theirs JOIN ours USING (model_id)",
        )
        rows = self._number("FROM theirs")
        table = f"{SILVER_LINEAGE.path}, families"
        outcome = Outcome(table, rows, self._number("FROM ours"), cells=rows)
        for side, other, owner in (("theirs", "ours", "program"), ("ours", "theirs", "warehouse")):
            torn = f"SELECT {side}, min({other}), max({other}) FROM pairs GROUP BY {side}"
            torn += " HAVING count(*) > 1"
            count = self._number(f"FROM ({torn})")
            outcome.differences += count
            for name, one, another in self._first(f"{torn} ORDER BY ALL", count):
                outcome.shown.append(f"{name} is one family, in the {owner} {one} and {another}")
        return outcome

    def _model_weeks(self) -> Outcome:
        """Week by week, by the warehouse's keys: there a week is a partition with its own files."""
        spec = SILVER_MODEL_WEEKS
        names = self.warehouse.read(SILVER_LINEAGE, ["model_id", "model_key"])
        self.database.register("names", names)
        self._keep(
            "keys",
            f"SELECT model, model_key FROM {self._program(SILVER_LINEAGE)} "
            "JOIN names USING (model_id)",
        )
        days = set(self.warehouse.read(spec, ["week_start"])["week_start"].unique().to_pylist())
        program_days = f"SELECT DISTINCT week_start FROM {self._program(spec)}"
        days |= {day for (day,) in self._rows(program_days)}
        values = {c.name: c.type for c in self._columns(spec) if c.name not in spec.key}
        columns = [*spec.key, *values]
        total = Outcome(spec.path, 0, 0)
        for day in sorted(days):
            rows = self.warehouse.read(spec, columns, [("week_start", "=", day)])
            self.database.register("theirs", rows)
            self._keep(
                "ours",
                # A model that the warehouse lacks gets a number that hashes practically never are.
                "SELECT coalesce(model_key, -1 - model) AS model_key, * EXCLUDE (model_key) "
                f"FROM {self._program(spec)} LEFT JOIN keys USING (model) "
                f"WHERE week_start = DATE '{day}'",
            )
            total.add(self._joined(spec.path, spec.key, values))
        return total

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.execute(query).fetchall()

    def _number(self, rows: str) -> int:
        [(count,)] = self._rows(f"SELECT count(*) {rows}")
        return int(count)

    def _first(self, query: str, count: int) -> list[tuple[Any, ...]]:
        """The first rows of a query that has `count`; a query without rows is not run."""
        return self._rows(f"{query} LIMIT {_SHOWN}") if count else []


def _same(key: tuple[str, ...]) -> str:
    return " AND ".join(f"theirs.{name} IS NOT DISTINCT FROM ours.{name}" for name in key)


def _differs(name: str, type_: str) -> str:
    theirs, ours = f"theirs.{name}", f"ours.{name}"
    if type_ != "double":
        return f"{theirs} IS DISTINCT FROM {ours}"
    allowed = f"greatest({_ABSOLUTE}, {_RELATIVE} * abs({theirs}))"
    near = f"coalesce(abs({theirs} - {ours}) <= {allowed}, {theirs} IS NULL AND {ours} IS NULL)"
    return f"NOT {near}"


def _described(key: tuple[str, ...], row: tuple[Any, ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(key, row, strict=False))


def main() -> int:
    """Compare the tables named on the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Compare a warehouse with the DuckDB program.")
    parser.add_argument("warehouse", type=Path, help="warehouse of `opentrace run --only core`")
    parser.add_argument("out", type=Path, help="output folder of duckdb_program.py")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as temp:
            outcomes = Comparison(arguments.warehouse, arguments.out, temp).outcomes()
    except (LookupError, UsageError, duckdb.IOException) as error:
        print(error, file=sys.stderr)
        return 2
    for outcome in outcomes:
        print(outcome)
    differences = sum(outcome.differences for outcome in outcomes)
    print(f"{differences:,} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
