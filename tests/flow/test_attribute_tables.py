"""The tables on attributes against the plain-Python reference: a generated Hub, annotated rows.

tests/property compares them on random landings; here are many models, weeks over years, known sizes
to fit on, and long chains.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from opentrace_spark.config import load_config
from tests.compare import assert_same_tables
from tests.flow.landings import HUB_CONFIG
from tests.pipeline import Rows, read_tables
from tests.reference.pipeline import attribute_truth

Tables = dict[str, Rows]


def test_tables_of_a_generated_hub_are_those_of_the_reference(
    hub: Tables, hub_landing: Path
) -> None:
    expected = attribute_truth(hub_landing, HUB_CONFIG)
    assert_same_tables(hub, expected)
    assert expected["gold_annotation_quality"] == []  # nothing is annotated there
    assert len(expected["gold_attribute_shares"]) > 1000
    assert len(expected["gold_derivation_flows"]) > 300
    assert len(expected["gold_size_distribution"]) > 200


def test_the_generated_hub_has_all_that_is_to_be_compared(hub: Tables) -> None:
    """Sizes of every source, both tests, models on both sides of the pivot."""
    sources = Counter(model["parameter_source"] for model in hub["silver_models"])
    assert set(sources) == {"safetensors", "gguf", "name", "estimated", None}
    shifts = hub["gold_attribute_shifts"]
    assert {row["test"] for row in shifts} >= {"fisher_exact", "chi_square_yates"}
    (sizes,) = (row for row in shifts if row["attribute"] == "model_size")
    assert sizes["test"] == "mann_whitney_u"
    assert min(sizes["of_before"], sizes["of_after"]) > 3
    assert {row["is_complete"] for row in hub["gold_weeks"]} == {True, False}


def test_tables_of_annotated_models_are_those_of_the_reference(built: Path, landing: Path) -> None:
    expected = attribute_truth(landing, load_config())
    assert_same_tables(read_tables(built), expected)
    sources = {row["source"] for row in expected["gold_field_coverage"]}
    assert sources == {"any", "human", "machine", "derived"}
    assert len(expected["gold_annotation_quality"]) > 10
