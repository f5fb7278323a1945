"""`opentrace diff` on the built warehouse and on copies of it with rows changed."""

from __future__ import annotations

import json
import random
import re
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from opentrace_spark import cli
from opentrace_spark.tables import GOLD_RUNS, TABLES, TableSpec
from tests.pipeline import read_tables, rewrite

RUN_COLUMNS = ("parameters", "run_id", "processed_at")
SPECS = {spec.id: spec for spec in TABLES}
TABLES_COMPARED = [spec for spec in TABLES if spec != GOLD_RUNS]


@pytest.fixture
def other(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "other")
    return tmp_path / "other"


def diff(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert cli.main(["diff", *map(str, arguments)]) == 0
    return capsys.readouterr().out


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


def test_what_moved_is_what_plain_python_says(
    built: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other shares, measures and roots in the copy; the printed rows against the tables' rows."""
    chance = random.Random(3)
    before, after = read_tables(built), read_tables(other)
    for row in after["gold_leaderboards"] + after["gold_usage_shares"]:
        row["share"] = chance.choice((row["share"], row["share"] / 3, row["share"] / 7))
    for row in after["gold_period_summary"] + after["gold_concentration"]:
        row["hhi"] = row["hhi"] and row["hhi"] / chance.choice((1, 3, 7))
    for row in after["silver_lineage"]:
        row["root_id"] = chance.choice((row["root_id"], "lab/base"))
    for name in ("leaderboards", "usage_shares", "period_summary", "concentration"):
        rewrite(other, SPECS[f"gold_{name}"], after[f"gold_{name}"])
    rewrite(other, SPECS["silver_lineage"], after["silver_lineage"])
    options = ("--level", "model", "developer", "--window", "none", "--top", 10_000)
    sections = sections_of(diff(capsys, built, other, *options))
    week = max(row["week_start"] for row in before["gold_weeks"] if not row["is_missing"])
    for level in ("model", "developer"):
        for title, table, key, value in (
            ("all time", "gold_leaderboards", "period", "all_time"),
            (f"week of {week}", "gold_usage_shares", "week_start", week),
        ):
            ours, theirs = (
                {
                    (row["entity"], f"{row['attribution']}, none"): row["share"]
                    for row in rows[table]
                    if row[key] == value
                    and (row["level"], row["recency_window"]) == (level, "none")
                }
                for rows in (before, after)
            )
            moved = {where: theirs[where] - ours[where] for where in ours}
            moved = {where: change for where, change in moved.items() if change}
            assert moved
            found = [(row[0], row[1]) for row in sections[f"Shares, {level}, {title}"]]
            assert found == sorted(moved, key=lambda where: (-abs(moved[where]), where))
        measures = [
            (
                {(r["period"], r["attribution"]): r["hhi"] for r in summarised(rows, level)},
                {(str(week), r["attribution"]): r["hhi"] for r in measured(rows, level, week)},
            )
            for rows in (before, after)
        ]
        ours, theirs = ({**periods, **weeks} for periods, weeks in measures)
        expected = {
            (when, f"{attribution}, none", "HHI")
            for when, attribution in ours
            if ours[when, attribution] != theirs[when, attribution]
        }
        found = {tuple(row[:3]) for row in sections[f"Headline figures, {level}"]}
        assert found == expected
    roots = [
        {row["model_id"]: row["root_id"] for row in rows["silver_lineage"]}
        for rows in (before, after)
    ]
    downloads = {row["model_id"]: row["total_downloads"] for row in after["silver_models"]}
    moved_models = [model for model in roots[0] if roots[0][model] != roots[1][model]]
    assert [row[0] for row in sections["Models with another root, most downloads in B first"]] == (
        sorted(moved_models, key=lambda model: (-downloads[model], model))
    )


def summarised(rows: dict[str, list[Any]], level: str) -> list[dict[str, Any]]:
    return [r for r in rows["gold_period_summary"] if is_headline(r, level)]


def measured(rows: dict[str, list[Any]], level: str, week: date) -> list[dict[str, Any]]:
    found = rows["gold_concentration"]
    return [r for r in found if is_headline(r, level) and r["week_start"] == week]


def is_headline(row: dict[str, Any], level: str) -> bool:
    return (row["level"], row["scope"], row["recency_window"]) == (level, "all", "none")


def sections_of(printed: str) -> dict[str, list[list[str]]]:
    """Title of a table (what stands before the colon) -> cells of its rows."""
    sections = {}
    for paragraph in printed.split("\n\n"):
        title, *lines = paragraph.splitlines()
        rows = [re.split(r" {2,}", line.strip()) for line in lines[1:]]
        # Lines with a label that stand below a table are none of its rows.
        width = len(re.split(r" {2,}", lines[0].strip())) if lines else 0
        sections[title.partition(":")[0]] = [row for row in rows if len(row) == width]
    return sections
