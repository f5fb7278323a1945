"""The DuckDB program keeps the rules that the jobs keep: any landing gives the same tables."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given

from benchmarks.compare import Comparison
from benchmarks.duckdb_program import run
from opentrace_spark.config import load_config
from tests.benchmark.dirty import write_as_generated, write_dirty_landing
from tests.compare import SPECS, assert_none, differences
from tests.property.landings import Landing, landings, random_examples
from tests.reference import reference_tables

Rows = list[dict[str, Any]]


@random_examples(10)
@given(landing=landings())
def test_program_agrees_with_reference_on_random_landings(landing: Landing) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_as_generated(landing, Path(scratch) / "landing")
        assert_agrees_with_reference(folder, Path(scratch) / "tables")


@pytest.mark.slow
def test_no_cell_differs_from_the_jobs_on_a_dirty_landing(spark: Any, tmp_path: Path) -> None:
    from tests.pipeline import run_tables

    landing = write_dirty_landing(tmp_path / "landing", models=2500, weeks=40, seed=6)
    tables = run_tables(spark, landing, tmp_path / "warehouse", load_config(), only=("core",))
    run_program(landing, tmp_path / "tables")
    outcomes = Comparison(tmp_path / "warehouse", tmp_path / "tables", str(tmp_path)).outcomes()
    assert [str(outcome) for outcome in outcomes if outcome.differences] == []
    assert {outcome.table for outcome in outcomes} >= {SPECS[table].path for table in tables}
    assert all(outcome.cells for outcome in outcomes)


def run_program(landing: Path, out: Path) -> None:
    out.mkdir()
    with tempfile.TemporaryDirectory() as temp:
        run(landing, out, "1GB", temp, "full")


def assert_agrees_with_reference(landing: Path, out: Path) -> None:
    run_program(landing, out)
    expected = reference_tables(landing, load_config())
    got = {file.stem: pq.read_table(file).to_pylist() for file in out.iterdir()}
    names = {row["model"]: row["model_id"] for row in got["silver_lineage"]}
    keys = {row["model_id"]: row["model_key"] for row in expected["silver_lineage"]}
    for row in got["silver_model_weeks"]:
        row["model_key"] = keys.get(names[row.pop("model")])
    for row in got["silver_lineage"]:
        row["model_key"] = keys.get(row["model_id"])
    for rows in (got["silver_lineage"], expected["silver_lineage"]):
        name_families_by_first_member(rows)
    lines: list[str] = []
    for table, rows in got.items():
        written = set(pq.read_schema(out / f"{table}.parquet").names) | {"model_key"}
        theirs = [{k: v for k, v in row.items() if k in written} for row in expected[table]]
        lines += differences(table, rows, theirs)
    assert_none(lines)
    assert set(got) == {
        *("silver_model_weeks", "silver_lineage", "silver_rejects"),
        *("gold_weeks", "gold_usage_shares", "gold_concentration"),
    }
    assert all(json.loads(row["raw_values"]) is not None for row in got["silver_rejects"])


def name_families_by_first_member(rows: Rows) -> None:
    """Each program names a family by another member: make it the one whose name comes first."""
    members = defaultdict(list)
    for row in rows:
        members[row["family_id"]].append(row["model_id"])
    for row in rows:
        row["family_id"] = min(members[row["family_id"]])
