"""Rows of two tables, matched by key and compared cell by cell.

Exact: null equals null alone, and doubles are compared bit by bit (NaN equals NaN). A part of the
tables is in memory at a time: a week of a table that is partitioned, else rows of a like hash.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from opentrace_spark.io import Snapshot
from opentrace_spark.tables import TableSpec

NOT_COMPARED = ("parameters", "run_id", "processed_at")
"""Columns that say which run wrote a row, and with which values."""

_ROWS_AT_ONCE = 100_000
_ROWS_READ_AT_ONCE = 16_384


class UnmatchedError(Exception):
    """The rows of two tables can't be told apart by the key."""


@dataclass(frozen=True)
class Part:
    """A part of two tables: row i of `a` and of `b` have the same key.

    `unequal` says for each column whether the cells of row i differ. `only_a` and `only_b` are the
    rows of which the other table has none, key columns only.
    """

    a: pa.Table
    b: pa.Table
    unequal: dict[str, np.ndarray]
    only_a: pa.Table
    only_b: pa.Table


@dataclass
class TableDiff:
    """How many rows of two tables differ, and in how many rows each column does.

    `lacking` are sentences on columns that can't be compared; with `matched` false no row was.
    """

    lacking: tuple[str, ...] = ()
    matched: bool = True
    only_a: int = 0
    only_b: int = 0
    changed: int = 0
    same: int = 0
    columns: Counter[str] = field(default_factory=Counter)

    @property
    def is_identical(self) -> bool:
        """Whether the tables hold the same columns, rows and cells."""
        return self.matched and not (self.lacking or self.only_a or self.only_b or self.changed)

    def add(self, part: Part) -> None:
        """Count what differs in a part of the tables."""
        changed = int(
            np.logical_or.reduce([*part.unequal.values(), np.zeros(len(part.a), bool)]).sum()
        )
        self.changed += changed
        self.same += len(part.a) - changed
        self.only_a += len(part.only_a)
        self.only_b += len(part.only_b)
        self.columns.update({name: int(mask.sum()) for name, mask in part.unequal.items()})


def compare(
    a: Snapshot, b: Snapshot, spec: TableSpec, watchers: Sequence[Callable[[Part], None]]
) -> TableDiff:
    """Compare a table that both sides have; `watchers` are given each part on the way."""
    try:
        columns, lacking = _shared_columns(a, b, spec)
        diff = TableDiff(lacking)
        for part in matched_parts(a, b, spec, columns):
            diff.add(part)
            for watch in watchers:
                watch(part)
    except UnmatchedError as reason:
        return TableDiff((str(reason),), matched=False)
    return diff


def _shared_columns(a: Snapshot, b: Snapshot, spec: TableSpec) -> tuple[list[str], tuple[str, ...]]:
    """The columns to compare, in the order of A, and sentences on those that only one table has.

    Raises UnmatchedError where a key column is not among them.
    """
    ours, theirs = a.dataset.schema, b.dataset.schema
    types = {
        name: (ours.field(name).type, theirs.field(name).type)
        for name in ours.names
        if name in theirs.names
    }
    alone = {
        "A": [name for name in ours.names if name not in types],
        "B": [name for name in theirs.names if name not in types],
    }
    lacking = [f"only in {side}: {', '.join(names)}" for side, names in alone.items() if names]
    lacking += [
        f"{n} is {one} in A, {other} in B" for n, (one, other) in types.items() if one != other
    ]
    shared = [n for n, (one, other) in types.items() if one == other and n not in NOT_COMPARED]
    if not set(spec.key) <= set(shared):
        raise UnmatchedError(f"the key differs; {'; '.join(lacking)}")
    return shared, tuple(lacking)


def matched_parts(a: Snapshot, b: Snapshot, spec: TableSpec, columns: list[str]) -> Iterator[Part]:
    """The tables part by part, each with its rows matched and compared.

    Raises UnmatchedError where rows of a table share a key.
    """
    for one, other in _parts(a, b, spec, columns):
        ours, theirs = _ids(one, other, spec.key)
        place = theirs.get_indexer(ours)
        found = place >= 0
        lone = np.ones(len(theirs), bool)
        lone[place[found]] = False
        left, right = one.filter(pa.array(found)), other.take(pa.array(place[found]))
        yield Part(
            left,
            right,
            {n: _unequal(left[n], right[n]) for n in columns if n not in spec.key},
            one.select(spec.key).filter(pa.array(~found)),
            other.select(spec.key).filter(pa.array(lone)),
        )


