"""Gating: what a user must do before a download.

The Hub's field `gated` is false, "auto" (everyone who accepts gets in) or "manual" (the author lets
each user in); older captures have a plain true. A gate shares the user's name and email address by
default, and a card may ask for more (`extra_gated_fields`) or set terms (`extra_gated_prompt`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OPEN = "N/A"
ACCEPT = "Accept to share username & email"
AGREE = "Other agreement/info requirements"

MODES = ("false", "true", "auto", "manual")


def gating_mode(gated: bool | str | None) -> str | None:
    """One of MODES, in any case, or None where nothing, or nothing known, is said."""
    mode = str(gated).strip().lower()
    return mode if mode in MODES else None


def gating_labels(gated: bool | str | None, card: Mapping[str, Any]) -> tuple[str, ...]:
    """The label of a model's gate; none where `gated` is not known.

    A gate with the author's own terms or questions, or his approval, is more than sharing name and
    email. A card's questions without a gate ask nobody.
    """
    mode = gating_mode(gated)
    if mode is None:
        return ()
    if mode == "false":
        return (OPEN,)
    asks = any(card.get(key) for key in ("extra_gated_fields", "extra_gated_prompt"))
    return (AGREE,) if asks or mode == "manual" else (ACCEPT,)
