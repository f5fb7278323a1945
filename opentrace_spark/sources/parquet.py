"""Parquet files to typed rows: footers checked on the driver, rows read by Spark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession, functions as F, types as T

from opentrace_spark.errors import ContentError
from opentrace_spark.locations import filesystem_of, first_line
from opentrace_spark.sources.failures import TaskContentError
from opentrace_spark.sources.landing import Landing, LandingFile
from opentrace_spark.sources.parquet_columns import Types, canonical_columns, named
from opentrace_spark.sources.parquet_types import readable_columns
from opentrace_spark.sources.schemas import (
    COLUMNS,
    KEEPS_OTHER_FIELDS,
    row_schema,
)

_FOOTERS_AT_ONCE = 8
_BATCH_ROWS = 1 << 18
_SAME = {
    pa.string(): (pa.string(), pa.large_string()),
    pa.int64(): (pa.int64(), pa.int32(), pa.int16(), pa.int8()),
}
"""Types whose values are surely of a wanted type, too."""

_PATTERN_CHARACTERS = frozenset("{}[]*?\\")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._=:-]*")


def check_parquet(file: LandingFile) -> Types:
    """The columns of a file with the Spark types they are read as, from its footer.

    Raises ContentError for a file without a readable footer, and what `readable_columns` raises.
    """
    filesystem, path = filesystem_of(file.uri)
    try:
        with pq.ParquetFile(path, filesystem=filesystem) as parquet:
            return readable_columns(file, parquet)
    except (OSError, pa.ArrowException) as error:
        raise ContentError(
            f"{file.relative_path}: not a readable Parquet file ({first_line(error)}); "
            "write or download it again"
        ) from None


def count_parquet_rows(landing: Landing, kind: str) -> int:
    """How many rows the Parquet files of a kind have, by their footers."""
    return sum(footer.num_rows for footer in _footers(_parquet_files(landing, kind)))


def _parquet_files(landing: Landing, kind: str) -> list[LandingFile]:
    return [file for file in landing.of_kind(kind) if file.format == "parquet"]


def _footers(files: list[LandingFile]) -> list[pq.FileMetaData]:
    def footer(file: LandingFile) -> pq.FileMetaData:
        filesystem, path = filesystem_of(file.uri)
        return pq.read_metadata(path, filesystem=filesystem)

    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        return list(pool.map(footer, files))


@dataclass(frozen=True)
class RowGroup:
    """A part of a Parquet file that a task can read by itself; `uri` names the file."""

    uri: str
    relative_path: str
    number: int
    rows: int


def plain_row_groups(
    landing: Landing, kind: str, schema: pa.Schema
) -> tuple[list[RowGroup], Landing]:
    """The row groups of a kind's files that hold the types of `schema`, in order, and the
    landing without these files.

    What is in them needs no look at its types: tasks read them without Spark's way through rows.
    """
    files = _parquet_files(landing, kind)
    plain = {
        file: footer
        for file, footer in zip(files, _footers(files), strict=True)
        if _is_plain(footer.schema.to_arrow_schema(), schema)
    }
    groups = [
        RowGroup(file.uri, file.relative_path, number, footer.row_group(number).num_rows)
        for file, footer in plain.items()
        for number in range(footer.num_row_groups)
    ]
    return groups, replace(landing, files=tuple(f for f in landing.files if f not in plain))


def _is_plain(found: pa.Schema, wanted: pa.Schema) -> bool:
    lowered = [name.lower() for name in found.names]
    return all(
        lowered.count(field.name) == 1
        and field.name in found.names
        and found.field(field.name).type in _SAME.get(field.type, (field.type,))
        for field in wanted
    )


def read_row_group(group: RowGroup, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of a row group of `plain_row_groups`, in batches. Raises TaskContentError where it
    can't be read."""
    filesystem, path = filesystem_of(group.uri)
    try:
        with filesystem.open_input_file(path) as source:
            batches = pq.ParquetFile(source).iter_batches(
                _BATCH_ROWS, [group.number], schema.names, use_threads=False
            )
            for batch in batches:
                yield batch.select(schema.names).cast(schema)
    except (OSError, pa.ArrowException) as error:
        raise TaskContentError(
            f"{group.relative_path}: a part of the file can't be read ({first_line(error)}); "
            "write or download it again"
        ) from None


def read_parquet(spark: SparkSession, landing: Landing, kind: str) -> list[DataFrame]:
    """The rows of all Parquet files of a kind as `schemas.row_schema(kind)`; starts no job.

    A frame for each set of files that have the same columns and types.
    """
    files = _parquet_files(landing, kind)
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        found = list(pool.map(check_parquet, files))
    groups: dict[str, tuple[Types, list[LandingFile]]] = {}
    known = {rule.name for rule in COLUMNS[kind]}
    for file, types in zip(files, found, strict=True):
        if kind not in KEEPS_OTHER_FIELDS:
            types = {name: types[name] for name in types if name in known}
        signature = repr(sorted((name, repr(type_)) for name, type_ in types.items()))
        # Beside a path that looks like a pattern Spark lists all others twice: read it apart.
        signature += str(_looks_like_pattern(file))
        groups.setdefault(signature, (types, []))[1].append(file)
    return [_read_group(spark, landing, kind, *group) for group in groups.values()]


def _read_group(
    spark: SparkSession, landing: Landing, kind: str, types: Types, files: list[LandingFile]
) -> DataFrame:
    schema = T.StructType([T.StructField(name, type_) for name, type_ in types.items()])
    uris = [file.uri for file in files]
    reader = spark.read.schema(schema)
    if _looks_like_pattern(files[0]):
        reader = reader.option("__globPaths__", "false")
    rows = reader.parquet(*uris)
    columns, reason = canonical_columns(kind, types)
    metadata = rows.metadataColumn("_metadata")
    encoded = not all(_PLAIN_PATH.fullmatch(uri) for uri in uris)
    columns["source_file"] = _relative_path(metadata["file_path"], landing.uri, kind, encoded)
    columns["source_row"] = metadata["row_index"] + 1
    columns["reason"] = reason
    present = [named(name) for name in types if name in columns]
    columns["raw_values"] = F.when(
        reason.isNotNull(), F.make_valid_utf8(F.to_json(F.struct(*present)))
    )
    return rows.select(
        [columns[field.name].cast(field.dataType).alias(field.name) for field in row_schema(kind)]
    )


def _looks_like_pattern(file: LandingFile) -> bool:
    return not _PATTERN_CHARACTERS.isdisjoint(file.uri)


def _relative_path(path: Column, root: str, kind: str, encoded: bool) -> Column:
    """The path below the landing; Spark percent-encodes some characters of `file_path`."""
    scheme, _, rest = root.partition("://")
    base = rest if scheme == "file" else f"/{rest.partition('/')[2]}".rstrip("/")
    after_authority = len(scheme) + (2 if scheme == "file" else 4)
    if encoded:
        path = F.url_decode(F.replace(path, F.lit("+"), F.lit("%2B")))
    begin = F.locate(f"{base}/{kind}/", path, after_authority) + len(base) + 1
    return F.substring(path, begin, F.lit(2**31 - 1))
