"""From a line and habits to an estimate: how probable each size is, given the bytes.

p(size | bytes) is proportional to p(size) p(surplus of bytes | size), both mixtures of the habits
of a model's kinds, narrow ones first (Bayes' rule on a grid of log10). The mean of log10 is the
estimate, quantiles are its band. Every number of a row comes from that row alone, in a fixed
order: batches do not change a bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from opentrace_spark.sizes.habits import (
    SIZE_CELLS,
    STEP,
    SURPLUS_CELLS,
    SURPLUS_FROM,
    Cells,
    Habit,
)
from opentrace_spark.sizes.line import Floats
from opentrace_spark.sizes.settings import SizeSettings

_ROWS_AT_ONCE = 256
_NARROW, _WIDE = 3, 25
"""Cells of the moving average that is taken twice: standard deviations of 0.023 and 0.2."""
_LEAST = 1e-12


def posterior(
    on_line: Floats, habits: Sequence[Sequence[Habit]], everything: Habit, settings: SizeSettings
) -> Floats:
    """Mean, low and high of log10 of the parameters: shape (3, n) for n rows with bytes.

    `on_line` has shape (n,): what the line gives; `habits` are those of each row's kinds.
    """
    found = np.empty((3, len(on_line)))
    for start in range(0, len(on_line), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        found[:, rows] = _of_batch(on_line[rows], habits[rows], everything, settings)
    return found


def _of_batch(
    on_line: Floats, habits: Sequence[Sequence[Habit]], everything: Habit, settings: SizeSettings
) -> Floats:
    sizes = _mixtures(
        habits,
        everything,
        SIZE_CELLS,
        lambda habit: (habit.size_spread, habit.sizes),
        settings.size_power,
        settings,
    )
    surpluses = _mixtures(
        habits,
        everything,
        SURPLUS_CELLS,
        lambda habit: (habit.surplus_spread, habit.surpluses),
        settings.surplus_power,
        settings,
    )
    y = STEP * np.arange(SIZE_CELLS)
    cells = np.rint((on_line[:, None] - y - SURPLUS_FROM) / STEP).astype(int)
    inside = (cells >= 0) & (cells < SURPLUS_CELLS)
    likely = np.take_along_axis(surpluses, np.clip(cells, 0, SURPLUS_CELLS - 1), axis=1)
    weights = sizes * np.where(inside, likely, _LEAST)
    share = np.cumsum(weights, axis=1)
    share /= share[:, -1:]
    low, high = (1 - settings.band) / 2, (1 + settings.band) / 2
    return np.stack(
        [
            (weights * y).sum(axis=1) / weights.sum(axis=1),
            y[np.argmax(share >= low, axis=1)] - STEP / 2,
            y[np.argmax(share >= high, axis=1)] + STEP / 2,
        ]
    )


def _mixtures(
    habits: Sequence[Sequence[Habit]],
    everything: Habit,
    cells: int,
    part: Callable[[Habit], tuple[float, Cells]],
    power: float,
    settings: SizeSettings,
) -> Floats:
    """The smoothed mixture of each row's narrowest habits: shape (rows, cells), each sums to 1."""
    mixed = np.zeros((len(habits), cells))
    for row, of_row in enumerate(habits):
        used = sorted(of_row, key=lambda habit: (part(habit)[0], habit.kind))
        used = used[: settings.habits_used]
        weights = [part(habit)[0] ** -power for habit in used]
        total = sum(weights)
        parts = [
            ((1 - settings.outside_share) * w / total, h)
            for w, h in zip(weights, used, strict=True)
        ]
        for weight, habit in [*parts, (settings.outside_share, everything)]:
            for cell, count in part(habit)[1]:
                mixed[row, cell] += weight * count / habit.rows
    blur = settings.blur_share
    smooth = (1 - blur) * _average(mixed, _NARROW) + blur * _average(mixed, _WIDE)
    return np.maximum(smooth, 0.0) + settings.outside_share / cells * 1e-2


def _average(values: Floats, width: int) -> Floats:
    """The centred moving average along each row, taken twice: a triangle of 2 width - 1 cells."""
    half = width // 2
    for _ in range(2):
        padded = np.pad(values, ((0, 0), (half + 1, half)))
        sums = np.cumsum(padded, axis=1)
        values = (sums[:, width:] - sums[:, :-width]) / width
    return values
