"""Sizes of real models that the fit did not see: the figures that scripts/sizes reports.

Needs the captures that OPENTRACE_REAL_DATA points at; they are not part of the repository.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.sizes.validation import validate

DATA = Path(os.environ.get("OPENTRACE_REAL_DATA", ""))
FILE = DATA / "hub_model_files_2026-08.parquet"
SCRIPT = Path(__file__).parents[2] / "scripts" / "sizes.py"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not FILE.is_file(), reason="OPENTRACE_REAL_DATA does not point at the real captures"
    ),
]


@pytest.fixture(scope="module")
def rows():
    """The evidence of all models of the capture, read as scripts/sizes does."""
    spec = importlib.util.spec_from_file_location("sizes_script", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.read(FILE, SizeSettings())[0]


# held out by: models, flagged; R2 of log10 without flagged: plain line, regression, cascade;
# R2 of the cascade with flagged
@pytest.mark.parametrize(
    ("split", "n", "flagged", "plain", "regression", "cascade", "with_flagged"),
    [
        ("id", 1317, 199, 0.8325, 0.9517, 0.9553, 0.7413),
        ("owner", 1374, 251, 0.8417, 0.9048, 0.9105, 0.6198),
    ],
)
def test_sizes_of_unseen_models_are_as_good_as_reported(
    rows, split, n, flagged, plain, regression, cascade, with_flagged
):
    found = validate(rows, split, SizeSettings())
    assert (len(found.rows), found.quality("cascade", "flagged").n) == (n, flagged)
    for method, r2 in (("plain line", plain), ("regression", regression), ("cascade", cascade)):
        assert found.quality(method, "not flagged").r2_log == pytest.approx(r2, abs=5e-3)
    assert found.quality("cascade", "all").r2_log == pytest.approx(with_flagged, abs=5e-3)


def test_flagged_counts_are_wrong_by_what_names_tell(rows):
    found = validate(rows, "id", SizeSettings()).quality_by_names("regression", "flagged")
    assert found.n > 150
    assert found.within_1_5 > 0.9
