"""Builds the tables aside, holds them to their keys, and makes them the next Delta versions."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import FileType

from opentrace_spark.bi_tables import (
    BI_TABLES,
    DIM_MODEL,
    FACT_CONCENTRATION,
    FACTS,
    FOREIGN_KEYS,
    LATEST_CONCENTRATION,
    LATEST_SHARES,
)
from opentrace_spark.errors import CheckError, ContentError
from opentrace_spark.io import WORK, StoredFile, Warehouse
from opentrace_spark.locations import first_line
from opentrace_spark.publish.bi.dimensions import arrow_schema, dimensions
from opentrace_spark.publish.bi.facts import (
    concentration_facts,
    latest_concentration,
    latest_shares,
    usage_facts,
)
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import TableSpec


def write_bi(warehouse: Warehouse) -> dict[str, int]:
    """Write every table of BI_TABLES; returns their rows by path, nothing where all are of the
    last run already.

    Every key is unique and every foreign key is there before the first table changes. Raises
    UsageError for a warehouse without the tables, or in use; CheckError where a rule is broken;
    ContentError where something can't be read or written.
    """
    with _plain_errors(warehouse), warehouse.lock():
        warehouse.check_version(BI_TABLES)
        source = Source(warehouse)
        if _are_of(warehouse, source.run["run_id"]):
            return {}
        folder = f"{WORK}/bi"
        _remove(warehouse, folder)
        try:
            stored = _stored(warehouse, source, folder)
            for spec, file in stored.items():
                warehouse.commit(spec, f"{folder}/{spec.name}", [file], source.run["run_id"])
        finally:
            _remove(warehouse, folder)
        return {spec.path: file.rows for spec, file in stored.items()}


def _are_of(warehouse: Warehouse, run_id: str) -> bool:
    """Whether every table is there and of this run; the last one is committed last."""
    if any(warehouse.table(spec) is None for spec in BI_TABLES):
        return False
    return warehouse.read(BI_TABLES[-1], ["run_id"])["run_id"].unique().to_pylist() == [run_id]


def _stored(warehouse: Warehouse, source: Source, folder: str) -> dict[TableSpec, StoredFile]:
    """Every table as a file below the scratch folder, in the order of BI_TABLES."""
    latest = source.week(None)["week_start"]
    made = dimensions(source, latest)
    concentration = concentration_facts(source)
    made[FACT_CONCENTRATION] = concentration
    made[LATEST_SHARES] = latest_shares(source, latest, made)
    made[LATEST_CONCENTRATION] = latest_concentration(source, latest, concentration)
    for spec, rows in made.items():
        check_rows(spec, rows, made)
    files = {}
    for spec, rows in made.items():
        with _writer(warehouse, spec, folder) as (writer, path):
            writer.write_table(rows)
        files[spec] = _file(warehouse, path, len(rows))
    files |= _stored_facts(warehouse, source, folder, made)
    return {spec: files[spec] for spec in BI_TABLES}


def _stored_facts(
    warehouse: Warehouse, source: Source, folder: str, made: Mapping[TableSpec, pa.Table]
) -> dict[TableSpec, StoredFile]:
    rows = dict.fromkeys(FACTS.values(), 0)
    with ExitStack() as stack:
        writers = {
            spec: stack.enter_context(_writer(warehouse, spec, folder)) for spec in FACTS.values()
        }
        for weeks in usage_facts(source, made[DIM_MODEL]):
            for spec, of_weeks in weeks.items():
                check_rows(spec, of_weeks, made)
                rows[spec] += len(of_weeks)
                writers[spec][0].write_table(of_weeks)
    return {spec: _file(warehouse, path, rows[spec]) for spec, (_, path) in writers.items()}


def check_rows(spec: TableSpec, rows: pa.Table, made: Mapping[TableSpec, pa.Table]) -> None:
    """Raise CheckError where a key is there twice, a required value is null, or a foreign key is
    not in its table; of a fact, `rows` are those of whole weeks."""
    required = [column.name for column in spec.columns if not column.nullable]
    empty = [name for name in required if rows[name].null_count]
    if empty:
        raise CheckError(f"nothing was published: {spec.path} has rows without {empty[0]}")
    keys = rows.group_by(list(spec.key)).aggregate([([], "count_all")])
    if len(keys) != len(rows):
        row = keys.filter(pc.greater(keys["count_all"], 1)).select(spec.key).slice(0, 1).to_pylist()
        raise CheckError(f"nothing was published: {spec.path} has several rows of {row[0]}")
    for column, other in FOREIGN_KEYS.get(spec, {}).items():
        (key,) = other.key
        known = made[other][key].combine_chunks()
        values = rows[column].unique().drop_null()
        absent = values.filter(pc.invert(pc.is_in(values, value_set=known)))
        if len(absent):
            raise CheckError(
                f"nothing was published: {spec.path}: {column} {absent[0]} is not in {other.path}"
            )


@contextmanager
def _writer(
    warehouse: Warehouse, spec: TableSpec, folder: str
) -> Iterator[tuple[pq.ParquetWriter, PurePosixPath]]:
    """A new Parquet file of a table, and its path below the warehouse."""
    path = PurePosixPath(folder, spec.name, f"part-{uuid4()}.parquet")
    warehouse.filesystem.create_dir(f"{warehouse.path}/{path.parent}")
    with (
        warehouse.filesystem.open_output_stream(f"{warehouse.path}/{path}") as sink,
        pq.ParquetWriter(sink, arrow_schema(spec), store_schema=False) as writer,
    ):
        yield writer, path


def _file(warehouse: Warehouse, path: PurePosixPath, rows: int) -> StoredFile:
    info = warehouse.filesystem.get_file_info(f"{warehouse.path}/{path}")
    return StoredFile(path.name, info.size, (info.mtime_ns or 0) // 1_000_000, rows)


def _remove(warehouse: Warehouse, folder: str) -> None:
    place = f"{warehouse.path}/{folder}"
    if warehouse.filesystem.get_file_info(place).type == FileType.Directory:
        warehouse.filesystem.delete_dir(place)


@contextmanager
def _plain_errors(warehouse: Warehouse) -> Iterator[None]:
    """Say in a sentence what is wrong with tables that can't be read or written."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise ContentError(
                f"no room is left in {warehouse.location}; free some, and run opentrace bi again"
            ) from error
        raise ContentError(
            f"warehouse {warehouse.location}: {first_line(error)}; run the same build again"
        ) from error
