"""Names: ordinary and odd ones, pairs in other cases, renames, deleted models, organisations."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

from opentrace_spark.generator.identity import ODD_IDS

from .conftest import Landing, card_parents, parents_of


def test_ids_are_unique_and_legal(landing: Landing) -> None:
    assert len(landing.ids) == 5_000
    names = landing.ids | set(landing.downloads)
    assert all(0 < len(name) <= 300 for name in names)
    assert not any(re.search(r"[\x00-\x1f\x7f-\x9f]", name) for name in names)
    assert all(re.fullmatch(r"[0-9a-f]{24}", model["_id"]) for model in landing.models)


def test_odd_ids_are_models_with_downloads(landing: Landing) -> None:
    assert set(ODD_IDS) <= landing.ids
    assert all(landing.downloads[name] > 0 for name in ODD_IDS)
    assert max(map(len, landing.ids)) == 300
    assert any(not name.isascii() for name in landing.ids)


def test_author_is_the_owner_or_null(landing: Landing) -> None:
    for model in landing.models:
        owner, slash, _ = model["id"].partition("/")
        assert model["author"] == (owner if slash else None)
    assert sum(model["author"] is None for model in landing.models) >= 3


def test_names_that_differ_in_case(landing: Landing) -> None:
    ids = landing.ids
    folded = Counter(name.lower() for name in ids)
    assert 3 <= sum(count == 2 for count in folded.values()) <= 10
    assert max(folded.values()) == 2
    counted = {n for n in landing.downloads if n not in ids and folded[n.lower()]}
    assert len(counted) >= 3
    assert any(folded[name.lower()] == 2 for name in counted)  # either of two models is meant
    written = {parent for model in landing.models for parent in parents_of(model)}
    assert any(name not in ids and folded[name.lower()] for name in written)


def test_renames_show_in_downloads_and_parents(landing: Landing) -> None:
    ids = landing.ids
    plain = [(old, new) for old, new in landing.aliases if old not in ids and new in ids]
    assert len(plain) >= 10
    assert {"/" in old for old, _ in plain} == {True, False}
    switched = 0
    for old, new in plain[:10]:
        before = [week for week, rows in landing.weeks.items() if old in dict(rows)]
        after = [week for week, rows in landing.weeks.items() if new in dict(rows)]
        switched += bool(before and after and min(before) < min(after) <= max(before))
    assert switched >= 5
    written = {parent for model in landing.models for parent in card_parents(model)}
    assert written & {old for old, _ in plain}


def test_aliases_that_must_not_be_followed(landing: Landing) -> None:
    ids = landing.ids
    assert sum(old in ids for old, _ in landing.aliases) >= 2
    repeated = [
        old for old, count in Counter(old for old, _ in landing.aliases).items() if count > 1
    ]
    assert len(repeated) >= 2
    former = {old for old, _ in landing.aliases}
    assert any(new not in ids and new not in former for _, new in landing.aliases)
    assert any(new not in ids and new in former for _, new in landing.aliases)


def test_some_downloads_are_of_deleted_models(landing: Landing) -> None:
    known = {name.lower() for name in landing.ids} | {old.lower() for old, _ in landing.aliases}
    rows = [name for week in landing.weeks.values() for name, _ in week]
    share = sum(name.lower() not in known for name in rows) / len(rows)
    assert 0.0002 < share < 0.004


def test_organizations_name_owners_once(landing: Landing) -> None:
    names = [row["org"] for row in landing.organizations]
    owners = {name.partition("/")[0] for name in landing.ids}
    assert len(set(names)) == len(names)
    assert len(set(names) - owners) <= 3  # an organisation may have no model any more
    assert len(names) < 0.1 * len(owners)  # individuals are mostly absent
    countries = Counter(row["country"] for row in landing.organizations)
    assert {"USA", "China", "User", "International", "Online"} <= set(countries)
    del countries["User"]
    assert {name for name, _ in countries.most_common(2)} == {"USA", "China"}
    kinds = {row["org_type"] for row in landing.organizations}
    assert {"company", "university", "non-profit", "community", "user"} <= kinds
    assert all((r["country"] == "User") == (r["org_type"] == "user") for r in landing.organizations)


def test_usa_and_china_lead_the_downloads(landing: Landing) -> None:
    country = {row["org"]: row["country"] for row in landing.organizations}
    downloads: Counter[str] = Counter()
    for name, count in landing.weeks[dt.date(2025, 8, 18)]:
        downloads[country.get(name.partition("/")[0], "Unknown")] += count
    del downloads["Unknown"]
    assert {"USA", "China"} <= {name for name, _ in downloads.most_common(4)}
    assert downloads["USA"] + downloads["China"] > 0.4 * downloads.total()
