"""Rows of snapshots/ by model, and who each model is, without Spark."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark.bronze.snapshots import usable_sightings
from opentrace_spark.silver.counted_models import _described
from opentrace_spark.silver.sightings import _dealt, _sightings, hub_models, read_bucket
from opentrace_spark.sources.schemas import arrow_schema

PLACES = {"a": (0, 0), "b": (1, 0), "b2": (1, 1)}


def row(file: str, number: int, hub_id: str | None, name: str | None, counter: int | None):
    return {
        "source_file": file,
        "source_row": number,
        "_id": hub_id,
        "id": name,
        "createdAt": dt.datetime(2025, 1, 1, 23, 59, 59, 999999, tzinfo=dt.timezone.utc),
        "downloadsAllTime": counter,
    }


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=arrow_schema("snapshots"))


@pytest.mark.parametrize(
    ("name", "counter", "is_usable"),
    [
        ("a/m", 0, True),
        ("a/m", -1, False),
        ("a/m", None, False),
        ("", 1, False),
        (None, 1, False),
        ("é" * 300, 1, True),
        ("é" * 301, 1, False),
        ("a\u0085b", 1, False),
        ("a\x00b", 1, False),
        ("a\x7fb", 1, False),
        ("a\u00a0b", 1, True),
        (" ", 1, True),
    ],
)
def test_usable_sightings_have_a_name_and_a_counter(name, counter, is_usable):
    assert len(usable_sightings(batch([row("a", 1, "x", name, counter)]))) == is_usable


def test_usable_sightings_leave_out_what_did_not_parse():
    bad = {**row("a", 1, "x", "a/m", 1), "reason": "unparsable__id"}
    assert len(usable_sightings(batch([bad]))) == 0


def hub_ids(tmp_path, **known: str) -> str:
    """Stored `work_hub_ids`: name -> `_id`."""
    folder = tmp_path / f"hub_ids{len(known)}"
    folder.mkdir(exist_ok=True)
    table = pa.table(
        {"name": [*known], "hub_id": [*known.values()], "is_kept": [True] * len(known)}
    )
    schema = pa.schema([("name", pa.string()), ("hub_id", pa.string()), ("is_kept", pa.bool_())])
    pq.write_table(table.cast(schema), folder / "part.parquet")
    return f"file://{folder}"


def test_hub_models_are_known_by_their_id_then_by_models_then_by_name(tmp_path):
    known = hub_ids(tmp_path, m="1", n="2")
    ids, names = pa.array(["7", None, "", None]), pa.array(["m", "m", "n", "new"])
    assert hub_models(ids, names, known).to_pylist() == ["7", "1", "2", "/new"]


def bucket(tmp_path, rows, buckets=1):
    table = pa.Table.from_batches([_sightings(batch(rows), PLACES, hub_ids(tmp_path))])
    runs = _dealt(table, buckets, f"file://{tmp_path}").to_pylist()
    assert sum(run["rows"] for run in runs) == len(rows)
    return runs


def test_read_bucket_settles_models_that_are_there_twice(tmp_path):
    rows = [
        row("b2", 1, "1", "a/later", 5),
        row("b", 2, "1", "a/first", 5),
        row("b", 9, "2", "a/two", 7),
        row("b2", 2, "2", "a/two", 8),
        row("a", 1, "2", "a/two", 6),
        row("a", 2, None, "1", 3),
    ]
    runs = bucket(tmp_path, rows)
    seen = read_bucket(runs, with_names=True)
    assert seen.models.to_pylist() == ["/1", "1", "2"]
    found = zip(seen.model, seen.snapshot, seen.counter, seen.name.to_pylist(), strict=True)
    assert list(found) == [(0, 0, 3, "1"), (1, 1, 5, "a/first"), (2, 0, 6, "a/two")]
    assert seen.created.to_pylist() == [dt.date(2025, 1, 1)] * 3
    assert read_bucket(runs).name is None


def test_buckets_hold_each_model_in_one(tmp_path):
    rows = [row(file, n + 1, f"{n}", f"a/{n}", n) for file in ("a", "b") for n in range(50)]
    runs = bucket(tmp_path, rows, buckets=7)
    numbers = sorted({run["bucket"] for run in runs})
    assert numbers == list(range(7))
    models = [
        model
        for number in numbers
        for model in read_bucket([r for r in runs if r["bucket"] == number]).models.to_pylist()
    ]
    assert sorted(models) == sorted(f"{n}" for n in range(50))


def test_described_follows_names_and_counters(tmp_path):
    rows = [
        row("a", 1, "1", "a/old", 5),
        {**row("b", 1, "1", "a/new", 9), "createdAt": None},
        {**row("a", 2, "2", "a/x", 1), "createdAt": None},
        {**row("b", 2, None, "a/only-stalled", 4), "createdAt": None},
    ]
    seen = read_bucket(bucket(tmp_path, rows), with_names=True)
    told = _described(3, seen, np.array([False, True])).to_pylist()
    assert [(t["bucket"], t["number"], t["hub_id"], t["name"]) for t in told] == [
        (3, 0, None, "a/only-stalled"),
        (3, 1, "1", "a/new"),
        (3, 2, "2", "a/x"),
    ]
    assert [t["names"] for t in told] == [["a/only-stalled"], ["a/old", "a/new"], ["a/x"]]
    assert [(t["first_counter"], t["last_counter"]) for t in told] == [
        (None, None),
        (5, 5),
        (1, 1),
    ]
    assert [t["created"] for t in told] == [None, dt.date(2025, 1, 1), None]
    assert [t["last_seen"] for t in told] == [1, 1, 0]


def test_described_lists_a_name_that_comes_back_once(tmp_path):
    rows = [row(file, 1, "1", name, 1) for file, name in (("a", "x"), ("b", "y"))]
    rows += [{**row("b2", 1, "1", "x", 1), "source_file": "c"}]
    places = PLACES | {"c": (2, 0)}
    table = pa.Table.from_batches([_sightings(batch(rows), places, hub_ids(tmp_path))])
    seen = read_bucket(_dealt(table, 1, f"file://{tmp_path}").to_pylist(), with_names=True)
    (told,) = _described(0, seen, np.array([False] * 3)).to_pylist()
    assert told["names"] == ["x", "y"]
