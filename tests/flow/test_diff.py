"""`opentrace diff` on the built warehouse and on copies of it with rows changed."""

from __future__ import annotations

import json
import random
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from opentrace_spark import cli
from opentrace_spark.tables import GOLD_RUNS, TABLES, TableSpec
from tests.pipeline import read_tables

RUN_COLUMNS = ("parameters", "run_id", "processed_at")
TABLES_COMPARED = [spec for spec in TABLES if spec != GOLD_RUNS]


@pytest.fixture
def other(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "other")
    return tmp_path / "other"


def diff(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert cli.main(["diff", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def rewrite(warehouse: Path, spec: TableSpec, rows: list[dict[str, Any]]) -> None:
    """Make `rows` the table's content, in a new version of it."""
    location = warehouse / spec.path
    table = DeltaTable(location)
    write_deltalake(
        location,
        pa.Table.from_pylist(rows, schema=pa.schema(table.schema().to_arrow())),
        mode="overwrite",
        partition_by=table.metadata().partition_columns or None,
    )


def changed(value: Any, kind: str) -> Any:
    """Another value of the type."""
    if value is None:
        kinds = {"string": "", "bigint": 0, "int": 0, "double": 0.0, "boolean": False}
        more = {"date": date(2024, 1, 1), "timestamp": datetime(2024, 1, 1), "array<string>": []}
        return (kinds | more)[kind]
    if kind == "boolean":
        return not value
    if kind == "double":
        return value * (1 + 2**-50) if value else -0.0
    if kind in ("date", "timestamp"):
        return value + timedelta(days=1)
    return value + {"string": "|[b]'é", "array<string>": [None]}.get(kind, 1)


def mutated(spec: TableSpec, rows: list[dict[str, Any]], chance: random.Random) -> list[Any]:
    """Rows in another order, about a third with a cell changed, some gone and one new."""
    free = [c for c in spec.columns if c.name not in (*spec.key, *RUN_COLUMNS)]
    rows = [dict(row) for row in rows if chance.random() > 0.1]
    for row in rows:
        if chance.random() < 0.3:
            column = chance.choice(free)
            row[column.name] = changed(row[column.name], column.type)
    if rows:
        new = dict(chance.choice(rows))
        last = {column.name: column.type for column in spec.columns}[spec.key[-1]]
        while any(all(new[name] == row[name] for name in spec.key) for row in rows):
            new[spec.key[-1]] = changed(new[spec.key[-1]], last)
        rows.append(new)
    chance.shuffle(rows)
    return rows


def exact(value: Any) -> Any:
    """A value as text that says all of it, to the last bit of a double; moments as in UTC."""
    if isinstance(value, dict):
        return sorted(f"{exact(key)}: {exact(cell)}" for key, cell in value.items())
    if isinstance(value, tuple):
        return [exact(part) for part in value]
    return value.timestamp() if isinstance(value, datetime) else repr(value)


def truth(spec: TableSpec, a: list[Any], b: list[Any]) -> dict[str, Any]:
    """What differs, in plain Python: rows of one side, rows with other cells, those cells."""
    ours, theirs = ({tuple(r[n] for n in spec.key): r for r in rows} for rows in (a, b))
    both = ours.keys() & theirs.keys()
    cells = {
        (key, column.name): (ours[key][column.name], theirs[key][column.name])
        for key in both
        for column in spec.columns
        if column.name not in RUN_COLUMNS
        and exact(ours[key][column.name]) != exact(theirs[key][column.name])
    }
    return {
        "only_a": ours.keys() - both,
        "only_b": theirs.keys() - both,
        "changed": {key for key, _ in cells},
        "same": both - {key for key, _ in cells},
        "cells": cells,
    }


def said_of(text: str | None, kind: str) -> Any:
    """A value of the files of --out, read back as a cell of its type."""
    if text is None or kind == "string":
        return text
    if kind in ("boolean", "array<string>"):
        return json.loads(text)
    if kind == "timestamp":
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    parse = {"double": float, "date": date.fromisoformat}
    return parse.get(kind, int)(text)


def test_a_warehouse_is_the_same_as_itself(
    built: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for spec in TABLES_COMPARED[::3]:
        rows = read_tables(other)[spec.id]
        rewrite(other, spec, rows[::-1])
    printed = diff(capsys, built, other, "--out", tmp_path / "out")
    assert (
        printed.splitlines()[-1] == f"The {len(TABLES_COMPARED)} tables are the same, bit for bit."
    )
    assert printed.count("identical") == len(TABLES_COMPARED)
    assert list((tmp_path / "out").iterdir()) == []


def test_every_difference_is_counted_and_written_down(
    built: Path, other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(7)
    before = read_tables(built)
    after = {spec.id: mutated(spec, before[spec.id], chance) for spec in TABLES_COMPARED}
    for spec in TABLES_COMPARED:
        rewrite(other, spec, after[spec.id])
    # Nothing is changed in a way that a table can't say.
    assert {k: len(v) for k, v in read_tables(other).items()} == {
        k: len(v) for k, v in after.items()
    }
    printed = diff(capsys, built, other, "--out", tmp_path / "out")
    lines = {line.split(" ")[0]: line for line in printed.splitlines() if line.count("  ") > 1}
    for spec in TABLES_COMPARED:
        expected = truth(spec, before[spec.id], after[spec.id])
        path = tmp_path / "out" / f"{spec.id}.parquet"
        rows = pq.read_table(path).to_pylist() if path.exists() else []
        kinds = {column.name: column.type for column in spec.columns}
        cells, alone = {}, {"only in A": set(), "only in B": set()}
        for row in rows:
            key = tuple(row[name] for name in spec.key)
            if row["difference"] == "changed":
                kind = kinds[row["column"]]
                pair = tuple(said_of(row[f"value_{side}"], kind) for side in "ab")
                cells[key, row["column"]] = pair
            else:
                assert (row["column"], row["value_a"], row["value_b"]) == (None, None, None)
                alone[row["difference"]].add(key)
        assert exact(cells) == exact(expected["cells"]), spec.path
        assert alone == {"only in A": expected["only_a"], "only in B": expected["only_b"]}
        counts = [f"{len(expected[what]):,}" for what in ("only_a", "only_b", "changed", "same")]
        shown = [count for place, count in enumerate(counts) if count != "0" or place > 1]
        if rows:
            assert lines[spec.path].split()[3:] == shown
        else:
            assert lines[spec.path].split()[3:] == ["identical", counts[3]]
    differ = len(list((tmp_path / "out").iterdir()))
    assert differ > len(TABLES_COMPARED) / 2
    assert printed.splitlines()[-1] == f"{differ} of {len(TABLES_COMPARED)} tables differ."
