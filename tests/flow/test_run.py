"""A run as a whole: the same rows however it is executed, and nothing published that is wrong."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F

from opentrace_spark import flow, run as run_module
from opentrace_spark.config import load_config
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.io import Warehouse
from opentrace_spark.tables import GOLD_RUNS, TABLES, TABLES_VERSION
from tests.compare import exact_rows
from tests.pipeline import changed_settings, read_tables, run_pipeline


def versions(warehouse):
    return {
        spec.id: DeltaTable(warehouse / spec.path).version()
        for spec in TABLES
        if (warehouse / spec.path).is_dir()
    }


@pytest.fixture
def warehouse(built, tmp_path):
    """A copy of it to spoil."""
    return shutil.copytree(built, tmp_path / "warehouse")


def with_step(monkeypatch, name, build):
    """Replace the builder of one step of the flow."""
    steps = tuple(replace(step, build=build) if step.name == name else step for step in flow.FLOW)
    monkeypatch.setattr(flow, "FLOW", steps)


def test_every_table_has_rows(built):
    tables = read_tables(built)
    assert set(tables) == {spec.id for spec in TABLES} - {"gold_runs"}
    empty = {table for table, rows in tables.items() if not rows}
    without_snapshots = {"silver_snapshots", "silver_model_history"}
    assert empty == {"silver_rejects", "gold_anomalies"} | without_snapshots


def test_run_gives_the_same_rows_with_1_and_7_partitions(spark, landing, built, tmp_path):
    """The run of `built` had one; this one differs in all that Spark may do otherwise."""
    changed = {
        "spark.sql.shuffle.partitions": "7",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.sql.codegen.wholeStage": "true",
        "spark.sql.codegen.factoryMode": "FALLBACK",
        "spark.sql.files.maxPartitionBytes": "1024",
    }
    assert spark.conf.get("spark.sql.shuffle.partitions") == "1"
    with changed_settings(spark, changed):
        run_pipeline(spark, landing, tmp_path, load_config())
    assert exact_rows(read_tables(tmp_path)) == exact_rows(read_tables(built))


def test_unmarked_builders_start_no_spark_job(built, jobs_of_builders):
    acting = {step.name for step in flow.FLOW if step.acts}
    assert set(jobs_of_builders) == {step.name for step in flow.FLOW}
    assert {name for name, jobs in jobs_of_builders.items() if jobs} <= acting
    assert acting == {
        *("bronze_models", "work_families", "model_weeks", "rejects", "usage_shares"),
        *("snapshots", "model_history"),
    }


def test_failed_check_leaves_the_tables_of_the_last_good_run(
    spark, landing, warehouse, monkeypatch
):
    before, rows = versions(warehouse), exact_rows(read_tables(warehouse))
    build = next(step.build for step in flow.FLOW if step.name == "usage_shares")
    with_step(
        monkeypatch,
        "usage_shares",
        lambda inputs, context: build(inputs, context).withColumn("share", F.col("share") * 0.5),
    )
    with pytest.raises(ContentError, match="shares of a week sum to 1"):
        run_pipeline(spark, landing, warehouse, load_config(), only=("core",))
    assert versions(warehouse) == before
    assert exact_rows(read_tables(warehouse)) == rows
    # Of the scratch only what steps have finished is kept, for the run that mends it.
    notes = [json.loads(path.read_text()) for path in (warehouse / "_work/notes").iterdir()]
    kept = {note["folder"] for note in notes if "folder" in note}
    built = {f"_work/built/{path.name}" for path in (warehouse / "_work/built").iterdir()}
    assert built
    assert built <= kept


def test_run_killed_between_commits_is_repaired_by_the_next(spark, landing, warehouse, monkeypatch):
    rows = exact_rows(read_tables(warehouse))
    commit, done = Warehouse.commit, []

    def killed(self, spec, *arguments):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(spec)
        return commit(self, spec, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "commit", killed)
        with pytest.raises(ContentError, match="cut off after 2 tables"):
            run_pipeline(spark, landing, warehouse, load_config(), only=("lineage", "weeks"))
    (warehouse / "_work" / "dead-run").mkdir()
    run_pipeline(spark, landing, warehouse, load_config(), only=("lineage", "weeks"))
    assert exact_rows(read_tables(warehouse)) == rows
    assert not (warehouse / "_work" / "dead-run").exists()


def test_second_run_on_a_warehouse_is_refused(spark, landing, warehouse):
    with Warehouse(str(warehouse)).lock(), pytest.raises(UsageError, match="another run"):
        run_pipeline(spark, landing, warehouse, load_config())


def test_warehouse_of_another_layout_is_refused(spark, landing, warehouse, monkeypatch):
    before = versions(warehouse)
    monkeypatch.setattr("opentrace_spark.io.TABLES_VERSION", 99)
    with pytest.raises(UsageError, match=f"written with version {TABLES_VERSION} of the tables"):
        run_pipeline(spark, landing, warehouse, load_config())
    assert versions(warehouse) == before


def test_only_builds_what_is_named_and_what_it_needs(spark, landing, tmp_path):
    bare = tmp_path / "landing"
    shutil.copytree(landing, bare, ignore=shutil.ignore_patterns("annotations"))
    warehouse = tmp_path / "warehouse"
    result = run_pipeline(spark, bare, warehouse, load_config(), only=("rejects",))
    assert set(result.versions) == {"silver/rejects", "silver/snapshots", "gold/runs"}
    assert not (warehouse / "silver" / "lineage").exists()
    (row,) = Warehouse(str(warehouse)).read(GOLD_RUNS).to_pylist()
    assert row["notes"] == [
        "no annotations/ in the landing: labels and parents come from metadata alone, "
        "and nothing tells how right they are"
    ]


def test_runs_records_inputs_versions_and_rows(built, landing):
    (row,) = Warehouse(str(built)).read(GOLD_RUNS).to_pylist()
    assert '"downloads/2024-06-03.csv":{"bytes":' in row["inputs"]
    assert '"gold/usage_shares":0' in row["table_versions"]
    assert '"silver/models":7' in row["row_counts"]
    assert row["checks_passed"] > 20
    assert row["notes"] == []


def test_delta_spark_reads_tables_comments_and_history(spark, built):
    table = str(built / "gold" / "weeks")
    weeks = spark.read.format("delta").load(table)
    assert weeks.count() == 3
    assert weeks.schema["coverage"].metadata["comment"].startswith("share of downloads")
    (detail,) = spark.sql(f"describe detail delta.`{table}`").collect()
    assert detail["description"].startswith("What is known of each week")
    assert spark.sql(f"describe history delta.`{table}`").count() == 1


def test_run_module_names_every_table_once():
    assert len(run_module._SPECS) == len(TABLES)
