"""The only writes: build a table aside as Parquet, then make it a table's next Delta version.

A run stores every frame below `<warehouse>/_work/<run>/`, checks it there, and commits at the end:
the finished files move to the table's folder and one Delta transaction makes them the table. So
nothing that a reader sees changes before everything is right, and the commits take no second pass
over the data.
"""

from __future__ import annotations

import errno
import fcntl
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    Transaction,
    create_table_with_add_actions,
)
from pyarrow import dataset
from pyarrow.dataset import Dataset
from pyarrow.fs import FileSystem, FileType, LocalFileSystem, SubTreeFileSystem
from pyspark.sql import DataFrame, SparkSession, functions as F, types as T
from pyspark.sql.pandas.types import to_arrow_schema

from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import filesystem_of, first_line, local_path, spark_uri
from opentrace_spark.tables import RETENTION_DAYS, TABLES_VERSION, TableSpec

WORK = "_work"
_LAYOUT = "opentrace-spark/tables"
"""Application id under which each table's log keeps the version of its layout: the one durable
place for it, since Delta takes no properties that it does not know."""
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
"""Folder name that Spark gives a null partition value."""

_UPKEEP = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")
"""Operations of Delta's log after which a table has the rows that it had before."""
_UPKEEP_COMMITS = 10
"""So many in a row are looked through: each is a file of the log to be read."""

_OF_ACTIONS = ("path", "size_bytes", "modification_time", "num_records")
"""A StoredFile in the words of Delta's log."""

_NOT_IN_DELTA = "[]|^\\%"
"""Characters that deltalake takes for something else in a path."""

_TYPES: dict[str, T.DataType] = {
    "string": T.StringType(),
    "boolean": T.BooleanType(),
    "int": T.IntegerType(),
    "bigint": T.LongType(),
    "double": T.DoubleType(),
    "date": T.DateType(),
    "timestamp": T.TimestampType(),
    "array<string>": T.ArrayType(T.StringType()),
}


@dataclass(frozen=True)
class StoredFile:
    """A Parquet file of a stored table: path below the table's folder, bytes, ms, rows."""

    path: str
    size: int
    modified: int
    rows: int


@dataclass(frozen=True)
class Snapshot:
    """A table as it was when it was opened: what is committed later changes nothing in it.

    `version` is that of `content_version`; `layout` is the version of the tables' layout, None
    where another program wrote the table.
    """

    version: int
    layout: int | None
    partitioned_by: tuple[str, ...]
    dataset: Dataset


