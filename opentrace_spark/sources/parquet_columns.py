"""Parquet columns as the canonical ones.

What is surely fine is taken as a whole; everything else goes cell by cell through the parsers of
`cells.py`, the one place that says what a cell may hold, for text files and Parquet alike.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types as at

from opentrace_spark.sources.cells import (
    FIRST_DATE,
    LAST_DATE,
    PARSERS,
    UnparsableError,
    to_json,
)
from opentrace_spark.sources.files import LandingFile
from opentrace_spark.sources.schemas import (
    COLUMNS,
    FORMS,
    KEEPS_OTHER_FIELDS,
    OTHER_FIELDS,
    arrow_schema,
)

_Typed = tuple[pa.Array, list[int]]
"""A column as its form's Arrow type, and the rows whose cell is none (null in the column)."""

_UTC = FORMS["timestamp"].arrow
_HUB_TIMESTAMP = r"^[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def accepts(form: str, type_: pa.DataType) -> bool:
    """Whether a column of this type can be read as `form`; one without values always can."""
    type_ = _bare(type_)
    if at.is_null(type_) or (_is_list(type_) and at.is_null(type_.value_type)):
        return True
    if form == "texts":
        return _is_list(type_) and _is_text(_bare(type_.value_type))
    if form == "parents":
        return _is_text(type_) or _are_parents(type_)
    return any(holds(type_) for holds in _TYPES[form])


