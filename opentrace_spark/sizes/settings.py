"""The named values of the estimate of sizes: one frozen dataclass, no threshold anywhere else.

Those of `Sizes` are the method's, and come from the configuration; the others are the fit's.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from opentrace_spark.config import Sizes

MOST_PARAMETERS = 10**18
"""A number that large is no size, published, named or estimated: it does not fit the tables."""


@dataclass(frozen=True)
class SizeSettings:
    """Thresholds of the cascade, of the tests and of the fit; residuals are of log10."""

    name_shortfall: float = 0.7
    """A name's size agrees with the bytes if they hold at least this share of its bits,"""
    name_surplus: float = 1000.0
    """and at most so many times as many: the history of the files only adds bytes."""
    unchecked_max: float = 1e12
    """Without bytes a name is believed below this: names that tell trillions mostly mean tokens,
    tiny variants (`resnet26t`) or hashes. Of 419 such names of July 2024 not one was a size."""
    expert_share: float = 0.81
    """The part of each expert beyond the first that is not shared: 8x7B is 46.7 B, not 56 B."""
    line_min_rows: int = 20
    """RANSAC needs so many known models; with fewer the line has slope 1."""
    inlier_residual: float = 0.05
    """A model is RANSAC's inlier within this residual; 0.05 is a factor of 1.12."""
    slope_factor: float = 1.25
    """The line's slope is within this factor of 1, where bytes are in proportion to parameters."""
    ransac_trials: int = 500
    random_state: int = 0
    fit_models: int = 20_000
    """The fit sees at most so many known models, so that it takes one task whatever the Hub."""
    habit_min_rows: int = 2
    """Models that share a word make a habit from so many on,"""
    habit_min_owners: int = 2
    """of so many owners (an owner's own habit needs just the models)."""
    habit_max_count: int = 50_000
    """The so many most frequent habits are kept."""
    habits_used: int = 8
    """An estimate looks at the so many narrowest habits of a model."""
    prior_rows: float = 1.0
    """A habit's spread is drawn towards the two below as if by so many models."""
    size_spread: float = 1.2
    surplus_spread: float = 0.5
    size_power: float = 8.0
    """A habit's weight is its spread to minus this power, for sizes"""
    surplus_power: float = 4.0
    """and for what the line misses."""
    outside_share: float = 1e-3
    """Weight of all models together beside the habits: nothing is impossible."""
    blur_share: float = 0.1
    """Part of a habit that is spread widely (a factor of 1.6) instead of narrowly (1.05)."""
    band: float = 0.9
    """Probability of the error band, half of the rest on either side."""
    unfitted_factor: float = 10.0
    """The band where no known model tells anything."""
    min_bits: float = 1.0
    """`impossible_density`: files with fewer bits for a parameter do not hold them all."""
    max_bytes: float = 10_000.0
    """`stray_bytes`: with more bytes for a parameter, most of the weights were not counted."""
    packed_ratio: float = 1.9
    """`packed_words`: so many times the bits that the quantisation says are words, not weights,"""
    packed_max_bytes: float = 4.6
    """up to so many bytes for each (32-bit words; above, it may be the history of the files)."""
    named_ratio: float = 1.4
    """`named_size`: the name says so many times more, and the bytes hold as many."""

    @classmethod
    def of(cls, sizes: Sizes) -> SizeSettings:
        """The settings with the values of a configuration."""
        return cls(**dataclasses.asdict(sizes))