def _parts(
    a: Snapshot, b: Snapshot, spec: TableSpec, columns: list[str]
) -> Iterator[tuple[pa.Table, pa.Table]]:
    by = spec.partitioned_by[0] if spec.partitioned_by else ""
    if by and by in a.partitioned_by and by in b.partitioned_by:
        values = _partition_values(a, by) | _partition_values(b, by)
        for value in sorted(values, key=lambda value: (value is None, value)):
            where = ds.field(by).is_null() if value is None else ds.field(by) == value
            yield tuple(side.dataset.to_table(columns=columns, filter=where) for side in (a, b))
        return
    sides = (a.dataset, b.dataset)
    buckets = math.ceil(max(dataset.count_rows() for dataset in sides) / _ROWS_AT_ONCE)
    if buckets <= 1:
        yield tuple(dataset.to_table(columns=columns) for dataset in sides)
        return
    with tempfile.TemporaryDirectory(prefix="opentrace-diff-") as folder:
        for name, dataset in zip("ab", sides, strict=True):
            _spill(dataset, columns, spec.key, f"{folder}/{name}", buckets)
        for bucket in range(buckets):
            yield tuple(_spilled(f"{folder}/{name}{bucket}") for name in "ab")


def _partition_values(table: Snapshot, by: str) -> set[object]:
    fragments = table.dataset.get_fragments()
    return {ds.get_partition_keys(fragment.partition_expression)[by] for fragment in fragments}


def _spill(
    dataset: ds.Dataset, columns: list[str], key: Sequence[str], path: str, buckets: int
) -> None:
    """Write the rows to `buckets` files, those with the same key to the same."""
    schema = pa.schema([dataset.schema.field(name) for name in columns])
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    batches = dataset.to_batches(
        columns=columns, batch_size=_ROWS_READ_AT_ONCE, batch_readahead=1, fragment_readahead=1
    )
    with ExitStack() as open_files:
        sinks = [
            open_files.enter_context(pa.ipc.new_file(f"{path}{bucket}", schema, options=options))
            for bucket in range(buckets)
        ]
        for batch in batches:
            places = _hashes(batch, key) % buckets
            order = np.argsort(places, kind="stable")
            ends = np.searchsorted(places[order], np.arange(buckets + 1))
            batch = batch.take(pa.array(order))
            for bucket, sink in enumerate(sinks):
                sink.write(batch.slice(ends[bucket], ends[bucket + 1] - ends[bucket]))


def _spilled(path: str) -> pa.Table:
    with pa.memory_map(path) as file:
        return pa.ipc.open_file(file).read_all()


def _hashes(rows: pa.RecordBatch, key: Sequence[str]) -> np.ndarray:
    """A number for each row, the same for the same key in any batch and table."""
    hashes = np.zeros(len(rows), np.uint64)
    for name in key:
        texts = pc.fill_null(pc.cast(rows[name], pa.string()), "")
        column = pd.util.hash_array(texts.to_numpy(zero_copy_only=False), categorize=False)
        hashes = hashes * np.uint64(31) + column
    return hashes


def _ids(a: pa.Table, b: pa.Table, key: Sequence[str]) -> tuple[pd.Index, pd.Index]:
    """A number for each row of both tables, the same for the same key; null is a value."""
    ids = np.zeros(len(a) + len(b), np.int64)
    for name in key:
        chunks = [*a[name].chunks, *b[name].chunks]
        cells = pa.chunked_array(chunks, type=a.schema.field(name).type).combine_chunks()
        codes = cells.dictionary_encode(null_encoding="encode")
        ids = ids * len(codes.dictionary) + codes.indices.to_numpy()
        ids = pd.factorize(ids)[0]  # small numbers again: products must fit 64 bits
    ours, theirs = pd.Index(ids[: len(a)]), pd.Index(ids[len(a) :])
    for side, found in (("A", ours), ("B", theirs)):
        if not found.is_unique:
            raise UnmatchedError(f"rows of {side} share a key ({', '.join(key)})")
    return ours, theirs


def _unequal(a: pa.ChunkedArray, b: pa.ChunkedArray) -> np.ndarray:
    """Whether the cells of two columns of one type differ, row by row."""
    return _differ(a.combine_chunks(), b.combine_chunks())


def _differ(a: pa.Array, b: pa.Array) -> np.ndarray:
    if pa.types.is_list(a.type):
        differ = _differ(pc.list_value_length(a), pc.list_value_length(b))
        alike = np.flatnonzero(~differ)
        left, right = a.take(pa.array(alike)), b.take(pa.array(alike))
        items = _differ(left.flatten(), right.flatten())
        differ[alike[pc.list_parent_indices(left).to_numpy()[items]]] = True
        return differ
    if pa.types.is_floating(a.type):
        a, b = (pc.if_else(pc.is_nan(cells), math.nan, cells).view(pa.int64()) for cells in (a, b))
    equal = pc.fill_null(pc.equal(a, b), False)
    alike = pc.or_(equal, pc.and_(pc.is_null(a), pc.is_null(b)))
    return ~alike.to_numpy(zero_copy_only=False)
