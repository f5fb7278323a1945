"""The real v1 file: counts that plain pandas gives, and every table against the truth.

Needs the captures that OPENTRACE_REAL_DATA points at; they are not part of the repository.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from opentrace_spark.config import load_config
from tests.compare import assert_same_tables
from tests.reference import leaderboard_tables

FILE = Path(os.environ.get("OPENTRACE_REAL_DATA", "")) / "open_llm_leaderboard_v1_2024-06.csv"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not FILE.is_file(), reason="OPENTRACE_REAL_DATA does not point at the real captures"
    ),
]


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("landing")
    (folder / "leaderboard").mkdir()
    shutil.copy(FILE, folder / "leaderboard" / "v1.csv")
    return folder


@pytest.fixture(scope="module")
def tables(spark, landing, tmp_path_factory):
    from tests.pipeline import run_tables

    return run_tables(spark, landing, tmp_path_factory.mktemp("warehouse"), load_config())


@pytest.fixture(scope="module")
def read():
    return pd.read_csv(FILE, keep_default_na=False)


def test_every_table_agrees_with_the_truth(tables, landing):
    truth = leaderboard_tables(landing, load_config())
    assert_same_tables(tables, truth)
    untold = {"gold_leaderboard_concentration", "gold_leaderboard_releases"}
    assert set(tables) == set(truth) | untold


def test_counts_agree_with_plain_pandas(tables, read):
    counted = {
        (row["unit"], row["issue"]): row["rows"] for row in tables["gold_leaderboard_quality"]
    }
    assert len(read) == 7169
    assert counted["result", "all"] == len(read)
    assert counted["result", "no type"] == (read["Type"] == "").sum() == 175
    assert counted["result", "no date"] == (read["date"] == "").sum() == 25
    assert counted["result", "size not above 0"] == (read["#Params (B)"] == 0).sum() == 624
    assert counted["model", "all"] == read["Model"].nunique() == 6811
    # Inverted: 109 results say False.
    flagged = read.loc[~read["Flagged"], "Model"]
    assert counted["model", "flagged"] == flagged.nunique()
    there = read.groupby("Model")["Available on the hub"].any()
    assert counted["model", "removed"] == (~there).sum()
    assert tables["silver_rejects"] == []


def test_models_agree_with_plain_pandas(tables, read):
    models = pd.DataFrame(tables["silver_leaderboard"])
    assert set(models["inverted"]) == {"flagged,merged,moe"}
    best = read.groupby("Model")["Average ⬆️"].max()
    assert models.set_index("model_id")["score"].to_dict() == best.to_dict()
    merged = read.loc[~read["Merged"], "Model"]
    assert models["is_merged"].sum() == merged.nunique()
    mixtures = read.loc[~read["MoE"], "Model"]
    assert models["is_moe"].sum() == mixtures.nunique()


def test_price_law_does_not_hold(tables):
    (total,) = [row for row in tables["gold_leaderboard_authors"] if row["is_total"]]
    assert (total["authors"], total["price_authors"], total["price_holds"]) == (1327, 37, False)
    assert total["price_share"] == 1509 / 6811
    assert total["authors_of_half"] == 163


def test_building_is_measured_as_use_is(tables):
    (row,) = tables["gold_leaderboard_concentration"]
    (total,) = [row for row in tables["gold_leaderboard_authors"] if row["is_total"]]
    assert (row["version"], row["activity"]) == ("v1", "building")
    assert (row["units"], row["amount"]) == (1327, 6811)
    assert (row["gini"], row["hhi"]) == (total["gini"], total["hhi"])
