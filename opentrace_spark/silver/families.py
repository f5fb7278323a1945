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


def find_families(links: DataFrame, roots: DataFrame, scratch: str) -> DataFrame:
    """The family of every model with a link: the rows of `roots` with `family_key, family_size`.

    `links` and `roots` are the input and the output of `find_roots`. Acts: writes below `scratch`,
    a URI. Without a first link every model is a tree of its own: that is the plain definition.
    """
    joined = stored(_joined_trees(links, roots), f"{scratch}/links")
    components = _components(joined, scratch)
    trees = roots.where(F.col("model_key") == F.col("tree_key"))
    sized = components.join(trees.select("tree_key", "tree_size"), on="tree_key")
    sizes = sized.groupBy("component").agg(F.sum("tree_size").alias("size"))
    of_trees = components.join(sizes, on="component")
    return roots.join(of_trees, on="tree_key", how="left").select(
        *roots.columns,
        F.coalesce("component", "tree_key").alias("family_key"),
        F.coalesce("size", "tree_size").alias("family_size"),
    )


def _joined_trees(links: DataFrame, roots: DataFrame) -> DataFrame:
    """Pairs of trees that a second or later parent joins, each once."""
    others = links.where(~F.col("is_first")).select("model_key", "parent_key")
    children = roots.select("model_key", F.col("tree_key").alias("child_tree"))
    parents = roots.select(F.col("model_key").alias("parent_key"), F.col("tree_key"))
    pairs = (
        others.join(children, on="model_key")
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
