"""Counters' reports of one week to rows, and how far two sources differ."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from opentrace_spark.counters.differences import bit_of
from opentrace_spark.silver.settle import SCHEMA
from opentrace_spark.silver.settle_counters import REPORTS, differing, settle_counters


def report(key: int, count: int | None, name: str = "a/m", **said: Any) -> dict[str, Any]:
    flags = sum(bit_of(flag) for flag in said.get("flags", ()))
    resolution = said.get("resolution", "exact")
    return {
        "model_key": key,
        "count": count,
        "difference": said.get("difference", count),
        "flags": flags,
        "name": name,
        "is_own": resolution == "exact",
        "resolution": resolution,
    }


def settled(*reports: dict[str, Any]) -> dict[int, tuple[Any, ...]]:
    rows = settle_counters(pa.Table.from_pylist(list(reports), REPORTS))
    assert rows.schema == SCHEMA
    rows.validate(full=True)
    keys = rows["model_key"].to_pylist()
    assert keys == sorted(set(keys))
    columns = ("download_count", "raw_difference", "flags", "reported_as")
    return {row["model_key"]: tuple(row[c] for c in columns) for row in rows.to_pylist()}


def test_reports_come_back_in_the_order_of_their_keys():
    assert settled(report(5, 1), report(-3, 0), report(2, 7)) == {
        -3: (0, 0, None, None),
        2: (7, 7, None, None),
        5: (1, 1, None, None),
    }


def test_a_week_without_reports():
    assert settled() == {}


def test_unknown_counts_stay_unknown():
    fall = report(1, None, difference=-4, flags=("regression",))
    stall = report(2, None, difference=None, flags=("stall", "gap"))
    assert settled(fall, stall) == {
        1: (None, -4, "regression", None),
        2: (None, None, "gap,stall", None),
    }


def test_models_of_snapshots_that_are_one_add_up():
    fall = report(1, None, "a/old", difference=-4, flags=("regression",), resolution="former")
    assert settled(fall, report(1, 5), report(2, 8)) == {
        1: (5, 1, "regression,renamed,summed", ["a/m", "a/old"]),
        2: (8, 8, None, None),
    }
    assert settled(report(1, 5), report(1, 6)) == {1: (11, 11, "summed", None)}


def test_other_names_are_told_beside_own_ones():
    unknown = report(3, 1, "x/y", resolution="unknown")
    recased = report(1, 2, "A/M", resolution="recased")
    assert settled(unknown, report(2, 9), recased) == {
        1: (2, 2, "recased", ["A/M"]),
        2: (9, 9, None, None),
        3: (1, 1, "no_metadata", ["x/y"]),
    }


def test_sums_that_64_bits_do_not_hold_are_refused():
    with pytest.raises(OverflowError, match="64 bits"):
        settled(report(1, 2**62), report(1, 2**62))


def test_differing_counts_models_whose_known_counts_are_not_the_same():
    ours = settle_counters(
        pa.Table.from_pylist(
            [report(1, 5), report(2, None), report(3, 0), report(4, 7), report(6, 1)], REPORTS
        )
    )
    theirs = settle_counters(
        pa.Table.from_pylist([report(1, 5), report(2, 3), report(5, 0), report(6, 2)], REPORTS)
    )
    # 4 is in one alone, 6 differs; 2 is unknown, and 3 and 5 are 0 in both.
    assert differing(ours, theirs) == (10, 2)
    assert differing(theirs, ours) == (13, 2)
    nothing = ours.slice(0, 0)
    assert differing(nothing, theirs) == (10, 3)
    assert differing(nothing, nothing) == (0, 0)
