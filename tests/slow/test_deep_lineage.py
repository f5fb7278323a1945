"""Lineage as deep as it gets: a chain of 1,000,000 models and a cycle of 100,000."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession, functions as F

from opentrace_spark.config import load_config
from opentrace_spark.flow import FLOW
from opentrace_spark.io import stored
from opentrace_spark.silver.lineage import certificate_violations
from opentrace_spark.silver.roots import find_roots
from opentrace_spark.steps import Context
from tests.pipeline import changed_settings

CHAIN = 1_000_000
CYCLE = 100_000

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def for_many_rows(spark: SparkSession) -> Iterator[None]:
    """Settings of the program: those of the tests' session are for a handful of rows."""
    wanted = {
        "spark.sql.codegen.wholeStage": "true",
        "spark.sql.codegen.factoryMode": "FALLBACK",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": "4",
    }
    with changed_settings(spark, wanted):
        yield


def chain_and_cycle(spark: SparkSession) -> DataFrame:
    """`model, parent` BIGINT: a chain 0 <- 1 <- ... and a cycle of the numbers below zero."""
    chain = spark.range(1, CHAIN + 1).select(
        F.col("id").alias("model"), (F.col("id") - 1).alias("parent")
    )
    cycle = spark.range(CYCLE).select(
        (-1 - F.col("id")).alias("model"), (-1 - (F.col("id") + 1) % CYCLE).alias("parent")
    )
    return chain.unionByName(cycle)


@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_find_roots_deep(spark: SparkSession, tmp_path: Path, order: str) -> None:
    # An odd factor and a shift mix the keys and keep them distinct; 0 stays the root's key.
    mixed = "(({0} * 40503) % 1000003) + case when {0} < 0 then -1000003 else 0 end"
    key = mixed if order == "shuffled" else "{0}"
    frame = chain_and_cycle(spark).selectExpr(
        "model",
        f"{key.format('model')} as model_key",
        f"{key.format('parent')} as parent_key",
        "true as is_first",
    )
    started = time.monotonic()
    links = frame.drop("model")
    roots = stored(find_roots(links), tmp_path.as_uri())
    logging.getLogger(__name__).warning("%s keys: %.0f s", order, time.monotonic() - started)
    most = roots.agg(
        F.max("depth"), F.max(F.expr("if(cycle_key is null, rounds, 0)")), F.count("*")
    ).first()
    assert most is not None
    assert tuple(most) == (CHAIN, math.ceil(math.log2(CHAIN)), CHAIN + 1 + CYCLE)
    wrong = (
        roots.where("model_key <> 0")
        .join(frame, on="model_key", how="full")
        .where(
            "case when model > 0 then not (root_key <=> 0 and depth <=> model and"
            " cycle_length is null)"
            f" else not (root_key <=> model_key and depth <=> 0 and cycle_length <=> {CYCLE}) end"
        )
    )
    assert wrong.count() == 0


def test_build_lineage_deep(spark: SparkSession, tmp_path: Path) -> None:
    links = chain_and_cycle(spark).selectExpr(
        "concat('m/', model) as model_id", "concat('m/', parent) as parent_id"
    )
    models = (
        links.select("model_id")
        .unionByName(spark.createDataFrame([("m/0",)], "model_id string"))
        .selectExpr("model_id", "xxhash64(model_id) as model_key", "true as is_in_models")
    )
    parents = links.selectExpr(
        "model_id",
        "xxhash64(model_id) as model_key",
        "1 as position",
        "parent_id as parent_name",
        "parent_id",
        "xxhash64(parent_id) as parent_key",
        "'exact' as resolution",
        "'tags' as parent_source",
        "cast(null as string) as relation",
        "false as is_self",
        "'finetune' as tag_kind",
    )
    tables = {"work_models": models, "work_parents": parents}
    landing: Any = None
    now = datetime(2024, 7, 8)
    started = time.monotonic()
    names = ("work_first_parents", "work_roots", "work_families", "work_linked", "silver_lineage")
    for step in FLOW:
        if step.writes in names:
            scratch = f"{tmp_path.as_uri()}/{step.name}"
            context = Context(spark, load_config(), landing, "run", now, f"{scratch}/own")
            tables[step.writes] = stored(step.build(tables, context), f"{scratch}/table")
    wrong = certificate_violations(tables["work_linked"], tables["work_first_parents"])
    assert wrong.count() == 0
    lineage = tables["silver_lineage"]
    logging.getLogger(__name__).warning("lineage: %.0f s", time.monotonic() - started)
    found = {
        row.status: (row.models, row.depth, row.roots, row.family_size)
        for row in lineage.groupBy("status")
        .agg(
            F.count("*").alias("models"),
            F.max("depth").alias("depth"),
            F.count_distinct("root_id").alias("roots"),
            F.max("family_size").alias("family_size"),
        )
        .collect()
    }
    assert found == {
        "root": (1, 0, 1, CHAIN + 1),
        "attributed": (CHAIN, CHAIN, 1, CHAIN + 1),
        "cycle": (CYCLE, 0, CYCLE, CYCLE),
    }
