"""The reference's own hash gives what Spark's `xxhash64` gives."""

from __future__ import annotations

import pytest

from tests.reference.hashing import model_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("", -7444071767201028348),
        ("a", -8582455328737087284),
        ("abc", 1423657621850124518),
        ("google/bert", 9114679606240685647),
        ("pyannote/segmentation-3.0", 258610196863381382),
        ("meta-llama/Llama-2-7b-chat-hf", -8972999164981828776),
        ("0123456789abcdef0123456789abcdef", 7380026953736478117),
        (
            "a/very-long-name-of-a-model-with-more-than-sixty-four-bytes-in-all-of-it-v2",
            4789234895900231410,
        ),
        ("x" * 100, 365730103971579591),
        ("modèle/été-😀", -8509259896610238866),
    ],
)
def test_model_key_is_that_of_spark(name: str, key: int) -> None:
    assert model_key(name) == key
