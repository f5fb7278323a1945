"""Scratch files with a row group per week or bucket, and rows that say where each of them is.

Tasks read the landing file by file; later ones need all rows of a week or of a model together. So a
task writes what it has read as a run, a file that is sorted by what the later tasks are shared out
by; each of those reads the row groups of its own, and holds no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opentrace_spark.locations import filesystem_of
from opentrace_spark.metrics.exact import Integers, starts_of_runs

Batches = Iterable[pa.RecordBatch]


def write_run(
    rows: pa.Table, keys: Integers, schema: pa.Schema, folder: str, **encoding: Any
) -> list[tuple[int, pa.Table, dict[str, Any]]]:
    """Write a new file with a row group per key, ascending; no file where there are no rows.

    Of each row group: its key, its rows, in their order, and where it is (uri, row_group, and how
    many rows). `keys` has that of each row, `schema` the columns to be written; `encoding` is what
    pyarrow's writer is to do with them.
    """
    if not len(rows):
        return []
    if (np.diff(keys) < 0).any():
        order = np.argsort(keys, kind="stable")
        rows, keys = rows.take(pa.array(order)), keys[order]
    starts = starts_of_runs(keys).tolist()
    # A name of its own for each attempt: what a killed task leaves behind is in no row.
    uri = f"{folder}/part-{uuid4()}.parquet"
    filesystem, path = filesystem_of(uri)
    filesystem.create_dir(path.rpartition("/")[0])
    written: list[tuple[int, pa.Table, dict[str, Any]]] = []
    with (
        filesystem.open_output_stream(path) as sink,
        pq.ParquetWriter(sink, schema, store_schema=False, **encoding) as writer,
    ):
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(rows)], strict=True)):
            group = rows.slice(start, end - start)
            writer.write_table(group.select(schema.names), row_group_size=len(group))
            place = {"uri": uri, "row_group": number, "rows": len(group)}
            written.append((int(keys[start]), group, place))
    return written


def read_run(run: Mapping[str, Any], columns: list[str] | None = None) -> pa.Table:
    """The rows of a row group, for functions on workers: `run` says where it is."""
    filesystem, path = filesystem_of(run["uri"])
    with filesystem.open_input_file(path) as source:
        return pq.ParquetFile(source).read_row_group(run["row_group"], columns, use_threads=False)


def runs_by(key: str, batches: Batches) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """The rows that say where row groups are, those of a week or bucket together, ascending."""
    runs_of = defaultdict(list)
    for run in (row for batch in batches for row in batch.to_pylist()):
        runs_of[run[key]].append(run)
    yield from sorted(runs_of.items())
