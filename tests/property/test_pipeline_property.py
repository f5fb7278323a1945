"""The jobs give what the plain-Python reference gives, on random landings and values.

The examples are the same in every run; `OPENTRACE_EXAMPLES` asks for more of them, and
`scripts/test --all` does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given

from opentrace_spark.config import Config
from tests.compare import assert_same_tables
from tests.property.landings import (
    Landing,
    attribute_cases,
    configs,
    counter_cases,
    landings,
    random_examples,
)
from tests.reference import reference_tables, robustness_tables
from tests.reference.pipeline import attribute_truth

ATTRIBUTE_STEPS = (
    *("models", "attribute_shares", "attribute_shifts", "field_coverage", "modality_flows"),
    *("derivation_flows", "osi_crossover", "size_distribution", "model_sizes"),
    "annotation_quality",
)
COUNTER_STEPS = (
    *("core", "models", "samples", "resolutions", "leaderboards", "developer_trends"),
    *("period_summary", "intermediaries", "attribute_shares", "attribute_shifts"),
)


@random_examples(3)
@given(landing=landings(), config=configs())
def test_pipeline_agrees_with_reference(spark: Any, landing: Landing, config: Config) -> None:
    from tests.pipeline import run_tables

    with tempfile.TemporaryDirectory() as scratch:
        folder = landing.write(Path(scratch) / "landing")
        tables = run_tables(spark, folder, Path(scratch) / "warehouse", config)
        assert_same_tables(tables, reference_tables(folder, config))
        assert_same_tables(tables, robustness_tables(folder, config))


@random_examples(3)
@given(case=counter_cases())
def test_counters_agree_with_reference(spark: Any, case: tuple[Landing, Config]) -> None:
    """Snapshots, with weekly counts beside them or alone: the tables of usage."""
    from tests.pipeline import run_tables

    landing, config = case
    with tempfile.TemporaryDirectory() as scratch:
        folder = landing.write(Path(scratch) / "landing")
        warehouse = Path(scratch) / "warehouse"
        tables = run_tables(spark, folder, warehouse, config, COUNTER_STEPS)
        expected = reference_tables(folder, config)
        assert_same_tables(tables, {table: expected[table] for table in tables})


@random_examples(3)
@given(case=attribute_cases())
def test_attribute_tables_agree_with_reference(spark: Any, case: tuple[Landing, Config]) -> None:
    """On more models, weeks and annotations than most landings of the other test have."""
    from tests.pipeline import run_tables

    landing, config = case
    with tempfile.TemporaryDirectory() as scratch:
        folder = landing.write(Path(scratch) / "landing")
        warehouse = Path(scratch) / "warehouse"
        tables = run_tables(spark, folder, warehouse, config, ATTRIBUTE_STEPS)
        assert_same_tables(tables, attribute_truth(folder, config))
