"""What snapshots/ says of models through the flow: beside models/, with bad cells, as of a date."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from opentrace_spark.config import Config, dated, load_config
from opentrace_spark.errors import ContentError, UsageError
from tests.compare import exact_rows
from tests.pipeline import Rows, run_tables

SNAPSHOTS_ALONE = Path(__file__).parents[1] / "scenarios" / "snapshots_alone" / "landing"
STEPS = ("models", "model_history", "lineage", "rejects")
EARLY, LATE = "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"


@pytest.fixture(scope="module")
def config() -> Config:
    shipped = load_config()
    population = dataclasses.replace(shipped.population, min_downloads=1)
    return dataclasses.replace(shipped, population=population)


def lines(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def row(hub_id: str, name: str, count: int, modified: str = EARLY, **more: Any) -> dict[str, Any]:
    return {
        **{"_id": hub_id, "id": name, "createdAt": "2024-06-01T00:00:00Z"},
        **{"lastModified": modified, "downloadsAllTime": count, **more},
    }


def by_name(rows: Rows) -> dict[str, dict[str, Any]]:
    return {row["model_id"]: row for row in rows}


@pytest.fixture(scope="module")
def beside_models(spark: SparkSession, config: Config, tmp_path_factory: Any) -> dict[str, Rows]:
    """models/ captured before the first snapshot but for one row, and a snapshot row that has a
    cell which can't be understood."""
    landing = tmp_path_factory.mktemp("beside")
    lines(
        landing / "models/models.jsonl",
        {"_id": "1", "id": "old/name", "lastModified": EARLY, "cardData": {"license": "mit"}},
        {"_id": "2", "id": "lab/newer", "lastModified": LATE, "cardData": {"license": "mit"}},
        {"_id": "3", "id": "lab/only-here", "cardData": {"base_model": "old/name"}},
        {"id": "lab/no-id", "cardData": {"license": "mit"}},
        {"_id": "4", "id": "", "lastModified": EARLY},
    )
    apache = {"cardData": {"license": "apache-2.0"}}
    lines(
        landing / "snapshots/2025-01-06/a.jsonl",
        row("1", "new/name", 10, **apache),
        row("2", "lab/newer", 20, **apache),
        row("4", "lab/bad", 30, cardData={"license": "bsd-2-clause"}),
        row("5", "lab/no-id", 40, **apache),
    )
    lines(
        landing / "snapshots/2025-01-13/a.jsonl",
        row("1", "new/name", 11, **apache),
        row("2", "lab/newer", 22, **apache),
        row("4", "lab/bad", 33, LATE, cardData="no object"),
        row("5", "lab/no-id", 44, **apache),
    )
    return run_tables(spark, landing, tmp_path_factory.mktemp("w"), config, STEPS)


def test_the_later_of_models_and_snapshots_describes_a_model(beside_models):
    models = by_name(beside_models["silver_models"])
    assert {name: model["license"] for name, model in models.items()} == {
        "new/name": "apache-2.0",  # as old as in models/: what is dated counts
        "lab/newer": "mit",  # modified since the last snapshot
        "lab/only-here": None,
        "lab/no-id": "apache-2.0",  # known by its name, since models/ has no _id for it
        "lab/bad": "bsd-2-clause",
    }
    assert models["new/name"]["source_file"] == "snapshots/2025-01-13/a.jsonl"


def test_a_name_in_models_is_known_after_it_was_changed(beside_models):
    lineage = by_name(beside_models["silver_lineage"])
    assert lineage["lab/only-here"]["root_id"] == "new/name"


def test_a_cell_that_is_no_card_is_told_and_its_count_is_used(beside_models):
    rejects = beside_models["silver_rejects"]
    assert {(r["source_file"], r["row"], r["reason"]) for r in rejects} == {
        ("models/models.jsonl", 5, "empty_id"),
        ("snapshots/2025-01-13/a.jsonl", 3, "unparsable_cardData"),
    }
    assert "no object" in next(r["raw_values"] for r in rejects if r["row"] == 3)
    bad = by_name(beside_models["silver_models"])["lab/bad"]
    assert (bad["total_downloads"], bad["last_seen"]) == (3, date(2025, 1, 13))
    spans = [r for r in beside_models["silver_model_history"] if r["model_id"] == "lab/bad"]
    assert [(r["valid_from"], r["valid_to"]) for r in spans] == [
        (date(2025, 1, 6), date(2025, 1, 13))
    ]


def without_parameters(tables: dict[str, Rows]) -> dict[str, list[str]]:
    return exact_rows(
        {
            table: [{k: v for k, v in row.items() if k != "parameters"} for row in rows]
            for table, rows in tables.items()
        }
    )


def test_as_of_a_date_gives_what_was_there_then(spark, config, tmp_path):
    now, then = tmp_path / "now", tmp_path / "then"
    shutil.copytree(SNAPSHOTS_ALONE, now)
    shutil.copytree(SNAPSHOTS_ALONE, then, ignore=shutil.ignore_patterns("2025-01-27"))
    weeks = [date(2024, 12, 30), date(2025, 1, 13), date(2025, 1, 20)]
    counts = [{"week": str(week), "id": "lab/tuned", "count": 7} for week in weeks]
    models = [
        {"_id": "8", "id": "lab/old", "createdAt": "2025-01-19T23:59:59Z", "likes": 1},
        {"_id": "9", "id": "lab/later", "createdAt": "2025-01-20T00:00:00Z"},
    ]
    negative = {"week": "2025-01-13", "id": "lab/old", "count": -1}
    lines(now / "downloads/d.jsonl", counts[0], counts[1], negative, counts[2])
    lines(then / "downloads/d.jsonl", counts[0], counts[1], negative)
    lines(now / "models/m.jsonl", *models)
    lines(then / "models/m.jsonl", models[0])
    as_of = dated(config, "2025-01-20")
    steps = ("core", "samples", *STEPS)
    got = run_tables(spark, now, tmp_path / "w1", as_of, steps)
    expected = run_tables(spark, then, tmp_path / "w2", config, steps)
    assert without_parameters(got) == without_parameters(expected)
    assert {row["week_start"] for row in got["gold_weeks"]} == {
        *(date(2024, 12, 30), date(2025, 1, 6), date(2025, 1, 13))
    }
    assert '"as_of":"2025-01-20"' in got["gold_weeks"][0]["parameters"]


def test_as_of_a_day_before_all_snapshots_is_refused(spark, config, tmp_path):
    with pytest.raises(UsageError, match=r"as_of 2025-01-05: .* is of 2025-01-06"):
        run_tables(spark, SNAPSHOTS_ALONE, tmp_path / "w", dated(config, "2025-01-05"))


def test_counters_alone_describe_no_model(spark, config, tmp_path):
    landing = tmp_path / "landing"
    lines(landing / "snapshots/2025-01-06/a.jsonl", {"id": "a/b", "downloadsAllTime": 1})
    with pytest.raises(ContentError, match="snapshots/: no row has lastModified"):
        run_tables(spark, landing, tmp_path / "w", config)
