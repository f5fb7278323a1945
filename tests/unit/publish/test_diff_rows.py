"""Rows of two tables: matched by key, compared to the last bit, a part at a time."""

from __future__ import annotations

import math
import random
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from opentrace_spark.publish.diff import rows as diff_rows
from opentrace_spark.publish.diff.rows import Part, TableDiff, compare
from opentrace_spark.tables import (
    GOLD_DEVELOPER_TRENDS,
    GOLD_SAMPLES,
    GOLD_USAGE_SHARES,
    SILVER_MODELS,
    SILVER_REJECTS,
    TableSpec,
)
from tests.unit.publish.small_tables import Rows, snapshot, write_table

WEEK = date(2024, 7, 8)


def compared(folder: Path, spec: TableSpec) -> tuple[TableDiff, list[Part]]:
    parts: list[Part] = []
    diff = compare(snapshot(folder / "a", spec), snapshot(folder / "b", spec), spec, [parts.append])
    return diff, parts


def difference(folder: Path, spec: TableSpec, a: Rows, b: Rows) -> TableDiff:
    write_table(folder / "a", spec, a)
    write_table(folder / "b", spec, b)
    return compared(folder, spec)[0]


def counts(diff: TableDiff) -> tuple[int, int, int, int]:
    return diff.only_a, diff.only_b, diff.changed, diff.same


def model(name: str, **cells: Any) -> dict[str, Any]:
    return {"model_id": name, "likes": 1, "license": "mit", "tags": ["x"]} | cells


def test_the_same_rows_in_other_files_and_order_are_identical(tmp_path: Path) -> None:
    rows = [model(f"o/{i}", likes=i or None) for i in range(9)]
    write_table(tmp_path / "a", SILVER_MODELS, rows)
    write_table(tmp_path / "b", SILVER_MODELS, rows[::-1], files=3)
    diff, _ = compared(tmp_path, SILVER_MODELS)
    assert diff.is_identical
    assert counts(diff) == (0, 0, 0, 9)


def test_what_names_the_run_is_not_compared(tmp_path: Path) -> None:
    row = {"sample": "all", "models": 3}
    runs = [
        {"parameters": "{}", "run_id": run, "processed_at": datetime(2024, 7, day)}
        for run, day in (("one", 1), ("two", 2))
    ]
    assert difference(tmp_path, GOLD_SAMPLES, [row | runs[0]], [row | runs[1]]).is_identical


def test_rows_are_counted_once_however_many_cells_differ(tmp_path: Path) -> None:
    before = [model("o/same"), model("o/one"), model("o/both"), model("o/gone")]
    after = [
        model("o/new"),
        model("o/both", likes=2, license=None),
        model("o/one", likes=7),
        model("o/same"),
    ]
    diff = difference(tmp_path, SILVER_MODELS, before, after)
    assert counts(diff) == (1, 1, 2, 1)
    assert +diff.columns == {"likes": 2, "license": 1}
    assert not diff.is_identical


MOMENT = datetime(2024, 7, 8, 1, 2, 3, 4, tzinfo=timezone.utc)
NEGATIVE_NAN = -math.nan


