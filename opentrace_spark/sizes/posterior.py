"""From a line and habits to an estimate: how probable each size is, given the bytes.

p(size | bytes) is proportional to p(size) p(surplus of bytes | size), both mixtures of the habits
of a model's kinds, narrow ones first (Bayes' rule on a grid of log10). The mean of log10 is the
estimate, quantiles are its band. Every number of a row comes from that row alone, in a fixed
order: batches do not change a bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d
from scipy.sparse import csr_array

from opentrace_spark.sizes.habits import (
    ALL,
    SIZE_CELLS,
    STEP,
    SURPLUS_CELLS,
    SURPLUS_FROM,
    Cells,
    Habit,
)
from opentrace_spark.sizes.line import Floats
from opentrace_spark.sizes.settings import SizeSettings

Places = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 256
_NARROW, _WIDE = 3, 25
"""Cells of the moving average that is taken twice: standard deviations of 0.023 and 0.2."""
_LEAST = 1e-12


@dataclass(frozen=True)
class _Part:
    """One thing that habits say, of sizes or of surpluses: shapes (habits,) and (habits, cells).

    `rank` is each habit's place by width, narrow ones first; a row of `cells` sums to 1.
    """

    rank: Places
    weight: Floats
    cells: csr_array

    @classmethod
    def of(
        cls, kinds: Sequence[str], spreads: Sequence[float], cells: csr_array, power: float
    ) -> _Part:
        order = sorted(range(len(kinds)), key=lambda place: (spreads[place], kinds[place]))
        rank = np.empty(len(kinds), dtype=np.int64)
        rank[order] = np.arange(len(kinds))
        return cls(rank, np.array([spread**-power for spread in spreads]), cells)


class Posterior:
    """The habits of a fit, laid out so that many models are asked at once."""

    def __init__(self, habits: Sequence[Habit], settings: SizeSettings) -> None:
        kinds = [habit.kind for habit in habits]
        self.place_of = {kind: place for place, kind in enumerate(kinds)}
        self._settings = settings
        self._sizes = _Part.of(
            kinds,
            [habit.size_spread for habit in habits],
            _matrix([habit.sizes for habit in habits], [h.rows for h in habits], SIZE_CELLS),
            settings.size_power,
        )
        self._surpluses = _Part.of(
            kinds,
            [habit.surplus_spread for habit in habits],
            _matrix([habit.surpluses for habit in habits], [h.rows for h in habits], SURPLUS_CELLS),
            settings.surplus_power,
        )

    def ask(self, on_line: Floats, kinds: Sequence[Sequence[str]]) -> Floats:
        """Mean, low and high of log10 of the parameters: shape (3, n) for n rows with bytes.

        `on_line` has shape (n,): what the line gives; `kinds` are all that each row is of.
        """
        found = np.empty((3, len(on_line)))
        for start in range(0, len(on_line), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            found[:, rows] = self._ask_batch(on_line[rows], kinds[rows])
        return found

    def _ask_batch(self, on_line: Floats, kinds: Sequence[Sequence[str]]) -> Floats:
        known = [[self.place_of[k] for k in of_row if k in self.place_of] for of_row in kinds]
        row = np.repeat(np.arange(len(known)), [len(places) for places in known])
        habit = np.array([place for places in known for place in places], dtype=np.int64)
        sizes = self._mixtures(self._sizes, row, habit, len(known))
        surpluses = self._mixtures(self._surpluses, row, habit, len(known))
        y = STEP * np.arange(SIZE_CELLS)
        cells = np.rint((on_line[:, None] - y - SURPLUS_FROM) / STEP).astype(int)
        inside = (cells >= 0) & (cells < SURPLUS_CELLS)
        likely = np.take_along_axis(surpluses, np.clip(cells, 0, SURPLUS_CELLS - 1), axis=1)
        weights = sizes * np.where(inside, likely, _LEAST)
        share = np.cumsum(weights, axis=1)
        share /= share[:, -1:]
        band = self._settings.band
        low, high = (1 - band) / 2, (1 + band) / 2
        return np.stack(
            [
                (weights * y).sum(axis=1) / weights.sum(axis=1),
                y[np.argmax(share >= low, axis=1)] - STEP / 2,
                y[np.argmax(share >= high, axis=1)] + STEP / 2,
            ]
        )

    def _mixtures(self, part: _Part, row: Places, habit: Places, rows: int) -> Floats:
        """The smoothed mixture of each row's narrowest habits: shape (rows, cells), sums to 1."""
        order = np.lexsort((part.rank[habit], row))
        row, habit = row[order], habit[order]
        is_used = np.arange(len(row)) - np.searchsorted(row, row) < self._settings.habits_used
        row, habit = row[is_used], habit[is_used]
        total = np.bincount(row, part.weight[habit], minlength=rows)
        outside, blur = self._settings.outside_share, self._settings.blur_share
        weight = (1 - outside) * part.weight[habit] / total[row]
        starts = np.searchsorted(row, np.arange(rows + 1))
        chosen = csr_array((weight, habit, starts), shape=(rows, len(part.rank)))
        everything = part.cells[[self.place_of[ALL]]].toarray()
        mixed = (chosen @ part.cells).toarray() + outside * everything
        smooth = (1 - blur) * _average(mixed, _NARROW) + blur * _average(mixed, _WIDE)
        return np.maximum(smooth, 0.0) + outside / mixed.shape[1] * 1e-2


def _matrix(of_habits: Sequence[Cells], rows: Sequence[int], width: int) -> csr_array:
    """The share of each habit's models in each cell: shape (habits, width)."""
    starts = np.cumsum([0, *(len(cells) for cells in of_habits)])
    cell = [place for cells in of_habits for place, _ in cells]
    share = [n / of for cells, of in zip(of_habits, rows, strict=True) for _, n in cells]
    return csr_array((share, cell, starts), shape=(len(of_habits), width))


def _average(values: Floats, width: int) -> Floats:
    """The centred moving average along each row, taken twice: a triangle of 2 width - 1 cells."""
    for _ in range(2):
        values = uniform_filter1d(values, width, axis=1, mode="constant")
    return values
