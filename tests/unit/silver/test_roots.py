"""Root finding, compared with a plain walk from parent to parent."""

from __future__ import annotations

import logging
import math
import random
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from opentrace_spark.silver.roots import Roots, find_roots

Found = tuple[int, int, int | None, int | None]
"""Root, depth, cycle key, cycle length."""


def walk(parents: dict[int, int]) -> dict[int, Found]:
    """The truth, one model after the other."""
    found = {}
    for model in parents:
        path = [model]
        while path[-1] in parents and parents[path[-1]] not in path:
            path.append(parents[path[-1]])
        if path[-1] in parents:
            cycle = path[path.index(parents[path[-1]]) :]
            found[model] = (model, 0, min(cycle), len(cycle))
        else:
            found[model] = (path[-1], len(path) - 1, None, None)
    return found


def solve(
    spark: SparkSession, parents: dict[int, int], folder: Path
) -> tuple[Roots, dict[int, Found]]:
    frame = spark.createDataFrame(list(parents.items()), "model_key bigint, parent_key bigint")
    roots = find_roots(frame, str(folder))
    rows = roots.frame.collect()
    assert len(rows) == len(parents)
    return roots, {
        row.model_key: (row.root_key, row.depth, row.cycle_key, row.cycle_length) for row in rows
    }


def random_parents(seed: int, models: int) -> dict[int, int]:
    """Trees, cycles and tails; keys of both signs without any order."""
    draw = random.Random(seed)
    keys = draw.sample(range(-(2**61), 2**61), models)
    parents = {}
    for place, key in enumerate(keys):
        kind = draw.random()
        if kind < 0.85 and place:
            parents[key] = draw.choice(keys[max(0, place - 8) : place])
        elif kind < 0.92:
            near = keys[max(0, place - 5) : place + 6]
            parents[key] = draw.choice([other for other in near if other != key])
    return parents


SHAPES: dict[str, dict[int, int]] = {
    "nothing": {},
    "one parent": {1: 2},
    "a star": dict.fromkeys(range(1, 30), 0),
    "a cycle of two": {1: 2, 2: 1},
    "a cycle with tails, and a chain beside it": {5: 3, 3: 4, 4: 5, 7: 3, 8: 7, 9: 8, -1: -2},
    "two cycles, one with the larger keys": {10: 11, 11: 10, 1: 2, 2: 3, 3: 1, 0: 11},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_find_roots_of_a_shape(spark: SparkSession, tmp_path: Path, shape: str) -> None:
    roots, found = solve(spark, SHAPES[shape], tmp_path)
    assert found == walk(SHAPES[shape])
    assert roots.models == len(SHAPES[shape])


@pytest.mark.parametrize("seed", [20240708, 7])
def test_find_roots_of_random_graphs(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    parents = random_parents(seed, 600)
    expected = walk(parents)
    roots, found = solve(spark, parents, tmp_path)
    assert found == expected
    cycles = {cycle for _, _, cycle, _ in expected.values()} - {None}
    assert cycles
    assert roots.cycles == len(cycles)
    assert roots.cyclic_models == sum(found[2] is not None for found in expected.values())
    assert roots.greatest_depth == max(depth for _, depth, _, _ in expected.values())


def test_find_roots_of_a_long_chain_in_few_rounds(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    depth = 3000
    keys = random.Random(1).sample(range(10**6), depth + 1)
    with caplog.at_level(logging.INFO, logger="opentrace_spark.lineage"):
        roots, found = solve(spark, dict(zip(keys[1:], keys, strict=False)), tmp_path)
    assert found == {key: (keys[0], place, None, None) for place, key in enumerate(keys) if place}
    assert roots.rounds == math.ceil(math.log2(depth + 1))
    assert roots.cycle_rounds == 0
    assert f"{roots.rounds} rounds, greatest depth {depth}" in caplog.text


def test_find_roots_of_a_long_cycle_in_few_rounds(spark: SparkSession, tmp_path: Path) -> None:
    length = 1000
    parents = {key: (key + 1) % length for key in range(length)} | {-1: 0, -2: -1}
    roots, found = solve(spark, parents, tmp_path)
    assert set(found) == set(parents)
    assert all(found[key] == (key, 0, 0, length) for key in parents)
    assert roots.rounds == 1
    assert roots.rounds + roots.cycle_rounds == math.ceil(math.log2(len(parents)))


def test_find_roots_whatever_the_partitions(spark: SparkSession, tmp_path: Path) -> None:
    parents = random_parents(11, 200)
    configured = spark.conf.get("spark.sql.shuffle.partitions")
    try:
        found = []
        for partitions in (1, 7):
            spark.conf.set("spark.sql.shuffle.partitions", partitions)
            found.append(solve(spark, parents, tmp_path / str(partitions))[1])
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", str(configured))
    assert found[0] == found[1]
