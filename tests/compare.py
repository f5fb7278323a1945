"""Comparison of tables: exact for all but doubles, free of row order, with a readable answer.

`differences` compares whole tables; `unmet` compares a table with a file of a scenario's
`expected/` folder. Both return lines to print, none where all agrees.
"""

from __future__ import annotations

import ast
import csv
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

from opentrace_spark.tables import TABLES, TableSpec

Row = Mapping[str, Any]
SPECS: dict[str, TableSpec] = {spec.id: spec for spec in TABLES}
RUN_COLUMNS = {"run_id", "processed_at"}
NOT_COMPARED = {"parameters", "raw_values"} | RUN_COLUMNS
JSON_COLUMNS = {"card_data", "safetensors", "gguf", "siblings", "base_models", "other_fields"}
NARROWING = ("period", "sample", "level", "scope", "attribution", "recency_window")
"""Columns that narrow a table in a `.complete.csv` where every row of it says the same."""

MOST_LINES = 10


def exact_rows(tables: Mapping[str, Iterable[Row]]) -> dict[str, list[str]]:
    """Table -> its rows as text, to the last bit of a double, in an order of their own.

    Left out are the columns that differ between two runs on the same input.
    """
    return {
        table: sorted(
            repr([value for name, value in row.items() if name not in RUN_COLUMNS]) for row in rows
        )
        for table, rows in tables.items()
    }


def assert_same_tables(
    got: Mapping[str, Iterable[Row]], expected: Mapping[str, Iterable[Row]]
) -> None:
    """Fail with the first differences unless every expected table is there and the same."""
    lines: list[str] = []
    for table, rows in expected.items():
        lines += differences(table, got[table], rows) if table in got else [f"{table}: not there"]
    assert_none(lines)


def assert_none(lines: list[str]) -> None:
    """Fail with at most ten lines."""
    more = [f"… and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    assert not lines, "\n" + "\n".join(lines[:MOST_LINES] + more)


def differences(table: str, got: Iterable[Row], expected: Iterable[Row]) -> list[str]:
    """Lines that say where a table differs from another one, by key and column."""
    spec = SPECS[table]
    lines: list[str] = []
    ours, theirs = _keyed(spec, got, "got", lines), _keyed(spec, expected, "expected", lines)
    for key in sorted({*ours, *theirs}, key=repr):
        where = f"{table} ({_shown(spec.key, key)})"
        if key not in ours:
            lines.append(f"{where}: row missing")
        elif key not in theirs:
            lines.append(f"{where}: row not expected")
        else:
            lines += _cells(spec, where, ours[key], theirs[key], theirs[key])
    return lines


def unmet(tables: Mapping[str, Iterable[Row]], file: Path) -> list[str]:
    """Lines that say what in the tables is not as a file of a scenario says.

    `<table>.csv`: the key columns of each line select rows, there must be some, and the other
    columns must be as written. `<table>.complete.csv`: the same, and the table has no other rows;
    of the columns in NARROWING, those that say the same in every line narrow the table first.
    `<table>.absent.csv`: no row agrees with all cells of a line.
    """
    table, _, rule = file.name.removesuffix(".csv").partition(".")
    spec = SPECS[table]
    rows = list(_with_names(table, tables))
    wanted = list(_wanted(spec, file))
    columns = list(wanted[0]) if wanted else []
    keys = [c for c in columns if c in spec.key or (c == "model_id" and c not in _columns(spec))]
    lines: list[str] = []
    if rule == "absent":
        for want in wanted:
            if any(_agree(spec, row, want, columns) for row in rows):
                lines.append(f"{table} ({_shown(columns, want.values())}): row not expected")
        return lines
    chosen: set[int] = set()
    for want in wanted:
        where = f"{table} ({_shown(keys, [want[c] for c in keys])})"
        places = [i for i, row in enumerate(rows) if _agree(spec, row, want, keys)]
        chosen.update(places)
        lines += [] if places else [f"{where}: row missing"]
        for place in places:
            lines += _cells(spec, where, rows[place], want, columns)
    if rule == "complete":
        narrow = [c for c in NARROWING if c in keys and len({want[c] for want in wanted}) == 1]
        for place, row in enumerate(rows):
            if place not in chosen and all(row[c] == wanted[0][c] for c in narrow):
                shown = _shown(spec.key, [row[c] for c in spec.key])
                lines.append(f"{table} ({shown}): row not expected")
    return lines


def same(kind: str, got: Any, expected: Any) -> bool:
    """Whether two cells of a column of this type agree."""
    if kind == "double" and got is not None and expected is not None:
        return math.isfinite(got) and abs(got - expected) <= 1e-12 * max(abs(expected), 1e-3)
    return type(got) is type(expected) and bool(got == expected)


def _columns(spec: TableSpec) -> dict[str, str]:
    return {column.name: column.type for column in spec.columns}


def _keyed(
    spec: TableSpec, rows: Iterable[Row], side: str, lines: list[str]
) -> dict[tuple[Any, ...], Row]:
    keyed: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[column] for column in spec.key)
        if key in keyed:
            lines.append(f"{spec.id} ({_shown(spec.key, key)}): {side} twice")
        keyed[key] = row
    return keyed


