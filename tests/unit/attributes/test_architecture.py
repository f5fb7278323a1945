"""Families: the first word of the tags that is a model's own, and what it stands for."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.architecture import (
    architecture_labels,
    family_of,
    gguf_architecture,
)
from opentrace_spark.attributes.vocabulary import Vocabulary

FAMILIES = [
    # name, tags, library, GGUF architecture, family
    ("a/b", ("transformers", "pytorch", "bert", "fill-mask", "gpt2"), "transformers", None, "bert"),
    ("a/b", ("sentence-transformers", "onnx", "mpnet"), "sentence-transformers", None, "mpnet"),
    ("a/b", ("sentence-transformers",), "sentence-transformers", None, "sentence-transformers"),
    ("a/b", ("transformers", "gguf"), None, "llama", "llama"),
    ("a/b", ("mistral", "gguf"), None, "qwen2", "qwen2"),
    ("a/b", ("gguf", "mistral"), None, "not-listed", "mistral"),
    ("a/b", ("clip", "diffusers:StableDiffusionPipeline"), "diffusers", None, "diffusers"),
    ("a/b", ("diffusers", "flux"), "diffusers", None, "flux"),
    ("a/b", ("transformer", "BERT"), "transformers", None, "bert"),
    ("a/b", ("transformer",), None, None, "transformer"),
    ("a/b", ("tf", "en", "region:us", "bertopic"), "bertopic", None, None),
    ("bert/gpt2", (), None, None, None),  # names tell nothing
    ("timm/resnet50.a1_in1k", ("timm",), "timm", None, "resnet"),
    ("timm/resnetv2_50x1_bit.goog", ("timm",), "timm", None, "resnetv2"),
    ("timm/tf_efficientnet_b0.ns_jft_in1k", ("timm",), "timm", None, "efficientnet"),
    ("timm/vit_base_patch16_224.augreg", ("timm",), "timm", None, "vit"),
    ("timm/swinv2_tiny_window8_256.ms_in1k", ("timm",), "timm", None, "swinv2"),
    ("timm/quite_new.in1k", ("timm",), "timm", None, None),
    ("a/b", (), "sentence-transformers", None, "sentence-transformers"),
    ("a/b", (), None, None, None),
]


@pytest.mark.parametrize(("name", "tags", "library", "gguf", "family"), FAMILIES)
def test_family_of_expected(words: Vocabulary, name, tags, library, gguf, family) -> None:
    assert family_of(name, tags, library, gguf, words) == family


LABELS = [
    # family, tags, labels
    ("bert", (), ("Transformer: Text Encoder-only",)),
    ("mixtral", ("moe",), ("Transformer: Text Decoder-only", "Mixture-of-Experts")),
    ("llama", ("MoE",), ("Transformer: Text Decoder-only", "Mixture-of-Experts")),
    ("llama", ("moebius",), ("Transformer: Text Decoder-only",)),
    (None, ("mixture-of-experts",), ("Mixture-of-Experts",)),
    ("clip", (), ("Transformer: Image Encoder-only", "Transformer: Text Encoder-only")),
    ("vits", (), ("Variational Autoencoder", "Generative Adversarial Network (GAN)")),
    (None, ("bert",), ()),
]


@pytest.mark.parametrize(("family", "tags", "labels"), LABELS)
def test_architecture_labels_expected(words: Vocabulary, family, tags, labels) -> None:
    assert architecture_labels(family, tags, words) == labels


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ('{"architecture": "llama", "total": 7}', "llama"),
        ('{"architecture": 5}', None),
        ('["llama"]', None),
        ("[" * 100_000 + "]" * 100_000, None),
        (None, None),
    ],
)
def test_gguf_architecture_is_a_text_of_the_header(header, named) -> None:
    assert gguf_architecture(header) == named
