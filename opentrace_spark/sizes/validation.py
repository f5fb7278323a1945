"""How good sizes are: on models that a fit did not see, beside one plain line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from opentrace_spark.sizes.estimate import SizeModel, fit, predict, sizes
from opentrace_spark.sizes.known import wrong_known
from opentrace_spark.sizes.line import Floats, Line, capacities, fit_line
from opentrace_spark.sizes.repository import Evidence
from opentrace_spark.sizes.settings import SizeSettings

METHODS = ("plain line", "bits line", "regression", "cascade", "believing regression")
"""RANSAC on log bytes; the same on the weights of the known bits that they hold; the estimate of
`predict`, with the habits of similar models; named sizes first; the estimate of a fit that believes
every published count, as the plain line does: it learns which repositories publish wrong ones."""
POPULATIONS = ("all", "not flagged", "flagged")
SPLITS: dict[str, Callable[[Evidence], str]] = {
    "id": lambda row: row.id,
    "owner": lambda row: row.owner,
}
"""What decides whether a model is held out: its id, or its owner, with all that he published."""


@dataclass(frozen=True)
class Quality:
    """`estimates` against `known` of n models; R2 and shares are 0 to 1, None where undefined.

    `r2_log` is of log10, `r2_linear` of the numbers; `median_error` is the median of
    |estimate / known - 1|; `in_band` is the share of known values within the error band.
    """

    n: int
    r2_log: float | None
    r2_linear: float | None
    median_error: float | None
    within_1_5: float | None
    within_2: float | None
    in_band: float | None


@dataclass(frozen=True)
class Validation:
    """The held-out models, what each method says of them, and the test that flags each or None.

    `known` has shape (n,); each method's array has shape (3, n): estimates, low, high. `lines` are
    the RANSAC lines that each method rests on.
    """

    rows: tuple[Evidence, ...]
    known: Floats
    found: dict[str, Floats]
    lines: dict[str, Line]
    flags: tuple[str | None, ...]
    sources: tuple[str | None, ...]

    def quality(self, method: str, population: str) -> Quality:
        """The quality of one of `METHODS` on one of `POPULATIONS`."""
        flagged = np.array([flag is not None for flag in self.flags], dtype=bool)
        wanted = {"all": flagged | True, "not flagged": ~flagged, "flagged": flagged}[population]
        return quality(self.found[method][:, wanted], self.known[wanted])

    def quality_by_names(self, method: str, population: str) -> Quality:
        """The quality when a size that a name tells stands for each count that a test flags."""
        pairs = zip(self.rows, self.flags, strict=True)
        named = np.array([row.sizes[0] if flag and row.sizes else 0.0 for row, flag in pairs])
        wanted = named > 0 if population == "flagged" else named >= 0
        known = np.where(named > 0, named, self.known)
        return quality(self.found[method][:, wanted], known[wanted])

    def quality_of_source(self, source: str) -> Quality:
        """The quality of the cascade's rows of one source that no test flags."""
        pairs = zip(self.sources, self.flags, strict=True)
        wanted = np.array([s == source and f is None for s, f in pairs], dtype=bool)
        return quality(self.found["cascade"][:, wanted], self.known[wanted])


def is_held_out(text: str, of_256: int = 64) -> bool:
    """A fixed quarter of all texts: those whose SHA-256 starts with a byte below `of_256`."""
    return hashlib.sha256(text.encode()).digest()[0] < of_256


def validate(rows: Sequence[Evidence], split: str, settings: SizeSettings) -> Validation:
    """Fit on the models that `split` does not hold out, and hide the counts of the others.

    Rows without a count or without bytes take no part. No row is dropped for being flagged.
    """
    usable = sorted((row for row in rows if row.known and row.bytes), key=lambda row: row.id)
    key = SPLITS[split]
    seen = [row for row in usable if not is_held_out(key(row))]
    held = [row for row in usable if is_held_out(key(row))]
    hidden = [replace(row, known=None, source=None, element_bits=None) for row in held]
    model = fit(seen, settings)
    believing = fit(seen, settings, believe_all=True)
    cascade = sizes(model, hidden, settings)
    on_line = model.line.at(capacities(hidden))
    plain, on_plain = _plain(seen, hidden, settings)
    bands = [(size.parameter_count, size.low, size.high) for size in cascade]
    return Validation(
        tuple(held),
        _counts(held),
        {
            "plain line": on_plain,
            "bits line": _with_band(model.line.at(capacities(seen)), seen, on_line, settings),
            "regression": _estimated(model, hidden, settings),
            "cascade": np.array(bands, dtype=np.float64).reshape(-1, 3).T,
            "believing regression": _estimated(believing, hidden, settings),
        },
        dict.fromkeys(METHODS, model.line)
        | {"plain line": plain, "believing regression": believing.line},
        tuple(wrong_known(row, settings) for row in held),
        tuple(size.parameter_source for size in cascade),
    )


def quality(found: Floats, known: Floats) -> Quality:
    """Quality of estimates with low and high, shape (3, n), of n known numbers of parameters."""
    if not len(known):
        return Quality(0, None, None, None, None, None, None)
    estimates, low, high = found
    ratio = np.maximum(estimates / known, known / estimates)
    return Quality(
        len(known),
        _r2(np.log10(estimates), np.log10(known)),
        _r2(estimates, known),
        float(np.median(np.abs(estimates / known - 1))),
        float(np.mean(ratio <= 1.5)),
        float(np.mean(ratio <= 2)),
        float(np.mean((low <= known) & (known <= high))),
    )


def _estimated(model: SizeModel, rows: Sequence[Evidence], settings: SizeSettings) -> Floats:
    found = predict(model, rows, settings)
    return np.stack([found.parameters, found.low, found.high])


def _plain(
    seen: Sequence[Evidence], held: Sequence[Evidence], settings: SizeSettings
) -> tuple[Line, Floats]:
    """One RANSAC line from log bytes, every known count as it is and scikit-learn's defaults."""
    x = np.log10(_bytes(seen))
    line = fit_line(x, np.log10(_counts(seen)), settings, inlier_residual=None)
    return line, _with_band(line.at(x), seen, line.at(np.log10(_bytes(held))), settings)


def _with_band(
    on_line: Floats, seen: Sequence[Evidence], held: Floats, settings: SizeSettings
) -> Floats:
    outside = (1 - settings.band) / 2
    errors = np.log10(_counts(seen)) - on_line
    low, high = np.quantile(errors, [outside, 1 - outside]) if len(seen) else (0.0, 0.0)
    return 10 ** np.stack([held, held + low, held + high])


def _bytes(rows: Sequence[Evidence]) -> Floats:
    return np.array([row.bytes for row in rows], dtype=np.float64)


def _counts(rows: Sequence[Evidence]) -> Floats:
    return np.array([row.known for row in rows], dtype=np.float64)


def _r2(estimates: Floats, known: Floats) -> float | None:
    total = float(np.sum((known - known.mean()) ** 2))
    return 1 - float(np.sum((estimates - known) ** 2)) / total if total else None
