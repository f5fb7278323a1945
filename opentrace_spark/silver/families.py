"""Families: connected components of the graph of all documented parents that are in `models/`.

Every tree of first parents lies inside one family, so GraphFrames sees the graph contracted to
trees, where only second and later parents are left; the certificate of `silver/lineage.py` checks
the two passes against each other. The contracted graph gives the same families as the whole one
(tested): a tree is known by the smallest key in it, so the smallest key of a family is the smallest
of its trees' keys.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from graphframes import GraphFrame
from pyspark.sql import DataFrame, SparkSession, functions as F

from opentrace_spark.io import stored

LOG = logging.getLogger("opentrace_spark.lineage")

_ROWS_PER_PARTITION = 100_000


def find_families(
    links: DataFrame, roots: DataFrame, scratch: str, *, contracted: bool = True
) -> DataFrame:
    """The family of every model with a link: `model_key, family_key, family_size`.

    `links` has a row per documented parent in `models/` other than the model itself: `model_key,
    parent_key` BIGINT. `roots` is the frame of `find_roots` over the first of them. Models without
    a link have no row. Acts: writes below `scratch`, a URI. `contracted=False` is the plain
    definition, for comparison.
    """
    if contracted:
        trees = stored(_trees(links, roots), f"{scratch}/trees")
        joined = _joined_trees(links, trees)
    else:
        trees = _linked(links).select("model_key", F.col("model_key").alias("tree_key"))
        joined = links.select(F.col("model_key").alias("src"), F.col("parent_key").alias("dst"))
    components = _components(stored(joined, f"{scratch}/links"), scratch)
    families = trees.join(components, on="tree_key", how="left").select(
        "model_key", F.coalesce("component", "tree_key").alias("family_key")
    )
    sizes = families.groupBy("family_key").agg(F.count("*").alias("family_size"))
    sized = families.join(sizes, on="family_key").select("model_key", "family_key", "family_size")
    return stored(sized, f"{scratch}/families")


def _linked(links: DataFrame) -> DataFrame:
    ends = links.select("model_key").unionByName(
        links.select(F.col("parent_key").alias("model_key"))
    )
    return ends.distinct()


def _trees(links: DataFrame, roots: DataFrame) -> DataFrame:
    """Every linked model with the smallest key of its first-parent tree (or cycle with its tails).

    Such a weak component holds one root or one cycle, which names it until its smallest key is
    known.
    """
    anchors = roots.select("model_key", F.coalesce("cycle_key", "root_key").alias("anchor"))
    anchored = (
        _linked(links)
        .join(anchors, on="model_key", how="left")
        .select("model_key", F.coalesce("anchor", "model_key").alias("anchor"))
    )
    labels = anchored.groupBy("anchor").agg(F.min("model_key").alias("tree_key"))
    return anchored.join(labels, on="anchor").select("model_key", "tree_key")


def _joined_trees(links: DataFrame, trees: DataFrame) -> DataFrame:
    """Pairs of trees that a second or later parent joins, each once."""
    children = trees.select("model_key", F.col("tree_key").alias("child_tree"))
    parents = trees.select(F.col("model_key").alias("parent_key"), F.col("tree_key"))
    pairs = (
        links.join(children, on="model_key")
        .join(parents, on="parent_key")
        .where(F.col("child_tree") != F.col("tree_key"))
    )
    return pairs.select(
        F.least("child_tree", "tree_key").alias("src"),
        F.greatest("child_tree", "tree_key").alias("dst"),
    ).distinct()


def _components(links: DataFrame, scratch: str) -> DataFrame:
    """Connected components of `src, dst`: `tree_key, component` (the smallest key in it).

    Keys without a link have no row. `links` must be stored: it is read many times.
    """
    spark = links.sparkSession
    count = links.count()
    LOG.info("families: %d links go to connected components", count)
    if count == 0:
        return links.toDF("tree_key", "component")  # GraphFrames takes seconds for nothing, too
    ends = links.select(F.col("src").alias("id")).unionByName(
        links.select(F.col("dst").alias("id"))
    )
    vertices = stored(ends.distinct(), f"{scratch}/vertices")
    spark.sparkContext.setCheckpointDir(f"{scratch}/checkpoints")
    with _few_partitions(spark, count):
        found = GraphFrame(vertices, links).connectedComponents(
            algorithm="graphframes",
            # Switches the broadcast of skewed keys off: with adaptive execution it went wrong.
            broadcastThreshold=2147483647,
        )
        components = found.select(F.col("id").alias("tree_key"), "component")
        kept = stored(components, f"{scratch}/components")
        found.unpersist()  # GraphFrames leaves its result cached
    return kept


@contextmanager
def _few_partitions(spark: SparkSession, rows: int) -> Iterator[None]:
    """As many shuffle partitions as the rows are worth, at most those configured.

    The loop of GraphFrames shuffles often: on a small graph 200 partitions take minutes.
    """
    setting = "spark.sql.shuffle.partitions"
    configured = spark.conf.get(setting)
    assert configured is not None  # it has a default
    wanted = min(int(configured), 1 + rows // _ROWS_PER_PARTITION)
    spark.conf.set(setting, wanted)
    try:
        yield
    finally:
        spark.conf.set(setting, configured)
