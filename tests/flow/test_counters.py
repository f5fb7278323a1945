"""Counters of snapshots/ through the whole flow: the same Hub, told by counts or by counters."""

from __future__ import annotations

import csv
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from opentrace_spark import flow
from opentrace_spark.check import check_landing
from opentrace_spark.config import load_config
from opentrace_spark.errors import ContentError
from opentrace_spark.silver import sightings
from opentrace_spark.sources.landing import open_landing
from tests.compare import exact_rows
from tests.flow.landings import HUB_CONFIG
from tests.flow.test_run import with_step
from tests.pipeline import Rows, changed_settings, run_pipeline, run_tables

SCENARIOS = Path(__file__).parents[1] / "scenarios"
WEEK = timedelta(days=7)
OF_THE_SOURCE = {"week_label", "rows", "source", "covered_days", "unknown_models"}


def counts_of(landing: Path) -> dict[date, dict[str, int]]:
    counts: dict[date, dict[str, int]] = defaultdict(dict)
    for file in (landing / "downloads").iterdir():
        for row in pq.read_table(file).to_pylist():
            assert row["id"] not in counts[row["week"]], "the Hub has no repeated counts"
            counts[row["week"]][row["id"]] = row["count"]
    return counts


def as_counters(landing: Path, folder: Path, rng: random.Random) -> Path:
    """The landing with its weekly counts as counters: a snapshot on every Monday, rows in any
    order, every other one as CSV."""
    for kind in landing.iterdir():
        if kind.name != "downloads":
            copy = shutil.copytree if kind.is_dir() else shutil.copy
            copy(kind, folder / kind.name)
    counts = counts_of(landing)
    counters = dict.fromkeys({name for week in counts.values() for name in week}, 5)
    last = max(counts)
    for number, week in enumerate([*days(min(counts), last), last + WEEK]):
        rows = [{"id": name, "downloadsAllTime": total} for name, total in counters.items()]
        rng.shuffle(rows)
        write(folder / "snapshots" / week.isoformat(), rows, number % 2 == 0)
        for name, count in counts.get(week, {}).items():
            counters[name] += count
    return folder


def days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += WEEK


def write(folder: Path, rows: list[dict[str, object]], is_csv: bool) -> None:
    folder.mkdir(parents=True)
    for part in range(2):
        half = rows[part::2]
        if is_csv:
            with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(half)
        else:
            pq.write_table(pa.Table.from_pylist(half), folder / f"{part}.parquet")


@pytest.fixture(scope="module")
def whole_landing(hub_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated Hub with the weeks that it lacks like the ones before: a counter that stands
    still in a week is a stall, not a week that nobody has."""
    landing = shutil.copytree(hub_landing, tmp_path_factory.mktemp("whole") / "landing")
    counts = counts_of(landing)
    for week in days(min(counts), max(counts)):
        if week not in counts:
            counts[week] = counts[week - WEEK]
            rows = [{"week": week, "id": m, "count": n} for m, n in counts[week].items()]
            pq.write_table(pa.Table.from_pylist(rows), landing / f"downloads/{week}-like.parquet")
    return landing


@pytest.fixture(scope="module")
def counted_landing(whole_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return as_counters(whole_landing, tmp_path_factory.mktemp("counters"), random.Random(1))


@pytest.fixture(scope="module")
def counted(
    spark: SparkSession, counted_landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Rows]:
    """The core tables by counters."""
    warehouse = tmp_path_factory.mktemp("counted")
    return run_tables(spark, counted_landing, warehouse, HUB_CONFIG, ("core",))


def test_counters_give_the_tables_of_the_counts_that_they_are_made_of(
    spark: SparkSession, whole_landing: Path, counted: dict[str, Rows], tmp_path: Path
) -> None:
    expected = run_tables(spark, whole_landing, tmp_path, HUB_CONFIG, ("core",))
    for table in ("gold_usage_shares", "gold_concentration", "silver_lineage"):
        assert exact_rows({table: counted[table]}) == exact_rows({table: expected[table]}), table
    weeks, by_counts = (
        [{k: v for k, v in row.items() if k not in OF_THE_SOURCE} for row in tables["gold_weeks"]]
        for tables in (counted, expected)
    )
    assert exact_rows({"gold_weeks": weeks}) == exact_rows({"gold_weeks": by_counts})
    assert {row["covered_days"] for row in counted["gold_weeks"]} == {7}


def test_counters_do_not_depend_on_buckets_and_partitions(
    spark: SparkSession,
    counted_landing: Path,
    counted: dict[str, Rows],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sightings, "_SMALL_BUCKET_ROWS", 10_000)
    sightings.bucket_count.cache_clear()
    assert sightings.bucket_count(open_landing(str(counted_landing)), 2) > 3
    with changed_settings(spark, {"spark.sql.shuffle.partitions": "7"}):
        again = run_tables(spark, counted_landing, tmp_path, HUB_CONFIG, ("core",))
    sightings.bucket_count.cache_clear()
    assert exact_rows(again) == exact_rows(counted)


@pytest.mark.parametrize(
    ("scenario", "notes"),
    [
        ("counter_stall", ["stand still in 2025-01-20 (2 of 2), 2025-02-10 (2 of 2); left out"]),
        (
            "counter_names",
            [
                "models with a new name, followed by their `_id`: 1",
                "more than one model bore, kept apart: acme/both",
            ],
        ),
        ("counter_wednesdays", ["the last week, 2025-02-03, is counted on 2 of 7 days"]),
        (
            "counter_two_sources",
            ["both give 2 weeks (weeks.precedence = downloads); 2 differ: 35 downloads"],
        ),
        ("counter_rows", ["snapshots/2025-01-27 is not read: its collection was not finished"]),
    ],
)
def test_a_run_tells_what_the_counters_are_like(
    spark: SparkSession, tmp_path: Path, scenario: str, notes: list[str]
) -> None:
    landing = SCENARIOS / scenario / "landing"
    told = run_pipeline(spark, landing, tmp_path, load_config(), ("weeks",)).notes
    for note in notes:
        assert any(note in line for line in told), told


def test_counters_that_do_not_come_back_stop_the_run(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = next(step.build for step in flow.FLOW if step.writes == "work_differences")

    def lossy(inputs: dict[str, DataFrame], context: object) -> DataFrame:
        return build(inputs, context).where("week_start <> '2025-01-13'")  # type: ignore[arg-type]

    with_step(monkeypatch, "work_differences", lossy)
    landing = SCENARIOS / "counter_absences" / "landing"
    with pytest.raises(ContentError, match=r"check failed.*counters come back"):
        run_pipeline(spark, landing, tmp_path, load_config(), ("weeks",))
    assert not (tmp_path / "gold").exists()


def test_check_judges_rows_of_snapshots(spark: SparkSession) -> None:
    landing = open_landing(str(SCENARIOS / "counter_rows" / "landing"))
    report = check_landing(spark, landing, load_config())
    kind = {kind.kind: kind for kind in report.kinds}["snapshots"]
    assert (kind.files, kind.rows, kind.accepted) == (4, 12, 5)
    assert {r.reason: r.rows for r in kind.rejections} == {
        "conflicting_counts": 2,
        "duplicate_row": 1,
        "empty_id": 1,
        "missing_downloadsAllTime": 1,
        "negative_count": 1,
        "unparsable_downloadsAllTime": 1,
    }
    assert report.snapshots == tuple(date(2025, 1, day) for day in (6, 13, 20))
    assert any("2025-01-27" in note for note in report.lacking)
