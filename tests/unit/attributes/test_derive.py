"""Whole models: what metadata give, and how annotations stand above them."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.annotation import read_annotation
from opentrace_spark.attributes.card import read_card, tagged, texts
from opentrace_spark.attributes.derive import Metadata, derive, size_labels
from opentrace_spark.attributes.settle import Settled, settle
from opentrace_spark.attributes.taxonomy import ATTRIBUTES
from opentrace_spark.attributes.vocabulary import Vocabulary

BERT = Metadata(
    "google-bert/bert-base-uncased",
    tags=("transformers", "pytorch", "rust", "onnx", "bert", "fill-mask", "en", "region:us",
          "dataset:bookcorpus", "license:apache-2.0"),
    pipeline_tag="fill-mask",
    library="transformers",
    gated=False,
    parameter_count=110_106_428,
    org_type="company",
)  # fmt: skip


def of(settled: tuple[Settled, ...]) -> dict[str, tuple[tuple[str, ...], str | None]]:
    return {each.attribute: (each.categories, each.source) for each in settled}


def test_derive_a_whole_model(words: Vocabulary) -> None:
    found = derive(BERT, words)
    assert (found.family, found.method) == ("bert", "pre-trained")
    assert of(settle((), found, words)) == {
        "org_type": (("company",), "derived"),
        "data_availability": (("Disclosed: available",), "derived"),
        "osi_data_criterion": (("meets",), "derived"),
        "gated": (("Open",), "derived"),
        "license_class": (("open_use",), "derived"),
        "modality": (("Text Embed/Class",), "derived"),
        "input_modality": (("Text",), "derived"),
        "output_modality": (("Text Embedding",), "derived"),
        "architecture": (("Transformer: Text Encoder-only",), "derived"),
        "training_methods": (
            (
                "Pretraining: Masked Language Modeling (MLM)",
                "Pretraining: Next Sentence Prediction (NSP)",
            ),
            "derived",
        ),
        "language": (("en",), "derived"),
        "size_class": (("100M-1B",), "derived"),
    }


def test_settle_nothing_is_undocumented(words: Vocabulary) -> None:
    settled = settle((), derive(Metadata("a/b"), words), words)
    assert tuple(each.attribute for each in settled) == ATTRIBUTES
    assert {each.source for each in settled} == {None}
    absent = {each.attribute: each.categories for each in settled}
    assert absent == {name: (words.attributes[name].absent,) for name in ATTRIBUTES}


def test_exclusive_attributes_have_one_category(words: Vocabulary) -> None:
    tags = ("license:mit", "license:gemma", "dataset:a/b", "dataset:private", "text-to-image")
    for each in settle((), derive(Metadata("a/b", tags), words), words):
        assert not words.attributes[each.attribute].exclusive or len(each.categories) == 1


def test_annotations_stand_above_metadata(words: Vocabulary) -> None:
    row = {"output_modality": "Image Generation", "architecture": "Unsure", "license": "unknown"}
    annotation = read_annotation(row | {"annotator": "machine:x"}, words)
    found = of(settle((annotation,), derive(BERT, words), words))
    assert found["architecture"] == (("Unsure",), "machine")
    assert found["license_class"] == (("undocumented",), "machine")  # known to be undocumented
    assert found["output_modality"] == (("Image Generation",), "machine")
    assert found["input_modality"] == (("Text",), "derived")  # an empty cell takes nothing away
    assert found["modality"] == (("Image Generation",), "derived")


def test_modality_of_annotated_labels_is_annotated(words: Vocabulary) -> None:
    row = {"input_modality": "Image", "output_modality": "Text Generation"}
    found = of(settle((read_annotation(row, words),), derive(BERT, words), words))
    assert found["modality"] == (("Multimodal Generation",), "human")


def test_modality_of_a_person_and_a_machine_is_the_machines(words: Vocabulary) -> None:
    rows = ({"input_modality": "Image"}, {"output_modality": "Text Generation"})
    for names in (("ann", "machine:x"), ("machine:x", "ann")):
        said = [
            read_annotation(row | {"annotator": name}, words)
            for row, name in zip(rows, names, strict=True)
        ]
        found = of(settle(said, derive(BERT, words), words))
        assert found["modality"] == (("Multimodal Generation",), "machine")


def test_data_criterion_follows_the_annotated_label(words: Vocabulary) -> None:
    annotation = read_annotation({"data_availability": "Not disclosed"}, words)
    found = of(settle((annotation,), derive(BERT, words), words))
    assert found["osi_data_criterion"] == (("lacks",), "human")


def test_refused_annotations_count_nowhere(words: Vocabulary) -> None:
    annotation = read_annotation({"architecture": "Other", "gated": "N/A"}, words)
    derived = derive(BERT, words)
    assert settle((annotation,), derived, words) == settle((), derived, words)


def test_derivatives_inherit_nothing(words: Vocabulary) -> None:
    tags = ("gguf", "base_model:quantized:a/llama", "base_model:a/llama")
    found = derive(Metadata("b/llama-GGUF", tags, kind="quantized"), words)
    assert found.labels["training_methods"] == ("Quantization",)
    assert found.labels["architecture"] == ()
    assert found.labels["license_class"] == ()


def test_derive_is_the_same_every_time(words: Vocabulary) -> None:
    assert derive(BERT, words) == derive(BERT, words)


@pytest.mark.parametrize(
    ("count", "label"),
    [
        (None, ()),
        (0, ()),
        (-5, ()),
        (1, ("<100M",)),
        (99_999_999, ("<100M",)),
        (100_000_000, ("100M-1B",)),
        (7_000_000_000, ("1B-10B",)),
        (100_000_000_000, (">=100B",)),
        (2**62, (">=100B",)),
    ],
)
def test_size_labels_expected(words: Vocabulary, count, label) -> None:
    assert size_labels(count, words) == label


@pytest.mark.parametrize(
    ("card", "fields"),
    [
        ('{"license": "mit"}', {"license": "mit"}),
        ({"license": "mit"}, {"license": "mit"}),
        (None, {}),
        ("", {}),
        ("[1]", {}),
        ("{broken", {}),
        ("[" * 100_000, {}),
    ],
)
def test_read_card_expected(card, fields) -> None:
    assert read_card(card) == fields


def test_texts_takes_one_or_several() -> None:
    assert texts(" a ") == ("a",)
    assert texts(["a", 1, None, "", "b", "a"]) == ("a", "b")
    assert texts({"a": 1}) == ()
    assert texts("\ud800") == ("?",)
    assert tagged(("x:a", "x:", "y:b", "x:a:b"), "x:") == ("a", "a:b")