def _cells(
    spec: TableSpec, where: str, got: Row, expected: Row, columns: Iterable[str]
) -> list[str]:
    lines = []
    for column in columns:
        if column in NOT_COMPARED:
            continue
        if column not in got:
            lines.append(f"{where} {column}: no such column")
            continue
        ours, theirs = _plain(column, got[column]), _plain(column, expected[column])
        if not same(_columns(spec).get(column, "string"), ours, theirs):
            lines.append(f"{where} {column}: expected {theirs!r}, got {ours!r}")
    return lines


def _agree(spec: TableSpec, row: Row, want: Row, columns: Iterable[str]) -> bool:
    types = _columns(spec)
    return all(same(types.get(c, "string"), _plain(c, row[c]), _plain(c, want[c])) for c in columns)


def _plain(column: str, value: Any) -> Any:
    """A cell in the form that compares: moments in UTC, JSON parsed, sequences as lists."""
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return zoned.astimezone(timezone.utc)
    if column in JSON_COLUMNS and isinstance(value, str):
        return _without_nulls(json.loads(value)) or None
    return list(value) if isinstance(value, (list, tuple)) else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def _shown(columns: Iterable[str], values: Iterable[Any]) -> str:
    return ", ".join(f"{c}={v}" for c, v in zip(columns, values, strict=True))


def _with_names(table: str, tables: Mapping[str, Iterable[Row]]) -> Iterable[Row]:
    """Rows; those of silver/model_weeks with the model's name beside its key."""
    if table != "silver_model_weeks":
        return tables[table]
    names = {row["model_key"]: row["model_id"] for row in tables["silver_models"]}
    return [{**row, "model_id": names[row["model_key"]]} for row in tables[table]]


def _wanted(spec: TableSpec, file: Path) -> Iterable[dict[str, Any]]:
    types = _columns(spec)
    if spec.id == "silver_model_weeks":
        types["model_id"] = "string"
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, strict=True):
            unknown = [column for column in row if column not in types]
            if unknown or None in row.values():
                raise ValueError(f"{file.name}: unknown column {unknown} or a cell too few")
            yield {column: _parsed(types[column], cell) for column, cell in row.items()}


def _parsed(kind: str, cell: str) -> Any:
    """A cell of an expected file: empty is null, a double may be a sum like `3/4*ln(2)`."""
    if cell == "":
        return None
    if kind in ("bigint", "int"):
        return int(cell)
    if kind == "boolean":
        return {"true": True, "false": False}[cell]
    if kind == "date":
        return date.fromisoformat(cell)
    if kind == "timestamp":
        return datetime.fromisoformat(cell.replace("Z", "+00:00"))
    if kind == "double":
        return float(_number(ast.parse(cell, mode="eval").body))
    return cell.split(";") if kind == "array<string>" else cell


def _number(node: ast.expr) -> Fraction | float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ln":
        return math.log(_number(node.args[0]))
    if isinstance(node, ast.BinOp):
        left, right = _number(node.left), _number(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            return left / right
    raise ValueError(f"not a number: {ast.unparse(node)}")
