"""Who was derived from whom: kinds, depths, chains, merges, cycles, lost and self parents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opentrace_spark.generator.calibration import Calibration, exponential_choice, planted_count
from opentrace_spark.generator.popularity import Creation, Popularity

KINDS = ("finetune", "adapter", "quantized", "merge")
FINETUNE, ADAPTER, QUANTIZED, MERGE = range(4)
LOST = -1  # a parent that is not among the models


@dataclass(frozen=True)
class Roles:
    """Per model: kind (index of KINDS, -1 for a root) and level, its distance from the root."""

    kind: np.ndarray
    level: np.ndarray
    chains: tuple[np.ndarray, ...]

    @property
    def is_child(self) -> np.ndarray:
        return self.kind >= 0


@dataclass(frozen=True)
class RootPool:
    """roots: models without parents, ascending. appeal: their weights as parents."""

    roots: np.ndarray
    appeal: np.ndarray


@dataclass(frozen=True)
class Lineage:
    """Documented parents as lists: those of model i are parents[offsets[i]:offsets[i + 1]].

    A parent is a model, the model itself, or LOST. root: end of the chain of first parents that
    the names of derivatives are built on (the model itself on cycles). planted: models of the
    long chains and the cycles, whose first parent matters.
    """

    roles: Roles
    offsets: np.ndarray
    parents: np.ndarray
    root: np.ndarray
    planted: np.ndarray


def build_roles(creation: Creation, rng: np.random.Generator, fit: Calibration) -> Roles:
    """Choose the children (few before mid 2023, then ever more), their kinds and levels."""
    models = len(creation.second)
    weights = np.array([0.004, *fit.children_by_quarter])[creation.quarter + 1]
    if models:
        weights[0] = 0  # the oldest model has nothing to be derived from
    children = exponential_choice(rng, weights, round(fit.children * models))
    kind = np.full(models, -1, dtype=np.int8)
    kind[children] = rng.choice(len(KINDS), size=len(children), p=fit.kind_shares)
    shares = np.array(fit.level_shares)
    level = np.zeros(models, dtype=np.int64)
    level[children] = 1 + rng.choice(len(shares), size=len(children), p=shares / shares.sum())
    chains = _choose_chains(children, rng, fit)
    for chain in chains:
        kind[chain] = np.where(rng.random(len(chain)) < 0.7, FINETUNE, MERGE)
        level[chain] = np.arange(1, len(chain) + 1)
    _close_gaps(level)
    return Roles(kind, level, chains)


def _choose_chains(
    children: np.ndarray, rng: np.random.Generator, fit: Calibration
) -> tuple[np.ndarray, ...]:
    """Runs of children in order of creation, each derived from the one before it."""
    free = rng.permutation(children)
    chains = []
    for length in fit.chain_lengths:
        if length * 8 <= len(children):
            chains.append(np.sort(free[:length]))
            free = free[length:]
    return tuple(chains)


def _close_gaps(level: np.ndarray) -> None:
    """Move levels down, in place, until every level below the deepest one has a model."""
    used = np.unique(level)
    level[:] = np.searchsorted(used, level) if len(used) and used[0] == 0 else level


def build_lineage(
    creation: Creation,
    roles: Roles,
    popularity: Popularity,
    rng: np.random.Generator,
    fit: Calibration,
) -> Lineage:
    """Choose the parents. Without the planted cycles and self references there is no cycle."""
    models = len(roles.kind)
    first = np.full(models, LOST, dtype=np.int64)
    special = _plant_cycles(roles, first, rng, fit)
    for chain in roles.chains:
        first[chain[1:]] = chain[:-1]
    linked = np.zeros(models, dtype=bool)
    linked[special] = True
    for chain in roles.chains:
        linked[chain[1:]] = True
    roots = np.flatnonzero(roles.level == 0)
    appeal = _root_appeal(roots, popularity, rng, fit)
    pools = _pools(roles.level, special)
    for depth in range(1, int(roles.level.max(initial=0)) + 1):
        pool = pools[depth - 1]
        born = np.flatnonzero((roles.level == depth) & ~linked)
        weights = appeal if depth == 1 else np.ones(len(pool))
        first[born] = _draw_older(born, pool, weights, rng)
    root = _walk_to_roots(roles.level, first, special)
    lists = _list_parents(roles, first, RootPool(roots, appeal), special, rng, fit)
    return Lineage(roles, *lists, root, np.concatenate([special, *roles.chains]))


def _pools(level: np.ndarray, special: np.ndarray) -> list[np.ndarray]:
    """Models of each level that may be a parent; those on cycles are not, nor what leads there."""
    usable = np.ones(len(level), dtype=bool)
    usable[special] = False
    order = np.flatnonzero(usable)
    order = order[np.argsort(level[order], kind="stable")]
    cuts = np.searchsorted(level[order], np.arange(1, int(level.max(initial=0)) + 1))
    return np.split(order, cuts)


def _root_appeal(
    roots: np.ndarray, popularity: Popularity, rng: np.random.Generator, fit: Calibration
) -> np.ndarray:
    """Weight of each root as a parent: a power law in (roughly) its rank by downloads."""
    rank = np.where(popularity.rank[roots] > 0, popularity.rank[roots], len(popularity.rank))
    blurred = rank * np.exp(0.8 * rng.standard_normal(len(roots)))
    place = np.empty(len(roots))
    place[np.argsort(blurred, kind="stable")] = np.arange(len(roots))
    return (place + 5) ** -fit.root_popularity_exponent


def _draw_older(
    born: np.ndarray, pool: np.ndarray, weights: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """One weighted pick per child among the pool's models that are older than it.

    Where none is older the oldest of the pool is taken: the Hub has such dates too.
    """
    if len(born) == 0:
        return born
    reach = np.cumsum(weights)
    older = np.maximum(np.searchsorted(pool, born), 1)
    picks = np.searchsorted(reach, rng.random(len(born)) * reach[older - 1], side="right")
    return pool[np.minimum(picks, older - 1)]


def _plant_cycles(
    roles: Roles, first: np.ndarray, rng: np.random.Generator, fit: Calibration
) -> np.ndarray:
    """Close cycles of the planted lengths, with two models that lead into each; returns them."""
    in_chains = np.concatenate([np.zeros(0, dtype=np.int64), *roles.chains])
    free = rng.permutation(np.setdiff1d(np.flatnonzero(roles.level == 1), in_chains))
    planted: list[np.ndarray] = []
    for length in fit.cycle_lengths:
        if len(free) < 12 * (length + 2):
            break
        cycle, leads, free = free[:length], free[length : length + 2], free[length + 2 :]
        first[cycle] = np.roll(cycle, -1)
        first[leads] = [cycle[0], leads[0]]  # the second one leads in through the first
        planted += [cycle, leads]
    return np.concatenate([np.zeros(0, dtype=np.int64), *planted])


def _walk_to_roots(level: np.ndarray, first: np.ndarray, special: np.ndarray) -> np.ndarray:
    root = np.arange(len(level))
    walks = np.ones(len(level), dtype=bool)
    walks[special] = False
    for depth in range(1, int(level.max(initial=0)) + 1):
        members = np.flatnonzero((level == depth) & walks)
        root[members] = root[first[members]]
    return root


def _parent_counts(roles: Roles, rng: np.random.Generator, fit: Calibration) -> np.ndarray:
    """Length of each model's list: 0 for roots, 2 to 20 for merges with a few giants, else 1."""
    lengths = np.arange(2, 21)
    odds = lengths**-fit.merge_parents_exponent
    counts = roles.is_child.astype(np.int64)
    merges = np.flatnonzero(roles.kind == MERGE)
    counts[merges] = rng.choice(lengths, size=len(merges), p=odds / odds.sum())
    giants = rng.permutation(merges)[: len(merges) // 10]
    for merge, length in zip(giants, fit.merge_parents_planted, strict=False):
        counts[merge] = length
    return counts


def _list_parents(
    roles: Roles,
    first: np.ndarray,
    pool: RootPool,
    special: np.ndarray,
    rng: np.random.Generator,
    fit: Calibration,
) -> tuple[np.ndarray, np.ndarray]:
    """First parents, then the others of merges (roots, so that no cycle arises), then accidents."""
    models = len(first)
    counts = _parent_counts(roles, rng, fit)
    ordinary = np.setdiff1d(np.flatnonzero(roles.is_child), special)
    simple = (roles.level == 1) & (roles.kind != MERGE)
    ordinary = rng.permutation(ordinary[simple[ordinary]])
    in_chains = np.isin(ordinary, np.concatenate([np.zeros(0, dtype=np.int64), *roles.chains]))
    ordinary = ordinary[~in_chains]
    lost = ordinary[: planted_count(fit.missing_parents, 5, models)]
    selves = ordinary[len(lost) :][: planted_count(fit.self_parents, 4, models)]
    # Every third accident stands before a parent that is there; the others stand alone.
    counts[lost[::3]] = np.maximum(counts[lost[::3]], 2)
    counts[selves[::3]] = np.maximum(counts[selves[::3]], 2)
    counts[selves[1::3]] = 1
    offsets = np.concatenate([[0], np.cumsum(counts)])
    owner = np.repeat(np.arange(models), counts)
    parents = _draw_older(owner, pool.roots, pool.appeal, rng)
    children = np.flatnonzero(counts)
    parents[offsets[children]] = first[children]
    parents[offsets[lost]] = LOST
    parents[offsets[selves]] = selves
    merges = np.flatnonzero(roles.kind == MERGE)
    parents[offsets[merges[::20]] + 1] = LOST  # a later one may be gone as well
    return offsets, parents
