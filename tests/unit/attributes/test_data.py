"""Disclosure of training data: what names tell, and what they don't."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.data import (
    AVAILABLE,
    NOT_DISCLOSED,
    PARTIALLY,
    UNAVAILABLE,
    data_labels,
)
from opentrace_spark.attributes.vocabulary import Vocabulary

CASES = [
    # tags, card, label
    (("dataset:allenai/c4", "en"), {}, AVAILABLE),
    (("dataset:squad",), {}, AVAILABLE),
    ((), {"datasets": "squad"}, AVAILABLE),
    ((), {"datasets": ["https://example.org/data.zip"]}, AVAILABLE),
    (("dataset:squad",), {"datasets": ["private"]}, NOT_DISCLOSED),  # the card goes first
    (("dataset:generator",), {}, None),
    (("dataset:ImageFolder", "dataset:json"), {}, None),
    (("dataset:imagefolder", "dataset:beans"), {}, AVAILABLE),
    (("dataset:private",), {}, NOT_DISCLOSED),
    (("dataset:private", "dataset:squad"), {}, PARTIALLY),
    (("dataset:my own tweets",), {}, PARTIALLY),
    (("dataset:a/b/c",), {}, PARTIALLY),
    (("dataset:WebText",), {}, UNAVAILABLE),
    (("dataset:webtext", "dataset:squad"), {}, UNAVAILABLE),
    (("dataset:webtext", "dataset:proprietary"), {}, PARTIALLY),
    (("dataset:openwebtext",), {}, AVAILABLE),
    (("dataset:", "dataset"), {}, None),
    ((), {"datasets": [None, 7]}, None),
    ((), {}, None),
]


@pytest.mark.parametrize(("tags", "card", "label"), CASES)
def test_data_labels_expected(words: Vocabulary, tags, card, label) -> None:
    assert data_labels(tags, card, words) == ((label,) if label else ())
