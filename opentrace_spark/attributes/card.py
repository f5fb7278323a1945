"""A model card's metadata: the fields of `cardData`, whatever form an author gave them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def read_card(card: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of a card, from JSON text or a struct; empty for anything that is no object.

    So it is for JSON that is nested too deep for Python here, which may have read it before, with
    fewer calls around it.
    """
    if isinstance(card, str):
        try:
            card = json.loads(card)
        except (ValueError, RecursionError):
            return {}
    return dict(card) if isinstance(card, Mapping) else {}


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a field that may hold one or a list, each once and without spaces around it.

    The Hub takes both forms. Half a surrogate pair, written as an escape, is no character.
    """
    values = value if isinstance(value, (list, tuple)) else [value]
    said = (text.encode(errors="replace").decode().strip() for text in values if _is_text(text))
    return tuple(dict.fromkeys(text for text in said if text))


def tagged(tags: tuple[str, ...], prefix: str) -> tuple[str, ...]:
    """What follows a prefix such as `license:` in the tags that have it."""
    return texts([tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)])


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
