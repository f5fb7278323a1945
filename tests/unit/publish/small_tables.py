"""Small Delta tables in warehouses of a test, written by deltalake alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, Transaction, write_deltalake

from opentrace_spark.io import Snapshot, Warehouse
from opentrace_spark.tables import TABLES_VERSION, TableSpec

TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "array<string>": pa.list_(pa.string()),
}
Rows = Sequence[dict[str, Any]]


def write_table(
    warehouse: Path,
    spec: TableSpec,
    rows: Rows,
    *,
    columns: dict[str, str] | None = None,
    files: int = 1,
    layout: int = TABLES_VERSION,
    partition_by: Sequence[str] | None = None,
) -> None:
    """Write rows with the columns that the first one has; `columns` gives others than the spec's
    type. The rows are spread over `files` files."""
    types = {column.name: column.type for column in spec.columns} | (columns or {})
    names = list(rows[0]) if rows else list(types)
    schema = pa.schema([pa.field(name, TYPES[types[name]]) for name in names])
    by = spec.partitioned_by if partition_by is None else partition_by
    for place in range(files):
        write_deltalake(
            warehouse / spec.path,
            pa.Table.from_pylist(list(rows[place::files]), schema=schema),
            partition_by=list(by) or None,
            mode="append" if place else "overwrite",
            commit_properties=CommitProperties(
                app_transactions=[Transaction("opentrace-spark/tables", layout)]
            ),
        )


def snapshot(warehouse: Path, spec: TableSpec) -> Snapshot:
    found = Warehouse(str(warehouse)).snapshot(spec)
    assert found is not None
    return found
