"""Gates: the Hub's field in all its forms, and what a card asks beyond it."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.gating import ACCEPT, AGREE, OPEN, gating_labels, gating_mode

FIELDS = {"extra_gated_fields": {"Company": "text"}}
PROMPT = {"extra_gated_prompt": "You agree not to ..."}
CASES = [
    # gated, card, label
    (False, {}, OPEN),
    ("False", {}, OPEN),
    ("false", FIELDS, OPEN),  # questions without a gate
    ("auto", {}, ACCEPT),
    (True, {}, ACCEPT),
    ("auto", FIELDS, AGREE),
    ("true", PROMPT, AGREE),
    ("auto", {"extra_gated_fields": {}, "extra_gated_prompt": ""}, ACCEPT),
    ("manual", {}, AGREE),
    (" Manual ", {}, AGREE),
]


@pytest.mark.parametrize(("gated", "card", "label"), CASES)
def test_gating_labels_expected(gated, card, label) -> None:
    assert gating_labels(gated, card) == (label,)


@pytest.mark.parametrize("gated", [None, "", "none", "yes", "0"])
def test_gating_labels_of_the_unknown(gated) -> None:
    assert gating_labels(gated, PROMPT) == ()
    assert gating_mode(gated) is None
