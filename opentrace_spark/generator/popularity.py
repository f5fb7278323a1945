"""When models were created and how many downloads each has in the last week."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from opentrace_spark.generator.calibration import (
    DAY,
    FLOOR_SECOND,
    LAST_WEEK,
    Calibration,
    exponential_choice,
    planted_count,
)


@dataclass(frozen=True)
class Creation:
    """Creation of each model, oldest first. All arrays have one entry per model.

    second: true creation (Unix seconds). written: what the metadata says (floored for old ones).
    known: false where `createdAt` is missing. quarter: quarter since 2022Q2, -1 for older ones.
    """

    second: np.ndarray
    written: np.ndarray
    known: np.ndarray
    quarter: np.ndarray

    @property
    def age_rank(self) -> np.ndarray:
        """0 for the oldest model to 1 for the newest."""
        return np.arange(len(self.second)) / max(1, len(self.second) - 1)


def _quarter_starts(count: int) -> np.ndarray:
    months = [5 + 3 * k for k in range(count)]  # the first, shortened quarter starts at the floor
    starts = [dt.datetime(2022 + (m + 1) // 12, (m + 1) % 12 + 1, 1) for m in months[:-1]]
    end = dt.datetime.combine(LAST_WEEK, dt.time()) + dt.timedelta(days=6)
    epoch = dt.datetime(1970, 1, 1)
    seconds = [int((start - epoch).total_seconds()) for start in starts]
    return np.array([FLOOR_SECOND + DAY, *seconds, int((end - epoch).total_seconds())])


def build_creation(models: int, rng: np.random.Generator, fit: Calibration) -> Creation:
    """Creation dates that grow denser with time; the oldest `fit.censored` of them are floored."""
    floored = round(fit.censored * models)
    first = int(dt.datetime(2018, 11, 1, tzinfo=dt.timezone.utc).timestamp())
    old = first + (FLOOR_SECOND - first) * rng.random(floored) ** 0.4  # ever more of them
    cumulative = np.concatenate([[0.0], np.cumsum(fit.quarters)])
    edges = _quarter_starts(len(fit.quarters))
    new = np.interp(rng.random(models - floored) * cumulative[-1], cumulative, edges)
    second = np.sort(np.concatenate([old, new]).astype(np.int64))
    written = second.copy()
    written[:floored] = FLOOR_SECOND + (rng.random(floored) < 0.75)
    real = min(planted_count(fit.earlier_real_dates, 3, models), floored)
    kept = rng.permutation(floored)[:real]
    written[kept] = second[kept]
    known = np.ones(models, dtype=bool)
    known[rng.permutation(models)[: planted_count(fit.missing_created, 2, models)]] = False
    quarter = np.searchsorted(edges, second, side="right") - 1
    return Creation(second, written, known, np.minimum(quarter, len(fit.quarters) - 1))


def rank_downloads(count: int, fit: Calibration) -> np.ndarray:
    """Downloads of the last week by rank, descending, for `count` downloaded models.

    The capture's log-log curve keeps its shape and shrinks by the same factor along both axes, so
    that a Hub of 1,000 models has a head, a body and a tail of ones like the real one. The anomaly
    comes first and holds its share of the total.
    """
    ranks = np.log(np.array([rank for rank, _ in fit.rank_curve]))
    levels = np.log(np.array([level for _, level in fit.rank_curve]))
    stretch = ranks[-1] / np.log(max(count, 3))
    others = np.log(np.arange(2, count + 1)) * stretch
    curve = np.exp(np.interp(others, ranks, levels) / stretch)
    if count == 0:
        return np.zeros(0)
    top = fit.anomaly_share / (1 - fit.anomaly_share) * curve.sum()
    return np.concatenate([[max(top, 1.0)], curve])


@dataclass(frozen=True)
class Popularity:
    """Downloads of the last week. rank: 1 = most downloaded, 0 = never downloaded.

    level: expected downloads in the last week (0 where never). anomaly: index of the model of rank
    1, whose traffic is abnormal.
    """

    rank: np.ndarray
    level: np.ndarray
    anomaly: int


def build_popularity(
    creation: Creation,
    talent: np.ndarray,
    prominent: np.ndarray,
    is_child: np.ndarray,
    rng: np.random.Generator,
    fit: Calibration,
) -> Popularity:
    """Who is never downloaded, and the order of the others: by talent and the owner's prominence.

    talent: standard normal per model; prominent: the owner is a prominent one; is_child: the model
    names a parent (the anomaly does not).
    """
    models = len(talent)
    age = creation.age_rank
    spread = 2 * (fit.never_downloaded - fit.never_downloaded_oldest)
    odds = (fit.never_downloaded_oldest + spread * age) * np.where(prominent, 0.2, 1.0)
    silent = exponential_choice(rng, odds, round(fit.never_downloaded * models))
    downloaded = np.ones(models, dtype=bool)
    downloaded[silent] = False
    score = talent + 2.2 * prominent + 0.9 * (1 - age) - 0.3 * is_child
    order = np.flatnonzero(downloaded)
    order = order[np.argsort(-score[order], kind="stable")]
    anomaly = _choose_anomaly(order, is_child, models)
    order = np.concatenate([[anomaly], order[order != anomaly]])
    rank = np.zeros(models, dtype=np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    level = np.zeros(models)
    level[order] = rank_downloads(len(order), fit)
    return Popularity(rank, level, int(anomaly))


def _choose_anomaly(order: np.ndarray, is_child: np.ndarray, models: int) -> int:
    """The downloaded model without a parent that is nearest to the first eighth of all (2022)."""
    roots = order[~is_child[order]]
    candidates = roots if len(roots) else order
    return int(candidates[np.argmin(np.abs(candidates - models // 8))])
