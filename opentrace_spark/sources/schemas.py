"""What each kind of landing file says: canonical columns, their types, what Parquet may hold.

Every source frame has, whatever the file's format, the columns of `row_schema(kind)`: the
canonical ones, then where the row stands (`source_file`, `source_row`), then `reason` and
`raw_values`, set for a row whose cells could not be understood.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import types as T

from opentrace_spark.leaderboard import columns as leaderboard_columns
from opentrace_spark.leaderboard.words import shipped_words

OTHER_FIELDS = "other_fields"
"""JSON of the columns that have no name of their own here, null where the row has none."""


@dataclass(frozen=True)
class ColumnRule:
    """A canonical column; `form` is a key of `FORMS`."""

    name: str
    form: str
    required: bool = False


@dataclass(frozen=True)
class Form:
    """What a column holds: its Spark and Arrow types, and in words what a file may hold."""

    spark: T.DataType
    arrow: pa.DataType
    expected: str


_TEXT = (T.StringType(), pa.string())
_BASE_MODEL = T.StructType(
    [T.StructField("_id", T.StringType()), T.StructField("id", T.StringType())]
)
BASE_MODELS = T.StructType(
    [
        T.StructField("relation", T.StringType()),
        T.StructField("models", T.ArrayType(_BASE_MODEL)),
    ]
)
"""The Hub's resolved parents: one relation for the repository, the models in order."""

FORMS = {
    "text": Form(*_TEXT, "text"),
    "label": Form(*_TEXT, "text, a number or a date"),
    "gate": Form(*_TEXT, "text or boolean"),
    "integer": Form(T.LongType(), pa.int64(), "a whole number of up to 64 bits"),
    "date": Form(T.DateType(), pa.date32(), "a date"),
    "timestamp": Form(
        T.TimestampType(), pa.timestamp("us", "UTC"), "a timestamp, or ISO 8601 text"
    ),
    "texts": Form(T.ArrayType(T.StringType()), pa.list_(pa.string()), "a list of texts"),
    "object": Form(*_TEXT, "JSON text of an object, or a struct"),
    "json": Form(*_TEXT, "JSON text, a struct or a list"),
    "parents": Form(
        BASE_MODELS,
        pa.struct(
            [
                ("relation", pa.string()),
                ("models", pa.list_(pa.struct([("_id", pa.string()), ("id", pa.string())]))),
            ]
        ),
        "a struct of relation (text) and models (list of structs of _id and id), or its JSON text",
    ),
}


def _columns(form: str, *names: str, required: bool = False) -> tuple[ColumnRule, ...]:
    return tuple(ColumnRule(name, form, required) for name in names)


COLUMNS: dict[str, tuple[ColumnRule, ...]] = {
    "downloads": (
        *_columns("date", "week", required=True),
        *_columns("text", "id", required=True),
        *_columns("integer", "count", required=True),
    ),
    "snapshots": (
        *_columns("text", "_id"),
        *_columns("text", "id", required=True),
        *_columns("timestamp", "createdAt"),
        *_columns("integer", "downloadsAllTime", required=True),
    ),
    "descriptions": (
        *_columns("text", "_id"),
        *_columns("text", "id", required=True),
        *_columns("timestamp", "lastModified"),
        *_columns("texts", "tags"),
        *_columns("gate", "gated"),
        *_columns("object", "cardData"),
        *_columns("parents", "baseModels"),
    ),
    "models": (
        *_columns("text", "_id"),
        *_columns("text", "id", required=True),
        *_columns("text", "author"),
        *_columns("timestamp", "createdAt", "lastModified"),
        *_columns("texts", "tags"),
        *_columns("text", "pipeline_tag", "library_name"),
        *_columns("integer", "likes", "downloads", "downloadsAllTime", "usedStorage"),
        *_columns("gate", "gated"),
        *_columns("object", "cardData"),
        *_columns("json", "safetensors", "gguf", "siblings"),
        *_columns("parents", "baseModels"),
    ),
    "aliases": _columns("text", "legacy_id", "current_id", required=True),
    "organizations": (
        *_columns("text", "org", "country", "org_type", required=True),
        *_columns("text", "organization", "region", "source"),
        *_columns("label", "as_of"),
    ),
    "annotations": (
        *_columns("text", "id", required=True),
        *_columns("text", "derived_from", "annotator"),
    ),
    "leaderboard": (),
    "contributors": _columns("text", "id", required=True),
}
"""The canonical columns of each kind, in order; `descriptions` are rows of snapshots/, too.
Those of leaderboard/ have other names in each export: `leaderboard/columns.py` knows them."""

KEEPS_OTHER_FIELDS = ("models", "annotations", "leaderboard", "contributors")
"""Kinds whose further columns are kept in `other_fields`; of the others they are passed over."""

_TRAILING = (
    T.StructField("source_file", T.StringType()),
    T.StructField("source_row", T.LongType()),
    T.StructField("reason", T.StringType()),
    T.StructField("raw_values", T.StringType()),
)


def required_columns(kind: str) -> tuple[str, ...]:
    """The columns without which a file of this kind is of no use."""
    return tuple(rule.name for rule in COLUMNS[kind] if rule.required)


def missing_columns(kind: str, names: Iterable[str]) -> list[str]:
    """The columns that a file with these names lacks, as its maker would call them."""
    names = list(names)
    if kind == "leaderboard":
        return leaderboard_columns.missing_columns(names, shipped_words())
    return [name for name in required_columns(kind) if name not in names]


def canonical_schema(kind: str) -> T.StructType:
    """The canonical columns, with `other_fields` where the kind keeps them."""
    fields = [T.StructField(rule.name, FORMS[rule.form].spark) for rule in COLUMNS[kind]]
    if kind in KEEPS_OTHER_FIELDS:
        fields.append(T.StructField(OTHER_FIELDS, T.StringType()))
    return T.StructType(fields)


def row_schema(kind: str) -> T.StructType:
    """`canonical_schema` with `source_file, source_row, reason, raw_values`."""
    return T.StructType([*canonical_schema(kind).fields, *_TRAILING])


def arrow_schema(kind: str) -> pa.Schema:
    """`row_schema` in Arrow types, as tasks in Python hand it to Spark."""
    fields = [(rule.name, FORMS[rule.form].arrow) for rule in COLUMNS[kind]]
    if kind in KEEPS_OTHER_FIELDS:
        fields.append((OTHER_FIELDS, pa.string()))
    trailing = [(f.name, pa.int64() if f.name == "source_row" else pa.string()) for f in _TRAILING]
    return pa.schema([*fields, *trailing])
