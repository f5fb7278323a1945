"""silver/lineage: expected rows, options, a random world, and lineages that the checks catch."""

from __future__ import annotations

import dataclasses
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import networkx
import pytest
from pyspark.sql import Column, DataFrame, SparkSession, functions as F

from opentrace_spark.checks import CHECKS, hold
from opentrace_spark.config import load_config
from opentrace_spark.errors import ContentError
from opentrace_spark.flow import FLOW
from opentrace_spark.io import stored
from opentrace_spark.silver.lineage import certificate_violations
from opentrace_spark.steps import Context
from opentrace_spark.tables import SILVER_LINEAGE

UNKNOWN = "not/known"
LINEAGE = ("work_first_parents", "work_roots", "work_families", "work_linked", "silver_lineage")
"""Tables of the steps under test."""

# Each model with its listed parents; `?` marks one that is not in models/, `No` an annotation.
WORLD: dict[str, list[str]] = {
    "base": [],
    "child": ["base", "other"],
    "grandchild": ["child"],
    "other": [],
    "documented": ["No"],
    "gone": ["?x"],
    "below gone": ["gone"],
    "gone first": ["?x", "base"],
    "below gone first": ["gone first"],
    "self": ["self"],
    "below self": ["self"],
    "self first": ["self first", "apart"],
    "apart": [],
    "c1": ["c2"],
    "c2": ["c3"],
    "c3": ["c1"],
    "tail": ["c1"],
    "tail of tail": ["tail"],
    "two cycles": ["two cycles back"],
    "two cycles back": ["two cycles"],
}
# root_id, depth, status, cycle_length, parent_count, self_parent_count
EXPECTED = {
    "base": ("base", 0, "root", None, 0, 0),
    "child": ("base", 1, "attributed", None, 2, 0),
    "grandchild": ("base", 2, "attributed", None, 1, 0),
    "other": ("other", 0, "root", None, 0, 0),
    "documented": ("documented", 0, "root", None, 0, 0),
    "gone": ("gone", 0, "parent_missing", None, 1, 0),
    "below gone": ("gone", 1, "attributed", None, 1, 0),
    "gone first": ("gone first", 0, "parent_missing", None, 2, 0),
    "below gone first": ("gone first", 1, "attributed", None, 1, 0),
    "self": ("self", 0, "self", None, 0, 1),
    "below self": ("self", 1, "attributed", None, 1, 0),
    "self first": ("apart", 1, "attributed", None, 1, 1),
    "apart": ("apart", 0, "root", None, 0, 0),
    "c1": ("c1", 0, "cycle", 3, 1, 0),
    "c2": ("c2", 0, "cycle", 3, 1, 0),
    "c3": ("c3", 0, "cycle", 3, 1, 0),
    "tail": ("tail", 0, "cycle", 3, 1, 0),
    "tail of tail": ("tail of tail", 0, "cycle", 3, 1, 0),
    "two cycles": ("two cycles", 0, "cycle", 2, 1, 0),
    "two cycles back": ("two cycles back", 0, "cycle", 2, 1, 0),
}
PARENTS_SCHEMA = (
    "model_id string, position int, parent_name string, parent_id string, resolution string, "
    "parent_source string, relation string, is_self boolean, tag_kind string"
)


def make_inputs(spark: SparkSession, world: dict[str, list[str]]) -> dict[str, DataFrame]:
    """What the steps read of a world; `work_models` has an id that the world does not know."""
    rows = []
    for model, listed in world.items():
        for position, name in enumerate(listed, start=1):
            source = "annotation" if name == "No" else "tags"
            found = None if name == "No" or name.startswith("?") else name
            written = None if name == "No" else name
            rows.append(
                (model, position, written, found, "exact", source, None, name == model, "adapter")
            )
    parents = spark.createDataFrame(rows, PARENTS_SCHEMA).withColumns(
        {
            "model_key": F.xxhash64("model_id"),
            "parent_key": F.when(F.col("parent_id").isNotNull(), F.xxhash64("parent_id")),
        }
    )
    known = [(model, True) for model in world]
    models = spark.createDataFrame(
        [*known, (UNKNOWN, False)], "model_id string, is_in_models boolean"
    ).withColumn("model_key", F.xxhash64("model_id"))
    return {"work_models": models, "work_parents": parents}


def tables_of(inputs: dict[str, DataFrame], given: Context) -> dict[str, DataFrame]:
    """The inputs, and the tables that the steps of the flow make of them."""
    tables = dict(inputs)
    for step in FLOW:
        if step.writes in LINEAGE:
            scratch = f"{given.scratch}/{step.name}"
            built = step.build(tables, dataclasses.replace(given, scratch=f"{scratch}/own"))
            tables[step.writes] = stored(built, f"{scratch}/table")
    return tables


def lineage_of(inputs: dict[str, DataFrame], given: Context) -> DataFrame:
    """silver/lineage."""
    return tables_of(inputs, given)["silver_lineage"]


