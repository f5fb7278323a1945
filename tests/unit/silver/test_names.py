"""Names: what resolves to what, by which way, and in which order."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession, functions as F

from opentrace_spark.config import load_config
from opentrace_spark.silver.names import build_names, resolve_names
from opentrace_spark.steps import Context

MODELS = [
    # id, source_file, source_row, reason, former_of
    ("bert", "models/a", 1, None, None),
    ("google-bert/bert", "models/a", 2, None, None),
    ("org/Model", "models/a", 3, None, None),
    ("Org/model", "models/a", 4, None, None),
    ("Z/Only", "models/a", 5, None, None),
    ("École/été", "models/a", 6, None, None),
    ("k/new", "models/a", 7, None, None),
    ("p/kept", "models/a", 8, None, None),
    ("k/old", "models/a", 9, "duplicate_row", "k/new"),
    ("p/twice", "models/b", 1, "duplicate_row", "p/kept"),
    ("p/twice", "models/a", 10, "duplicate_row", "k/new"),  # the first row by path wins
    ("p/kept", "models/b", 2, "duplicate_row", "k/new"),  # the name of a kept row
    ("rejected/row", "models/b", 3, "duplicate_row", None),
    ("s/now", "snapshots/2/a", 1, None, None),
    ("s/two", "snapshots/2/a", 2, None, None),
]
HUB_IDS = {"s/now": "s1", "s/two": "s2"}
WRITTEN = [
    # name, hub_id, is_kept, source_file, source_row: rows of models/, whichever are used
    ("m/older", "s1", False, "models/a", 11),
    ("s/now", "s1", True, "models/a", 12),
    ("m/gone", "not there", True, "models/a", 13),
]
DESCRIBED = [
    # model, names: before (minus the last snapshot with it), source_file, source_row, name
    ("s1", [(0, "snapshots/0/a", 5, "s/then"), (0, "snapshots/0/a", 5, "s/shared")]),
    ("s1", [(0, "snapshots/0/a", 5, "p/kept"), (0, "snapshots/0/a", 5, "k/old")]),
    ("s2", [(-1, "snapshots/1/a", 9, "s/shared"), (-2, "snapshots/2/a", 2, "s/two")]),
    ("s3", [(-2, "snapshots/2/a", 3, "s/stranger")]),
]
ALIASES = [
    # legacy_id, current_id, source_file, source_row, reason
    ("bert", "google-bert/bert", "aliases/a", 1, None),
    ("legacy", "Z/Only", "aliases/a", 2, None),
    ("gone", "not/there", "aliases/a", 3, None),
    ("two hops", "legacy", "aliases/a", 4, None),
    ("other case", "z/only", "aliases/a", 5, None),
    ("k/old", "Z/Only", "aliases/a", 6, None),
    ("amb", "Z/Only", "aliases/a", 7, None),
    ("amb", "p/kept", "aliases/a", 8, "ambiguous_alias"),
    ("Z/ONLY", "p/kept", "aliases/a", 9, None),
]
DESCRIBED_SCHEMA = (
    "model string, names array<struct<before int, source_file string, source_row bigint, "
    "name string>>"
)
EXPECTED = [
    ("google-bert/bert", "google-bert/bert", "exact", "an id"),
    ("bert", "bert", "exact", "an id is never renamed, even where an alias exists"),
    ("org/Model", "org/Model", "exact", "an id that is not the smallest of its case variants"),
    ("Org/model", "Org/model", "exact", "the smallest one"),
    ("ORG/MODEL", "Org/model", "recased", "the smallest in byte order: capitals first"),
    ("z/only", "Z/Only", "recased", "differs by case"),
    ("ÉCOLE/ÉTÉ", "École/été", "recased", "case beyond ASCII"),
    ("k/old", "k/new", "former", "shares its _id with a kept row; before an alias"),
    ("p/twice", "k/new", "former", "the first row of a former name"),
    ("p/kept", "p/kept", "exact", "a kept row of that name exists"),
    ("legacy", "Z/Only", "alias", "an alias"),
    ("amb", "Z/Only", "alias", "the rejected row of an alias counts nowhere"),
    ("Z/ONLY", "p/kept", "alias", "an alias goes before another case"),
    ("gone", None, "unknown", "the target is not in models/"),
    ("two hops", None, "unknown", "one hop only"),
    ("other case", None, "unknown", "a target must be an id, letter by letter"),
    ("LEGACY", None, "unknown", "a legacy name is matched exactly"),
    ("K/OLD", None, "unknown", "so is a former one"),
    ("rejected/row", None, "unknown", "a rejected row without a kept one"),
    ("s/then", "s/now", "former", "a name that a snapshot has"),
    ("s/shared", "s/two", "former", "of two models the one that bore it last"),
    ("m/older", "s/now", "former", "a name of models/ that snapshots have another for"),
    ("m/gone", None, "unknown", "an _id that no kept row has"),
    ("s/stranger", None, "unknown", "a name of a model that no kept row describes"),
    (" Z/Only", None, "unknown", "no trimming"),
    ("https://hub/Z/Only", None, "unknown", "no parsing"),
    ("", None, "unknown", "an empty name"),
    (None, None, "unknown", "no name"),
]


def context(spark: SparkSession) -> Context:
    landing: Any = None
    return Context(spark, load_config(), landing, "run", datetime(2024, 7, 8), scratch="")


@pytest.fixture(scope="module")
def inputs(spark: SparkSession) -> dict[str, DataFrame]:
    source = "source_file string, source_row bigint, reason string"
    models = [(HUB_IDS.get(row[0]), *row[:3], None) for row in MODELS]
    superseded = [row for row in MODELS if row[3]]
    return {
        "bronze_models": spark.createDataFrame(models, f"_id string, id string, {source}"),
        "work_superseded": spark.createDataFrame(
            superseded, f"id string, {source}, former_of string"
        ),
        "work_hub_ids": spark.createDataFrame(
            WRITTEN,
            "name string, hub_id string, is_kept boolean, source_file string, source_row bigint",
        ),
        "work_described": spark.createDataFrame(DESCRIBED, DESCRIBED_SCHEMA),
        "bronze_aliases": spark.createDataFrame(
            ALIASES, f"legacy_id string, current_id string, {source}"
        ),
    }


@pytest.fixture(scope="module")
def resolved(spark: SparkSession, inputs: dict[str, DataFrame]) -> dict[Any, tuple[Any, str]]:
    names = build_names(inputs, context(spark))
    asked = spark.createDataFrame([(row[0],) for row in EXPECTED], "asked string")
    rows = resolve_names(asked, names, name="asked").collect()
    assert len(rows) == len(EXPECTED)
    return {row.asked: (row.model_id, row.resolution) for row in rows}


@pytest.mark.parametrize(
    ("name", "model_id", "resolution"),
    [row[:3] for row in EXPECTED],
    ids=[row[3] for row in EXPECTED],
)
def test_resolve_names_expected(
    resolved: dict[Any, tuple[Any, str]], name: str, model_id: str, resolution: str
) -> None:
    assert resolved[name] == (model_id, resolution)


def test_build_names_one_row_per_name(spark: SparkSession, inputs: dict[str, DataFrame]) -> None:
    names = [row.name for row in build_names(inputs, context(spark)).select("name").collect()]
    assert len(names) == len(set(names))


def test_resolve_names_keeps_every_row_and_column(
    spark: SparkSession, inputs: dict[str, DataFrame]
) -> None:
    names = build_names(inputs, context(spark))
    many = spark.range(60, numPartitions=5).select(
        F.element_at(
            F.array(F.lit("legacy"), F.lit("z/only"), F.lit("?")), (F.col("id") % 3 + 1).cast("int")
        )
        .cast("string")
        .alias("name"),
        F.spark_partition_id().alias("partition"),
    )
    resolved = resolve_names(many, names, name="name", into="target", how="by")
    assert resolved.columns == ["name", "partition", "target", "by"]
    rows = resolved.collect()
    assert Counter(row.partition for row in rows) == dict.fromkeys(range(5), 12)
    assert sum(row.target == "Z/Only" for row in rows) == 40


def test_build_names_starts_no_job(spark: SparkSession, inputs: dict[str, DataFrame]) -> None:
    spark.sparkContext.setJobGroup("build_names", "")
    build_names(inputs, context(spark))
    assert not spark.sparkContext.statusTracker().getJobIdsForGroup("build_names")
    spark.sparkContext.setJobGroup("", "")
