"""Steps of chains against a walk from model to model."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from opentrace_spark.metrics.chains import LATER, Chains, steps_of

ENDED = 99


def walked(up: list[int], code: list[int], node: int) -> Counter[tuple[int, int, int, int, int]]:
    """(step, before, after, parts, of) of a node, link by link."""
    chain = [node]
    while up[chain[-1]] != chain[-1]:
        chain.append(up[chain[-1]])
    codes = [code[place] for place in reversed(chain)]
    pairs = list(pairwise(codes))
    padded = [*pairs, (codes[-1], ENDED), (ENDED, ENDED)]
    later = pairs[LATER - 1 :] or [padded[LATER - 1]]
    rows = Counter((LATER, *pair, n, len(later)) for pair, n in Counter(later).items())
    rows.update([(step, *padded[step - 1], 1, 1) for step in (1, 2)])
    return rows


def found(up: list[int], depth: list[int], code: list[int], wanted: list[int]) -> dict:
    chains = Chains(*(np.array(column, dtype=np.int64) for column in (up, depth, code)))
    rows: dict[int, Counter] = {node: Counter() for node in wanted}
    steps = steps_of(chains, np.array(wanted, dtype=np.int64), ENDED)
    for place, *row in zip(*(column.tolist() for column in steps), strict=True):
        rows[place][tuple(row)] += 1
    return rows


@pytest.mark.parametrize("seed", range(30))
def test_steps_agree_with_a_walk(seed: int) -> None:
    random = np.random.default_rng(seed)
    size, bushy = int(random.integers(1, 60)), random.random()
    # A parent has a smaller number here; then the numbers are mixed, as keys are.
    up = [
        n if n == 0 or random.random() < 0.1 else int(random.integers(bushy * n, n))
        for n in range(size)
    ]
    depth: list[int] = []
    for n, parent in enumerate(up):
        depth.append(0 if parent == n else depth[parent] + 1)
    mixed = random.permutation(size)
    where = np.argsort(mixed)
    up = [int(where[up[n]]) for n in mixed]
    depth = [depth[n] for n in mixed]
    code = random.integers(0, 4, size).tolist()
    wanted = [n for n in range(size) if depth[n] and random.random() < 0.7]
    assert found(up, depth, code, wanted) == {node: walked(up, code, node) for node in wanted}


def test_nothing_is_wanted() -> None:
    assert found([0, 0], [0, 1], [1, 2], []) == {}


def test_a_chain_of_a_million_takes_seconds() -> None:
    size = 1_000_000
    nodes = np.arange(size)
    chains = Chains(np.maximum(nodes - 1, 0), nodes, nodes % 2)
    started = time.monotonic()
    steps = steps_of(chains, nodes[[1, 2, 3, size - 1]], ENDED)
    assert time.monotonic() - started < 30
    last = steps.place == size - 1
    later = last & (steps.step == LATER)
    assert sorted(zip(steps.before[later], steps.after[later], strict=True)) == [(0, 1), (1, 0)]
    # Derivations 3 to 999,999: the odd ones go from 0 to 1, and there is one more of them.
    assert dict(zip(steps.before[later], steps.parts[later], strict=True)) == {
        0: 499_999,
        1: 499_998,
    }
    assert set(steps.of[later]) == {size - 3}
