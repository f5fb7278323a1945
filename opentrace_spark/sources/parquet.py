"""Parquet files to typed rows: footers checked on the driver, rows read by Spark."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession, functions as F, types as T

from opentrace_spark.errors import ContentError
from opentrace_spark.locations import filesystem_of, first_line
from opentrace_spark.sources.landing import Landing, LandingFile
from opentrace_spark.sources.parquet_columns import Types, canonical_columns, named
from opentrace_spark.sources.parquet_types import readable_columns
from opentrace_spark.sources.schemas import (
    COLUMNS,
    KEEPS_OTHER_FIELDS,
    row_schema,
)

_FOOTERS_AT_ONCE = 8
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


def read_parquet(spark: SparkSession, landing: Landing, kind: str) -> list[DataFrame]:
    """The rows of all Parquet files of a kind as `schemas.row_schema(kind)`; starts no job.

    A frame for each set of files that have the same columns and types.
    """
    files = [file for file in landing.of_kind(kind) if file.format == "parquet"]
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
