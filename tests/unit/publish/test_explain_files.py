"""Which snapshots and files a week's counts are traced to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, cast

import pytest

from opentrace_spark.publish.explain.files import files_of_week, snapshots_of_week
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import SILVER_SNAPSHOTS, TableSpec

MONDAY = date(2025, 3, 3)


class Given:
    """The parts of a Source that are asked: snapshots, and the files of the run."""

    def __init__(self, snapshots: dict[str, bool], files: Sequence[str] = ()) -> None:
        self.snapshots = snapshots
        self.run = {"inputs": json.dumps({file: {"bytes": 1, "sha256": "0"} for file in files})}

    def __contains__(self, spec: TableSpec) -> bool:
        return spec is SILVER_SNAPSHOTS

    def rows(self, spec: TableSpec, columns: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {"snapshot_date": date.fromisoformat(day), "is_stalled": stalled}
            for day, stalled in self.snapshots.items()
        ]


def given(snapshots: dict[str, bool], files: Sequence[str] = ()) -> Source:
    return cast(Source, Given(snapshots, files))


@pytest.mark.parametrize(
    ("snapshots", "days"),
    [
        # From Monday to Monday: the next interval begins on the day after the week.
        (["2025-02-24", "2025-03-03", "2025-03-10", "2025-03-17"], ["2025-03-03", "2025-03-10"]),
        # Wednesdays: two intervals share the week.
        (["2025-02-26", "2025-03-05", "2025-03-12"], ["2025-02-26", "2025-03-05", "2025-03-12"]),
        (["2025-02-01", "2025-05-01"], ["2025-02-01", "2025-05-01"]),
        (["2025-03-09", "2025-03-10"], ["2025-03-09", "2025-03-10"]),
        (["2025-03-10", "2025-03-17"], []),
        (["2025-02-24", "2025-03-03"], []),
        ([], []),
    ],
)
def test_snapshots_of_week_are_those_whose_days_it_has(
    snapshots: list[str], days: list[str]
) -> None:
    found = snapshots_of_week(given(dict.fromkeys(snapshots, False)), MONDAY)
    assert [str(day) for day in found] == days
    # In days: a snapshot counts up to its eve.
    week = {MONDAY + timedelta(days=n) for n in range(7)}
    dates = [date.fromisoformat(day) for day in snapshots]
    covering = {
        end
        for a, b in pairwise(dates)
        for end in (a, b)
        if week & {a + timedelta(days=n) for n in range((b - a).days)}
    }
    assert covering == set(found)


def test_stalled_snapshots_are_passed_over() -> None:
    days = {"2025-02-26": False, "2025-03-05": True, "2025-03-12": False}
    found = snapshots_of_week(given(days), MONDAY)
    assert [str(day) for day in found] == ["2025-02-26", "2025-03-12"]
    files = [f"snapshots/{day}/part.parquet" for day in days] + ["downloads/2025-03-03.csv"]
    week = {"week_start": MONDAY, "week_label": None, "source": "snapshots"}
    what, paths = files_of_week(given(days, files), week)
    assert paths == [files[0], files[2]]
    assert what == "differences of the counters of 2025-02-26, 2025-03-12"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["downloads/2025-03-03.csv", "downloads/2025-03-10.csv"], [0]),
        (["downloads/2025-03-05.csv", "downloads/2025-03-10.csv"], [0]),
        (["downloads/week=20250303/a.parquet", "downloads/week=20250303/b.parquet"], [0, 1]),
        (["downloads/all.parquet", "downloads/more.parquet"], [0, 1]),
    ],
)
def test_files_of_week_bear_its_date_or_are_all(files: list[str], found: list[int]) -> None:
    week = {"week_start": MONDAY, "week_label": date(2025, 3, 5), "source": "downloads"}
    what, paths = files_of_week(given({}, [*files, "models/2025-03-03.csv"]), week)
    assert paths == [files[place] for place in found]
    assert ("--landing tells" in what) == ("all" in files[0])