def context(spark: SparkSession, folder: Path, **attribution: str) -> Context:
    config = load_config()
    chosen = dataclasses.replace(config.attribution, **attribution)
    landing: Any = None
    return Context(
        spark,
        dataclasses.replace(config, attribution=chosen),
        landing,
        "run",
        datetime(2024, 7, 8),
        scratch=folder.as_uri(),
    )


def links(world: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(m, p) for m, listed in world.items() for p in listed if p in world and p != m]


def families(spark: SparkSession, world: dict[str, list[str]]) -> dict[str, tuple[str, int]]:
    """Family and its size by model, from an independent solver."""
    names = spark.createDataFrame([(name,) for name in world], "name string")
    keys = {row[0]: row[1] for row in names.select("name", F.xxhash64("name")).collect()}
    graph = networkx.Graph(links(world))
    graph.add_nodes_from(world)
    return {
        name: (min(members, key=keys.__getitem__), len(members))
        for members in networkx.connected_components(graph)
        for name in members
    }


@pytest.fixture(scope="module")
def inputs(spark: SparkSession) -> dict[str, DataFrame]:
    return make_inputs(spark, WORLD)


@pytest.fixture(scope="module")
def tables(
    spark: SparkSession, inputs: dict[str, DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, DataFrame]:
    return tables_of(inputs, context(spark, tmp_path_factory.mktemp("lineage")))


@pytest.fixture(scope="module")
def lineage(tables: dict[str, DataFrame]) -> DataFrame:
    return tables["silver_lineage"]


@pytest.fixture(scope="module")
def rows(lineage: DataFrame) -> dict[str, Any]:
    return {row.model_id: row for row in lineage.collect()}


def facts(row: Any) -> tuple[Any, ...]:
    return (
        row.root_id,
        row.depth,
        row.status,
        row.cycle_length,
        row.parent_count,
        row.self_parent_count,
    )


@pytest.mark.parametrize("model", WORLD)
def test_build_lineage_expected(rows: dict[str, Any], model: str) -> None:
    assert facts(rows[model]) == EXPECTED[model]


def test_build_lineage_first_parent(rows: dict[str, Any]) -> None:
    found = {
        name: (row.parent_id, row.parent_name, row.parent_source, row.kind)
        for name, row in rows.items()
    }
    assert found["base"] == (None, None, None, None)
    assert found["documented"] == (None, None, "annotation", None)
    assert found["gone"] == (None, "?x", "tags", "adapter")
    assert found["self"] == (None, None, "tags", None)
    assert found["self first"] == ("apart", "apart", "tags", "adapter")
    assert found["child"] == ("base", "base", "tags", "merge")


def test_build_lineage_families(spark: SparkSession, rows: dict[str, Any]) -> None:
    found = {name: (row.family_id, row.family_size) for name, row in rows.items()}
    assert found == families(spark, WORLD | {UNKNOWN: []})
    assert found["gone first"] == found["other"]  # joined by second parents only


def test_build_lineage_has_the_columns_of_the_table(
    spark: SparkSession, lineage: DataFrame
) -> None:
    expected = [(column.name, column.type) for column in SILVER_LINEAGE.columns]
    assert lineage.dtypes == expected
    (row,) = lineage.where(F.col("model_id") == UNKNOWN).collect()
    assert facts(row) == (UNKNOWN, 0, "no_metadata", None, 0, 0)
    assert (row.family_id, row.family_size) == (UNKNOWN, 1)
    assert row.root_key == row.family_key == row.model_key
    required = [column.name for column in SILVER_LINEAGE.columns if not column.nullable]
    assert all(r[name] is not None for r in lineage.collect() for name in required)


def test_build_lineage_first_available(
    spark: SparkSession, inputs: dict[str, DataFrame], tmp_path: Path
) -> None:
    chosen = context(spark, tmp_path, parent="first_available")
    found = {row.model_id: row for row in lineage_of(inputs, chosen).collect()}
    assert facts(found["gone first"]) == ("base", 1, "attributed", None, 2, 0)
    assert facts(found["below gone first"]) == ("base", 2, "attributed", None, 1, 0)
    assert found["gone first"].parent_name == "base"
    assert facts(found["gone"]) == EXPECTED["gone"]
    assert found["gone"].parent_name == "?x"
    same = set(WORLD) - {"gone first", "below gone first"}
    assert all(facts(found[name]) == EXPECTED[name] for name in same)


def test_build_lineage_missing_ancestor_self(
    spark: SparkSession, inputs: dict[str, DataFrame], tmp_path: Path
) -> None:
    chosen = context(spark, tmp_path, missing_ancestor="self")
    found = lineage_of(inputs, chosen)
    assert found.dtypes == [(column.name, column.type) for column in SILVER_LINEAGE.columns]
    by_model = {row.model_id: row for row in found.collect()}
    changed = {"below gone", "below gone first"}
    for name in changed:
        assert facts(by_model[name])[:3] == (name, 0, "parent_missing")
        assert by_model[name].root_key == by_model[name].model_key
    assert by_model["below gone"].parent_id == "gone"
    assert all(facts(by_model[name]) == EXPECTED[name] for name in set(WORLD) - changed)


def random_world(seed: int) -> dict[str, list[str]]:
    draw = random.Random(seed)
    names = [f"m/{number}" for number in range(250)]
    world = {}
    for place, name in enumerate(names):
        near = names[max(0, place - 15) : place + 2]
        count = draw.choices((0, 1, 2, 3), weights=(30, 50, 15, 5))[0]
        listed = draw.sample([*near, "?a", "?b"], min(count, len(near)))
        world[name] = listed
    return world


def walk(world: dict[str, list[str]], model: str) -> tuple[str, int]:
    """Root and depth by walking; a chain that comes back keeps its own model."""
    path = [model]
    while True:
        others = [parent for parent in world[path[-1]] if parent != path[-1]]
        if not others or others[0] not in world:
            return path[-1], len(path) - 1
        if others[0] in path:
            return model, 0
        path.append(others[0])


def test_build_lineage_random_whatever_the_partitions(spark: SparkSession, tmp_path: Path) -> None:
    world = random_world(20240708)
    frames = make_inputs(spark, world)
    configured = str(spark.conf.get("spark.sql.shuffle.partitions"))
    found = []
    try:
        for partitions in (1, 7):
            spark.conf.set("spark.sql.shuffle.partitions", partitions)
            chosen = context(spark, tmp_path / str(partitions))
            found.append(sorted(lineage_of(frames, chosen).collect()))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", configured)
    assert found[0] == found[1]
    world[UNKNOWN] = []
    by_model = {row.model_id: row for row in found[0]}
    assert {m: (r.root_id, r.depth) for m, r in by_model.items()} == {
        model: walk(world, model) for model in world
    }
    assert {m: (r.family_id, r.family_size) for m, r in by_model.items()} == families(spark, world)
    assert {row.status for row in found[0]} >= {"root", "attributed", "parent_missing", "cycle"}


def tampered(lineage: DataFrame, model: str, **values: object) -> DataFrame:
    """The lineage with other values in one row; `root` and `family` set the name and its key."""
    changed: dict[str, Column] = {}
    for name, value in values.items():
        if name in ("root", "family"):
            changed |= {f"{name}_id": F.lit(value), f"{name}_key": F.xxhash64(F.lit(value))}
        else:
            changed[name] = F.lit(value)
    is_model = F.col("model_id") == model
    return lineage.withColumns(
        {name: F.when(is_model, value).otherwise(F.col(name)) for name, value in changed.items()}
    )


TAMPERED: dict[str, tuple[str, dict[str, object], str]] = {
    "another root": ("grandchild", {"root": "other"}, "the root is that of the parent"),
    "a root id without its key": (
        "grandchild",
        {"root_id": "other"},
        "keys are the hashes of names",
    ),
    "depth": ("grandchild", {"depth": 3}, "the depth is one more than that of the parent"),
    "depth of a root": ("apart", {"depth": 1}, "a model without usable parent is a root"),
    "a root with a parent": (
        "child",
        {"status": "root", "root": "child", "depth": 0},
        "a root has no usable parent",
    ),
    "status by the own list": (
        "gone",
        {"status": "root"},
        "a model without usable parent is a root",
    ),
    "a cycle that is none": (
        "grandchild",
        {"status": "cycle", "root": "grandchild", "depth": 0, "cycle_length": 2},
        "a cycle comes back",
    ),
    "a tail that is not cyclic": (
        "tail",
        {"status": "attributed", "root": "c1", "cycle_length": None},
        "a cycle comes back",
    ),
    "cycle length": ("tail", {"cycle_length": 4}, "cycle_length is that of the parent"),
    "family": ("grandchild", {"family": "documented"}, "the family is the same at both ends"),
    "family of one": ("documented", {"family": "base"}, "the family is named by its smallest key"),
    "first parent": ("child", {"parent_id": "other"}, "parent_id is the first usable parent"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_certificate_catches(tables: dict[str, DataFrame], case: str) -> None:
    model, values, rule = TAMPERED[case]
    wrong = certificate_violations(
        tampered(tables["work_linked"], model, **values), tables["work_first_parents"]
    )
    assert rule in {row.rule for row in wrong.collect()}


def test_certificate_of_a_right_lineage_is_empty(tables: dict[str, DataFrame]) -> None:
    wrong = certificate_violations(tables["work_linked"], tables["work_first_parents"])
    assert wrong.collect() == []


def test_certificate_catches_that_a_pass_joined_nothing(tables: dict[str, DataFrame]) -> None:
    alone = tables["work_linked"].withColumns(
        {"family_id": F.col("model_id"), "family_key": F.col("model_key")}
    )
    wrong = certificate_violations(alone, tables["work_first_parents"]).collect()
    assert {row.rule for row in wrong} == {"the family is the same at both ends"}
    assert {row.model_id for row in wrong} == {child for child, _ in links(WORLD)}
    (proof,) = (check for check in CHECKS if check.needs == ("work_linked", "work_first_parents"))
    hold(proof, tables)
    with pytest.raises(ContentError, match=r"silver_lineage: .*the family is the same at both"):
        hold(proof, tables | {"work_linked": alone})
