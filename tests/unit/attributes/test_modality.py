"""Modality: the one category of any two sets of labels, and the labels of any metadata."""

from __future__ import annotations

import itertools

import pytest

from opentrace_spark.attributes.modality import modality, modes_of
from opentrace_spark.attributes.vocabulary import Vocabulary

CATEGORIES = [
    # inputs, outputs, category
    ("Text", "Text Generation", "Text Generation"),
    ("", "Text Generation", "Text Generation"),
    ("Text;Other", "Text Generation;Other", "Text Generation"),
    ("Text", "Text Embedding", "Text Embed/Class"),
    ("Text", "Text Classification;Text Sequence Classification", "Text Embed/Class"),
    ("Text", "Text Generation;Text Embedding", "Text Generation"),  # generation goes first
    ("Text", "Image Generation", "Image Generation"),
    ("", "Image Generation", "Image Generation"),
    ("Image;Text", "Image Generation", "Image Generation"),
    ("Image", "Image Generation;Image Segmentation", "Image Generation"),
    ("Image", "Image Classification", "Image Embedding"),
    ("Image", "Image Bounding Boxes;Image Segmentation", "Image Embedding"),
    ("Video", "Image Classification", "Image Embedding"),
    ("Text", "Video Generation", "Video Generation"),
    ("Image;Text", "Video Generation;Speech Generation", "Video Generation"),  # film with sound
    ("Text", "Video Generation;Text Generation", "Multimodal Generation"),
    ("Text", "Image Generation;Video Generation", "Multimodal Generation"),
    ("Speech", "Text Generation", "Audio Models"),
    ("Text", "Speech Generation", "Audio Models"),
    ("Speech;Text", "Speech Generation;Text Generation", "Audio Models"),
    ("Speech", "Other", "Audio Models"),  # classes of sound have no label
    ("Speech", "", "Audio Models"),
    ("Speech;Image;Text", "Text Generation", "Multimodal Generation"),
    ("Video", "Speech Generation", "Multimodal Generation"),
    ("Speech;Image;Text", "Text Embedding;Image Embedding", "Multimodal Embedding"),
    ("Image", "Text Generation", "Multimodal Generation"),
    ("Image;Text", "Text Generation", "Multimodal Generation"),
    ("Text", "Text Generation;Image Generation", "Multimodal Generation"),
    ("Image;Text", "Text Embedding;Image Embedding", "Multimodal Embedding"),
    ("Image;Text", "Text Sequence Classification", "Multimodal Embedding"),
    ("Image;Text", "Image Bounding Boxes", "Multimodal Embedding"),
    ("Tabular", "Tabular", "Tabular Models"),
    ("Tabular;Text", "Text Sequence Classification", "Tabular Models"),
    ("Tabular", "Other", "Tabular Models"),
    ("Tabular;Image", "Image Classification", "Multimodal Embedding"),
    ("Tabular;Image", "Tabular", "Multimodal Embedding"),
    ("Other", "Other", None),
    ("Text", "Other", None),
    ("Text;Image", "", None),
    ("", "", None),
]


@pytest.mark.parametrize(("inputs", "outputs", "category"), CATEGORIES)
def test_modality_expected(inputs: str, outputs: str, category: str | None) -> None:
    labels = [[label for label in cell.split(";") if label] for cell in (inputs, outputs)]
    assert modality(*labels) == category
    assert modality(*(reversed(side) for side in labels)) == category


def test_modality_of_any_two_sets_is_a_category(words: Vocabulary) -> None:
    known = {*words.attributes["modality"].categories, None}
    outputs = list(words.attributes["output_modality"].category_of)
    for inputs in _subsets(list(words.attributes["input_modality"].category_of), 6):
        for some in _subsets(outputs, 2):
            assert modality(inputs, some) in known


def _subsets(labels: list[str], most: int) -> list[tuple[str, ...]]:
    return [each for n in range(most + 1) for each in itertools.combinations(labels, n)]


def test_every_category_is_some_tasks(words: Vocabulary) -> None:
    reached = {modality(each.inputs, each.outputs) for each in words.pipeline_tags.values()}
    assert reached == {*words.attributes["modality"].categories, None}


TEXT, IMAGE = "Transformer: Text", "Transformer: Image"
MODES = [
    # pipeline tag, tags, architecture, inputs, outputs
    ("text-generation", (), (), "Text", "Text Generation"),
    ("text-generation", ("summarization",), (f"{TEXT} Encoder-only",), "Text", "Text Generation"),
    ("feature-extraction", (), (), "Text", "Text Embedding"),
    ("feature-extraction", (), (f"{TEXT} Decoder-only",), "Text", "Text Embedding"),
    ("feature-extraction", (), (f"{IMAGE} Encoder-only",), "Image", "Image Embedding"),
    ("feature-extraction", (), ("Transformer: Speech Encoder-only",), "Speech", "Other"),
    ("feature-extraction", (), (f"{IMAGE} Encoder-Decoder",), "Text", "Text Embedding"),
    ("feature-extraction", (), (f"{IMAGE} Encoder-only", f"{TEXT} Encoder-only"),
     "Image;Text", "Image Embedding;Text Embedding"),
    (None, ("fill-mask", "en"), (), "Text", "Text Embedding"),
    (None, ("feature-extraction", "image-to-text"), (), "Image", "Text Generation"),
    (None, ("feature-extraction",), (f"{IMAGE} Encoder-only",), "Image", "Image Embedding"),
    (None, ("translation", "text-to-speech"), (), "Text", "Text Generation;Speech Generation"),
    (None, ("other", "biology"), (), "", ""),
    ("not-a-task", ("summarization",), (), "Text", "Text Generation"),
    (None, (), (f"{TEXT} Decoder-only", "Mixture-of-Experts"), "Text", "Text Generation"),
    (None, (), (f"{IMAGE} Encoder-only", f"{TEXT} Decoder-only"), "Image;Text", "Text Generation"),
    (None, ("speech",), ("CNN",), "Speech", "Other"),
    (None, ("audio",), (f"{TEXT} Encoder-only",), "Text", "Text Embedding"),
    (None, ("pytorch",), ("Diffusion-based Network",), "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("task", "tags", "architecture", "inputs", "outputs"), MODES)
def test_modes_of_expected(words: Vocabulary, task, tags, architecture, inputs, outputs) -> None:
    modes = modes_of(task, tags, architecture, words)
    assert (";".join(modes.inputs), ";".join(modes.outputs)) == (inputs, outputs)
