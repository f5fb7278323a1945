"""The number of parameters of every model: known, named or estimated from bytes, with a band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from opentrace_spark.sizes.habits import Habit, fit_habits, kinds_of
from opentrace_spark.sizes.known import wrong_known
from opentrace_spark.sizes.line import Floats, Line, capacities, fit_line
from opentrace_spark.sizes.posterior import Posterior
from opentrace_spark.sizes.repository import Evidence, agrees
from opentrace_spark.sizes.settings import MOST_PARAMETERS, SizeSettings

SOURCES = ("safetensors", "gguf", "name", "estimated")
UNCHECKED = "unchecked_name"
"""The flag of a size that a name tells where there are no bytes that could contradict it."""
_DIGITS = 3


@dataclass(frozen=True)
class SizeModel:
    """A fit: the RANSAC line, habits, and the band of log10(known / named size) of `name_rows`."""

    line: Line
    habits: tuple[Habit, ...] = field(hash=False)  # their hash would take longer than an estimate
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
    wrong (such a count is passed over, and stays in `published_count`), or is UNCHECKED. What is
    not published is told in three digits: more would be noise.
    """

    parameter_count: int | None = None
    parameter_source: str | None = None
    low: int | None = None
    high: int | None = None
    parameter_flag: str | None = None
    published_count: int | None = None


def fit(
    rows: Iterable[Evidence], settings: SizeSettings, *, believe_all: bool = False
) -> SizeModel:
    """Fit on the rows with bytes and a count that no test finds wrong; any order, the same bits.

    With `believe_all` on every row with bytes and a count: what others do who do not test counts.
    """
    usable = (row for row in rows if row.known and row.bytes)
    known = sorted(
        (row for row in usable if believe_all or not wrong_known(row, settings)),
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
    if model.habits and len(places):
        kinds = [list(dict.fromkeys(kinds_of(rows[place]))) for place in places.tolist()]
        found[:, places] = _posterior(model, settings).ask(on_line[places], kinds)
    return Estimates(*10**found)


@lru_cache(maxsize=1)
def _posterior(model: SizeModel, settings: SizeSettings) -> Posterior:
    """Laid out once for all batches of a task."""
    return Posterior(model.habits, settings)


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
    published = None if row.known is None else round(row.known)
    if published and not flag:
        return Size(published, row.source, published, published, None, published)
    if named := _named(row, settings):
        band = (named * 10**model.name_low, named * 10**model.name_high)
        flag = flag or (UNCHECKED if row.bytes is None else None)
        return _told("name", [named, *band], flag, published)
    if estimate:
        return _told("estimated", estimate, flag, published)
    return Size(parameter_flag=flag, published_count=published)


def _told(source: str, band: list[float], flag: str | None, published: int | None) -> Size:
    """A size that is not published; `band` is its middle, low and high end.

    Bytes may be too few for one parameter, and too many for the tables: sizes are from 1 on.
    """
    rounded = (float(f"{value:.{_DIGITS}g}") for value in band)
    count, low, high = (int(min(max(value, 1), MOST_PARAMETERS)) for value in rounded)
    return Size(count, source, low, high, flag, published)


def _is_estimated(row: Evidence, settings: SizeSettings) -> bool:
    if not row.bytes or (row.known and not wrong_known(row, settings)):
        return False
    return _named(row, settings) is None


def _named(row: Evidence, settings: SizeSettings) -> float | None:
    """The first size that a name tells and the bytes agree with; without bytes, if it is common."""
    if row.bytes is None:
        return next((size for size in row.sizes if size < settings.unchecked_max), None)
    return next((size for size in row.sizes if agrees(row, size, settings)), None)
