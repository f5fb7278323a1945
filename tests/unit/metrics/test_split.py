"""Equal parts to all parents, compared with exact fractions."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from opentrace_spark.metrics.split import scale_of, split_equally

Edges = list[tuple[int, int]]


def split(amounts: list[int], edges: Edges) -> list[int]:
    children, parents = (np.array([e[end] for e in edges], dtype=np.int64) for end in (0, 1))
    return split_equally(np.array(amounts, dtype=np.int64), children, parents).tolist()


def exactly(amounts: list[int], edges: Edges) -> list[Fraction]:
    """The truth: every amount on its own, followed up to where its parts end."""
    above = {node: {p for c, p in edges if c == node} for node in range(len(amounts))}

    def is_on_cycle(node: int) -> bool:
        found, waiting = set(above[node]), list(above[node])
        while waiting:
            news = above[waiting.pop()] - found
            found |= news
            waiting += news
        return node in found

    ends = [Fraction(0)] * len(amounts)

    def give(node: int, amount: Fraction) -> None:
        if is_on_cycle(node) or not above[node]:
            ends[node] += amount
            return
        for parent in above[node]:
            give(parent, amount / len(above[node]))

    for node, amount in enumerate(amounts):
        give(node, Fraction(amount))
    return ends


@pytest.mark.parametrize(
    ("amounts", "edges", "expected"),
    [
        ([5, 7], [], [5, 7]),
        ([5, 7, 1], [(1, 0), (2, 1)], [13, 0, 0]),
        ([0, 0, 8], [(2, 0), (2, 1)], [4, 4, 0]),
        # 3 has 0 and 1 above it, 1 has 0 and 2: 0 gets 1/2 and 1/4.
        ([0, 0, 0, 8], [(3, 0), (3, 1), (1, 0), (1, 2)], [6, 0, 2, 0]),
        # 0 and 1 are a cycle: they keep their own, and 2 and 3 lead into it.
        ([1, 2, 4, 8], [(0, 1), (1, 0), (2, 0), (3, 2)], [13, 2, 0, 0]),
        # 1 is on a cycle and has a parent beside it: that gets nothing.
        ([1, 2, 4], [(1, 2), (2, 1), (1, 0)], [1, 2, 4]),
        # What can't be divided goes to the first parents.
        ([0, 0, 0, 5], [(3, 2), (3, 0), (3, 1)], [2, 2, 1, 0]),
        ([0, 0, 0, 1], [(3, 2), (3, 0), (3, 1)], [1, 0, 0, 0]),
        # Two parents that lead to the same root are two parents.
        ([0, 0, 0, 9, 0], [(1, 0), (2, 0), (3, 1), (3, 2), (3, 4)], [6, 0, 0, 0, 3]),
        ([], [], []),
    ],
)
def test_split_equally_by_hand(amounts: list[int], edges: Edges, expected: list[int]) -> None:
    assert split(amounts, edges) == expected


def test_split_equally_agrees_with_fractions_on_random_graphs() -> None:
    random.seed(7)
    graphs_with_parts = 0
    for _ in range(300):
        size = random.randint(1, 9)
        pairs = {(random.randrange(size), random.randrange(size)) for _ in range(2 * size)}
        # Most edges lead to a smaller number, so that not everything is one cycle.
        edges = [(a, b) if random.random() < 0.1 else (max(a, b), min(a, b)) for a, b in pairs]
        edges = sorted({(a, b) for a, b in edges if a != b})
        amounts = [random.choice([0, 1, 10, 10**12]) for _ in range(size)]
        bits = scale_of(np.array(amounts, dtype=np.int64))
        got = split([amount << bits for amount in amounts], edges)
        assert sum(got) == sum(amounts) << bits
        random.shuffle(edges)
        assert split([amount << bits for amount in amounts], edges) == got
        expected = exactly(amounts, edges)
        graphs_with_parts += any(end.denominator > 1 for end in expected)
        for end, exact in zip(got, expected, strict=True):
            assert abs(Fraction(end, 1 << bits) - exact) <= Fraction(sum(amounts), 10**16)
    assert graphs_with_parts > 20


def test_split_equally_follows_long_chains() -> None:
    size = 300_000
    chain = np.arange(1, size)
    got = split_equally(np.ones(size, dtype=np.int64), chain, chain - 1)
    assert (got[0], np.count_nonzero(got)) == (size, 1)


def test_scale_leaves_room_for_the_sum_and_no_more() -> None:
    for amounts in ([1], [3, 5], [2**40, 1], [2**61 - 1], [2**61], [2**62, 2**61], [0]):
        bits = scale_of(np.array(amounts, dtype=np.int64))
        assert sum(amounts) << bits < 2**63
        assert bits == 0 or sum(amounts) == 0 or sum(amounts) << bits >= 2**61
