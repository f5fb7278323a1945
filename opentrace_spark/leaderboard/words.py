"""The words of leaderboard exports and of base models: conf/leaderboard.toml, base_models.toml."""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from opentrace_spark.config import CONF_DIR

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VERSIONS = ("v1", "v2")
UNKNOWN_TYPE = "unknown"


@dataclass(frozen=True)
class Words:
    """`columns`: plain name -> (ours, place among the names for it); `benchmarks`: version -> plain
    name -> benchmark; `hints`: version -> plain names; `types`: type -> how it begins."""

    columns: dict[str, tuple[str, int]]
    benchmarks: dict[str, dict[str, str]]
    hints: dict[str, frozenset[str]]
    types: dict[str, tuple[str, ...]]
    architecture_families: dict[str, str]


@dataclass(frozen=True)
class Release:
    """A base model: `parameters` in billions, `released` by its developer's announcement."""

    model_id: str
    family: str
    developer: str
    parameters: float
    released: date


@dataclass(frozen=True)
class Families:
    """Families of base models: `names` in the order in which they are tried, and all releases."""

    names: tuple[tuple[str, re.Pattern[str]], ...]
    releases: tuple[Release, ...]


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A column's name as names are compared: letters and digits, in lower case."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).lower() if c.isalnum())


@lru_cache(maxsize=1)
def shipped_words() -> Words:
    """The words of conf/leaderboard.toml."""
    read = _read("leaderboard.toml")
    columns: dict[str, tuple[str, int]] = {}
    for ours, theirs in read["columns"].items():
        for place, name in enumerate(theirs):
            columns.setdefault(plain(name), (ours, place))
    return Words(
        columns,
        {
            version: {plain(name): ours for ours, names in listed.items() for name in names}
            for version, listed in read["benchmarks"].items()
        },
        {version: frozenset(map(plain, names)) for version, names in read["hints"].items()},
        {name: tuple(begin.lower() for begin in begins) for name, begins in read["types"].items()},
        read["architecture_families"],
    )


@lru_cache(maxsize=1)
def shipped_families() -> Families:
    """The base models of conf/base_models.toml."""
    families = _read("base_models.toml")["family"]
    return Families(
        tuple((each["name"], re.compile(each["names"])) for each in families),
        tuple(
            Release(model_id, each["name"], each["developer"], parameters, released)
            for each in families
            for model_id, parameters, released in each["models"]
        ),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((CONF_DIR / name).read_text(encoding="utf-8"))
