"""From downloads of models to those of developers, countries and kinds, and their ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from opentrace_spark.metrics.exact import Integers

LEVELS = ("model", "developer", "country", "org_type")
ATTRIBUTIONS = ("none", "root")
UNKNOWN_DAY = np.iinfo(np.int32).min
"""Creation day of a model whose creation date is unknown; other days count from 1970-01-01."""
NO_MODEL = -1
"""Code in a row that only says that its week or period is there, with no downloads."""

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Population:
    """The population's models as arrays, one element per code of the level `model`.

    `created` is the day of creation and `window_day` the one that windows start from (both
    `UNKNOWN_DAY` where unknown); `codes[attribution,
    level]` the unit that a model's downloads count for, numbered in the order of the units' names,
    so that ties by code are ties by name; `is_nation` tells of each country code whether it is a
    nation; `served` is the code of the root's developer where it is another than the model's own,
    else -1, and `kind` the model's kind of derivation as an index into `gold` tables' kinds.
    """

    created: Codes
    window_day: Codes
    codes: Mapping[tuple[str, str], Codes]
    is_nation: npt.NDArray[np.bool_]
    served: Codes
    kind: Codes

    def unit_count(self, level: str) -> int:
        """Number of units of a level, over both attributions."""
        return max(
            int(self.codes[attribution, level].max(initial=-1)) + 1 for attribution in ATTRIBUTIONS
        )


class Cell(NamedTuple):
    """Units with downloads, for one level, scope, attribution and window: codes and counts > 0."""

    level: str
    scope: str
    attribution: str
    window: str
    units: Codes
    counts: Integers
    eligible: int | None


def in_window(population: Population, week_day: int, days: int | None) -> npt.NDArray[np.bool_]:
    """Which models are within a window of `days` in the week that starts on `week_day`.

    Whole weeks in or out, no lower bound; a model without a date only without a window.
    """
    if days is None:
        return np.ones(len(population.window_day), dtype=bool)
    starts = population.window_day
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
        counted = counts > 0
        present, downloads = models[counted], counts[counted]
        for attribution in ATTRIBUTIONS:
            for level in LEVELS:
                codes = population.codes[attribution, level]
                sums = np.zeros(population.unit_count(level), dtype=np.int64)
                np.add.at(sums, codes[present], downloads)
                possible = sums > 0
                if eligible is not None:
                    possible[codes[eligible[window]]] = True
                yield _cell(level, "all", attribution, window, sums, possible, eligible)
                if level == "country":
                    nation = population.is_nation
                    yield _cell(
                        level,
                        "national",
                        attribution,
                        window,
                        np.where(nation, sums, 0),
                        possible & nation,
                        eligible,
                    )


def _cell(
    level: str,
    scope: str,
    attribution: str,
    window: str,
    sums: Integers,
    possible: npt.NDArray[np.bool_],
    eligible: object | None,
) -> Cell:
    units = np.flatnonzero(sums)
    return Cell(
        level,
        scope,
        attribution,
        window,
        units.astype(np.int32),
        sums[units],
        None if eligible is None else int(np.count_nonzero(possible)),
    )


def largest(units: Codes, counts: Integers, top: int) -> tuple[Codes, Integers]:
    """The `top` units with the largest counts, largest first, ties by code."""
    if len(counts) > top:
        # Everything at or above the last count that can make it; ties at the cut are still whole.
        floor = np.partition(counts, len(counts) - top)[len(counts) - top]
        candidates = counts >= floor
        units, counts = units[candidates], counts[candidates]
    order = np.lexsort((units, -counts))[:top]
    return units[order], counts[order]
