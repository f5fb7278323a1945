"""Families, compared with an independent solver and with the graph that is not contracted."""

from __future__ import annotations

import random
from pathlib import Path

import networkx
import pytest
from pyspark.sql import SparkSession

from opentrace_spark.silver import families
from opentrace_spark.silver.roots import find_roots

Links = list[tuple[int, int]]


def solve(
    spark: SparkSession, links: Links, folder: Path, *, contracted: bool = True
) -> dict[int, tuple[int, int]]:
    """Family key and size by model; the first link of a model is its first parent.

    Not contracted: no link is a first one, so that GraphFrames gets all of them.
    """
    first = dict(reversed(links))
    rows = [(model, parent, contracted and first[model] == parent) for model, parent in links]
    schema = "model_key bigint, parent_key bigint, is_first boolean"
    frame = spark.createDataFrame(rows, schema)
    found = families.find_families(frame, find_roots(frame), str(folder)).collect()
    assert len(found) == len({row.model_key for row in found})
    return {row.model_key: (row.family_key, row.family_size) for row in found}


def truth(links: Links) -> dict[int, tuple[int, int]]:
    components = networkx.connected_components(networkx.Graph(links))
    return {key: (min(members), len(members)) for members in components for key in members}


def random_links(seed: int) -> Links:
    """Many small trees and cycles, of which second and third parents join a few."""
    draw = random.Random(seed)
    keys = draw.sample(range(-(2**61), 2**61), 300)
    links = []
    for place, key in enumerate(keys):
        near = [other for other in keys[max(0, place - 12) : place + 4] if other != key]
        count = draw.choices((0, 1, 2, 3), weights=(40, 45, 10, 5))[0]
        links += [(key, other) for other in draw.sample(near, count)]
    return links


def test_find_families_contracted_and_not(spark: SparkSession, tmp_path: Path) -> None:
    links = random_links(20240708)
    expected = truth(links)
    assert len({family for family, _ in expected.values()}) > 5
    assert solve(spark, links, tmp_path / "a") == expected
    assert solve(spark, links, tmp_path / "b", contracted=False) == expected


def test_find_families_where_no_tree_is_joined(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("GraphFrames was called")

    monkeypatch.setattr(families, "GraphFrame", fail)
    # A cycle with a tail, a tree, and a merge of two models of one tree.
    links = [(1, 2), (2, 1), (-5, 1), (11, 10), (12, 10), (13, 11), (13, 12)]
    assert solve(spark, links, tmp_path) == truth(links)


def test_find_families_without_links(spark: SparkSession, tmp_path: Path) -> None:
    assert solve(spark, [], tmp_path) == {}


def test_find_families_gives_the_setting_back(spark: SparkSession, tmp_path: Path) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    # The first parent of 1 is 2; the second joins the tree of 4. 3 has no parent of its own.
    links = [(1, 2), (1, 3), (3, 4), (6, 5)]
    assert solve(spark, links, tmp_path) == truth(links)
    assert spark.conf.get("spark.sql.shuffle.partitions") == before
