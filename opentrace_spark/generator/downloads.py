"""Weekly downloads: one series per name that the Hub has counted, week by week."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from opentrace_spark.generator.calibration import Calibration, weeks_before_end
from opentrace_spark.generator.identity import Identities
from opentrace_spark.generator.popularity import Creation, Popularity

UNKNOWN = -1  # the series of an id that is not among the models
_STEEPEST = (-2.5, 3.2)  # a level is at most 25 times, at least a twelfth of the last week's


@dataclass(frozen=True)
class Series:
    """One entry per series, the earliest first. Weeks are counted back from the last one (0).

    name: id as counted. model: index or UNKNOWN. start, stop: first and last week. born: first
    week of the model, for its age. level: downloads in the last week. slope: change per week back
    in time (log). burst, fade: extra level at the start (factor) and weeks until it has faded by
    e. noise: sigma of the weekly noise (log). pause: probability of a week without downloads.
    surge: weeks of the abnormal traffic, 0 where there is none.
    """

    name: pa.Array
    model: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    born: np.ndarray
    level: np.ndarray
    slope: np.ndarray
    burst: np.ndarray
    fade: np.ndarray
    noise: np.ndarray
    pause: np.ndarray
    surge: np.ndarray


@dataclass(frozen=True)
class WeekCounts:
    """Rows of one week: positions of the series, and their counts (zeros included)."""

    series: np.ndarray
    count: np.ndarray


def build_series(
    identities: Identities, creation: Creation, popularity: Popularity, rng: np.random.Generator,
    fit: Calibration,
) -> Series:  # fmt: skip
    """Lives of all downloaded models and of the deleted ones; renamed models have two names."""
    models = np.flatnonzero(popularity.rank > 0)
    deleted = len(identities.unknown)
    model = np.concatenate([models, np.full(deleted, UNKNOWN)])
    level = np.concatenate([popularity.level[models], _ordinary_levels(popularity, deleted, rng)])
    born = np.concatenate([
        weeks_before_end(creation.second[models]),
        (rng.random(deleted) ** 1.5 * 180).astype(np.int64),
    ])  # fmt: skip
    early = rng.random(len(model)) < fit.early_series
    born = born + early * rng.integers(1, 7, size=len(model))
    tail = level < 20
    ended = tail & (rng.random(len(model)) < fit.ended_series)
    stop = np.where(ended, (born * rng.random(len(model))).astype(np.int64), 0)
    life = _draw_lives(level, rng, fit)
    surge = np.where(model == popularity.anomaly, fit.anomaly_weeks, 0)
    name = pa.concat_arrays([identities.ids.take(pa.array(models)), identities.unknown])
    whole = Series(name, model, born, stop, born, level, *life, surge)
    return _split_names(whole, identities, len(creation.second))


def _ordinary_levels(popularity: Popularity, count: int, rng: np.random.Generator) -> np.ndarray:
    """Levels like those of any model below the head."""
    below = popularity.level[popularity.rank > max(10, popularity.rank.max(initial=0) // 100)]
    return rng.choice(below, size=count) if len(below) else np.ones(count)


def _draw_lives(
    level: np.ndarray, rng: np.random.Generator, fit: Calibration
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """slope, burst, fade, noise, pause: the head grows steadily with the Hub, the tail decays."""
    count = len(level)
    head = 1 - np.exp(-level / 3_000)  # 0 in the tail, 1 at the top
    slope = rng.normal(0.008 - 0.014 * head, 0.012 - 0.006 * head)
    burst = np.where(head > 0.5, -0.9 * rng.random(count), rng.lognormal(1.8, 0.7, size=count))
    fade = np.where(head > 0.5, 4 + 8 * rng.random(count), 0.6 + 1.5 * rng.random(count))
    noise = 0.4 - 0.32 * head
    sporadic = (level < 20) & (rng.random(count) < fit.sporadic_series)
    pause = np.where(sporadic, 0.3, fit.pauses) * (head < 0.5)
    return slope, burst, fade, noise, pause


def _split_names(series: Series, identities: Identities, models: int) -> Series:
    """Renamed models start under the former name; some are also counted in another case."""
    place = np.full(models, -1)
    known = series.model >= 0
    place[series.model[known]] = np.flatnonzero(known)
    renames = identities.renames
    used = (place[renames.model] >= 0) & (renames.week >= 0)
    renamed, week = place[renames.model[used]], renames.week[used]
    former = [name for name, is_used in zip(renames.legacy, used, strict=True) if is_used]
    cased = place[identities.variant_of]
    rows = np.concatenate([np.arange(len(series.model)), renamed, cased])
    arrays = [field.name for field in fields(Series) if field.name != "name"]
    columns = {name: getattr(series, name)[rows] for name in arrays}
    first, last = len(series.model), len(series.model) + len(renamed)
    # In the week of the change both names are counted.
    columns["start"][renamed] = np.minimum(columns["start"][renamed], week)
    columns["stop"][first:last] = np.maximum(columns["stop"][first:last], week)
    columns["level"][last:] *= 0.2
    columns["pause"][last:] = 0.6
    columns["stop"][last:] = 0
    names = pa.concat_arrays([
        series.name, pa.array(former, pa.string()), pa.array(identities.variants, pa.string())
    ])  # fmt: skip
    order = np.argsort(-columns["start"], kind="stable")
    return Series(
        name=names.take(pa.array(order)),
        **{name: values[order] for name, values in columns.items()},
    )


def count_week(series: Series, week: int, rng: np.random.Generator, fit: Calibration) -> WeekCounts:
    """Counts of one week (weeks before the last one): level, trend, age and noise, rounded."""
    begun = int(np.searchsorted(-series.start, -week, side="right"))
    part = slice(0, begun)
    age = (series.born[part] - week).astype(np.float32)
    trend = np.clip(series.slope[part] * week, *_STEEPEST).astype(np.float32)
    trend += (series.noise[part] * rng.standard_normal(begun, dtype=np.float32)).astype(np.float32)
    start = 1 + series.burst[part] * np.exp(-age / series.fade[part])
    expected = series.level[part] * np.exp(trend) * start
    expected[series.surge[part] > 0] *= _surge(series, week, begun)
    counts = np.floor(expected + rng.random(begun, dtype=np.float32)).astype(np.int64)
    counts = np.maximum(counts, 1)
    pauses = rng.random(begun, dtype=np.float32) < series.pause[part]
    shown = rng.random(begun, dtype=np.float32) < fit.zero_rows
    counts[pauses] = 0
    rows = np.flatnonzero((series.stop[part] <= week) & (~pauses | shown))
    return WeekCounts(rows, counts[rows])


def _surge(series: Series, week: int, begun: int) -> np.ndarray:
    """Before its traffic became abnormal, the anomaly had a fiftieth of it."""
    weeks = series.surge[:begun][series.surge[:begun] > 0]
    return np.where(week < weeks, 1.0, 0.02)