class Warehouse:
    """The folder that holds the Delta tables and, during a run, its scratch.

    `location` is a local path or a URI that pyarrow's file systems and Delta know. Raises
    UsageError where it is a file, or cannot be made.
    """

    def __init__(self, location: str) -> None:
        path = local_path(location)
        self.location = location.rstrip("/") if path is None else path
        wrong = [character for character in _NOT_IN_DELTA if character in self.location]
        if wrong:
            raise UsageError(
                f"warehouse {location}: Delta's libraries can't write below a path with "
                f"{' '.join(wrong)}; name another folder"
            )
        self.filesystem, self.path = filesystem_of(self.location)
        try:
            kind = self.filesystem.get_file_info(self.path).type
        except (OSError, pa.ArrowException) as error:
            raise UsageError(f"warehouse {location}: {error}") from None
        if kind == FileType.File:
            raise UsageError(f"warehouse {location} is a file: name a folder, or a new one")

    def uri(self, relative: str) -> str:
        """The URI of a folder below the warehouse, for Spark and for functions on workers."""
        return f"{spark_uri(self.location)}/{relative}"

    def table_location(self, spec: TableSpec) -> str:
        """Where a table lies, as readers of Delta tables take it."""
        return f"{self.location.rstrip('/')}/{spec.path}"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs of this machine out of a local warehouse; no lock on an object store.

        Raises UsageError where another run holds it, or where the warehouse can't be written.
        """
        if not isinstance(self.filesystem, LocalFileSystem):
            yield
            return
        try:
            Path(self.path, WORK).mkdir(parents=True, exist_ok=True)
            handle = open(Path(self.path, WORK, "lock"), "w")  # noqa: SIM115
        except OSError as error:
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            kind = ContentError if is_full else UsageError
            raise kind(f"warehouse {self.location}: {error.strerror}") from None
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(
                    f"warehouse {self.location} is being written by another run; wait for its end"
                ) from None
            yield

    def files_of(self, frame: DataFrame, relative: str) -> list[StoredFile]:
        """The files below `relative` that a stored frame reads, by path.

        Never what else lies there: a task whose worker was given up may still be writing.
        """
        uris = (unquote(uri) for uri in frame.inputFiles())
        return [
            self._file(relative, path)
            for path in sorted(uri.partition(f"/{relative}/")[2] for uri in uris)
        ]

    def _file(self, relative: str, path: str) -> StoredFile:
        place = f"{self.path}/{relative}/{path}"
        info = self.filesystem.get_file_info(place)
        with self.filesystem.open_input_file(place) as source:
            rows = pq.read_metadata(source).num_rows
        return StoredFile(path, info.size, (info.mtime_ns or 0) // 1_000_000, rows)

    def store_row(self, spec: TableSpec, relative: str, row: dict[str, Any]) -> StoredFile:
        """Store a table of one row without Spark."""
        table = pa.Table.from_pylist([row], schema=to_arrow_schema(spark_schema(spec)))
        self.filesystem.create_dir(f"{self.path}/{relative}")
        name = f"part-{row['run_id']}.parquet"
        with self.filesystem.open_output_stream(f"{self.path}/{relative}/{name}") as sink:
            pq.write_table(table, sink)
        return self._file(relative, name)

    def commit(self, spec: TableSpec, stored: str, files: Sequence[StoredFile], run_id: str) -> int:
        """Make `files`, stored below `stored`, the table's content; returns its Delta version."""
        for file in files:
            source, target = f"{self.path}/{stored}/{file.path}", f"{self.path}/{spec.path}"
            self.filesystem.create_dir(f"{target}/{file.path}".rpartition("/")[0])
            self.filesystem.move(source, f"{target}/{file.path}")
        actions = [_add_action(file) for file in files]
        properties = CommitProperties(
            custom_metadata={"runId": run_id},
            app_transactions=[Transaction(_LAYOUT, TABLES_VERSION)],
        )
        uri = self.table_location(spec)
        table = self.table(spec)
        if table is None:
            create_table_with_add_actions(
                uri,
                delta_schema(spec),
                actions,
                partition_by=list(spec.partitioned_by),
                name=spec.id,
                description=spec.description,
                configuration=table_properties(RETENTION_DAYS),
                commit_properties=properties,
            )
            return DeltaTable(uri).version()
        mode = "append" if spec.name == "runs" else "overwrite"
        table.create_write_transaction(
            [*actions],
            mode,
            delta_schema(spec),
            partition_by=list(spec.partitioned_by),
            commit_properties=properties,
        )
        return DeltaTable(uri).version()

    def table(self, spec: TableSpec) -> DeltaTable | None:
        """The Delta table as it is now, or None where there is none yet."""
        try:
            return DeltaTable(self.table_location(spec))
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise ContentError(
                f"warehouse {self.location}: {spec.path} is no Delta table that can be read "
                f"({first_line(error)}); restore or remove it"
            ) from None

    def read(
        self,
        spec: TableSpec,
        columns: list[str] | None = None,
        filters: list[tuple[str, str, Any]] | None = None,
    ) -> pa.Table:
        """Rows of a table as it is now, without Spark; all columns by default.

        `filters` are (column, operator, value), all of which must hold. Raises LookupError where
        there is no such table.
        """
        table, files = self._opened(spec)
        return table.to_pyarrow_table(columns=columns, filters=filters, filesystem=files)

    def read_batches(self, spec: TableSpec, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """All rows of a table as `read`, a part at a time: for tables of any length."""
        table, files = self._opened(spec)
        yield from table.to_pyarrow_dataset(filesystem=files).to_batches(columns=columns)

    def snapshot(self, spec: TableSpec) -> Snapshot | None:
        """The table as it is now, to be read in parts without Spark; None where there is none."""
        try:
            table, files = self._opened(spec)
            dataset = table.to_pyarrow_dataset(filesystem=files)
        except LookupError:
            return None
        except DeltaError as error:
            raise ContentError(
                f"warehouse {self.location}: {spec.path} can't be read ({first_line(error)})"
            ) from None
        partitioned_by = tuple(table.metadata().partition_columns)
        layout = table.transaction_version(_LAYOUT)
        return Snapshot(content_version(table), layout, partitioned_by, dataset)

    def active_files(self, spec: TableSpec) -> list[StoredFile]:
        """The files of a table as it is now, by path. Raises LookupError where there is none."""
        table, _ = self._opened(spec)
        actions = table.get_add_actions(flatten=True)
        columns = (actions[name].to_pylist() for name in _OF_ACTIONS)
        return sorted(
            (StoredFile(*each) for each in zip(*columns, strict=True)), key=lambda file: file.path
        )

    def _opened(self, spec: TableSpec) -> tuple[DeltaTable, FileSystem]:
        table = self.table(spec)
        if table is None:
            raise LookupError(f"{spec.path} is not in {self.location}")
        # deltalake's own file system is called back from Arrow's threads: when one of those
        # outlives the interpreter, the process aborts after its work is done.
        return table, SubTreeFileSystem(f"{self.path}/{spec.path}", self.filesystem)

    def check_version(self, specs: Sequence[TableSpec]) -> None:
        """Refuse a warehouse whose tables another layout wrote, before anything is built."""
        for spec in specs:
            table = self.table(spec)
            if table is None:
                continue
            version = table.transaction_version(_LAYOUT)
            if version != TABLES_VERSION:
                raise UsageError(
                    f"warehouse {self.location}: {spec.path} was written with version {version} of "
                    f"the tables, this program writes {TABLES_VERSION}; name another warehouse or "
                    "remove this one"
                )


def table_properties(days: int) -> dict[str, str]:
    """Delta's properties of every table; files of old versions, and their log, are kept for `days`.

    Whoever else tends the tables heeds them, and a checkpoint keeps as many removed files in mind.
    """
    return {
        "delta.deletedFileRetentionDuration": f"interval {days} days",
        "delta.logRetentionDuration": f"interval {days} days",
        # Bounds of some columns but not of all mislead deltalake's filters: see _add_action.
        "delta.dataSkippingNumIndexedCols": "0",
    }


def content_version(table: DeltaTable) -> int:
    """The Delta version that last changed a table's rows: upkeep commits versions without a change.

    The table's own version where the log no longer tells more.
    """
    version = table.version()
    for commit in table.history(_UPKEEP_COMMITS):
        if commit.get("operation") not in _UPKEEP or commit.get("version") != version:
            return version
        version -= 1
    return table.version()


def stored(frame: DataFrame, location: str, spec: TableSpec | None = None) -> DataFrame:
    """Write a frame to a scratch folder, a path or URI, and return it read back.

    Cuts the frame's plan there, and files outlive a worker that is killed. The files of gold tables
    are sorted by the key; partitioned tables are laid out by their partitions.
    """
    if spec is not None and spec.partitioned_by:
        writer = frame.repartition(*spec.partitioned_by).write.partitionBy(*spec.partitioned_by)
    elif spec is not None and spec.layer == "gold":
        writer = frame.repartition(spec.key[0]).sortWithinPartitions(*spec.key).write
    else:
        writer = frame.write
    writer.mode("overwrite").parquet(location)
    return read_back(frame.sparkSession, frame.schema, location)


def read_back(spark: SparkSession, schema: T.StructType, location: str) -> DataFrame:
    """What `stored` wrote there."""
    # The warehouse's own name may hold brackets or stars: they are no patterns.
    return spark.read.option("__globPaths__", "false").schema(schema).parquet(location)


def write_partition(folder: str, spec: TableSpec, partition: str, rows: pa.Table) -> str:
    """Write one Parquet file of a partition (`week_start=2024-07-08`), for functions on workers.

    `rows` have every column of the table but those that it is partitioned by, in any order and of
    types that fit. Returns the file's path below `folder`, a path or URI. Each attempt of a task
    writes a name of its own: what a killed one leaves behind is in no row, so in no table.
    """
    schema = to_arrow_schema(spark_schema(spec))
    fields = [schema.field(c.name) for c in spec.columns if c.name not in spec.partitioned_by]
    file = f"{partition}/part-{uuid4()}.parquet"
    filesystem, path = filesystem_of(f"{folder}/{file}")
    filesystem.create_dir(path.rpartition("/")[0])
    words = [field.name for field in fields if not pa.types.is_integer(field.type)]
    with filesystem.open_output_stream(path) as sink:
        pq.write_table(
            rows.select([field.name for field in fields]).cast(pa.schema(fields)),
            sink,
            store_schema=False,
            # Numbers take more time as a dictionary than they save in bytes.
            use_dictionary=words,
        )
    return file


def read_stored(location: str, columns: list[str] | None = None) -> pa.Table:
    """A small stored table, for functions on workers: `location` is a path or URI.

    Of a table of the warehouse, the rows that it has now.
    """
    filesystem, path = filesystem_of(location)
    if filesystem.get_file_info(f"{path}/_delta_log").type == FileType.Directory:
        table = DeltaTable(path if isinstance(filesystem, LocalFileSystem) else location)
        files = SubTreeFileSystem(path, filesystem)
        return table.to_pyarrow_table(columns=columns, filesystem=files)
    return pq.read_table(path, filesystem=filesystem, columns=columns, use_threads=False)


def read_stored_batches(location: str) -> Iterator[pa.RecordBatch]:
    """A stored table of any length, a part at a time, for functions on workers."""
    filesystem, path = filesystem_of(location)
    table = dataset.dataset(path, filesystem=filesystem, format="parquet")
    yield from table.to_batches(use_threads=False)


def read_batches(uri: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Columns of one Parquet file of a stored table, in batches, for functions on workers."""
    filesystem, path = filesystem_of(uri)
    with filesystem.open_input_file(path) as source:
        yield from pq.ParquetFile(source).iter_batches(columns=list(columns), use_threads=False)


def read_columns(folder: str, file: str, columns: list[str]) -> pa.Table:
    """Columns of a Parquet file of a stored table, for functions on workers: `folder` is the URI
    or path of the table, `file` the path below it."""
    filesystem, path = filesystem_of(f"{folder}/{file}")
    with filesystem.open_input_file(path) as source:
        return pq.ParquetFile(source).read(columns=columns)


def read_counts(folder: str, file: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Keys, ascending, and counts of a file of silver/model_weeks, without those that are unknown:
    for functions on workers; `folder` and `file` as for `read_columns`."""
    rows = read_columns(folder, file, ["model_key", "download_count"])
    known = rows.filter(rows["download_count"].is_valid()) if rows[1].null_count else rows
    return known["model_key"].to_numpy(), known["download_count"].to_numpy()


def named_files(
    spark: SparkSession, spec: TableSpec, folder: str, files: Iterable[str]
) -> DataFrame:
    """The table whose Parquet files are `files`, paths below `folder`, a URI.

    Others may lie beside them: a task that was killed and started again has left one behind.
    """
    schema = spark_schema(spec)
    uris = [f"{folder}/{file}" for file in sorted(files)]
    if not uris:
        return spark.createDataFrame([], schema)
    reader = spark.read.option("__globPaths__", "false").option("basePath", folder).schema(schema)
    return reader.parquet(*uris)


def published(frame: DataFrame, spec: TableSpec, constants: dict[str, Any]) -> DataFrame:
    """The frame with exactly the table's columns; `constants` fill those it does not have.

    Raises TypeError where a column is absent or of another type: a defect of a builder.
    """
    added = [name for name in constants if name not in frame.columns]
    have = {field.name: field.dataType.simpleString() for field in frame.schema}
    want = {column.name: column.type for column in spec.columns}
    wrong = [
        f"{name} is {have.get(name, 'absent')}, want {type_}"
        for name, type_ in want.items()
        if name not in added and have.get(name) != type_
    ]
    if wrong:
        raise TypeError(f"{spec.path}: {'; '.join(wrong)}")
    return frame.select(
        *(
            F.lit(constants[name]).cast(type_).alias(name) if name in added else F.col(name)
            for name, type_ in want.items()
        )
    )


def spark_schema(spec: TableSpec) -> T.StructType:
    """The table's columns as Spark types, with comments."""
    return T.StructType(
        [
            T.StructField(
                column.name,
                _TYPES[column.type],
                column.nullable,
                {"comment": column.comment},
            )
            for column in spec.columns
        ]
    )


def delta_schema(spec: TableSpec) -> Schema:
    """The table's columns as Delta types, with comments."""
    return Schema.from_json(spark_schema(spec).json())


def _add_action(file: StoredFile) -> AddAction:
    """The Delta log's entry of a file.

    Of statistics only the number of rows: where a file has bounds for some columns, deltalake's
    filters take the others' for null and skip rows that are there. Weeks are partitions instead.
    """
    parts = dict(part.split("=", 1) for part in file.path.split("/")[:-1])
    values = {name: None if text == _HIVE_NULL else unquote(text) for name, text in parts.items()}
    return AddAction(
        path=file.path,
        size=file.size,
        partition_values=values,
        modification_time=file.modified,
        data_change=True,
        stats=json.dumps({"numRecords": file.rows}),
    )
