"""The tables of the leaderboard beside those of the Hub, and without them."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from opentrace_spark import flow
from opentrace_spark.config import load_config
from opentrace_spark.errors import UsageError
from opentrace_spark.sources.landing import open_landing
from tests.compare import exact_rows
from tests.pipeline import read_tables, run_pipeline


@pytest.fixture(scope="module")
def tables(built):
    return read_tables(built)


def of(rows, **wanted):
    """The one row that agrees."""
    (row,) = [row for row in rows if all(row[name] == wanted[name] for name in wanted)]
    return row


def test_models_have_their_names_of_today_and_what_models_says(tables):
    models = {(row["version"], row["model_id"]): row for row in tables["silver_leaderboard"]}
    assert set(models) == {
        *(("v1", name) for name in ("lab/base", "corp/base", "quant/base-GGUF", "user/merge")),
        *(("v1", name) for name in ("user/a", "new/Mistral-7B-x")),
        *(("v2", "lab/base"), ("v2", "x/y")),
    }
    base = models["v1", "lab/base"]
    assert (base["name"], base["resolution"], base["author"]) == ("LAB/base", "recased", "lab")
    assert (base["downloads"], base["has_dataset"]) == (400, False)
    renamed = models["v1", "corp/base"]
    assert (renamed["submissions"], renamed["score"], renamed["precision"]) == (2, 42.5, "float16")
    assert (renamed["date"], renamed["result_date"]) == (date(2024, 5, 7), date(2024, 5, 9))
    assert renamed["parameters_billions"] == 1.0
    merge = models["v1", "user/merge"]
    assert (merge["date"], merge["date_source"]) == (date(2024, 5, 20), "creation")
    assert (merge["is_merged"], merge["inverted"]) == (True, "flagged,merged")
    assert models["v1", "user/a"]["is_flagged"] is True
    stranger = models["v1", "new/Mistral-7B-x"]
    assert (stranger["resolution"], stranger["downloads"]) == ("unknown", None)
    assert stranger["has_dataset"] is None


def test_bases_are_told_by_the_best_evidence(tables):
    found = {
        (row["version"], row["model_id"]): (row["base_model_id"], row["base_evidence"])
        for row in tables["silver_leaderboard"]
    }
    assert found == {
        ("v1", "lab/base"): ("lab/base", "type"),
        ("v1", "corp/base"): ("corp/base", "type"),
        ("v1", "quant/base-GGUF"): ("lab/base", "lineage"),
        ("v1", "user/merge"): ("corp/base", "lineage"),
        ("v1", "user/a"): (None, "architecture"),  # on a cycle: no root
        ("v1", "new/Mistral-7B-x"): ("mistralai/Mistral-7B-v0.1", "name"),
        ("v2", "lab/base"): ("lab/base", "type"),
        ("v2", "x/y"): ("lab/base", "leaderboard"),
    }


def test_building_stands_beside_use(tables):
    rows = tables["gold_leaderboard_concentration"]
    assert {(row["version"], row["activity"]) for row in rows} == {
        *((version, kind) for version in ("v1", "hub") for kind in ("building", "use")),
        *(("v2", kind) for kind in ("building", "use")),
    }
    building = of(rows, version="v1", activity="building")
    # lab, corp, quant and new have a model each, user has two.
    assert (building["units"], building["amount"]) == (5, 6)
    assert building["hhi"] == pytest.approx((4 * 1 + 4) / 36)
    use = of(rows, version="hub", activity="use")
    assert use["amount"] == sum(row["total_downloads"] for row in tables["silver_models"])


def test_contributors_are_counted_once(tables):
    rows = tables["gold_leaderboard_contributors"]
    assert of(rows, model_id="lab/base")["contributors"] == 2
    assert of(rows, is_total=True)["single_share"] == 0.5


def test_improvement_leaves_merges_and_flagged_models_out(tables):
    row = of(tables["gold_leaderboard_improvement"], version="v1", base_model_id="lab/base")
    assert (row["derivatives"], row["best_model_id"], row["gain_points"]) == (
        1,
        "quant/base-GGUF",
        10.0,
    )
    merged = of(tables["gold_leaderboard_improvement"], version="v1", base_model_id="corp/base")
    assert (merged["derivatives"], merged["merges"], merged["gain_points"]) == (0, 1, None)


@pytest.fixture(scope="module")
def alone(spark, landing, tmp_path_factory):
    """A warehouse made of leaderboard/ alone, and what the run said."""
    folder = tmp_path_factory.mktemp("alone")
    shutil.copytree(landing / "leaderboard", folder / "landing" / "leaderboard")
    result = run_pipeline(spark, folder / "landing", folder / "warehouse", load_config())
    return folder, result


def test_a_landing_may_have_nothing_but_results(alone):
    folder, result = alone
    tables = read_tables(folder / "warehouse")
    expected = {step.writes for step in flow.FLOW if step.needs == flow.LEADERBOARD} - {
        "bronze_leaderboard"
    }
    assert set(tables) == expected | {"silver_rejects"}
    empty = {table for table in expected if not tables[table]}
    assert empty == {"gold_leaderboard_improvement_daily"}  # no base of a derivative is there
    assert any(note.startswith("no models/ and no snapshots/") for note in result.notes)
    # Without models/ a name is what the board writes, and no name is another's.
    names = {row["model_id"] for row in tables["silver_leaderboard"] if row["version"] == "v1"}
    assert {"LAB/base", "old-base", "corp/base"} <= names


def test_only_steps_that_the_landing_allows_can_be_asked_for(alone):
    folder, _ = alone
    landing = open_landing(str(folder / "landing"))
    with pytest.raises(UsageError, match="--only concentration: needs models/ or snapshots/"):
        flow.selected_steps(("concentration",), landing)
    with pytest.raises(UsageError, match="--only core: needs models/ or snapshots/"):
        flow.selected_steps(("core",), landing)
    assert flow.selected_steps(("leaderboard_authors",), landing)


def test_a_landing_that_lost_its_leaderboard_has_no_rows_of_it(spark, alone, landing, tmp_path):
    """And one that has it again has them again: nothing is taken for unchanged."""
    folder, _ = alone
    before = read_tables(folder / "warehouse")
    warehouse = shutil.copytree(folder / "warehouse", tmp_path / "warehouse")
    only = ("leaderboard_releases",)
    bare = shutil.copytree(
        landing, tmp_path / "bare", ignore=shutil.ignore_patterns("leaderboard", "contributors")
    )
    run_pipeline(spark, bare, warehouse, load_config(), ("rejects",))
    emptied = read_tables(warehouse)
    assert not [name for name, rows in emptied.items() if rows]
    run_pipeline(spark, folder / "landing", warehouse, load_config(), only)
    assert (
        exact_rows(read_tables(warehouse))["gold_leaderboard_releases"]
        == (exact_rows(before)["gold_leaderboard_releases"])
    )


def test_models_and_results_need_no_downloads(spark, landing, tmp_path):
    """Lineage tells bases all the same; no table has any week."""
    shutil.copytree(landing, tmp_path / "landing", ignore=shutil.ignore_patterns("downloads"))
    only = ("weeks", "usage_shares", "leaderboard_concentration")
    result = run_pipeline(spark, tmp_path / "landing", tmp_path / "warehouse", load_config(), only)
    tables = read_tables(tmp_path / "warehouse")
    assert tables["gold_weeks"] == tables["gold_usage_shares"] == []
    assert len(tables["silver_models"]) == 6
    models = {(row["version"], row["model_id"]): row for row in tables["silver_leaderboard"]}
    assert models["v1", "quant/base-GGUF"]["base_evidence"] == "lineage"
    assert {row["downloads"] for row in models.values()} == {None}
    activities = [row["activity"] for row in tables["gold_leaderboard_concentration"]]
    assert activities == ["building"] * 3
    assert "no downloads/ in the landing: no table has any week" in result.notes
