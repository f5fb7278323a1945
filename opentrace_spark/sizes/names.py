"""Sizes that people write into names: `7B`, `350M`, `8x7B`, `1.5b`, `bloom-7b1`.

A name also holds numbers that are no size of the whole: versions (`v1.5`, `Llama-3.1`, `2407`),
contexts and steps (`32k`, `1M`, `100k`), tokens seen (`3T` after a size, `100B-tokens`), bits
(`4bit`, `5.0bpw`), disk sizes (`100mb`), active and effective sizes (`A3B`, `E2B`, `17B-16E`),
images of a training set and what was seen of it (`laion2B-39B`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from opentrace_spark.sizes.settings import MOST_PARAMETERS

_SCALE = {"m": 1e6, "b": 1e9, "t": 1e12}
_TOKENS = r"[-_ ]?(?:tokens?|toks?|words?|samples?|steps?|ctx|context)"
# A single letter before the number makes another thing of it: active, effective, version, quant.
_LONE_LETTER = re.compile(r"(?<![a-z])[a-z]$")
_SIZE = re.compile(
    r"(?<![\d.])"
    r"(?:(?P<experts>\d{1,3})x)?"
    r"(?P<number>\d{1,4}(?:\.\d{1,3})?|[01][_p]\d{1,2})"
    r"(?P<unit>[mbt])(?P<tenths>(?<=b)\d)?(?:illion)?"
    rf"(?![a-z0-9]|\.\d|{_TOKENS})"
)
_EXPERTS_AFTER = re.compile(r"[-_]?\d{1,3}e(?![a-z0-9])")
_DATA = re.compile(r"laion[-_]?\d+[mb]")
"""A training set named by its images; what follows is its use."""
_CONTEXT = {"1m"}
"""A million of tokens: the one length of a context that is written like a size."""


def named_size(name: str | None, expert_share: float) -> float | None:
    """The number of parameters that the part of `name` after the owner states, or None.

    The first size in billions or trillions, else the first in millions. Of experts (`8x7B`) the
    part `expert_share` is counted for each beyond the first, for they share the rest (attention):
    n x s is s (1 + (n - 1) expert_share); 0.81 gives 46.7 B for Mixtral-8x7B, which has 46.7 B.
    """
    text = _DATA.split((name or "").rpartition("/")[2].lower())[0]
    small = None
    for match in _SIZE.finditer(text):
        size = _value(match, expert_share)
        if not 0 < size < MOST_PARAMETERS or _is_other(text, match):
            continue
        if match["unit"] != "m":
            return size
        small = small or size
    return small


def named_sizes(names: Iterable[str | None], expert_share: float) -> tuple[float, ...]:
    """The distinct sizes of several names, in order: of the model's own, then of its parents'."""
    sizes = (named_size(name, expert_share) for name in names)
    return tuple(dict.fromkeys(size for size in sizes if size))


def _is_other(text: str, match: re.Match[str]) -> bool:
    """Whether the match is an active size, an effective one, a version, a context."""
    return bool(
        _LONE_LETTER.search(text, 0, match.start())
        or match.group() in _CONTEXT
        or _EXPERTS_AFTER.match(text, match.end())
    )


def _value(match: re.Match[str], expert_share: float) -> float:
    number = re.sub("[_p]", ".", match["number"])
    if re.fullmatch(r"0\d+", number):
        number = f"0.{number[1:]}"  # qwen3-06b: a point that the name could not hold
    if match["tenths"] and "." not in number:  # bloom-7b1; 1_5b2 has its tenths already
        number += f".{match['tenths']}"
    size = float(number) * _SCALE[match["unit"]]
    experts = int(match["experts"] or 1)
    return round(size * (1 + (experts - 1) * expert_share)) if experts else 0.0