def typed_batch(file: LandingFile, batch: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
    """The rows of a batch as `schemas.arrow_schema(file.kind)`.

    A row with a cell that does not parse has a `reason`, for the first such column in the order of
    COLUMNS, and `raw_values`.
    """
    kind, rows = file.kind, len(batch)
    columns: dict[str, pa.Array] = {}
    reasons: dict[int, str] = {}
    for rule in COLUMNS[kind]:
        if rule.name in batch.schema.names:
            columns[rule.name], failed = _typed(rule.form, batch.column(rule.name))
            for row in failed:
                reasons.setdefault(row, f"unparsable_{rule.name}")
    if kind in KEEPS_OTHER_FIELDS:
        known = {rule.name for rule in COLUMNS[kind]}
        columns[OTHER_FIELDS] = _as_json([n for n in batch.schema.names if n not in known], batch)
    columns["source_file"] = pa.repeat(file.relative_path, rows)
    columns["source_row"] = pa.array(np.arange(first_row, first_row + rows))
    if reasons:
        columns["reason"] = pa.array([reasons.get(row) for row in range(rows)], pa.string())
        columns["raw_values"] = _raw_values(kind, batch, reasons)
    schema = arrow_schema(kind)
    for field in schema:
        columns.setdefault(field.name, pa.nulls(rows, field.type))
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _typed(form: str, array: pa.Array) -> _Typed:
    array = _unwrapped(array)
    if at.is_null(array.type):
        return pa.nulls(len(array), FORMS[form].arrow), []
    whole = _WHOLE[form](array) if form in _WHOLE else None
    return whole or _cell_by_cell(form, array)


def _cell_by_cell(form: str, array: pa.Array) -> _Typed:
    parse = PARSERS[form]
    values, failed = [], []
    for row, cell in enumerate(_cells(array)):
        value = None
        if cell is not None:
            try:
                value = parse(cell)
            except UnparsableError:
                failed.append(row)
        values.append(value)
    return pa.array(values, FORMS[form].arrow), failed


# Whole columns: each takes the bare array of an accepted type, None where a cell needs a look.


def _texts_as_they_are(array: pa.Array) -> _Typed | None:
    return (array, []) if at.is_string(array.type) and _is_encoded(array) else None


def _gates(array: pa.Array) -> _Typed | None:
    if at.is_boolean(array.type):
        return array.cast(pa.string()), []
    if not _is_encoded(array):
        return None
    is_python = pc.is_in(array, value_set=pa.array(["True", "False"]))
    return pc.if_else(is_python, pc.ascii_lower(array), array), []


def _integers(array: pa.Array) -> _Typed | None:
    try:
        return array.cast(pa.int64()), []
    except pa.ArrowInvalid:
        return None  # unsigned numbers may be too large


def _dates(array: pa.Array) -> _Typed | None:
    days = array.cast(pa.date32())
    first, last = (pa.scalar(day, pa.date32()) for day in (FIRST_DATE, LAST_DATE))
    is_inside = pc.and_(pc.greater_equal(days, first), pc.less_equal(days, last))
    outside = np.flatnonzero(pc.fill_null(pc.invert(is_inside), False).to_numpy(False))
    return pc.if_else(is_inside, days, None), outside.tolist()


def _timestamps(array: pa.Array) -> _Typed | None:
    if at.is_timestamp(array.type):
        return _microseconds(array)
    if _is_encoded(array) and pc.all(pc.match_substring_regex(array, _HUB_TIMESTAMP)).as_py():
        try:
            return array.cast(_UTC), []
        except pa.ArrowInvalid:
            return None  # there is no such day
    return None


def _microseconds(array: pa.Array) -> _Typed:
    """Rounded down; moments that do not fit 64 bits are none."""
    moments = array.cast(pa.int64())
    if array.type.unit == "ns":
        is_null = moments.is_null().to_numpy(False)
        floored = np.floor_divide(pc.fill_null(moments, 0).to_numpy(False), 1000)
        return pa.array(floored, mask=is_null).cast(_UTC), []
    per_unit = _MICROSECONDS[array.type.unit]
    most = (2**63 - 1) // per_unit
    fits = pc.and_(pc.less_equal(moments, most), pc.greater_equal(moments, -most))
    failed = np.flatnonzero(pc.fill_null(pc.invert(fits), False).to_numpy(False))
    return pc.multiply(pc.if_else(fits, moments, None), per_unit).cast(_UTC), failed.tolist()


def _lists_as_they_are(array: pa.Array) -> _Typed | None:
    if array.type != FORMS["texts"].arrow or array.values.null_count or not _is_encoded(array):
        return None
    return array, []


def _parents_as_they_are(array: pa.Array) -> _Typed | None:
    if array.type != FORMS["parents"].arrow or not _is_encoded(array):
        return None
    # A null among the parents is refused in text, too.
    members = pc.list_flatten(pc.struct_field(array, "models"))
    return None if members.null_count else (array, [])


_WHOLE: dict[str, Callable[[pa.Array], _Typed | None]] = {
    "text": _texts_as_they_are,
    "label": _texts_as_they_are,
    "gate": _gates,
    "integer": _integers,
    "date": _dates,
    "timestamp": _timestamps,
    "texts": _lists_as_they_are,
    "parents": _parents_as_they_are,
}


def _is_encoded(array: pa.Array) -> bool:
    """Whether all text is UTF-8: a file may hold any bytes as text."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


# Cells: what text files would give for them.


def _cells(array: pa.Array, errors: str = "surrogateescape") -> Iterator[Any]:
    """The cells as JSON has them; `errors` is what becomes of bytes that are no UTF-8: by default
    lone surrogates, which no parser takes for text."""
    array = _unwrapped(array)
    if _is_encoded(array):
        return (_plain(cell, _base64) for cell in _values(array))
    cells = _values(array.cast(_with_bytes(array.type)))
    return (_plain(cell, lambda data: data.decode(errors=errors)) for cell in cells)


def _values(array: pa.Array) -> list[Any]:
    try:
        return array.to_pylist(maps_as_pydicts="lossy")
    except (OverflowError, ValueError):  # Python's calendar ends with the year 9999
        return [_value(item) for item in array]


def _value(item: Any) -> Any:
    try:
        return item.as_py(maps_as_pydicts="lossy")
    except (OverflowError, ValueError):
        return getattr(item, "value", "(a moment beyond the year 9999)")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _plain(value: Any, of_bytes: Callable[[bytes], str]) -> Any:
    """A value that JSON can hold; what is null in a struct or map is left out."""
    if isinstance(value, dict):
        there = {k: v for k, v in value.items() if v is not None}
        return {str(_plain(k, of_bytes)): _plain(v, of_bytes) for k, v in there.items()}
    if isinstance(value, list):
        return [_plain(item, of_bytes) for item in value]
    if isinstance(value, bytes):
        return of_bytes(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, datetime) and value.tzinfo is not None:
        unit = "microseconds" if value.microsecond % 1000 else "milliseconds"
        return value.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec=unit) + "Z"
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value if isinstance(value, (str, bool, int, float, type(None))) else str(value)


def _with_bytes(type_: pa.DataType) -> pa.DataType:
    """The type with bytes in place of text, at any depth."""
    type_ = _bare(type_)
    if at.is_struct(type_):
        return pa.struct([pa.field(field.name, _with_bytes(field.type)) for field in type_])
    if at.is_map(type_):
        return pa.map_(_with_bytes(type_.key_type), _with_bytes(type_.item_type))
    if _is_list(type_):
        return pa.list_(_with_bytes(type_.value_type))
    return pa.binary() if _is_text(type_) else type_


def _as_json(names: list[str], batch: pa.RecordBatch) -> pa.Array:
    """JSON of the named columns of each row, null where all of them are null."""
    if not names:
        return pa.nulls(len(batch), pa.string())
    cells = zip(*(_cells(batch.column(name), "replace") for name in names), strict=True)
    return pa.array([_object_of(names, row) for row in cells], pa.string())


def _object_of(names: list[str], cells: tuple[Any, ...]) -> str | None:
    there = {n: cell for n, cell in zip(names, cells, strict=True) if cell is not None}
    return to_json(there) if there else None


def _raw_values(kind: str, batch: pa.RecordBatch, reasons: dict[int, str]) -> pa.Array:
    """JSON of the canonical columns of the rows with a reason."""
    rows = sorted(reasons)
    names = [rule.name for rule in COLUMNS[kind] if rule.name in batch.schema.names]
    said = _as_json(names, batch.take(pa.array(rows)).select(names)).to_pylist()
    places = dict(zip(rows, said, strict=True))
    return pa.array([places.get(row) for row in range(len(batch))], pa.string())


# Types.


def _unwrapped(array: pa.Array) -> pa.Array:
    """The array without extension type and dictionary, text as pa.string()."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if at.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string()) if _is_text(array.type) else array


def _bare(type_: pa.DataType) -> pa.DataType:
    if isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    return type_.value_type if at.is_dictionary(type_) else type_


def _is_text(type_: pa.DataType) -> bool:
    is_view = hasattr(at, "is_string_view") and at.is_string_view(type_)
    return at.is_string(type_) or at.is_large_string(type_) or is_view


def _is_list(type_: pa.DataType) -> bool:
    return at.is_list(type_) or at.is_large_list(type_) or at.is_fixed_size_list(type_)


_OBJECT = (_is_text, at.is_struct, at.is_map)
_TYPES: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "text": (_is_text,),
    "label": (_is_text, at.is_integer, at.is_date, at.is_timestamp),
    "gate": (_is_text, at.is_boolean),
    "integer": (at.is_integer,),
    "date": (at.is_date,),
    "timestamp": (_is_text, at.is_timestamp),
    "object": _OBJECT,
    "json": (*_OBJECT, _is_list),
}


def _are_parents(type_: pa.DataType) -> bool:
    if not at.is_struct(type_):
        return False
    types = {field.name: _bare(field.type) for field in type_}
    if not _may_be_text(types.get("relation", pa.null())):
        return False
    models = types.get("models", pa.null())
    if at.is_null(models):
        return True
    if not _is_list(models):
        return False
    member = _bare(models.value_type)
    return at.is_struct(member) and all(
        _may_be_text(_bare(field.type)) for field in member if field.name in ("_id", "id")
    )


def _may_be_text(type_: pa.DataType) -> bool:
    return _is_text(type_) or at.is_null(type_)
