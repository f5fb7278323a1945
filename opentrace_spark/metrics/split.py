"""Amounts that every model passes on to all its parents in equal parts, up to the roots."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from opentrace_spark.metrics.exact import Integers, exact_sum


def scale_of(amounts: Integers) -> int:
    """By how many bits whole amounts may be shifted so that their sum still fits 63 bits.

    Parts of a download are counted in so small units: the sum stays exact, and the error of a part
    is far below that of a 64-bit float.
    """
    return max(0, 62 - exact_sum(amounts).bit_length())


def split_equally(amounts: Integers, children: Integers, parents: Integers) -> Integers:
    """Where whole amounts end if each node passes all that it has to its parents in equal parts.

    `amounts[i]` >= 0 belong to node i; each pair of `children` and `parents` is an edge between two
    different nodes, and is there once. Nodes without parents keep what they have and get, as do the
    members of a strongly connected component (Tarjan 1972) of more than one node. What a division
    leaves over goes to the first of the parents, a unit each, so that the sum stays as it is.
    """
    size = len(amounts)
    links = csr_matrix((np.ones(len(children), dtype=bool), (children, parents)), (size, size))
    _, component = connected_components(links, directed=True, connection="strong")
    gives = np.bincount(component)[component] == 1
    order = np.lexsort((parents, children))
    order = order[gives[children[order]]]
    children, parents = children[order], parents[order]
    first = np.searchsorted(children, np.arange(size + 1))
    number = np.diff(first)
    single = np.flatnonzero(number == 1)
    stops = _stops(size, single, parents[first[single]])
    held = np.zeros(size, dtype=np.int64)
    np.add.at(held, stops, amounts)
    return _flow(held, first, number * (number > 1), stops[parents])


def _stops(size: int, single: Integers, parents: Integers) -> Integers:
    """Where a walk over nodes with a single parent ends: at one with several, or with none.

    Such walks are long and many; by doubling they take log2 of their length.
    """
    stops = np.arange(size)
    stops[single] = parents
    while not np.array_equal(further := stops[stops], stops):
        stops = further
    return stops


def _flow(held: Integers, first: Integers, number: Integers, parents: Integers) -> Integers:
    """Pass on what nodes hold, each when all that flows to it is there.

    Node i has `number[i]` parents from `parents[first[i]]` on, 0 where it keeps what it has.
    """
    used = _ranges(first, number, np.flatnonzero(number))
    waiting = np.bincount(parents[used], minlength=len(held))
    ready = np.flatnonzero((waiting == 0) & (number > 0))
    while len(ready):
        edges, several = _ranges(first, number, ready), number[ready]
        part, over = np.divmod(held[ready], several)
        place = edges - np.repeat(first[ready], several)
        held[ready] = 0
        above = parents[edges]
        np.add.at(held, above, np.repeat(part, several) + (place < np.repeat(over, several)))
        np.subtract.at(waiting, above, 1)
        above = np.unique(above)
        ready = above[(waiting[above] == 0) & (number[above] > 0)]
    return held


def _ranges(first: Integers, number: Integers, nodes: Integers) -> Integers:
    """The places of all edges of some nodes, one node after the other."""
    several = number[nodes]
    ends = np.cumsum(several)
    return np.arange(several.sum()) + np.repeat(first[nodes] - (ends - several), several)
