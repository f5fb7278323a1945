"""The number of parameters of every model: known, named or estimated from bytes, with a band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from opentrace_spark.sizes.habits import ALL, Habit, fit_habits, kinds_of
from opentrace_spark.sizes.known import wrong_known
from opentrace_spark.sizes.line import Floats, Line, capacities, fit_line
from opentrace_spark.sizes.posterior import posterior
from opentrace_spark.sizes.repository import Evidence, agrees
from opentrace_spark.sizes.settings import SizeSettings

SOURCES = ("safetensors", "gguf", "name", "estimated")


@dataclass(frozen=True)
class SizeModel:
    """A fit: the RANSAC line, habits, and the band of log10(known / named size) of `name_rows`."""

    line: Line
    habits: tuple[Habit, ...]
    name_low: float
    name_high: float
    name_rows: int


@dataclass(frozen=True)
class Estimates:
    """Numbers of parameters and their band: arrays of one element per model, NaN without bytes."""

    parameters: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Size:
    """A model's size: `parameter_count` from `parameter_source` (of `SOURCES`), within a band.

    All None where nothing is known. `parameter_flag` names the test that found the published count
    wrong; such a count is passed over, and stays in `published_count`.
    """

    parameter_count: float | None
    parameter_source: str | None
    low: float | None
    high: float | None
    parameter_flag: str | None
    published_count: float | None


def fit(rows: Iterable[Evidence], settings: SizeSettings) -> SizeModel:
    """Fit on the rows with bytes and a count that no test finds wrong; any order, the same bits."""
    known = sorted(
        (row for row in rows if row.known and row.bytes and not wrong_known(row, settings)),
        key=lambda row: (row.id, row.bytes, row.known),
    )
    x = capacities(known)
    y = np.log10([row.known or 0.0 for row in known])
    line = fit_line(x, y, settings, settings.inlier_residual)
    habits = fit_habits(known, line.at(x), settings)
    named = ((row.known, _named(row, settings)) for row in known)
    errors = [np.log10(count / size) for count, size in named if count and size]
    band = float(np.log10(settings.unfitted_factor))
    low, high = -band, band
    if len(errors) > 1:
        outside = (1 - settings.band) / 2
        low, high = np.quantile(errors, [outside, 1 - outside]).tolist()
    return SizeModel(line, habits, low, high, len(errors))


def predict(model: SizeModel, rows: Sequence[Evidence], settings: SizeSettings) -> Estimates:
    """What bytes, traits and habits give, whatever is published and whatever size a name tells."""
    on_line = model.line.at(capacities(rows))
    band = np.log10(settings.unfitted_factor)
    found = np.stack([on_line, on_line - band, on_line + band])
    places = np.flatnonzero(np.isfinite(on_line))
    habit_of = {habit.kind: habit for habit in model.habits}
    if ALL in habit_of and len(places):
        habits = [
            [habit_of[kind] for kind in dict.fromkeys(kinds_of(rows[place])) if kind in habit_of]
            for place in places.tolist()
        ]
        found[:, places] = posterior(on_line[places], habits, habit_of[ALL], settings)
    return Estimates(*10**found)


def sizes(model: SizeModel, rows: Sequence[Evidence], settings: SizeSettings) -> list[Size]:
    """The size of each row: known unless a test finds it wrong, else named, else estimated."""
    # Nothing is estimated for who needs no estimate: nearly all the time goes into estimates.
    hidden = [place for place, row in enumerate(rows) if _is_estimated(row, settings)]
    estimates = predict(model, [rows[place] for place in hidden], settings)
    bands = np.stack([estimates.parameters, estimates.low, estimates.high], axis=1).tolist()
    estimate_of = dict(zip(hidden, bands, strict=True))
    return [_size(model, row, estimate_of.get(place), settings) for place, row in enumerate(rows)]


def _size(
    model: SizeModel, row: Evidence, estimate: list[float] | None, settings: SizeSettings
) -> Size:
    flag = wrong_known(row, settings)
    if row.known and not flag:
        return Size(row.known, row.source, row.known, row.known, None, row.known)
    if named := _named(row, settings):
        low, high = named * 10**model.name_low, named * 10**model.name_high
        return Size(named, "name", low, high, flag, row.known)
    if estimate:
        return Size(estimate[0], "estimated", estimate[1], estimate[2], flag, row.known)
    return Size(None, None, None, None, flag, row.known)


def _is_estimated(row: Evidence, settings: SizeSettings) -> bool:
    if not row.bytes or (row.known and not wrong_known(row, settings)):
        return False
    return _named(row, settings) is None


def _named(row: Evidence, settings: SizeSettings) -> float | None:
    """The first size that a name tells and the bytes agree with."""
    return next((size for size in row.sizes if agrees(row, size, settings)), None)
