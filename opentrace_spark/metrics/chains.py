"""The first two and all later steps of every chain of first parents, from its root down.

Chains are followed by pointer doubling on arrays, as in root finding: the work grows with log2 of
the depth, and no chain is ever written out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from opentrace_spark.metrics.exact import Integers

LATER = 3
"""The step that stands for the third and all later ones."""


class Chains(NamedTuple):
    """A forest, an element per node: `up`, the place of its parent (a root's is its own), its
    depth, and a code >= 0 of how it was made."""

    up: Integers
    depth: Integers
    code: Integers


class Steps(NamedTuple):
    """How chains went: an element per node, step and pair of codes.

    `place` is the node, `before` and `after` are the codes of the two ends of a derivation. Of the
    `of` derivations that the node's chain has in the step, `parts` are such a pair.
    """

    place: Integers
    step: Integers
    before: Integers
    after: Integers
    parts: Integers
    of: Integers


def steps_of(chains: Chains, wanted: Integers, ended: int) -> Steps:
    """The steps 1, 2 and LATER of the wanted nodes, none of which is a root.

    Step k is the k-th derivation from the root. A chain that is over by then has one pair there:
    its last code and `ended`, or `ended` twice where it was over before.
    """
    first, second = (_ancestors_at(chains, level)[wanted] for level in (1, 2))
    depth = chains.depth[wanted]
    second_code = np.where(depth > 1, chains.code[second], ended)
    short = depth < LATER
    parts = (
        _single(wanted, 1, chains.code[chains.up[first]], chains.code[first]),
        _single(wanted, 2, chains.code[first], second_code),
        _single(wanted[short], LATER, second_code[short], np.full(np.count_nonzero(short), ended)),
        *_later(chains, wanted[~short]),
    )
    return Steps(*map(np.concatenate, zip(*parts, strict=True)))


def _single(place: Integers, step: int, before: Integers, after: Integers) -> Steps:
    """One pair per node."""
    ones = np.ones(len(place), dtype=np.int64)
    return Steps(place, step * ones, before, after, ones, ones)


def _ancestors_at(chains: Chains, depth: int) -> Integers:
    """The place of every node's ancestor at this depth, its own where it is no deeper."""
    up = np.where(chains.depth > depth, chains.up, np.arange(len(chains.up)))
    while not np.array_equal(further := up[up], up):
        up = further
    return up


def _later(chains: Chains, wanted: Integers) -> list[Steps]:
    """For each kind of pair from the third derivation on, how often the wanted nodes have it."""
    late = np.flatnonzero(chains.depth >= LATER)
    # Their places among themselves; above them is one more place, the last.
    places = np.full(len(chains.up), len(late))
    places[late] = np.arange(len(late))
    parents = chains.up[late]
    size = int(chains.code.max(initial=0)) + 1
    kinds, kind = np.unique(chains.code[parents] * size + chains.code[late], return_inverse=True)
    found = []
    for number, pair in enumerate(kinds):
        counts = _on_the_way(places[parents], kind == number)[places[wanted]]
        here = np.flatnonzero(counts)
        ones = np.ones(len(here), dtype=np.int64)
        before, after = divmod(int(pair), size)
        of = chains.depth[wanted[here]] - (LATER - 1)
        found.append(
            Steps(wanted[here], LATER * ones, before * ones, after * ones, counts[here], of)
        )
    return found


def _on_the_way(up: Integers, is_counted: npt.NDArray[np.bool_]) -> Integers:
    """How many counted nodes there are on the way from each node up to the end, itself included.

    `up` is the place of the parent, len(up) where there is none.
    """
    up = np.append(up, len(up))
    counts = np.append(is_counted, False).astype(np.int64)
    while True:
        counts += counts[up]
        if np.array_equal(further := up[up], up):
            return counts
        up = further
