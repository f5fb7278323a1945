"""All models as arrays, for functions on workers: dates, roots, owners under every option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.config import CHOICES
from opentrace_spark.gold.robustness.options import Choices
from opentrace_spark.gold.usage.countries import unit_of_word
from opentrace_spark.io import read_stored
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.units import UNKNOWN_DAY, Codes, find_places

_CREATION = CHOICES["windows.creation"]


@dataclass(frozen=True)
class Models:
    """Every model of silver/models; arrays by place, in ascending order of `keys`.

    `created[mode]` are days since 1970-01-01 or UNKNOWN_DAY. `downloaded` are the places of the
    models with downloads: counts are arrays of one element for each of these.
    """

    keys: Integers
    total_downloads: Integers
    is_public: npt.NDArray[np.bool_]
    created: Mapping[str, Codes]
    downloaded: Integers


@lru_cache(maxsize=1)
def load_models(uri: str) -> Models:
    """Read `work_models`; kept for the next task. `uri` differs from run to run."""
    dates = [f"created_{mode}" for mode in _CREATION]
    table = read_stored(uri, ["model_key", "total_downloads", "is_in_models", *dates])
    order = np.argsort(table["model_key"].to_numpy())
    total = table["total_downloads"].to_numpy()[order]
    return Models(
        keys=table["model_key"].to_numpy()[order],
        total_downloads=total,
        is_public=table["is_in_models"].to_numpy()[order],
        created={
            mode: pc.fill_null(table[date].cast(pa.int32()), UNKNOWN_DAY).to_numpy()[order]
            for mode, date in zip(_CREATION, dates, strict=True)
        },
        downloaded=np.flatnonzero(total),
    )


@lru_cache(maxsize=4)
def load_roots(models: str, root_choices: str, rule: tuple[str, str]) -> Integers:
    """The place of every model's root under a rule of attribution: (parent, missing_ancestor).

    Reads `work_root_choices`, with `work_models` beside.
    """
    keys, table = load_models(models).keys, read_stored(root_choices)
    is_asked = pc.and_(
        pc.equal(table["parent"], rule[0]), pc.equal(table["missing_ancestor"], rule[1])
    )
    rows = table.filter(is_asked)
    derived, roots = (
        find_places(keys, rows[name].to_numpy()) for name in ("model_key", "root_key")
    )
    places = np.arange(len(keys))
    places[derived] = roots
    return places


@lru_cache(maxsize=1)
def load_parents(models: str, first_parents: str) -> tuple[Integers, Integers]:
    """Every documented parent that is in models/: places of children, places of parents.

    Reads `work_first_parents`, with `work_models` beside.
    """
    keys, table = load_models(models).keys, read_stored(first_parents, ["model_key", "parent_keys"])
    listed = table["parent_keys"].combine_chunks()
    children = table["model_key"].combine_chunks().take(pc.list_parent_indices(listed))
    parents = pc.list_flatten(listed)
    return find_places(keys, children.to_numpy()), find_places(keys, parents.to_numpy())


@dataclass(frozen=True)
class Owners:
    """Who owns each model, by code: codes number the units of a level in the order of their names.

    `developer` is by model's place; `organization`, `word` (of the country, in `words`) and
    `is_listed` are by developer. `names` are those of the units of each level.
    """

    developer: Codes
    organization: Codes
    word: Codes
    is_listed: npt.NDArray[np.bool_]
    words: tuple[str, ...]
    names: Mapping[str, pa.Array]

    def country(self, choices: Choices) -> Codes:
        """The country unit of each developer."""
        units = {name: code for code, name in enumerate(self.names["country"].to_pylist())}

        def unit_of(word: str) -> int:
            return units[unit_of_word(word, choices.online_unit)]

        listed = np.array([unit_of(word) for word in self.words], dtype=np.int32)[self.word]
        return np.where(self.is_listed, listed, unit_of(choices.unlisted_owner)).astype(np.int32)


@lru_cache(maxsize=1)
def load_owners(uri: str) -> Owners:
    """Read the owners of `work_models`; all models of a developer say the same of it."""
    columns = ["model_key", "developer", "organization", "country", "is_listed"]
    table = read_stored(uri, columns).sort_by("model_key")
    developers, developer = _coded(table["developer"])
    some = np.empty(len(developers), dtype=np.int64)
    some[developer] = np.arange(len(developer))  # any of its models
    of_developers = table.take(some)
    organizations, organization = _coded(of_developers["organization"])
    words, word = _coded(of_developers["country"])
    told = words.to_pylist()
    units = {
        unit_of_word(name, how) for name in told for how in CHOICES["organizations.online_unit"]
    }
    units.update(CHOICES["organizations.unlisted_owner"])
    names = {
        "developer": developers,
        "organization": organizations,
        "country": pa.array(sorted(units), pa.string()),
    }
    is_listed = of_developers["is_listed"].to_numpy()
    return Owners(developer, organization, word, is_listed, tuple(told), names)


def _coded(names: pa.ChunkedArray) -> tuple[pa.Array, Codes]:
    """The distinct names in byte order, and the code of each row."""
    encoded = names.combine_chunks().dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return encoded.dictionary.take(pa.array(order)), ranks[encoded.indices.to_numpy()]
