"""The star schema and latest-week tables, held against silver and gold in plain Python."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from opentrace_spark import cli
from opentrace_spark.bi_tables import (
    BI_TABLES,
    DIM_MODEL,
    FACT_CONCENTRATION,
    FACT_COUNTRIES,
    FACTS,
    FOREIGN_KEYS,
    LATEST_SHARES,
)
from opentrace_spark.errors import CheckError
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.bi.command import check_rows
from opentrace_spark.publish.bi.dimensions import as_spec
from opentrace_spark.tables import GOLD_RUNS, GOLD_USAGE_SHARES, REST, SILVER_MODELS, TableSpec
from opentrace_spark.upkeep import tend
from tests.pipeline import Rows, read_tables, rewrite

LATEST = date(2024, 6, 17)
CELL = ("level", "attribution", "recency_window")


@pytest.fixture(scope="module")
def bi(bi_warehouse: Path) -> dict[str, Rows]:
    """Name -> rows of the tables below bi/."""
    opened = Warehouse(str(bi_warehouse))
    return {spec.name: opened.read(spec).to_pylist() for spec in BI_TABLES}


@pytest.fixture(scope="module")
def tables(bi_warehouse: Path) -> dict[str, Rows]:
    return read_tables(bi_warehouse)


@pytest.mark.parametrize("spec", BI_TABLES, ids=lambda spec: spec.name)
def test_keys_are_unique_and_foreign_keys_exist(bi: dict[str, Rows], spec: TableSpec) -> None:
    rows = bi[spec.name]
    keys = Counter(tuple(row[name] for name in spec.key) for row in rows)
    assert rows
    assert set(keys.values()) == {1}
    required = [column.name for column in spec.columns if not column.nullable]
    assert all(row[name] is not None for row in rows for name in required)
    for column, other in FOREIGN_KEYS.get(spec, {}).items():
        known = {row[other.key[0]] for row in bi[other.name]}
        named = {row[column] for row in rows} - {None}
        assert named
        assert named <= known


def test_comments_say_every_foreign_key() -> None:
    for spec in BI_TABLES:
        said = {
            column.name: column.comment.partition("joins ")[2]
            for column in spec.columns
            if "joins bi/" in column.comment
        }
        given = {name: other.path for name, other in FOREIGN_KEYS.get(spec, {}).items()}
        assert said == given or spec.name == "dim_organization"


@pytest.mark.parametrize("level", FACTS)
def test_facts_are_the_rows_of_gold(
    bi: dict[str, Rows], tables: dict[str, Rows], level: str
) -> None:
    names = {row["model_key"]: row["model_id"] for row in bi["dim_model"]}
    weeks = {row["week_start"] for row in tables["gold_weeks"] if not row["is_missing"]}
    counted = ("rank", "downloads", "share", "member_count")
    cells = {row["parameters_key"]: row for row in bi["dim_parameters"]}
    key = FACTS[level].key[1]
    found = {
        (
            row["week_start"],
            *(cells[row["parameters_key"]][name] for name in CELL[1:]),
            names[row[key]] if level == "model" else row[key],
        ): [row[name] for name in counted]
        for row in bi[FACTS[level].name]
    }
    assert found == {
        (row["week_start"], row["attribution"], row["recency_window"], row["entity"]): [
            row[name] for name in counted
        ]
        for row in tables["gold_usage_shares"]
        if row["level"] == level and row["week_start"] in weeks
    }
    assert any(entity == REST for *_, entity in found) == (level != "org_type")


def test_concentration_is_that_of_gold(bi: dict[str, Rows], tables: dict[str, Rows]) -> None:
    measures = [c.name for c in FACT_CONCENTRATION.columns if c.name != "parameters_key"]
    wanted = {
        (row["week_start"], row["level"], row["scope"],
         f"{row['attribution']}/{row['recency_window']}"): {
            name: row[name] for name in measures if name != "run_id"
        }
        for row in tables["gold_concentration"]
    }  # fmt: skip
    found = {
        tuple(row[name] for name in FACT_CONCENTRATION.key): {
            name: row[name] for name in measures if name != "run_id"
        }
        for row in bi["fact_concentration"]
    }
    assert found == wanted
    latest = {row["parameters_key"]: row for row in bi["dim_parameters"]}
    assert len(bi["latest_concentration"]) == len([k for k in wanted if k[0] == LATEST])
    for row in bi["latest_concentration"]:
        key = f"{row['attribution']}/{row['recency_window']}"
        assert key in latest
        assert row["hhi"] == wanted[LATEST, row["level"], row["scope"], key]["hhi"]
        assert row["hhi_year_before"] is None


def test_dimensions_say_what_silver_says(bi: dict[str, Rows], tables: dict[str, Rows]) -> None:
    silver = {row["model_id"]: row for row in tables["silver_models"]}
    lineage = {row["model_id"]: row for row in tables["silver_lineage"]}
    population = {name for name, row in silver.items() if row["in_population"]}
    models = {row["model_id"]: row for row in bi["dim_model"]}
    assert models.keys() == {REST} | population | {lineage[name]["root_id"] for name in population}
    assert models.pop(REST)["model_key"] == 0
    for name, row in models.items():
        for column in ("model_key", "developer", "org_type", "size_class", "total_downloads"):
            assert row[column] == silver[name][column]
        for column in ("root_id", "depth", "status", "kind"):
            assert row[column] == lineage[name][column]
    for table, column in (
        ("dim_developer", "developer"),
        ("dim_organization", "organization"),
        ("dim_country", "country"),
    ):
        members: dict[str, Rows] = {}
        for row in models.values():
            members.setdefault(row[column], []).append(row)
        found = {row[column]: row for row in bi[table] if row[column] != REST}
        assert found.keys() == members.keys()
        for name, row in found.items():
            counted = [one for one in members[name] if one["in_population"]]
            assert row["models"] == len(counted)
            assert row["total_downloads"] == sum(one["total_downloads"] for one in counted)
            for known in {"organization", "country", "org_type"} & row.keys() - {column}:
                values = {one[known] for one in members[name]}
                assert row[known] == (values.pop() if len(values) == 1 else None)
    assert {row["country"] for row in bi["dim_country"] if row["is_nation"]} == {"France", "USA"}
    regions = {row["country"]: row["region"] for row in bi["dim_country"]}
    assert regions["User"] == "User"
    assert regions["France"] == "Europe"


def test_weeks_are_dated(bi: dict[str, Rows]) -> None:
    said = {
        row["week_start"]: (row["iso_week"], row["quarter"], row["weeks_ago"], row["is_latest"])
        for row in bi["dim_week"]
    }
    assert said == {
        date(2024, 6, 3): ("2024-W23", "2024-Q2", 2, False),
        date(2024, 6, 10): ("2024-W24", "2024-Q2", 1, False),
        LATEST: ("2024-W25", "2024-Q2", 0, True),
    }


def test_latest_shares_look_back(bi: dict[str, Rows], tables: dict[str, Rows]) -> None:
    silver = {row["model_id"]: row for row in tables["silver_models"]}
    by_key = {
        (row["week_start"], *(row[name] for name in CELL), row["entity"]): row
        for row in tables["gold_usage_shares"]
    }
    wanted = {key[1:]: row for key, row in by_key.items() if key[0] == LATEST}
    assert len(bi["latest_shares"]) == len(wanted)
    looked_back = 0
    for row in bi["latest_shares"]:
        key = (*(row[name] for name in CELL), row["entity"])
        for name in ("rank", "downloads", "share", "member_count"):
            assert row[name] == wanted[key][name]
        for name, days in (("week", 7), ("year", 364)):
            before: Any = by_key.get((LATEST - timedelta(days=days), *key), {})
            assert row[f"rank_{name}_before"] == before.get("rank")
            assert row[f"share_{name}_before"] == before.get("share")
            looked_back += bool(before)
        if row["level"] == "model" and row["entity"] != REST:
            assert row["developer"] == silver[row["entity"]]["developer"]
        if row["level"] != "model":
            assert row[row["level"]] == (None if row["entity"] == REST else row["entity"])
    assert looked_back > 20


def test_a_second_time_there_is_nothing_to_do(
    bi_warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "warehouse"
    shutil.copytree(bi_warehouse, folder)
    assert cli.main(["bi", "--warehouse", str(folder)]) == 0
    assert "of the last run already" in capsys.readouterr().out
    assert not (folder / "_work" / "bi").exists()
    (run,) = Warehouse(str(folder)).read(GOLD_RUNS).to_pylist()
    later = {**run, "run_id": "later", "finished_at": run["finished_at"] + timedelta(days=7)}
    rewrite(folder, GOLD_RUNS, [run, later])
    assert cli.main(["bi", "--warehouse", str(folder)]) == 0
    assert "bi/dim_model: " in capsys.readouterr().out
    for spec in BI_TABLES:
        assert DeltaTable(folder / spec.path).version() == 1
        now = Warehouse(str(folder)).read(spec)
        before = Warehouse(str(bi_warehouse)).read(spec)
        assert now["run_id"].unique().to_pylist() == ["later"]
        assert now.drop_columns("run_id").equals(before.drop_columns("run_id"))
    tended = tend(Warehouse(str(folder)), dry_run=True)
    assert {spec.path for spec in BI_TABLES} <= {one.path for one in tended}


def test_an_entity_that_no_dimension_has_stops_it(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "warehouse"
    shutil.copytree(built, folder)
    rows = read_tables(folder)[GOLD_USAGE_SHARES.id]
    for row in rows:
        if row["level"] == "country" and row["entity"] == "France":
            row["entity"] = "Gaul"
    rewrite(folder, GOLD_USAGE_SHARES, rows)
    assert cli.main(["bi", "--warehouse", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "bi/fact_countries: country Gaul is not in bi/dim_country" in said
    assert not (folder / "bi").exists()


@pytest.mark.parametrize(
    ("spec", "spoil", "said"),
    [
        (DIM_MODEL, lambda rows: [*rows, rows[0]], "several rows"),
        (DIM_MODEL, lambda rows: [{**rows[0], "model_id": None}], "without model_id"),
        (FACT_COUNTRIES, lambda rows: [*rows, rows[0]], "several rows"),
        (LATEST_SHARES, lambda rows: [*rows, rows[0]], "several rows"),
    ],
)
def test_rules_refuse_what_breaks_them(
    bi: dict[str, Rows], spec: TableSpec, spoil: Callable[[Rows], Rows], said: str
) -> None:
    made = {other: as_spec(bi[other.name], other) for other in BI_TABLES}
    check_rows(spec, made[spec], made)
    spoiled = pa.Table.from_pylist(spoil(bi[spec.name]), schema=made[spec].schema)
    with pytest.raises(CheckError, match=said):
        check_rows(spec, spoiled, made)


def test_a_warehouse_without_models_is_refused(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "warehouse"
    shutil.copytree(built, folder)
    shutil.rmtree(folder / SILVER_MODELS.path)
    assert cli.main(["bi", "--warehouse", str(folder)]) == 2
    assert "no silver/models there; run opentrace run first" in capsys.readouterr().err
