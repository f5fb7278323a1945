"""Which models the fit of sizes sees."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession, functions as F

from opentrace_spark.config import load_config
from opentrace_spark.silver.sizes import build_size_sample
from opentrace_spark.sources.schemas import row_schema

CONFIG = load_config()
TOTAL = '{"total": 5}'


def sample(spark: SparkSession, models: list[dict], limit: int, parts: int) -> list[str]:
    schema = row_schema("models")
    rows = [{name: model.get(name) for name in schema.names} for model in models]
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], schema)
    places = "source_file string, source_row bigint"
    inputs = {
        "bronze_models": frame.repartition(parts, F.col("id")),
        "work_superseded": spark.createDataFrame([("f", 999)], places),
    }
    sizes = replace(CONFIG.sizes, fit_models=limit)
    context = SimpleNamespace(config=replace(CONFIG, sizes=sizes))
    return [row["id"] for row in build_size_sample(inputs, context).collect()]


@pytest.fixture(scope="module")
def models() -> list[dict]:
    return [
        {
            "id": f"a/m{place}",
            "safetensors": TOTAL,
            "usedStorage": 9,
            "source_file": "f",
            "source_row": place,
        }
        for place in range(40)
    ]


def test_sample_is_the_same_whatever_the_order_and_the_partitions(spark, models):
    drawn = sample(spark, models, 10, 1)
    assert sample(spark, models[::-1], 10, 7) == drawn
    assert len(set(drawn)) == 10
    assert sample(spark, models, 4, 3) == drawn[:4]
    assert drawn != sorted(drawn)


def test_sample_takes_who_has_a_count_and_bytes(spark, models):
    changed = [
        {**models[0], "safetensors": None},
        {**models[1], "usedStorage": None},
        {**models[2], "reason": "empty_id"},
        {**models[3], "source_row": 999},
        {**models[4], "safetensors": None, "gguf": TOTAL},
        {**models[5], "usedStorage": None, "siblings": "[]"},
    ]
    assert set(sample(spark, changed, 10, 2)) == {"a/m4", "a/m5"}
