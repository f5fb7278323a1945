"""Facts of the real Hub that a generated one must show, with stated tolerances."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from opentrace_spark.generator import Calibration, generate_landing
from opentrace_spark.generator.owners import owner_sizes
from opentrace_spark.generator.popularity import rank_downloads

from .conftest import read_models

CAPTURE = 760_000  # models of the capture that the figures come from
DOWNLOADED = 383_719


def top_share(counts: np.ndarray, k: int) -> float:
    return float(np.sort(counts)[::-1][:k].sum() / counts.sum())


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("calibrated") / "landing"
    generate_landing(out, models=100_000, weeks=3, seed=11)
    return out


@pytest.mark.parametrize(("k", "share"), [(1, 0.37), (10, 0.564), (100, 0.785), (1_000, 0.941)])
def test_head_of_a_hub_of_the_captures_size(k: int, share: float) -> None:
    assert top_share(rank_downloads(DOWNLOADED, Calibration()), k) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("models", [500, 1_000, 10_000, 2_000_000])
def test_head_stays_a_head_at_any_size(models: int) -> None:
    counts = rank_downloads(models // 2, Calibration())
    assert (np.diff(counts) <= 0).all()
    assert 0.5 < top_share(counts, 10) < 0.8
    assert 2 < np.median(counts) < 4
    assert 1 <= counts[-1] < 1.5


def test_owners_of_a_hub_of_the_captures_size() -> None:
    sizes = owner_sizes(CAPTURE, Calibration())
    assert sizes.sum() == CAPTURE
    assert len(sizes) == pytest.approx(190_087, rel=0.02)
    assert (sizes == 1).mean() == pytest.approx(0.615, abs=0.05)
    assert np.quantile(sizes, [0.9, 0.99, 0.999]) == pytest.approx([6, 37, 245], rel=0.15)
    assert sizes.max() == pytest.approx(4_610, rel=0.02)


def test_half_of_the_models_have_no_downloads(hub: Path) -> None:
    models = read_models(hub)
    never = pc.mean(pc.equal(models["downloadsAllTime"], 0)).as_py()
    week = pq.read_table(hub / "downloads" / "2025-08-18.parquet")
    seen = pc.is_in(models["id"], week.filter(pc.greater(week["count"], 0))["id"])
    assert never == pytest.approx(0.49, abs=0.01)
    assert 1 - pc.mean(seen).as_py() == pytest.approx(0.498, abs=0.008)


def test_last_week_is_concentrated(hub: Path) -> None:
    counts = pq.read_table(hub / "downloads" / "2025-08-18.parquet")["count"].to_numpy()
    # A Hub of 100,000 models is a little more concentrated than the capture's 760,000.
    assert top_share(counts, 10) == pytest.approx(0.59, abs=0.03)
    assert top_share(counts, 100) == pytest.approx(0.84, abs=0.03)
    assert top_share(counts, 1_000) == pytest.approx(0.97, abs=0.02)
    assert np.median(counts) == pytest.approx(3, abs=1)


def test_median_of_all_downloads(tmp_path: Path) -> None:
    generate_landing(tmp_path, models=10_000, weeks=265, seed=2)
    assert 10 < np.median(read_models(tmp_path)["downloadsAllTime"].to_numpy()) < 35
    rows = sum(pq.read_metadata(f).num_rows for f in (tmp_path / "downloads").iterdir())
    assert 60 / 1.88 < rows / 10_000 < 66 / 1.88  # 60 to 66 million at 1.88 million models


def test_names_documents_and_lineage(hub: Path) -> None:
    models = read_models(hub)
    assert pc.mean(pc.utf8_length(models["id"])).as_py() == pytest.approx(33, abs=1.5)
    assert pc.mean(models["safetensors"].is_valid()).as_py() == pytest.approx(0.23, abs=0.04)
    assert pc.mean(models["pipeline_tag"].is_null()).as_py() == pytest.approx(0.467, abs=0.05)
    cards = pc.fill_null(pc.match_substring(models["cardData"], '"base_model":'), False)
    tagged = pc.match_substring(pc.binary_join(models["tags"], "\n"), "base_model:")
    named = pc.or_(pc.or_(cards, tagged), models["baseModels"].is_valid())
    assert pc.mean(named).as_py() == pytest.approx(0.154, abs=0.001)


def test_popular_models_belong_to_few_owners(hub: Path) -> None:
    week = pq.read_table(hub / "downloads" / "2025-08-18.parquet").sort_by(
        [("count", "descending")]
    )
    owners = Counter(name.partition("/")[0] for name in week["id"][:1_000].to_pylist())
    assert len(owners) < 500
    assert owners.most_common(1)[0][1] < 400


def test_calibration_can_be_changed(tmp_path: Path) -> None:
    fit = dataclasses.replace(Calibration(), never_downloaded=0.1, never_downloaded_oldest=0.1)
    generate_landing(tmp_path, models=1_000, weeks=1, seed=1, fit=fit)
    assert pq.read_metadata(tmp_path / "downloads" / "2025-08-18.parquet").num_rows > 800
