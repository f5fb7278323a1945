"""docs/bi.md and docs/queries.md: their code runs as it stands, and says what the tables say."""

from __future__ import annotations

import csv
import io
import re
import subprocess
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from opentrace_spark.tables import REST
from tests.pipeline import Rows, read_tables

ROOT = Path(__file__).parents[2]
LATEST, YEAR_BEFORE = date(2024, 6, 17), date(2023, 6, 19)
PAGE = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
QUERIES = {
    int(number): sql
    for number, sql in re.findall(r"^## (\d+)\. [^\n]*\n.*?```sql\n(.*?)```", PAGE, re.S | re.M)
}
FACTS = "select count(*), sum(downloads) from bi.fact_developers"
EMPTY = (17,)
"""Its answer needs weeks on both sides of the pivot, which the small landing does not have."""


def code_of(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


@pytest.fixture(scope="module")
def ran(bi_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the Python code of bi.md leaves behind, but for Spark's, run in a folder of its own."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("recipes"))
        for code in code_of("bi.md", "python"):
            if "spark.sql(" not in code:
                exec(code.replace("demo/warehouse", str(bi_warehouse)), names)
        names["folder"] = Path.cwd()
    return names


@pytest.fixture(scope="module")
def tables(bi_warehouse: Path) -> dict[str, Rows]:
    return read_tables(bi_warehouse)


def answers(ran: dict[str, Any], number: int) -> Rows:
    """The rows that DuckDB gives to a question of queries.md."""
    relation = ran["connection"].sql(QUERIES[number])
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def shares(tables: dict[str, Rows], day: date, **cell: str) -> dict[str, dict[str, Any]]:
    """Entity -> row of gold/usage_shares."""
    return {
        row["entity"]: row
        for row in tables["gold_usage_shares"]
        if row["week_start"] == day and all(row[name] == value for name, value in cell.items())
    }


def percent(share: float) -> Any:
    return pytest.approx(100 * share, abs=0.00501)


def test_there_are_twenty_questions() -> None:
    assert list(QUERIES) == list(range(1, 21))
    assert PAGE.count("```sql") == PAGE.count("\n## ") == 20


@pytest.mark.parametrize("number", QUERIES)
def test_every_question_is_answered(ran: dict[str, Any], number: int) -> None:
    rows = answers(ran, number)
    assert bool(rows) == (number not in EMPTY)
    relation = ran["connection"].sql(QUERIES[number])
    assert len(set(relation.columns)) == len(relation.columns)


def test_leaders_are_those_of_the_week(ran: dict[str, Any], tables: dict[str, Rows]) -> None:
    cell = {"level": "developer", "attribution": "none", "recency_window": "none"}
    wanted = [
        (row["rank"], name, row["downloads"], percent(row["share"]))
        for name, row in shares(tables, LATEST, **cell).items()
        if name != REST
    ]
    found = [(r["rank"], r["entity"], r["downloads"], r["percent"]) for r in answers(ran, 1)]
    assert found == sorted(wanted, key=lambda row: row[0])


def test_who_entered_has_no_rank_a_year_before(
    ran: dict[str, Any], tables: dict[str, Rows]
) -> None:
    cell = {"level": "organization", "attribution": "root", "recency_window": "365d"}
    before = shares(tables, YEAR_BEFORE, **cell).keys() - {REST}
    now = shares(tables, LATEST, **cell).keys() - {REST}
    assert {row["organization"] for row in answers(ran, 4)} == now - before
    assert all(row["moved"] == "entered" for row in answers(ran, 4))


def test_countries_change_by_the_difference_of_shares(
    ran: dict[str, Any], tables: dict[str, Rows]
) -> None:
    cell = {"level": "country", "attribution": "root", "recency_window": "365d"}
    before = shares(tables, YEAR_BEFORE, **cell)
    now = shares(tables, LATEST, **cell)
    found = {row["country"]: row["change"] for row in answers(ran, 5)}
    assert found == {
        name: percent(row["share"] - before.get(name, {"share": 0.0})["share"])
        for name, row in now.items()
        if name != REST
    }


def test_a_quarter_pools_its_weeks(ran: dict[str, Any], tables: dict[str, Rows]) -> None:
    cell = {"level": "country", "attribution": "root", "recency_window": "365d"}
    total, of_usa = 0, 0
    for day in (date(2024, 6, 3), LATEST):
        rows = shares(tables, day, **cell)
        total += sum(row["downloads"] for row in rows.values())
        of_usa += rows.get("USA", {"downloads": 0})["downloads"]
    (row,) = answers(ran, 6)
    assert (row["quarter"], row["country"], row["downloads"]) == ("2024-Q2", "USA", of_usa)
    assert row["percent"] == percent(of_usa / total)


def test_half_of_a_week_is_counted_down_the_ranks(
    ran: dict[str, Any], tables: dict[str, Rows]
) -> None:
    cell = {"level": "developer", "attribution": "none", "recency_window": "none"}
    wanted = {}
    for week in tables["gold_weeks"]:
        if week["is_missing"]:
            continue
        ranked = shares(tables, week["week_start"], **cell).values()
        so_far = 0
        for row in sorted((r for r in ranked if r["rank"]), key=lambda r: r["rank"]):
            so_far += row["downloads"]
            if 2 * so_far >= week["population_downloads"]:
                wanted[week["week_start"]] = row["rank"]
                break
    assert {row["week_start"]: row["developers"] for row in answers(ran, 10)} == wanted


def test_derivatives_and_weeks_are_those_of_silver(
    ran: dict[str, Any], tables: dict[str, Rows]
) -> None:
    root = max(tables["gold_families"], key=lambda row: row["downloads"])["root_id"]
    derived = {
        row["model_id"]
        for row in tables["silver_lineage"]
        if row["depth"] and row["root_id"] == root
    }
    assert {row["model_id"] for row in answers(ran, 12)} == derived
    most = max(tables["silver_models"], key=lambda row: row["total_downloads"])
    weeks = {
        row["week_start"]: row["download_count"]
        for row in tables["silver_model_weeks"]
        if row["model_key"] == most["model_key"]
    }
    assert {row["week_start"]: row["download_count"] for row in answers(ran, 13)} == weeks


def test_what_needs_care_is_listed(ran: dict[str, Any], tables: dict[str, Rows]) -> None:
    wanted = {(row["week_start"], "missing") for row in tables["gold_weeks"] if row["is_missing"]}
    wanted |= {
        (row["week_start"], row["known_breaks"])
        for row in tables["gold_weeks"]
        if row["known_breaks"]
    }
    wanted |= {
        (row["week_start"], f"abnormal: {row['evidence']}") for row in tables["gold_anomalies"]
    }
    assert wanted
    assert {(row["week_start"], row["what"]) for row in answers(ran, 19)} == wanted


def test_readers_see_the_same_rows(ran: dict[str, Any], tables: dict[str, Rows]) -> None:
    cell = {"level": "developer", "attribution": "root", "recency_window": "365d"}
    wanted = {name: row["downloads"] for name, row in shares(tables, LATEST, **cell).items()}
    pandas_week = ran["week"]
    assert dict(zip(pandas_week["entity"], pandas_week["downloads"], strict=True)) == wanted
    by_quarter: dict[tuple[str, str], int] = defaultdict(int)
    for week in tables["gold_weeks"]:
        if not week["is_missing"]:
            for name, row in shares(
                tables, week["week_start"], **cell | {"level": "country"}
            ).items():
                by_quarter["2024-Q2", name] += row["downloads"]
    assert {
        (row["quarter"], row["country"]): row["downloads"] for row in ran["by_quarter"].to_dicts()
    } == by_quarter
    with duckdb.connect(ran["folder"] / "opentrace.duckdb", read_only=True) as file:
        facts = file.sql(FACTS).fetchall()
        weeks = file.sql("select count(*) from gold.weeks").fetchall()
    assert facts == ran["connection"].sql(FACTS).fetchall()
    assert weeks == [(len(tables["gold_weeks"]),)]


def plain(row: tuple[Any, ...]) -> list[Any]:
    """A row as both engines can say it: numbers of any type as floats."""
    return [
        cell if cell is None or isinstance(cell, bool | str | date) else float(cell) for cell in row
    ]


def near(row: list[Any]) -> list[Any]:
    """The row, where floats may differ by what adding them up in another order does."""
    return [pytest.approx(cell, rel=1e-9) if type(cell) is float else cell for cell in row]


@pytest.mark.slow
def test_spark_answers_as_duckdb_does(
    spark: SparkSession, bi_warehouse: Path, ran: dict[str, Any]
) -> None:
    (code,) = (code for code in code_of("bi.md", "python") if "spark.sql(" in code)
    try:
        exec(code, ran | {"spark": spark, "warehouse": bi_warehouse})
        for number, sql in QUERIES.items():
            said = [plain(row) for row in spark.sql(sql).collect()]
            wanted = [near(plain(row)) for row in ran["connection"].sql(sql).fetchall()]
            assert said == wanted, number
    finally:
        for layer in ("silver", "gold", "bi"):
            spark.sql(f"drop schema if exists {layer} cascade")


@pytest.mark.slow
def test_thrift_server_answers_over_jdbc(bi_warehouse: Path, tables: dict[str, Rows]) -> None:
    """The command of bi.md, at a free port."""
    command = [ROOT / "scripts" / "bi", "--warehouse", bi_warehouse, "--port", "0"]
    queries = ("select count(*) as weeks from gold.weeks", QUERIES[1])
    asked = [item for query in queries for item in ("--query", query)]
    done = subprocess.run(
        [*map(str, command), "--memory", "1g", *asked], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line]
    assert lines[:2] == ["weeks", str(len(tables["gold_weeks"]))]
    rows = list(csv.DictReader(io.StringIO("\n".join(lines[2:]))))
    cell = {"level": "developer", "attribution": "none", "recency_window": "none"}
    wanted = shares(tables, LATEST, **cell)
    assert {row["entity"]: int(row["downloads"]) for row in rows} == {
        name: row["downloads"] for name, row in wanted.items() if name != REST
    }
    refused = subprocess.run(
        [*map(str, command), "--query", "select * from gold.nothing"],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "nothing" in refused.stderr
