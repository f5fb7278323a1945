"""From downloads of models to those of developers, countries and kinds, and their ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from opentrace_spark.metrics.exact import Integers

LEVELS = ("model", "developer", "organization", "country", "org_type")
ATTRIBUTIONS = ("none", "root")
_EPOCH = date(1970, 1, 1)
UNKNOWN_DAY = np.iinfo(np.int32).min
"""Creation day of a model whose creation date is unknown; other days count from 1970-01-01."""
NO_MODEL = -1
"""Code in a row that only says that its week or period is there, with no downloads."""

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Population:
    """The population's models and their units as arrays of codes, indexed by code.

    Codes number the units of a level in the order of their names, so that ties by code are ties by
    name; those of models include roots outside the population. Per model: `created`, the day of
    creation, and `window_day`, the one that windows start from (both `UNKNOWN_DAY` where unknown);
    `root`; `developer`; `served`, the code of the root's developer where it is another than the
    model's own, else -1; `kind`, its kind of derivation as an index into the tables' kinds. Per
    developer: `organization`, `country`, `org_type`. Per country: `is_nation`.
    """

    created: Codes
    window_day: Codes
    root: Codes
    developer: Codes
    organization: Codes
    country: Codes
    org_type: Codes
    is_nation: npt.NDArray[np.bool_]
    served: Codes
    kind: Codes


class Cell(NamedTuple):
    """Units with downloads, for one level, scope, attribution and window: codes and counts > 0."""

    level: str
    scope: str
    attribution: str
    window: str
    units: Codes
    counts: Integers
    eligible: int | None


def day_of(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def find_places(ascending: Integers, wanted: Integers) -> Integers:
    """Where each wanted key stands among the ascending ones, -1 where it does not."""
    if not len(ascending):
        return np.full(len(wanted), -1)
    places = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return np.where(ascending[places] == wanted, places, -1)


def in_window(population: Population, week_day: int, days: int | None) -> npt.NDArray[np.bool_]:
    """Which models are within a window of `days` in the week that starts on `week_day`."""
    return covers(population.window_day, week_day, days)


def covers(starts: Codes, week_day: int, days: int | None) -> npt.NDArray[np.bool_]:
    """Which windows of `days` from these days on have the week that starts on `week_day`.

    Whole weeks in or out, no lower bound; an unknown day only without a window.
    """
    if days is None:
        return np.ones(len(starts), dtype=bool)
    return (starts != UNKNOWN_DAY) & (week_day < starts.astype(int) + days)


def is_eligible(population: Population, week_day: int, days: int | None) -> npt.NDArray[np.bool_]:
    """Which models exist by the end of the week and are still within the window."""
    created = (population.created != UNKNOWN_DAY) & (population.created <= week_day + 6)
    return created & in_window(population, week_day, days)


def cells(
    population: Population,
    models: Codes,
    windowed: Mapping[str, Integers],
    eligible: Mapping[str, npt.NDArray[np.bool_]] | None = None,
) -> Iterator[Cell]:
    """Every cell of a group of downloads.

    `models` are distinct indexes into the population, `windowed[window]` their downloads there
    (>= 0), `eligible[window]` which models of the whole population are eligible, where that is
    asked for. Zero counts belong to no cell.
    """
    for window, counts in windowed.items():
        counted = np.flatnonzero(counts > 0)
        present = models[counted]
        possible = None
        if eligible is not None:
            possible = eligible[window].copy()
            possible[present] = True
        own = _Units(present, counts[counted], possible)
        of_roots = own.rolled_up(population.root, len(population.developer))
        for attribution, of_models in (("none", own), ("root", of_roots)):
            developers = of_models.rolled_up(population.developer, len(population.country))
            countries = developers.rolled_up(population.country, len(population.is_nation))
            units = {
                ("model", "all"): of_models,
                ("developer", "all"): developers,
                ("organization", "all"): developers.rolled_up(
                    population.organization, _size(population.organization)
                ),
                ("country", "all"): countries,
                ("country", "national"): countries.among(population.is_nation),
                ("org_type", "all"): developers.rolled_up(
                    population.org_type, _size(population.org_type)
                ),
            }
            for (level, scope), found in units.items():
                yield Cell(
                    level, scope, attribution, window, found.codes, found.counts, found.eligible
                )


def _size(codes: Codes) -> int:
    """How many units a level has that nothing is rolled up from."""
    return int(codes.max(initial=-1)) + 1


class _Units(NamedTuple):
    """Units of a level with downloads, and which of all its units are eligible or have some."""

    codes: Codes
    counts: Integers
    possible: npt.NDArray[np.bool_] | None

    @property
    def eligible(self) -> int | None:
        return None if self.possible is None else int(np.count_nonzero(self.possible))

    def rolled_up(self, belongs_to: Codes, size: int) -> _Units:
        """The units of a level of `size`; `belongs_to` has the code there of every unit here."""
        sums = np.zeros(size, dtype=np.int64)
        np.add.at(sums, belongs_to[self.codes], self.counts)
        codes = np.flatnonzero(sums > 0)
        possible = None
        if self.possible is not None:
            possible = np.zeros(size, dtype=bool)
            # Taking by place is many times as fast as by a mask.
            possible[belongs_to[np.flatnonzero(self.possible)]] = True
        return _Units(codes.astype(np.int32), sums[codes], possible)

    def among(self, chosen: npt.NDArray[np.bool_]) -> _Units:
        """Those of the units that are chosen (an element per unit of the level)."""
        is_chosen = np.flatnonzero(chosen[self.codes])
        possible = None if self.possible is None else self.possible & chosen
        return _Units(self.codes[is_chosen], self.counts[is_chosen], possible)


def largest(units: Codes, counts: Integers, top: int) -> tuple[Codes, Integers]:
    """The `top` units with the largest counts, largest first, ties by code."""
    if len(counts) > top:
        # Everything at or above the last count that can make it; ties at the cut are still whole.
        cut = len(counts) - top
        candidates = np.flatnonzero(counts >= np.partition(counts, cut)[cut])
        units, counts = units[candidates], counts[candidates]
    order = np.lexsort((units, -counts))[:top]
    return units[order], counts[order]
