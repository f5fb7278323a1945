"""Root finding, compared with a plain walk from parent to parent."""

from __future__ import annotations

import logging
import math
import random

import numpy as np
import pytest
from pyspark.sql import SparkSession

from opentrace_spark.silver.roots import Walks, find_roots, follow, log_rounds

Found = tuple[int, int, int | None, int | None, int, int]
"""Root, depth, cycle key, cycle length, tree key, tree size."""


def walk(parents: dict[int, int]) -> dict[int, Found]:
    """The truth, one model after the other."""
    found: dict[int, tuple[int, int, int | None, int | None]] = {}
    end: dict[int, int] = {}
    for model in {*parents, *parents.values()}:
        path = [model]
        while path[-1] in parents and parents[path[-1]] not in path:
            path.append(parents[path[-1]])
        if path[-1] in parents:
            cycle = path[path.index(parents[path[-1]]) :]
            found[model] = (model, 0, min(cycle), len(cycle))
            end[model] = min(cycle)
        else:
            found[model] = (path[-1], len(path) - 1, None, None)
            end[model] = path[-1]
    trees = {model: [other for other in end if end[other] == end[model]] for model in end}
    return {model: (*found[model], min(trees[model]), len(trees[model])) for model in found}


def solve(parents: dict[int, int]) -> tuple[Walks, dict[int, Found]]:
    keys = np.array(sorted({*parents, *parents.values()}), dtype=np.int64)
    ends = [np.array(list(of), dtype=np.int64) for of in (parents.keys(), parents.values())]
    walks = follow(keys, *ends)
    columns = (walks.roots, walks.depths, walks.cycles, walks.lengths, walks.trees, walks.sizes)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return walks, {
        key: (root, depth, cycle if length else None, length or None, tree, size)
        for key, (root, depth, cycle, length, tree, size) in zip(
            walks.keys.tolist(), rows, strict=True
        )
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
def test_follow_a_shape(shape: str) -> None:
    assert solve(SHAPES[shape])[1] == walk(SHAPES[shape])


@pytest.mark.parametrize("seed", range(40))
def test_follow_random_graphs(seed: int) -> None:
    parents = random_parents(seed, 300)
    assert solve(parents)[1] == walk(parents)


def test_follow_a_long_chain_in_few_rounds() -> None:
    depth = 3000
    keys = random.Random(1).sample(range(10**6), depth + 1)
    walks, found = solve(dict(zip(keys[1:], keys, strict=False)))
    assert {key: row[:2] for key, row in found.items()} == {
        key: (keys[0], place) for place, key in enumerate(keys)
    }
    assert walks.rounds.max() == math.ceil(math.log2(depth))


def test_follow_a_long_cycle_in_few_rounds() -> None:
    length = 1000
    parents = {key: (key + 1) % length for key in range(length)} | {-1: 0, -2: -1}
    walks, found = solve(parents)
    assert found == {key: (key, 0, 0, length, -2, length + 2) for key in parents}
    assert walks.rounds.max() == math.ceil(math.log2(len(parents)))


def test_find_roots(spark: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    parents = random_parents(20240708, 300)
    draw = random.Random(5)
    known = sorted(parents)
    # Others lead elsewhere, to models of the graph and to 0, which nothing else leads to.
    others = [(model, draw.choice([*known, 0]), False) for model in known if draw.random() < 0.2]
    links = [(*link, True) for link in parents.items()] + [o for o in others if o[0] != o[1]]
    draw.shuffle(links)
    schema = "model_key bigint, parent_key bigint, is_first boolean"
    roots = find_roots(spark.createDataFrame(links, schema).repartition(3)).cache()
    with caplog.at_level(logging.INFO, logger="opentrace_spark.lineage"):
        log_rounds(roots)
    rows = roots.collect()
    roots.unpersist()
    expected = walk(parents) | {0: (0, 0, None, None, 0, 1)}
    assert {row.model_key: tuple(row[1:7]) for row in rows} == expected
    assert len(rows) == len(expected)
    depth = max(depth for _, depth, *_ in expected.values())
    cycles = [row[2] for row in expected.values() if row[2] is not None]
    assert f"{len(parents)} models with a parent in models/" in caplog.text
    assert f"{math.ceil(math.log2(depth))} rounds, greatest depth {depth};" in caplog.text
    assert f"{len(set(cycles))} cycles with {len(cycles)} models on them" in caplog.text


def test_find_roots_without_links(spark: SparkSession) -> None:
    none = spark.createDataFrame([], "model_key bigint, parent_key bigint, is_first boolean")
    roots = find_roots(none)
    log_rounds(roots)
    assert roots.collect() == []
