"""Who a model says it was derived from, by one source: a pure function of its metadata.

Sources in order of preference: annotation, card (`cardData.base_model`), `baseModels`, tags. The
first that names a parent gives the whole list. docs/method.md, "Parents", has the rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from opentrace_spark.attributes.method import RELATIONS

TAG_PREFIX = "base_model:"
_TAG = re.compile(f"{TAG_PREFIX}(?:({'|'.join(RELATIONS)}):)?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """A name of a model's list: as written, null in the one entry of a model annotated `No`.

    `hub_id` is the Hub's `_id` of the parent where the source has it, `relation` the documented
    one. Names that only a relation's tag has follow the list, with `is_listed` false: such a name
    may be one of a listed parent, and tells its relation.
    """

    name: str | None
    hub_id: str | None = None
    relation: str | None = None
    is_listed: bool = True


@dataclass(frozen=True)
class Listing:
    """The source that decides, and its entries in order."""

    source: str
    entries: tuple[Entry, ...]


def listing_of(
    derived_from: str | None,
    card: str | None,
    base_models: dict[str, Any] | None,
    tags: Sequence[str] | None,
) -> Listing | None:
    """What a model lists, None where no source names a parent.

    `derived_from` is an annotation, `card` JSON text, `base_models` the struct of
    `schemas.BASE_MODELS`. Of a card that is no JSON object nothing is taken.
    """
    if derived_from is not None and derived_from.strip(" ").lower() == "no":
        return Listing("annotation", (Entry(None),))
    said, hub = _card(card), base_models or {}
    pairs = list(_tag_pairs(tags or ()))
    for source, names in (
        ("annotation", _unique(_split(derived_from or ""))),
        ("card", _unique(_card_names(said.get("base_model")))),
        ("baseModels", [(m["id"], m["_id"]) for m in hub.get("models") or () if m and m["id"]]),
        ("tags", _unique(name for _, name in pairs)),
    ):
        if names:
            relation = _known(said.get("base_model_relation")) or _known(hub.get("relation"))
            return Listing(source, tuple(_entries(names, relation, pairs)))
    return None


def _entries(
    names: list[tuple[str, str | None]],
    relation: str | None,
    pairs: list[tuple[str | None, str]],
) -> Iterator[Entry]:
    """One relation holds for the whole list; without one, that of the tag with the same name."""
    of_tag: dict[str, str] = {}
    if relation is None:
        for tagged, name in pairs:
            if tagged:
                of_tag.setdefault(name, tagged)
    for name, hub_id in names:
        # An `_id` may settle another parent than the name does, and the tag is about the name.
        yield Entry(name, hub_id, relation or (None if hub_id else of_tag.get(name)))
    listed = {name for name, hub_id in names if not hub_id}
    for name, tagged in of_tag.items():
        if name not in listed:
            yield Entry(name, None, tagged, is_listed=False)


def _card(text: str | None) -> dict[str, Any]:
    # Most cards name no parent. A key may be written with escapes, too.
    if text is None or ("base_model" not in text and "\\u" not in text):
        return {}
    try:
        card = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return card if isinstance(card, dict) else {}


def _card_names(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    # Half a surrogate pair, written as an escape, is no character.
    return [t.encode(errors="replace").decode() for t in texts if isinstance(t, str) and t]


def _split(annotation: str) -> list[str]:
    parts = (part.strip(" ") for part in re.split("[,;]", annotation))
    return [part for part in parts if part]


def _tag_pairs(tags: Sequence[str]) -> Iterator[tuple[str | None, str]]:
    """Relation (or None) and name of each tag that has a name."""
    for tag in tags:
        match = _TAG.fullmatch(tag) if tag.startswith(TAG_PREFIX) else None
        if match and match.group(2):
            yield match.group(1), match.group(2)


def _known(relation: Any) -> str | None:
    return relation if relation in RELATIONS else None


def _unique(names: Any) -> list[tuple[str, str | None]]:
    return [(name, None) for name in dict.fromkeys(names)]
