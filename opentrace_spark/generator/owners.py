"""Who owns what: owners with a heavy-tailed number of models, quantisers and prominent ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opentrace_spark.generator.calibration import Calibration


@dataclass(frozen=True)
class Owners:
    """owner_of: owner per model. size: models per owner, descending.

    is_quantiser, is_prominent: per owner. prominence: order among the prominent ones (1 = first),
    0 for the others.
    """

    owner_of: np.ndarray
    size: np.ndarray
    is_quantiser: np.ndarray
    prominence: np.ndarray

    @property
    def is_prominent(self) -> np.ndarray:
        return self.prominence > 0


def owner_sizes(models: int, fit: Calibration) -> np.ndarray:
    """Models per owner, descending; the sum is `models`."""
    count = max(1, round(fit.owners_per_model * models))
    quantiles = (np.arange(count) + 0.5) / count
    cap = max(3, round(fit.largest_owner * models))
    sizes = np.minimum(cap, np.floor(quantiles ** (-1 / fit.owner_size_exponent))).astype(np.int64)
    surplus = int(sizes.sum()) - models
    if surplus < 0:
        return np.concatenate([sizes, np.ones(-surplus, dtype=np.int64)])
    # Too many: drop owners of one model first, then cut what is left from the smallest ones.
    kept = np.cumsum(sizes) <= models
    short = models - int(sizes[kept].sum())
    return np.concatenate([sizes[kept], [short]]) if short else sizes[kept]


def build_owners(
    quantised: np.ndarray, talent: np.ndarray, rng: np.random.Generator, fit: Calibration
) -> Owners:
    """Deal the models out to owners. quantised: per model, is a quantised copy of another.

    Quantised copies go to the largest owners, the most talented models mostly to prominent ones.
    """
    models = len(talent)
    size = owner_sizes(models, fit)
    copies = rng.permutation(np.flatnonzero(quantised))
    copies = copies[: round(fit.quantised_by_quantisers * len(copies))]
    is_quantiser = np.cumsum(size) <= len(copies)
    prominence = _choose_prominent(is_quantiser, rng, fit)
    slots = np.repeat(np.arange(len(size)), size)
    owner_of = np.full(models, -1, dtype=np.int64)

    quantiser_slots = slots[is_quantiser[slots]]
    owner_of[copies[: len(quantiser_slots)]] = quantiser_slots

    prominent_slots = slots[prominence[slots] > 0]
    free = np.flatnonzero(owner_of < 0)
    best = free[np.argsort(-(talent[free] + 0.5 * rng.standard_normal(len(free))), kind="stable")]
    # Every prominent owner has a few of the best models, the more prominent ones more of them.
    first_slot = np.searchsorted(slots, prominent_slots)
    nth = 1 + np.flatnonzero(prominence[slots] > 0) - first_slot
    turn = nth * prominence[prominent_slots] ** 0.6
    turn = turn * np.exp(0.4 * rng.standard_normal(len(turn)))
    owner_of[best[: len(prominent_slots)]] = prominent_slots[np.argsort(turn, kind="stable")]

    rest = slots[~is_quantiser[slots] & (prominence[slots] == 0)]
    owner_of[owner_of < 0] = rng.permutation(rest)
    return Owners(owner_of, size, is_quantiser, prominence)


def _choose_prominent(
    is_quantiser: np.ndarray, rng: np.random.Generator, fit: Calibration
) -> np.ndarray:
    """Prominent owners have some models each, not the most: drawn from the largest twentieth."""
    count = len(is_quantiser)
    wanted = min(count // 4, max(8, round(fit.prominent_owners * count)))
    first = int(is_quantiser.sum())
    pool = np.arange(first, min(count, first + max(4 * wanted, count // 20)))
    chosen = rng.permutation(pool)[:wanted]
    prominence = np.zeros(count, dtype=np.int64)
    prominence[chosen] = np.arange(1, len(chosen) + 1)
    return prominence
