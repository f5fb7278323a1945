"""One good run on the small landing and one on a generated Hub, for all flow tests."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import wraps
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from opentrace_spark import flow
from opentrace_spark.config import load_config
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.bi.command import write_bi
from opentrace_spark.steps import Context, Step
from opentrace_spark.tables import GOLD_USAGE_SHARES, REST
from tests.flow.landings import (
    HUB_CONFIG,
    annotate_small_landing,
    rank_small_landing,
    write_generated_landing,
    write_small_landing,
)
from tests.pipeline import Rows, read_tables, rewrite, run_pipeline, run_tables


@pytest.fixture(scope="session")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_small_landing(tmp_path_factory.mktemp("landing"))
    return rank_small_landing(annotate_small_landing(folder))


@pytest.fixture(scope="session")
def jobs_of_builders() -> dict[str, int]:
    """Step -> Spark jobs that its builder started, filled by `built`."""
    return {}


@pytest.fixture(scope="session")
def built(
    spark: SparkSession,
    landing: Path,
    jobs_of_builders: dict[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A warehouse with one good run, in which every builder is watched."""
    warehouse = tmp_path_factory.mktemp("built") / "warehouse"
    context, status = spark.sparkContext, spark.sparkContext.statusTracker()

    def watched(step: Step) -> Step:
        @wraps(step.build)  # so that it counts as the step's own code
        def build(inputs: Mapping[str, DataFrame], given: Context) -> DataFrame:
            group = f"building {step.name}"
            context.setJobGroup(group, group)
            try:
                return step.build(inputs, given)
            finally:
                jobs_of_builders[step.name] = len(status.getJobIdsForGroup(group))
                context.setLocalProperty("spark.jobGroup.id", None)

        return replace(step, build=build)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(flow, "FLOW", tuple(watched(step) for step in flow.FLOW))
        run_pipeline(spark, landing, warehouse, load_config())
    return warehouse


@pytest.fixture(scope="session")
def hub_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated Hub, as `opentrace demo` makes one."""
    return write_generated_landing(tmp_path_factory.mktemp("hub") / "landing")


@pytest.fixture(scope="session")
def hub(
    spark: SparkSession, hub_landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Rows]:
    """Tables on what the models of the generated Hub are, under HUB_CONFIG."""
    wanted = (
        *("attribute_shares", "attribute_shifts", "field_coverage", "modality_flows"),
        *("derivation_flows", "osi_crossover", "model_sizes", "size_distribution"),
        "annotation_quality",
    )
    return run_tables(spark, hub_landing, tmp_path_factory.mktemp("warehouse"), HUB_CONFIG, wanted)


@pytest.fixture(scope="session")
def bi_warehouse(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built warehouse with the tables of `opentrace bi`; with shares a week and a year before
    the last week, then without the leaders, and few ranks, so that there is a rest."""
    folder = tmp_path_factory.mktemp("bi") / "warehouse"
    shutil.copytree(built, folder)
    rows = []
    for row in read_tables(folder)[GOLD_USAGE_SHARES.id]:
        if row["rank"] == 3:
            row |= {"rank": None, "entity": REST, "member_count": 5}
        if row["rank"] is None or row["rank"] < 3:
            rows.append(row)
    first = [row for row in rows if row["week_start"] == date(2024, 6, 3)]
    for day, leaders in ((date(2024, 6, 10), 0), (date(2023, 6, 19), 1)):
        before = [row for row in first if row["rank"] is None or row["rank"] > leaders]
        rows += [{**row, "week_start": day, "share": row["share"] / 2} for row in before]
    rewrite(folder, GOLD_USAGE_SHARES, rows)
    write_bi(Warehouse(str(folder)))
    return folder
