"""What the synthetic Hub is fitted to: every figure of the real Hub that the generator aims at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

LAST_WEEK = dt.date(2025, 8, 18)  # Monday of the last week at any size: the paper's last one
FLOOR_SECOND = int(dt.datetime(2022, 3, 2, 23, 29, 4, tzinfo=dt.timezone.utc).timestamp())
DAY = 86_400
WEEK = 7 * DAY


@dataclass(frozen=True)
class Calibration:
    """Named targets. Shares are 0-1 of all models, unless a comment says otherwise.

    "Capture" is the public Hub of July 2024 (760,000 models, one week of downloads); "history" is
    the 265 weeks to August 2025.
    """

    # Popularity. 49.5% of the capture have no downloads. The generator leaves a little less never
    # downloaded, and a little more without downloads in the last week: the two lie around the fact.
    never_downloaded: float = 0.485
    never_downloaded_oldest: float = 0.40  # of the oldest models; the newest ones mirror it. Older
    # repositories are downloaded more often: 26% of those of early 2022 are not, 57% of 2023's
    anomaly_share: float = 0.37  # of the last week's downloads: one audio classifier in the capture
    anomaly_weeks: int = 26  # so long has its traffic been abnormal
    # Rank and downloads of the capture below the anomaly, rounded: top 10 = 56%, top 100 = 78.5%,
    # top 1,000 = 94% of the downloads; median 3, upper quartile 8, 99th percentile 9,700.
    rank_curve: tuple[tuple[float, float], ...] = (
        (2, 8.2e7), (3, 5.4e7), (5, 4.6e7), (10, 1.84e7), (20, 1.05e7), (50, 3.7e6), (100, 1.75e6),
        (200, 7.6e5), (384, 3.1e5), (1_000, 7.2e4), (2_000, 2.75e4), (3_837, 9.7e3),
        (10_000, 1.5e3), (19_186, 538), (38_372, 95), (95_930, 8), (191_860, 3), (287_790, 1.2),
        (383_719, 1),
    )  # fmt: skip

    # Owners: 190,087 of 760,000 models; 61.5% own one, 10% more than 6, 1% more than 37, at most
    # 4,610. A Pareto law with this exponent has those quantiles, and that many owners.
    owners_per_model: float = 0.25
    owner_size_exponent: float = 1.262
    largest_owner: float = 0.0061
    prominent_owners: float = 0.0015  # of owners: companies, institutes with most of the downloads

    # Lineage. 15.4% of the capture name a parent; 0.47% one that is gone, 0.09% themselves; depth
    # 1 has 90% of those with a root, 2 has 7%, 3 has 1.8%; the deepest chain has 40 links.
    children: float = 0.154
    missing_parents: float = 0.0047
    self_parents: float = 0.0009
    level_shares: tuple[float, ...] = (0.905, 0.068, 0.017, 0.005, 0.0025, 0.0012, 0.0008, 0.0005)
    chain_lengths: tuple[int, ...] = (40, 24, 12)
    cycle_lengths: tuple[int, ...] = (2, 3, 4, 5)
    merge_parents_exponent: float = 2.9  # 3,905 models with 2 parents, 792 with 3, 347 with 4, ...
    merge_parents_planted: tuple[int, ...] = (50, 34)  # the largest merge of the capture lists 53
    # finetune, adapter, quantized, merge: merges are the children with several parents (4.7%)
    kind_shares: tuple[float, ...] = (0.44, 0.26, 0.25, 0.05)
    quantised_by_quantisers: float = 0.7  # two accounts alone made 7% of all children
    root_popularity_exponent: float = 1.25  # the most used root has 4.7% of the descendants

    # Dates. The floor holds 3.9% of the capture. Models by quarter, in thousands, 2022Q2 to 2025Q3
    # (to 24 August): the capture up to mid 2024, then up to the 2.02M models of August 2025.
    censored: float = 0.04
    earlier_real_dates: float = 0.0003
    missing_created: float = 0.001
    quarters: tuple[float, ...] = (23, 18, 31, 54, 72, 103, 108, 125, 180, 200, 215, 245, 265, 165)
    children_by_quarter: tuple[float, ...] = (
        0.005, 0.006, 0.006, 0.008, 0.013, 0.107, 0.221, 0.221, 0.268, 0.28, 0.28, 0.28, 0.28, 0.28,
    )  # fmt: skip

    # Histories of downloads.
    pauses: float = 0.004  # weeks without a download of a model that is otherwise downloaded
    sporadic_series: float = 0.03  # models of the long tail that are downloaded in most weeks only
    ended_series: float = 0.02  # models of the long tail that nobody downloads any more
    early_series: float = 0.01  # models with downloads before their creation date
    zero_rows: float = 0.05  # of the pauses: written as a count of 0 instead of no row
    weeks_per_gap: int = 80  # one week in so many has no file; none below `gap_min_weeks`
    gap_min_weeks: int = 30

    # Names. Mean id length 33 characters. 73 renames in the capture, most of very popular models.
    renames: float = 0.0003
    case_pairs: float = 0.0005
    case_references: float = 0.001
    case_slips: float = 0.003  # of the parents that are written: in the wrong case
    without_owner: float = 0.0004
    unknown_ids: float = 0.001  # of the rows of downloads: repositories that were deleted


def planted_count(share: float, minimum: int, models: int) -> int:
    """How many models get a rare feature: `share` of them, from 500 models on at least `minimum`.

    A Hub of a few models has none, because a handful of oddities would be all there is in it.
    """
    count = round(share * models)
    return max(minimum, count) if models >= 500 else count


def weeks_before_end(seconds: np.ndarray) -> np.ndarray:
    """Whole ISO weeks from the week of each time (Unix seconds, UTC) to the last one; 0 = in it."""
    last = dt.datetime.combine(LAST_WEEK, dt.time(), dt.timezone.utc)
    return -((seconds - int(last.timestamp())) // WEEK)


def exponential_choice(rng: np.random.Generator, weights: np.ndarray, count: int) -> np.ndarray:
    """`count` distinct positions, ascending, chosen with the given weights (zero = never)."""
    keys = rng.exponential(size=len(weights)) / np.maximum(weights, 1e-300)
    usable = min(count, int(np.count_nonzero(weights > 0)))
    return np.sort(np.argsort(keys, kind="stable")[:usable])
