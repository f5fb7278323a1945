"""Which way round a file's columns of booleans are: exports differ, whatever a column is called.

A column is inverted where it says the opposite of what the same rows show otherwise: `merged` where
models of type merge are said to be merged less often than others; `moe` where names and
architectures of mixtures are; `available` where models with likes are there less often than those
without. Nothing shows which models were flagged, but that they are few: where more than half of
enough rows are, the column is inverted; in a short file it is as `merged` and `moe` are, which
exports invert together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]

_MIXTURE = re.compile(r"(?<![0-9])[0-9]{1,2}x[0-9.]+[bm](?![a-z])|(?<![a-z])moe(?![a-z])")


def inverted_columns(rows: Sequence[Row], enough: int) -> frozenset[str]:
    """The columns among available, flagged, merged and moe that one file's rows hold inverted.

    `enough`: from so many rows on that say whether a model is flagged their majority decides.
    """
    inverted = {name for name, shows in _EVIDENCE.items() if _contradicts(rows, name, shows)}
    flags = [row["flagged"] for row in rows if row["flagged"] is not None]
    if len(flags) >= enough:
        is_inverted = 2 * sum(flags) > len(flags)
    else:
        is_inverted = bool(flags) and bool({"merged", "moe"} & inverted)
    return frozenset(inverted | {"flagged"} if is_inverted else inverted)


def _contradicts(rows: Sequence[Row], name: str, shows: Callable[[Row], bool]) -> bool:
    """Whether the column is true more seldom where something else shows that it should be."""
    said: dict[bool, list[bool]] = {True: [], False: []}
    for row in rows:
        if row[name] is not None:
            said[shows(row)].append(row[name])
    if not said[True] or not said[False]:
        return False
    shares = {side: Fraction(sum(values), len(values)) for side, values in said.items()}
    return shares[True] < shares[False]


def _is_mixture(row: Row) -> bool:
    architecture = (row["architecture"] or "").lower()
    is_named = _MIXTURE.search((row["name"] or "").lower()) is not None
    return is_named or "mixtral" in architecture or "moe" in architecture


_EVIDENCE: dict[str, Callable[[Row], bool]] = {
    "available": lambda row: bool(row["likes"]),
    "merged": lambda row: row["type"] == "merge",
    "moe": _is_mixture,
}
