"""Roots of the first-parent graph, by pointer doubling.

Every model in the state has exactly one parent that is in `models/`, so a model's chain either ends
in a model that is not in the state (its root) or runs into a cycle. In every round each unfinished
model jumps to where its target points: after r rounds its target is 2^r steps up. It takes
ceil(log2(depth + 1)) rounds, and one more to see that what is left are cycles.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.io import stored

LOG = logging.getLogger("opentrace_spark.lineage")


@dataclass(frozen=True)
class Roots:
    """What root finding found.

    `frame` has one row per model of the input: `model_key, root_key, depth, cycle_key,
    cycle_length`. A model whose chain never ends is its own root at depth 0; the smallest key on
    the cycle that it stands on or enters is its `cycle_key`, null for all others. `rounds` are the
    doublings until every chain that ends was followed to its end, `cycle_rounds` the further ones
    for chains that do not end.
    """

    frame: DataFrame
    rounds: int
    cycle_rounds: int
    models: int
    greatest_depth: int
    cycles: int
    cyclic_models: int


def find_roots(first_parents: DataFrame, scratch: str) -> Roots:
    """The root of every model of `first_parents` (`model_key, parent_key` BIGINT, key unique).

    A parent without a row of its own is a root. Acts: writes below `scratch`, a URI.
    """
    state = _State(first_parents, scratch)
    unfinished = state.start()
    while unfinished:
        left = state.double()
        # After r rounds every model less than 2^r steps below its root has ended, and no other. If
        # a deeper one were left, its chain would hold a model at just 2^r steps, and that one ends
        # in the next round. So when a round ends nothing, what is left never ends: cycles.
        if left == unfinished:
            break
        unfinished = left
    rounds = state.rounds
    # From 2^r >= unfinished models on, a jump is longer than any way into a cycle and any cycle.
    while unfinished and 2**state.rounds < unfinished:
        state.double()
    roots = stored(_with_cycles(state.frame), f"{scratch}/roots")
    return _summary(roots, rounds, state.rounds - rounds)


class _State:
    """The state of the doubling, one row per model, written out after every round.

    Reading it back keeps the plan short. Two folders take turns: one is read while the other is
    written.
    """

    def __init__(self, first_parents: DataFrame, scratch: str) -> None:
        self.rounds = 0
        self._first_parents = first_parents
        self._scratch = scratch

    def start(self) -> int:
        """Point every model at its parent; returns the number of models."""
        self._keep(
            self._first_parents.select(
                "model_key",
                F.col("parent_key").alias("target"),
                F.lit(1).cast("bigint").alias("distance"),
                F.col("model_key").alias("lowest"),
                F.lit(False).alias("is_done"),
            )
        )
        return self._unfinished()

    def double(self) -> int:
        """Let every unfinished model jump to its target's target; returns how many are left."""
        self.rounds += 1
        self._keep(_doubled(self.frame))
        left = self._unfinished()
        LOG.debug("roots: round %d, %d models unfinished", self.rounds, left)
        return left

    def _keep(self, state: DataFrame) -> None:
        folder = f"{self._scratch}/state_{self.rounds % 2}"
        self.frame = stored(state, folder)

    def _unfinished(self) -> int:
        return self.frame.where(~F.col("is_done")).count()


def _doubled(state: DataFrame) -> DataFrame:
    """One round: `distance` steps up is `target`; `lowest` is the least key on the way there."""
    done = state.where("is_done")
    ahead = state.select(
        F.col("model_key").alias("target"),
        F.col("target").alias("next_target"),
        F.col("distance").alias("next_distance"),
        F.col("lowest").alias("next_lowest"),
        F.col("is_done").alias("next_is_done"),
    )
    moved = state.where("not is_done").join(ahead, on="target", how="left")
    return done.unionByName(
        moved.select(
            "model_key",
            F.coalesce("next_target", "target").alias("target"),
            (F.col("distance") + F.coalesce("next_distance", F.lit(0))).alias("distance"),
            F.least("lowest", "next_lowest").alias("lowest"),
            # A target without a row of its own has no parent: it is the root.
            F.coalesce("next_is_done", F.lit(True)).alias("is_done"),
        )
    )


def _with_cycles(state: DataFrame) -> DataFrame:
    """The final rows. Of the unfinished models every target lies on a cycle, and every model of a
    cycle is a target; the least key on the target's way is the least of its whole cycle."""
    unfinished = state.where("not is_done").select("model_key", "target", "lowest")
    targets = unfinished.select(F.col("target").alias("model_key")).distinct()
    on_cycle = unfinished.join(targets, on="model_key", how="left_semi")
    lengths = on_cycle.groupBy("lowest").agg(F.count("*").alias("cycle_length"))
    cycles = on_cycle.join(lengths, on="lowest").select(
        F.col("model_key").alias("target"), F.col("lowest").alias("cycle_key"), "cycle_length"
    )
    cyclic = unfinished.join(cycles, on="target").select(
        "model_key",
        F.col("model_key").alias("root_key"),
        F.lit(0).alias("depth"),
        "cycle_key",
        "cycle_length",
    )
    ended = state.where("is_done").select(
        "model_key",
        F.col("target").alias("root_key"),
        F.col("distance").cast("int").alias("depth"),
        F.lit(None).cast("bigint").alias("cycle_key"),
        F.lit(None).cast("bigint").alias("cycle_length"),
    )
    return ended.unionByName(cyclic)


def _summary(roots: DataFrame, rounds: int, cycle_rounds: int) -> Roots:
    facts = roots.agg(
        F.count("*").alias("models"),
        F.coalesce(F.max("depth"), F.lit(0)).alias("greatest_depth"),
        F.count_distinct("cycle_key").alias("cycles"),
        F.count("cycle_key").alias("cyclic_models"),
    ).first()
    assert facts is not None  # an aggregate without groups has one row
    LOG.info(
        "roots: %d models with a parent in models/, %d rounds, greatest depth %d; "
        "%d cycles with %d models on them or leading into them, %d further rounds",
        facts.models,
        rounds,
        facts.greatest_depth,
        facts.cycles,
        facts.cyclic_models,
        cycle_rounds,
    )
    return Roots(frame=roots, rounds=rounds, cycle_rounds=cycle_rounds, **facts.asDict())
