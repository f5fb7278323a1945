"""Parquet columns as the canonical ones: an expression for each type that a form accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import Column, functions as F, types as T

from opentrace_spark.sources.cells import ISO_TIMESTAMP
from opentrace_spark.sources.parquet_types import NanosType
from opentrace_spark.sources.schemas import (
    BASE_MODELS,
    COLUMNS,
    KEEPS_OTHER_FIELDS,
    OTHER_FIELDS,
)

Types = dict[str, T.DataType]
"""The columns of a file with the type that Spark reads each as."""

_Parsed = tuple[Column, Column | None]


def canonical_columns(kind: str, types: Types) -> tuple[dict[str, Column], Column]:
    """Each canonical column as an expression, and the reason of a row with an unusable cell."""
    columns: dict[str, Column] = {}
    reason = F.lit(None).cast("string")
    for rule in reversed(COLUMNS[kind]):
        if rule.name not in types:
            columns[rule.name] = F.lit(None)
            continue
        value, failed = _PARSERS[rule.form](named(rule.name), types[rule.name])
        columns[rule.name] = value
        if failed is not None:
            reason = F.when(failed, f"unparsable_{rule.name}").otherwise(reason)
    if kind in KEEPS_OTHER_FIELDS:
        known = {rule.name for rule in COLUMNS[kind]}
        columns[OTHER_FIELDS] = _other_fields({n: t for n, t in types.items() if n not in known})
    return columns, reason


def _other_fields(types: Types) -> Column:
    if not types:
        return F.lit(None)
    columns = [
        (_from_nanos(named(name)) if isinstance(type_, NanosType) else named(name)).alias(name)
        for name, type_ in types.items()
    ]
    return F.nullif(F.to_json(F.struct(*columns)), F.lit("{}"))


def named(name: str) -> Column:
    """The column of this very name, whatever characters it has."""
    return F.col("`" + name.replace("`", "``") + "`")


def _from_nanos(column: Column) -> Column:
    return F.timestamp_micros(
        F.call_function("div", column - F.pmod(column, F.lit(1000)), F.lit(1000))
    )


def _as_is(column: Column, type_: T.DataType) -> _Parsed:
    return column, None


def _label(column: Column, type_: T.DataType) -> _Parsed:
    value = _from_nanos(column) if isinstance(type_, NanosType) else column
    return value.cast("string"), None


def _integer(column: Column, type_: T.DataType) -> _Parsed:
    if not isinstance(type_, T.DecimalType):
        return column, None
    value = column.try_cast("bigint")  # unsigned numbers may be too large
    return value, column.isNotNull() & value.isNull()


def _timestamp(column: Column, type_: T.DataType) -> _Parsed:
    if isinstance(type_, NanosType):
        return _from_nanos(column), None
    if isinstance(type_, T.TimestampType):
        return column, None
    value = F.when(column.rlike(rf"^(?:{ISO_TIMESTAMP})\z"), column.try_cast("timestamp"))
    return value, column.isNotNull() & value.isNull()


def _texts(column: Column, type_: T.DataType) -> _Parsed:
    return F.array_compact(column), None


def _json(column: Column, type_: T.DataType) -> _Parsed:
    if not isinstance(type_, T.StringType):
        return F.to_json(column), None
    value = _json_text(column)
    return value, value.isNotNull() & F.get_json_object(value, "$").isNull()


def _object(column: Column, type_: T.DataType) -> _Parsed:
    if not isinstance(type_, T.StringType):
        return F.to_json(column), None
    value = _json_text(column)
    unread = F.from_json(value, "struct<_corrupt_record string>")["_corrupt_record"]
    return value, unread.isNotNull()


def _parents(column: Column, type_: T.DataType) -> _Parsed:
    if isinstance(type_, T.StringType):
        schema = T.StructType([*BASE_MODELS, T.StructField("_corrupt_record", T.StringType())])
        parsed = F.from_json(_json_text(column), schema)
        value = F.when(
            parsed.isNotNull(),
            F.struct(parsed["relation"].alias("relation"), parsed["models"].alias("models")),
        )
        return value, parsed["_corrupt_record"].isNotNull()
    fields = _field_types(type_)
    value = F.when(
        column.isNotNull(),
        F.struct(
            (column["relation"] if "relation" in fields else F.lit(None)).alias("relation"),
            (_members(column, fields) if "models" in fields else F.lit(None)).alias("models"),
        ).cast(BASE_MODELS),
    )
    return value, None


def _members(column: Column, fields: Mapping[str, Any]) -> Column:
    inner = _field_types(fields["models"].elementType)

    def member(model: Column) -> Column:
        cells = [(model[name] if name in inner else F.lit(None)) for name in ("_id", "id")]
        return F.struct(cells[0].cast("string").alias("_id"), cells[1].cast("string").alias("id"))

    return F.transform(column["models"], member)


def _field_types(struct: Any) -> dict[str, T.DataType]:
    return {field.name: field.dataType for field in struct}


def _json_text(column: Column) -> Column:
    """JSON text, null where it is empty or says null."""
    return F.when(~column.isin("", "null"), column)


_PARSERS: dict[str, Callable[[Column, T.DataType], _Parsed]] = {
    "text": _as_is,
    "label": _label,
    "gate": _label,
    "integer": _integer,
    "date": _as_is,
    "timestamp": _timestamp,
    "texts": _texts,
    "json": _json,
    "object": _object,
    "parents": _parents,
}
