"""The made-up table of organisations: country and type of most prominent owners, some others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from opentrace_spark.generator.owners import Owners

_COUNTRY_ODDS = {
    "USA": 38, "China": 20, "France": 5, "Germany": 5, "UK": 5, "Canada": 3, "Japan": 3,
    "South Korea": 3, "India": 2, "Israel": 2, "Switzerland": 1.5, "Singapore": 1.5,
    "United Arab Emirates": 1, "Netherlands": 1, "Spain": 1, "Italy": 1, "Finland": 0.7,
    "Russia": 1, "Vietnam": 0.7, "Indonesia": 0.5, "Brazil": 0.5, "Australia": 0.5, "Turkey": 0.4,
    "Taiwan": 0.4, "International": 3, "Online": 3,
}  # fmt: skip
_TYPE_ODDS = {"company": 52, "university": 18, "non-profit": 12, "community": 9, "classroom": 2,
              "government": 2, "other": 5}  # fmt: skip
# The most prominent owners, in order: the two leading countries lead at any size, and owners
# without a country are there.
_LEADERS = (("USA", "company"), ("China", "company"), ("USA", "non-profit"), ("USA", "university"),
            ("China", "company"), ("International", "non-profit"),
            ("Online", "community"))  # fmt: skip
_LISTED_PROMINENT = 0.93  # the rest is what nobody has annotated
_LISTED_OTHERS = 0.02
_USERS_AMONG_OTHERS = 0.3
_SIBLINGS = 0.12  # of organisations: a further account of a more prominent one


def build_organizations(
    owners: Owners, owner_names: pa.Array, rng: np.random.Generator
) -> list[tuple[str, str, str, str, str]]:
    """Rows `org, country, org_type, organization, source`, by name; each owner at most once."""
    count = len(owners.size)
    leader = (owners.prominence > 0) & (owners.prominence <= len(_LEADERS))
    chance = np.where(owners.is_prominent, _LISTED_PROMINENT, _LISTED_OTHERS)
    chance[owners.is_quantiser] = 0.5
    listed = np.flatnonzero((rng.random(count) < chance) | leader)
    country = _draw(_COUNTRY_ODDS, len(listed), rng)
    kind = _draw(_TYPE_ODDS, len(listed), rng)
    person = ~owners.is_prominent[listed] & (
        owners.is_quantiser[listed] | (rng.random(len(listed)) < _USERS_AMONG_OTHERS)
    )
    names = owner_names.take(pa.array(listed)).to_pylist()
    rows = []
    for position, name in enumerate(names):
        place = int(owners.prominence[listed[position]])
        where, what = country[position], kind[position]
        if 0 < place <= len(_LEADERS):
            where, what = _LEADERS[place - 1]
        if person[position]:
            where, what = "User", "user"
        elif where == "Online":
            what = "community"
        rows.append((name, where, what))
    ranks = np.where(owners.prominence > 0, owners.prominence, count + 1)[listed]
    return sorted((*row, "synthetic") for row in _with_organizations(rows, ranks, rng))


def _with_organizations(
    rows: list[tuple[str, str, str]], ranks: npt.NDArray[np.int64], rng: np.random.Generator
) -> list[tuple[str, str, str, str]]:
    """Some accounts become a sibling of a more prominent one: same organisation, country, kind.

    Individuals and organisations with one account have no name beside the account's.
    """
    order = np.lexsort((np.arange(len(rows)), ranks))
    companies = [int(place) for place in order if rows[place][2] != "user"]
    chosen, sibling_of = rng.random(len(companies)) < _SIBLINGS, rng.random(len(companies))
    heads: list[int] = []
    told = {place: (*row, "") for place, row in enumerate(rows)}
    for number, place in enumerate(companies):
        if heads and chosen[number] and number >= len(_LEADERS):
            # Squared: the most prominent ones have most accounts.
            head = heads[int(sibling_of[number] ** 2 * len(heads))]
            name, where, what = rows[head]
            told[head] = (*rows[head], f"{name} Group")
            told[place] = (rows[place][0], where, what, f"{name} Group")
        else:
            heads.append(place)
    return list(told.values())


def _draw(odds: Mapping[str, float], count: int, rng: np.random.Generator) -> list[str]:
    weights = np.array(list(odds.values()), dtype=float)
    drawn = rng.choice(len(weights), size=count, p=weights / weights.sum())
    words = list(odds)
    return [words[i] for i in drawn]
