"""The map itself: an order that works, every table once, one-way layers."""

import ast
from pathlib import Path

import pytest

from opentrace_spark import config
from opentrace_spark.errors import UsageError
from opentrace_spark.flow import CORE, FLOW, selected_steps
from opentrace_spark.publish.dictionary import readme_with_diagram, table_dictionary
from opentrace_spark.tables import TABLES

ROOT = Path(__file__).parents[2]


def test_every_read_is_an_earlier_write():
    written = set()
    for step in FLOW:
        assert set(step.reads) <= written, step.name
        written.add(step.writes)


def test_every_table_is_written_once():
    written = [step.writes for step in FLOW]
    assert len(written) == len(set(written))
    published = [name for name in written if not name.startswith(("work_", "bronze_"))]
    assert sorted([*published, "gold_runs"]) == sorted(spec.id for spec in TABLES)


def test_every_scratch_table_is_read():
    read = {table for step in FLOW for table in step.reads}
    assert {step.writes for step in FLOW if step.writes.startswith("work_")} <= read


def test_selected_steps_takes_what_is_needed_and_no_more():
    names = [step.name for step in selected_steps(("core",))]
    assert set(CORE) < set(names)
    assert "leaderboards" not in names
    assert names == [step.name for step in FLOW if step.name in names]
    assert selected_steps(()) == FLOW


def test_selected_steps_refuses_an_unknown_name():
    with pytest.raises(UsageError, match="--only usage_share: no such step"):
        selected_steps(("usage_share",))


def test_config_imports_no_pyspark():
    tree = ast.parse(Path(config.__file__).read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }
    assert not {name for name in imported if name.startswith("pyspark")}


def test_generated_documents_are_up_to_date():
    """Run scripts/docs where this fails."""
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == table_dictionary()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == readme_with_diagram(readme, FLOW)


def test_every_column_has_a_comment_and_every_key_is_a_column():
    for spec in TABLES:
        names = [column.name for column in spec.columns]
        assert len(names) == len(set(names)), spec.path
        assert {*spec.key, *spec.partitioned_by} <= set(names), spec.path
        assert all(column.comment for column in spec.columns), spec.path
