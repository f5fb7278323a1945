"""Roots of the first-parent graph, by pointer doubling.

Every model has at most one first parent in `models/`, so its chain either ends in a model without
one (its root) or runs into a cycle. After r rounds of doubling every model points 2^r + 1 steps up
at least, or at its root: it takes ceil(log2(depth)) rounds, and one more to see that what is left
are cycles. The graph is two numbers per model, so that all of it fits one task a hundred times over
(docs/scaling.md); through Spark's joins the same rounds took a quarter of all jobs of a run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F

from opentrace_spark.metrics.exact import Integers

LOG = logging.getLogger("opentrace_spark.lineage")

_ROOTS = (
    "model_key bigint, root_key bigint, depth int, cycle_key bigint, cycle_length bigint, "
    "tree_key bigint, tree_size bigint, rounds int"
)


@dataclass(frozen=True)
class Walks:
    """Where the chains of a graph lead: arrays of one element per model, ascending `keys`.

    `roots` and `depths`: the model itself and 0 where its chain never ends. `cycles` is the
    smallest key on the cycle that the model stands on or enters, `lengths` that cycle's length, 0
    where there is none. `trees` is the smallest key of all models with the same root or cycle,
    `sizes` how many they are. `rounds` are the doublings after which the model's way was known.
    """

    keys: Integers
    roots: Integers
    depths: Integers
    cycles: Integers
    lengths: Integers
    trees: Integers
    sizes: Integers
    rounds: Integers


def find_roots(links: DataFrame) -> DataFrame:
    """The walk of every model that has a link: a row per element of `Walks`; starts no Spark job.

    `links` has a row per documented parent in `models/` other than the model itself: `model_key,
    parent_key` BIGINT, `is_first`, true in at most one row of a model. Links that are not first
    have no part in the walks; where they lead has a row nevertheless. `cycle_key` and
    `cycle_length` are null where there is no cycle.
    """
    return links.coalesce(1).mapInArrow(_walks_of, _ROOTS)


def follow(keys: Integers, models: Integers, parents: Integers) -> Walks:
    """Follow every chain of the graph in which `parents[i]` is the one parent of `models[i]`.

    `keys` are all models, ascending; no model is its own parent.
    """
    places = np.arange(len(keys))
    up = places.copy()
    up[np.searchsorted(keys, models)] = np.searchsorted(keys, parents)
    is_root = up == places
    depths = (~is_root).astype(np.int64)
    lowest, rounds, turn = places.copy(), np.zeros_like(places), 0

    def jump(models: Integers) -> None:
        """To where their targets point; `lowest` is the least key on the way there."""
        targets = up[models]
        depths[models] += depths[targets]
        lowest[models] = np.minimum(lowest[models], lowest[targets])
        up[models] = up[targets]

    unfinished = np.flatnonzero(~is_root[up])
    while len(unfinished):
        turn += 1
        rounds[unfinished] = turn
        jump(unfinished)
        left = unfinished[~is_root[up[unfinished]]]
        # After r rounds every model at most 2^r steps below its root has ended, and no other. If a
        # deeper one were left, its chain would hold a model just one step deeper, and that one ends
        # in the next round. So when a round ends nothing, what is left never ends: cycles.
        if len(left) == len(unfinished):
            break
        unfinished = left
    # From 2^r >= unfinished models on, a jump is longer than any way into a cycle and any cycle.
    while 2**turn < len(unfinished):
        turn += 1
        rounds[unfinished] = turn
        jump(unfinished)

    # Of the unfinished models every target lies on a cycle, and every model of a cycle is a target;
    # the least key on a target's way is the least of its whole cycle.
    on_cycle = np.unique(up[unfinished])
    cycles, length_of = np.unique(lowest[on_cycle], return_counts=True)
    entered = lowest[up[unfinished]]
    lengths = np.zeros_like(places)
    lengths[unfinished] = length_of[np.searchsorted(cycles, entered)]
    ends = up.copy()
    ends[unfinished] = entered
    up[unfinished], depths[unfinished] = unfinished, 0
    # Places ascend with keys: the first place of a tree is that of its smallest key.
    _, first, tree, sizes = np.unique(
        ends, return_index=True, return_inverse=True, return_counts=True
    )
    return Walks(
        keys, keys[up], depths, keys[ends], lengths, keys[first[tree]], sizes[tree], rounds
    )


def _walks_of(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    links = pa.Table.from_batches(batches) if (batches := list(batches)) else None
    if links is None:
        return
    ends = [links[name].to_numpy() for name in ("model_key", "parent_key")]
    first = links.filter(links["is_first"])
    walks = follow(
        np.unique(np.concatenate(ends)),
        first["model_key"].to_numpy(),
        first["parent_key"].to_numpy(),
    )
    no_cycle = walks.lengths == 0
    yield from pa.table(
        {
            "model_key": walks.keys,
            "root_key": walks.roots,
            "depth": walks.depths.astype(np.int32),
            "cycle_key": pa.array(walks.cycles, mask=no_cycle),
            "cycle_length": pa.array(walks.lengths, mask=no_cycle),
            "tree_key": walks.trees,
            "tree_size": walks.sizes,
            "rounds": walks.rounds.astype(np.int32),
        }
    ).to_batches(max_chunksize=1 << 16)


def log_rounds(roots: DataFrame) -> None:
    """Tell how deep the chains of `work_roots` are and in how many rounds they were followed."""
    is_cyclic = F.col("cycle_key").isNotNull()
    facts = roots.agg(
        F.count_if(is_cyclic | (F.col("depth") > 0)).alias("models"),
        F.max("depth").alias("depth"),
        F.max(F.when(~is_cyclic, F.col("rounds"))).alias("rounds"),
        F.max("rounds").alias("all_rounds"),
        F.count_distinct("cycle_key").alias("cycles"),
        F.count("cycle_key").alias("cyclic"),
    ).first()
    assert facts is not None  # an aggregate without groups has one row
    LOG.info(
        "roots: %d models with a parent in models/, %d rounds, greatest depth %d; "
        "%d cycles with %d models on them or leading into them, %d further rounds",
        facts.models,
        facts.rounds or 0,
        facts.depth or 0,
        facts.cycles,
        facts.cyclic,
        (facts.all_rounds or 0) - (facts.rounds or 0),
    )
