"""Parents as the files document them, followed by a plain walk."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from .conftest import (
    RELATIONS,
    Landing,
    card_parents,
    listed_parents,
    parents_of,
    tag_parents,
)


@pytest.fixture(scope="module")
def first_parents(landing: Landing) -> dict[str, str | None]:
    """Model -> resolved first parent, None where it has none or the parent is unknown."""
    ids = landing.ids
    former: dict[str, str] = {}
    for legacy, current in landing.aliases:
        former.setdefault(legacy, current)
    folded: dict[str, str] = {}
    for name in sorted(ids, reverse=True):
        folded[name.lower()] = name
    parents: dict[str, str | None] = {}
    for model in landing.models:
        names = parents_of(model)
        found = [
            n if n in ids else former.get(n) if former.get(n) in ids else folded.get(n.lower())
            for n in names
        ]
        others = [parent for parent in found if parent != model["id"]]
        parents[model["id"]] = others[0] if others else None
    return parents


def walk(parents: dict[str, str | None], start: str) -> tuple[int, bool]:
    """Length of the chain of first parents and whether it ends."""
    seen = {start}
    node, depth = parents[start], 0
    while node is not None:
        depth += 1
        if node in seen:
            return depth, False
        seen.add(node)
        node = parents[node]
    return depth, True


def test_parents_are_named_in_different_places(landing: Landing) -> None:
    places = Counter(
        tuple(bool(named(model)) for named in (card_parents, tag_parents, listed_parents))
        for model in landing.models
        if parents_of(model)
    )
    for only in [(True, False, False), (False, True, False), (False, False, True)]:
        assert places[only] >= 10
    assert places[(True, True, True)] > places[(True, True, False)] > 50
    share = sum(places.values()) / len(landing.models)
    assert share == pytest.approx(0.154, abs=0.003)


def test_relations_are_all_there_and_paired_in_newer_tags(landing: Landing) -> None:
    relations = Counter((model["baseModels"] or {}).get("relation") for model in landing.models)
    assert all(relations[relation] >= 10 for relation in RELATIONS)
    paired = [m for m in landing.models if any(
        tag.startswith(f"base_model:{relation}:") for tag in m["tags"] for relation in RELATIONS
    )]  # fmt: skip
    assert len(paired) > 100
    for model in paired:
        tags = [tag for tag in model["tags"] if tag.startswith("base_model:")]
        assert tags == sorted(tags, key=lambda tag: tag.encode())
        assert len(tags) == 2 * len(tag_parents(model))
    assert len([m for m in landing.models if tag_parents(m)]) > len(paired)


def test_card_keeps_the_order_that_sorted_tags_lose(landing: Landing) -> None:
    both = [m for m in landing.models if len(card_parents(m)) > 1 and tag_parents(m)]
    assert all(Counter(card_parents(m)) == Counter(tag_parents(m)) for m in both)
    assert any(card_parents(m) != tag_parents(m) for m in both)
    assert any(card_parents(m) == tag_parents(m) for m in both)


def test_depths_merges_cycles_and_accidents(
    landing: Landing, first_parents: dict[str, str | None]
) -> None:
    walks = {name: walk(first_parents, name) for name in first_parents}
    depths = Counter(depth for depth, ends in walks.values() if ends)
    assert max(depths) >= 40
    assert depths[1] > 8 * depths[2] > 0
    on_cycles = set()
    for name, (_, ends) in walks.items():
        node, path = first_parents[name], [name]
        while not ends and node is not None and node not in path:
            path.append(node)
            node = first_parents[node]
        if not ends and node == name:
            on_cycles.add((len(path), name))
    assert Counter(length for length, _ in on_cycles) == {2: 2, 3: 3, 4: 4, 5: 5}
    leading_in = sum(not ends for _, ends in walks.values()) - len(on_cycles)
    assert leading_in >= 8
    sizes = [len(parents_of(model)) for model in landing.models]
    assert max(sizes) >= 47
    assert sum(size > 1 for size in sizes) >= 30


def test_lost_and_self_parents(landing: Landing) -> None:
    ids = {name.lower() for name in landing.ids} | {legacy.lower() for legacy, _ in landing.aliases}
    lost = [m for m in landing.models if parents_of(m) and parents_of(m)[0].lower() not in ids]
    assert 0.003 < len(lost) / len(landing.models) < 0.007
    assert any(len(parents_of(model)) > 1 for model in lost)
    known = {name for rows in landing.weeks.values() for name, _ in rows}
    assert known & {parents_of(model)[0] for model in lost}
    selves = [m for m in landing.models if m["id"] in parents_of(m)]
    assert len(selves) >= 3
    assert {len(parents_of(model)) for model in selves} >= {1, 2}


def test_base_models_point_to_existing_ids(landing: Landing) -> None:
    by_id = {model["_id"]: model["id"] for model in landing.models}
    assert len(by_id) == len(landing.models)
    stale = 0
    for model in landing.models:
        for parent in (model["baseModels"] or {}).get("models") or []:
            assert parent["_id"] in by_id
            stale += by_id[parent["_id"]] != parent["id"]
    assert stale > 0  # renamed since: only `_id` still tells


def test_roots_are_popular_and_quantisers_prolific(
    landing: Landing, first_parents: dict[str, str | None]
) -> None:
    used = Counter(parent for parent in first_parents.values() if parent)
    assert used.most_common(1)[0][1] > 0.02 * sum(used.values())
    owners = Counter(
        model["author"]
        for model in landing.models
        if (model["baseModels"] or {}).get("relation") == "quantized"
    )
    assert sum(count for _, count in owners.most_common(5)) > 0.4 * sum(owners.values())


def test_cards_are_json_with_one_or_several_parents(landing: Landing) -> None:
    cards = [json.loads(m["cardData"]) for m in landing.models if m["cardData"]]
    assert 0 < len(cards) < len(landing.models)
    kinds = {type(card["base_model"]) for card in cards if "base_model" in card}
    assert kinds == {str, list}
    assert any("license" in card for card in cards)
