"""Parquet columns as Spark reads them, and which of them a canonical column accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types as at
from pyspark.sql import types as T

from opentrace_spark.errors import ContentError
from opentrace_spark.sources.landing import LandingFile
from opentrace_spark.sources.schemas import COLUMNS, FORMS, required_columns

_INTEGERS: dict[pa.DataType, T.DataType] = {
    pa.int8(): T.ByteType(),
    pa.int16(): T.ShortType(),
    pa.int32(): T.IntegerType(),
    pa.int64(): T.LongType(),
    pa.uint8(): T.ShortType(),
    pa.uint16(): T.IntegerType(),
    pa.uint32(): T.LongType(),
    pa.uint64(): T.DecimalType(20, 0),
}
_FORMS_OF_TYPES: dict[str, tuple[type[T.DataType], ...]] = {
    "text": (T.StringType,),
    "label": (T.StringType, T.IntegralType, T.DateType, T.TimestampType),
    "gate": (T.StringType, T.BooleanType),
    "integer": (T.IntegralType,),
    "date": (T.DateType,),
    "timestamp": (T.StringType, T.TimestampType),
    "object": (T.StringType, T.StructType, T.MapType),
    "json": (T.StringType, T.StructType, T.MapType, T.ArrayType),
}
UNSIGNED_64 = T.DecimalType(20, 0)
"""What Spark reads unsigned 64-bit integers as."""


class NanosType(T.LongType):
    """Nanoseconds since 1970: what the session reads a nanosecond timestamp as."""

    @classmethod
    def typeName(cls) -> str:  # noqa: N802
        return "long"


def readable_columns(file: LandingFile, parquet: pq.ParquetFile) -> dict[str, T.DataType]:
    """The file's columns with the Spark type each is read as, checked against its kind.

    Columns without a value (Arrow's null) and those of types that Spark does not have are left
    out. Raises ContentError for a required column that is missing, a canonical column of a wrong
    type, and for names that differ only by case.
    """
    leaves = iter(range(len(parquet.schema)))
    schema = parquet.schema_arrow
    if len(set(schema.names)) < len(schema.names):
        raise ContentError(f"{file.relative_path}: two columns have one name; rename or remove one")
    fields = {field.name: _spark_type(field.type, parquet, leaves) for field in schema}
    missing = [name for name in required_columns(file.kind) if name not in fields]
    if missing:
        raise ContentError(
            f"{file.relative_path}: no column {' and '.join(missing)} "
            f"(it has {', '.join(fields)}); write {', '.join(required_columns(file.kind))}"
        )
    for rule in COLUMNS[file.kind]:
        found = fields.get(rule.name)
        if rule.name in fields and not accepts(rule.form, schema.field(rule.name).type, found):
            raise ContentError(
                f"{file.relative_path}: column {rule.name} is {schema.field(rule.name).type}, "
                f"expected {FORMS[rule.form].expected}; write it as that"
            )
    read = {name: type_ for name, type_ in fields.items() if type_ is not None}
    _check_names(file, T.StructType([T.StructField(*field) for field in read.items()]))
    return read


def accepts(form: str, arrow: pa.DataType, spark: T.DataType | None) -> bool:
    """Whether a column of this type can be read as `form`; one without values always can."""
    if at.is_null(arrow) or (at.is_list(arrow) and at.is_null(arrow.value_type)):
        return True
    if form == "texts":
        return isinstance(spark, T.ArrayType) and isinstance(spark.elementType, T.StringType)
    if form == "parents":
        return isinstance(spark, T.StringType) or _are_parents(spark)
    if spark == UNSIGNED_64 and at.is_uint64(arrow):
        return form in ("integer", "label")
    if isinstance(spark, NanosType):
        return form in ("timestamp", "label")
    return isinstance(spark, _FORMS_OF_TYPES[form])


def _are_parents(spark: T.DataType | None) -> bool:
    if not isinstance(spark, T.StructType):
        return False
    types = {field.name: field.dataType for field in spark}
    relation, models = types.get("relation"), types.get("models")
    if relation is not None and not isinstance(relation, T.StringType):
        return False
    if models is None:
        return True
    members = models.elementType if isinstance(models, T.ArrayType) else None
    return isinstance(members, T.StructType) and all(
        isinstance(field.dataType, T.StringType) for field in members if field.name in ("_id", "id")
    )


def _spark_type(arrow: Any, parquet: pq.ParquetFile, leaves: Iterator[int]) -> T.DataType | None:
    """What Spark reads a column as; `leaves` counts the Parquet columns below it, in order."""
    if isinstance(arrow, pa.BaseExtensionType):
        arrow = arrow.storage_type
    if at.is_struct(arrow):
        members = [(field.name, _spark_type(field.type, parquet, leaves)) for field in arrow]
        fields = [T.StructField(name, type_) for name, type_ in members if type_ is not None]
        return T.StructType(fields) if fields else None
    if at.is_map(arrow):
        key = _spark_type(arrow.key_type, parquet, leaves)
        value = _spark_type(arrow.item_type, parquet, leaves)
        return T.MapType(key, value) if key and value else None
    if at.is_list(arrow) or at.is_large_list(arrow) or at.is_fixed_size_list(arrow):
        element = _spark_type(arrow.value_type, parquet, leaves)
        return T.ArrayType(element) if element else None
    return _leaf_type(arrow, parquet.schema.column(next(leaves)))


def _leaf_type(arrow: Any, column: Any) -> T.DataType | None:
    if at.is_dictionary(arrow):
        arrow = arrow.value_type
    if at.is_timestamp(arrow):
        # Arrow calls both kinds of nanoseconds the same; Spark reads the older one (INT96) itself.
        nanos = column.physical_type == "INT64" and "nanoseconds" in str(column.logical_type)
        return NanosType() if nanos else T.TimestampType()
    if arrow in _INTEGERS:
        return _INTEGERS[arrow]
    if at.is_decimal(arrow):
        return T.DecimalType(arrow.precision, arrow.scale) if arrow.precision <= 38 else None
    known: tuple[tuple[bool, T.DataType], ...] = (
        (at.is_string(arrow) or at.is_large_string(arrow) or _is_view(arrow), T.StringType()),
        (at.is_boolean(arrow), T.BooleanType()),
        (at.is_date(arrow), T.DateType()),
        (at.is_float32(arrow), T.FloatType()),
        (at.is_float64(arrow), T.DoubleType()),
        (at.is_binary(arrow) or at.is_large_binary(arrow), T.BinaryType()),
        (at.is_fixed_size_binary(arrow), T.BinaryType()),
    )
    return next((spark for holds, spark in known if holds), None)


def _is_view(arrow: Any) -> bool:
    return hasattr(at, "is_string_view") and at.is_string_view(arrow)


def _check_names(file: LandingFile, struct: T.StructType) -> None:
    """Spark tells columns apart without regard to case, in structs too."""
    seen: dict[str, str] = {}
    for field in struct:
        other = seen.setdefault(field.name.lower(), field.name)
        if other != field.name:
            raise ContentError(
                f"{file.relative_path}: columns {other} and {field.name} differ only by case; "
                "rename or remove one (or write the struct that holds them as JSON text)"
            )
        inner = field.dataType
        while isinstance(inner, T.ArrayType):
            inner = inner.elementType
        if isinstance(inner, T.StructType):
            _check_names(file, inner)
