"""Scratch `work_runs`: the reports of downloads/ by week, each under its model's key or as written.

Names that are ids of models/ are found here, on the workers; all others are asked of
`silver/names.py` together, once per name. A run is what one task has read, as two Parquet files
with a row group per week: `found` (model_key, count) and `asked` (week as written, name, count).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.bronze.downloads import ended_before, usable_names
from opentrace_spark.config import as_of
from opentrace_spark.silver.names import known_ids, resolve_names
from opentrace_spark.silver.parents import unfound_names
from opentrace_spark.silver.row_groups import Batches, read_run, write_run
from opentrace_spark.silver.settle import FOUND
from opentrace_spark.sources.rows import map_rows
from opentrace_spark.steps import Context

_SCHEMA = pa.schema([("week", pa.date32()), ("id", pa.string()), ("count", pa.int64())])
RUNS = pa.schema(
    [
        ("week_start", pa.date32()),
        ("is_found", pa.bool_()),
        ("uri", pa.string()),
        ("row_group", pa.int32()),
        ("first_label", pa.date32()),
        ("last_label", pa.date32()),
        ("rows", pa.int64()),
    ]
)
_ASKED = pa.schema([("week", pa.date32()), ("name", pa.string()), ("count", pa.int64())])
_RUN_ROWS = 1 << 22
"""Rows that a task holds at once: each run looks its names up in a map of all ids, made anew."""


def build_runs(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per run, kind of file and week, as RUNS: which row group of which file is the week's.

    first_label and last_label are the dates under which the rows were reported, `rows` how many
    they are. Rows without a week, or with a count that is none, are in no run.
    """
    ids, folder = context.locations["work_names"], context.scratch

    is_over = ended_before(as_of(context.config))

    def index(rows: Batches) -> Iterator[pa.RecordBatch]:
        return _runs(map(_usable, map(is_over, rows)), ids, folder)

    return map_rows(context.spark, context.landing, "downloads", index, from_arrow_schema(RUNS))


def build_unfound(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_unfound`: the usable names of downloads/, and those of listed parents, that are
    no ids of models/, each once as `name`."""
    runs = inputs["work_runs"].where("not is_found")
    reported = usable_names(runs.mapInArrow(_names, "id string")).select(F.col("id").alias("name"))
    return reported.unionByName(unfound_names(inputs["work_listed"])).distinct()


def build_asked(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_asked`: `work_unfound` with what each name resolves to.

    Columns: name, model_id (null where unknown), resolution, model_key (of the name where unknown).
    """
    resolved = resolve_names(inputs["work_unfound"], inputs["work_names"], name="name")
    key = F.xxhash64(F.coalesce("model_id", "name"))
    return resolved.select("name", "model_id", "resolution", key.alias("model_key"))


def _names(batches: Batches) -> Iterator[pa.RecordBatch]:
    """The names that runs ask for, each once per run and week."""
    for run in (row for batch in batches for row in batch.to_pylist()):
        yield pa.RecordBatch.from_arrays([read_run(run)["name"].unique()], ["id"])


def _usable(rows: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with a week and a count, as _SCHEMA: only their names are left to be judged.
    `bronze/downloads.py` says what is wrong with the others."""
    is_count = pc.fill_null(pc.greater_equal(rows["count"], 0), False)
    is_usable = pc.and_(pc.is_valid(rows["week"]), is_count)
    reports = rows.select(_SCHEMA.names)
    return reports if pc.all(is_usable).as_py() else reports.filter(is_usable)


def _runs(batches: Batches, ids: str, folder: str) -> Iterator[pa.RecordBatch]:
    """Write runs of at most _RUN_ROWS and a batch; yields the rows of RUNS."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= _RUN_ROWS:
            yield _run(pa.Table.from_batches(held, _SCHEMA), ids, folder)
            held = []
    if held:
        yield _run(pa.Table.from_batches(held, _SCHEMA), ids, folder)


def _run(reports: pa.Table, ids: str, folder: str) -> pa.RecordBatch:
    known = known_ids(ids)
    places = pc.index_in(reports["id"], value_set=known.ids).combine_chunks()
    is_found = pc.is_valid(places)
    labels = reports["week"].combine_chunks()
    found = pa.table(
        {
            "week": labels.filter(is_found),
            "model_key": known.keys.take(places.filter(is_found)),
            "count": reports["count"].combine_chunks().filter(is_found),
        }
    )
    asked = reports.filter(pc.invert(is_found)).rename_columns(["week", "name", "count"])
    rows = _written(found, FOUND, f"{folder}/found") + _written(asked, _ASKED, f"{folder}/asked")
    return pa.RecordBatch.from_pylist(rows, schema=RUNS)


def _written(rows: pa.Table, schema: pa.Schema, folder: str) -> list[dict[str, Any]]:
    """Write a file with a row group per ISO week; returns what RUNS says of them."""
    days = rows["week"].to_numpy().astype("datetime64[D]").astype(np.int64)
    mondays = days - (days + 3) % 7  # 1970-01-01 was a Thursday
    said: list[dict[str, Any]] = []
    weeks = write_run(rows, mondays, schema, folder, compression="lz4", use_dictionary=False)
    for week_start, week, place in weeks:
        labels = pc.min_max(week["week"]).as_py()
        said.append(
            {
                "week_start": week_start,
                "is_found": schema is FOUND,
                "first_label": labels["min"],
                "last_label": labels["max"],
                **place,
            }
        )
    return said
