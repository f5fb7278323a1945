"""Parquet columns as the canonical ones: an expression for each type that a form accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import Column, functions as F, types as T

from opentrace_spark.sources.cells import FIRST_DATE, ISO_TIMESTAMP, LAST_DATE
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
    return F.nullif(F.make_valid_utf8(F.to_json(F.struct(*columns))), F.lit("{}"))


def named(name: str) -> Column:
    """The column of this very name, whatever characters it has."""
    return F.col("`" + name.replace("`", "``") + "`")


def _from_nanos(column: Column) -> Column:
    return F.timestamp_micros(
        F.call_function("div", column - F.pmod(column, F.lit(1000)), F.lit(1000))
    )


def _text(column: Column, type_: T.DataType) -> _Parsed:
    # A file may hold any bytes as text, and what is no UTF-8 can't be read by most readers.
    return column, ~F.is_valid_utf8(column) if isinstance(type_, T.StringType) else None


def _label(column: Column, type_: T.DataType) -> _Parsed:
    value = _from_nanos(column) if isinstance(type_, NanosType) else column
    return value.cast("string"), _text(column, type_)[1]


def _date(column: Column, type_: T.DataType) -> _Parsed:
    return column, ~column.between(F.lit(FIRST_DATE), F.lit(LAST_DATE))


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
    return F.array_compact(column), F.exists(column, lambda text: ~F.is_valid_utf8(text))


def _json(column: Column, type_: T.DataType) -> _Parsed:
    if not isinstance(type_, T.StringType):
        return F.make_valid_utf8(F.to_json(column)), None
    value = _json_text(column)
    return value, value.isNotNull() & ~_is_json(value)


def _object(column: Column, type_: T.DataType) -> _Parsed:
    if not isinstance(type_, T.StringType):
        return F.make_valid_utf8(F.to_json(column)), None
    value = _json_text(column)
    return value, value.isNotNull() & ~(_is_object(value) & _is_json(value))


def _is_json(text: Column) -> Column:
    """Whether a text is one JSON value and nothing else, as strictly as Python reads text files.

    Spark's JSON functions pass over what follows a value; as the only item of an array it counts.
    """
    options = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
    items = F.from_json(F.concat(F.lit("["), text, F.lit("]")), "array<string>", options)
    return F.is_valid_utf8(text) & (F.coalesce(F.size(items), F.lit(0)) == 1)


def _is_object(text: Column) -> Column:
    return F.ltrim(text).startswith("{")


def _parents(column: Column, type_: T.DataType) -> _Parsed:
    if isinstance(type_, T.StringType):
        text = _json_text(column)
        parsed = F.from_json(text, BASE_MODELS)
        fits = _is_object(text) & _is_json(text) & _has_texts(F.try_parse_json(text))
        return F.when(fits, parsed), text.isNotNull() & ~F.coalesce(fits, F.lit(False))
    fields = _field_types(type_)
    value = F.when(
        column.isNotNull(),
        F.struct(
            (column["relation"] if "relation" in fields else F.lit(None)).alias("relation"),
            (_members(column, fields) if "models" in fields else F.lit(None)).alias("models"),
        ).cast(BASE_MODELS),
    )
    return value, None


def _has_texts(value: Column) -> Column:
    """Whether a VARIANT object has the types of BASE_MODELS; what it lacks is null."""

    def kind(part: Column, path: str) -> Column:
        found = F.schema_of_variant(F.try_variant_get(part, path, "variant"))
        return F.coalesce(found, F.lit("VOID"))

    def is_member(model: Column) -> Column:
        are_texts = [kind(model, path).isin("STRING", "VOID") for path in ("$._id", "$.id")]
        return F.schema_of_variant(model).startswith("OBJECT") & are_texts[0] & are_texts[1]

    models = F.try_variant_get(value, "$.models", "array<variant>")
    are_members = F.coalesce(F.forall(models, is_member), kind(value, "$.models") == "VOID")
    return kind(value, "$.relation").isin("STRING", "VOID") & are_members


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
    "text": _text,
    "label": _label,
    "gate": _label,
    "integer": _integer,
    "date": _date,
    "timestamp": _timestamp,
    "texts": _texts,
    "json": _json,
    "object": _object,
    "parents": _parents,
}
