"""Every folder here is a worked example: a landing, values of the method, and what must come out.

`landing/` is read as it stands, `conf.toml` (where there is one) changes values, and each file of
`expected/` says something of a table; the rules are in `tests/compare.py: unmet`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opentrace_spark.config import Config, load_config
from tests.compare import SPECS, assert_none, assert_same_tables, unmet
from tests.reference import leaderboard_tables, reference_tables, robustness_tables

HERE = Path(__file__).parent
SCENARIOS = sorted(path.name for path in HERE.iterdir() if (path / "landing").is_dir())

IN_EVERY_RUN = {
    "censored_dates",
    "cycle",
    "empty_week",
    "first_parent_order",
    "leaderboard",
    "merge",
    "missing_parent",
    "renames",
    "self_parent",
    "sensitivity",
    "single_unit",
    "snapshots_alone",
    "ties_at_k",
    "unknown_metadata",
    "window_edges",
}
"""Run by the jobs in every test run, about ten seconds each; the others with scripts/test --all."""


def config_of(scenario: str) -> Config:
    """The shipped values, changed by the scenario's own."""
    own = HERE / scenario / "conf.toml"
    return load_config(own if own.exists() else None)


def expected_of(scenario: str) -> list[Path]:
    """The files that say what must come out."""
    return sorted((HERE / scenario / "expected").glob("*.csv"))


def tables_of_reference(scenario: str) -> dict[str, Any]:
    """All tables; those that take long only where the scenario speaks of them."""
    landing, config = HERE / scenario / "landing", config_of(scenario)
    if not (landing / "models").is_dir() and (landing / "leaderboard").is_dir():
        return leaderboard_tables(landing, config)
    tables = reference_tables(landing, config)
    if any(file.name.startswith("gold_sensitivity") for file in expected_of(scenario)):
        tables |= robustness_tables(landing, config)
    return tables


def test_scenarios_are_found_and_whole() -> None:
    assert len(SCENARIOS) >= 21
    for scenario in SCENARIOS:
        assert (HERE / scenario / "README.md").read_text(encoding="utf-8").strip(), scenario
        assert expected_of(scenario), scenario


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_reference_agrees_with_scenario(scenario: str) -> None:
    tables = tables_of_reference(scenario)
    assert_none([line for file in expected_of(scenario) for line in unmet(tables, file)])


@pytest.mark.parametrize(
    "scenario",
    [
        name if name in IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.slow)
        for name in SCENARIOS
    ],
)
def test_pipeline_agrees_with_scenario(scenario: str, spark: Any, tmp_path: Path) -> None:
    from tests.pipeline import run_tables

    landing, config = HERE / scenario / "landing", config_of(scenario)
    # Only what the scenario speaks of, and what that needs: all tables are for tests/property.
    named = {SPECS[file.name.partition(".")[0]].name for file in expected_of(scenario)}
    if "model_weeks" in named:
        named.add("models")  # the names of its keys
    tables = run_tables(spark, landing, tmp_path / "warehouse", config, tuple(sorted(named)))
    assert_none([line for file in expected_of(scenario) for line in unmet(tables, file)])
    reference = tables_of_reference(scenario)
    assert_same_tables(tables, {table: reference[table] for table in tables})
