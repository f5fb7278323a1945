"""Every difference as Parquet: a file for each table that differs."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opentrace_spark.publish.diff.rows import Part
from opentrace_spark.tables import TableSpec

CHANGED, ONLY_A, ONLY_B = "changed", "only in A", "only in B"
"""Words of the column `difference`."""


class Record:
    """Writes `<folder>/<table>.parquet`, no file for a table without differences.

    One row for each cell that differs: the key columns, `difference` (changed), `column`, `value_a`
    and `value_b` as text (lists as JSON; null is null). A row that one table lacks is one row, its
    `difference` says which has it, and the last three are null. Sorted by the key within each part
    of the table that is in memory at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._open = ExitStack()

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, spec: TableSpec, part: Part) -> None:
        """Write what differs in a part of a table."""
        key = list(spec.key)
        rows = [_lone(part.only_a, ONLY_A), _lone(part.only_b, ONLY_B)]
        rows += [_changed(part, key, name) for name in part.unequal]
        found = pa.concat_tables(rows)
        if not len(found):
            return
        if spec.id not in self._writers:
            path = self._folder / f"{spec.id}.parquet"
            writer = pq.ParquetWriter(path, found.schema)
            self._writers[spec.id] = self._open.enter_context(writer)
        order = [(name, "ascending") for name in [*key, "column"]]
        self._writers[spec.id].write_table(found.take(pc.sort_indices(found, order)))


def _lone(keys: pa.Table, side: str) -> pa.Table:
    nothing = pa.nulls(len(keys), pa.string())
    return _with_columns(keys, side, nothing, nothing, nothing)


def _changed(part: Part, key: list[str], name: str) -> pa.Table:
    places = pa.array(np.flatnonzero(part.unequal[name]))
    column = pa.repeat(pa.scalar(name), len(places))
    values = [_text(table[name].take(places)) for table in (part.a, part.b)]
    return _with_columns(part.a.select(key).take(places), CHANGED, column, *values)


def _with_columns(
    keys: pa.Table, difference: str, column: pa.Array, value_a: pa.Array, value_b: pa.Array
) -> pa.Table:
    added = {
        "difference": pa.repeat(pa.scalar(difference), len(keys)),
        "column": column,
        "value_a": value_a,
        "value_b": value_b,
    }
    for name, values in added.items():
        keys = keys.append_column(name, values)
    return keys


def _text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells as text; a double to its last digit, a list as JSON."""
    if not pa.types.is_list(cells.type):
        return pc.cast(cells, pa.string())
    lists = (
        None if items is None else json.dumps(items, ensure_ascii=False)
        for items in cells.to_pylist()
    )
    return pa.chunked_array([pa.array(lists, pa.string())])