@pytest.mark.parametrize(
    ("column", "a", "b", "differs"),
    [
        ("license", None, None, False),
        ("license", None, "", True),
        ("license", "mit", "MIT", True),
        ("license", "é", "e\u0301", True),
        ("likes", 2**53, 2**53 + 1, True),
        ("likes", None, 0, True),
        ("gini", 0.1 + 0.2, 0.3, True),
        ("gini", math.nan, math.nan, False),
        ("gini", math.nan, NEGATIVE_NAN, False),
        ("gini", math.nan, None, True),
        ("gini", 0.0, -0.0, True),
        ("gini", math.inf, math.inf, False),
        ("in_population", False, None, True),
        ("created_at", MOMENT, MOMENT.replace(microsecond=5), True),
        ("created_date", WEEK, WEEK, False),
        ("tags", None, None, False),
        ("tags", None, [], True),
        ("tags", [], [None], True),
        ("tags", ["a,b"], ["a", "b"], True),
        ("tags", ["ab", "c"], ["a", "bc"], True),
        ("tags", ["a", "b"], ["b", "a"], True),
        ("tags", ["a", None], ["a", None], False),
        ("tags", ["a", None], ["a", ""], True),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_cells_are_the_same_only_where_all_of_them_is(
    tmp_path: Path, column: str, a: Any, b: Any, differs: bool, place: int
) -> None:
    for name, value in (("a", a), ("b", b)):
        rows = [{"model_id": f"o/{i}", column: None} for i in range(3)]
        rows[place][column] = value
        write_table(tmp_path / name, SILVER_MODELS, rows, columns={"gini": "double"})
    diff, parts = compared(tmp_path, SILVER_MODELS)
    assert counts(diff) == (0, 0, int(differs), 3 - int(differs))
    (part,) = parts
    found = dict(zip(part.a["model_id"].to_pylist(), part.unequal[column], strict=True))
    assert found == {f"o/{i}": differs and i == place for i in range(3)}


def test_null_in_a_key_is_a_value(tmp_path: Path) -> None:
    cell = {"level": "developer", "attribution": "none", "recency_window": "none"}
    rows = [
        cell | {"week_start": WEEK, "rank": rank, "entity": str(rank), "downloads": 5}
        for rank in (1, 2, None)
    ]
    assert counts(difference(tmp_path, GOLD_DEVELOPER_TRENDS, rows, rows)) == (0, 0, 0, 3)
    other = [*rows[:2], rows[2] | {"downloads": 6}]
    assert counts(difference(tmp_path, GOLD_DEVELOPER_TRENDS, rows, other)) == (0, 0, 1, 2)
    assert counts(difference(tmp_path, GOLD_DEVELOPER_TRENDS, rows, rows[:2])) == (1, 0, 0, 2)


def test_parts_of_a_key_are_not_run_together(tmp_path: Path) -> None:
    a = [{"source_file": "x1", "row": 1, "reason": "r", "raw_values": ""}]
    b = [{"source_file": "x", "row": 11, "reason": "r", "raw_values": ""}]
    assert counts(difference(tmp_path, SILVER_REJECTS, a, b)) == (1, 1, 0, 0)


def test_empty_tables(tmp_path: Path) -> None:
    assert difference(tmp_path, SILVER_MODELS, [], []).is_identical
    rows = [{c.name: None for c in SILVER_MODELS.columns} | {"model_id": "o/a"}]
    assert counts(difference(tmp_path, SILVER_MODELS, [], rows)) == (0, 1, 0, 0)


def test_a_table_may_be_partitioned_on_one_side_only(tmp_path: Path) -> None:
    rows = shares(random.Random(5), 40)
    write_table(tmp_path / "a", GOLD_USAGE_SHARES, rows)
    write_table(tmp_path / "b", GOLD_USAGE_SHARES, rows, partition_by=())
    assert compared(tmp_path, GOLD_USAGE_SHARES)[0].is_identical


def test_columns_of_one_side_are_named_and_the_others_compared(tmp_path: Path) -> None:
    write_table(
        tmp_path / "a", SILVER_MODELS, [{"model_id": "o/a", "likes": 1, "tags": [], "gated": ""}]
    )
    after = [{"model_id": "o/a", "likes": "1", "license": "mit", "tags": ["t"]}]
    write_table(tmp_path / "b", SILVER_MODELS, after, columns={"likes": "string"})
    diff, _ = compared(tmp_path, SILVER_MODELS)
    assert diff.lacking == (
        "only in A: gated",
        "only in B: license",
        "likes is int64 in A, string in B",
    )
    assert counts(diff) == (0, 0, 1, 0)
    assert +diff.columns == {"tags": 1}


def test_columns_alone_make_a_table_different(tmp_path: Path) -> None:
    a, b = [{"model_id": "o/a"}], [{"model_id": "o/a", "likes": None}]
    diff = difference(tmp_path, SILVER_MODELS, a, b)
    assert counts(diff) == (0, 0, 0, 1)
    assert not diff.is_identical


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ([{"likes": 1}], [{"likes": 1, "model_id": "o/a"}], "the key differs; only in B: model_id"),
        ([model("o/a")] * 2, [model("o/a")], "rows of A share a key (model_id)"),
        ([model("o/a")], [model("o/a")] * 2, "rows of B share a key (model_id)"),
    ],
)
def test_rows_without_a_key_are_not_compared(tmp_path: Path, a: Rows, b: Rows, why: str) -> None:
    diff = difference(tmp_path, SILVER_MODELS, a, b)
    assert not diff.matched
    assert not diff.is_identical
    assert diff.lacking == (why,)


def shares(random: random.Random, count: int) -> list[dict[str, Any]]:
    """Rows of usage_shares with distinct keys over a few weeks; ranks may be null."""
    keys = {
        (date(2024, 7, random.choice((1, 8, 15))), random.choice("ab"), random.choice((None, 1, 2)))
        for _ in range(count)
    }
    rows = [
        {
            "week_start": week,
            "level": level,
            "attribution": "none",
            "recency_window": "none",
            "rank": rank,
            "entity": random.choice(("x", "", "é|[b]")),
            "share": random.choice((0.0, math.nan, 0.5)),
            "member_count": random.choice((None, 1)),
        }
        for week, level, rank in sorted(keys, key=repr)
    ]
    random.shuffle(rows)
    return rows


@pytest.mark.parametrize("seed", range(12))
def test_random_tables_differ_as_plain_python_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(diff_rows, "_ROWS_AT_ONCE", chance.choice((1, 3, 1000)))
    monkeypatch.setattr(diff_rows, "_ROWS_READ_AT_ONCE", 2)
    by = chance.choice((None, ()))
    sides = {}
    for name in "ab":
        sides[name] = shares(chance, chance.choice((1, 12, 30)))
        files = chance.choice((1, 2))
        write_table(tmp_path / name, GOLD_USAGE_SHARES, sides[name], files=files, partition_by=by)

    def by_key(name: str) -> dict[tuple[Any, ...], dict[str, str]]:
        return {
            tuple(row[column] for column in GOLD_USAGE_SHARES.key): {
                column: repr(value)
                for column, value in row.items()
                if column not in GOLD_USAGE_SHARES.key
            }
            for row in sides[name]
        }

    ours, theirs = by_key("a"), by_key("b")
    both = ours.keys() & theirs.keys()
    changed = {key for key in both if ours[key] != theirs[key]}
    diff, parts = compared(tmp_path, GOLD_USAGE_SHARES)
    assert counts(diff) == (
        len(ours.keys() - both),
        len(theirs.keys() - both),
        len(changed),
        len(both) - len(changed),
    )
    for column in ("entity", "share", "member_count"):
        assert diff.columns[column] == sum(ours[k][column] != theirs[k][column] for k in both)
    only_a = [tuple(row.values()) for part in parts for row in part.only_a.to_pylist()]
    assert sorted(only_a, key=repr) == sorted(ours.keys() - both, key=repr)
