"""Architecture: the family of a model, and the labels of conf/model_types.csv for it.

The Hub's tags start with the library, the file formats and the `model_type` of config.json, before
all that an author wrote: the first tag that names a family is the model's own. A family of the
parent is never taken: an adapter that says nothing of itself has no label.
"""

from __future__ import annotations

import re

from opentrace_spark.attributes.card import read_card
from opentrace_spark.attributes.vocabulary import Vocabulary

MIXTURE = "Mixture-of-Experts"
_MIXTURE_WORDS = {"moe", "mixture-of-experts", "mixture of experts"}
_PIPELINE_TAG = "diffusers:"
_TIMM_PREFIX = re.compile(r"(?:tf|dm|ig|ssl|swsl|gc|ese|legacy|gluon|cs3)_?(?=[a-z])")

WEAK_WORDS = (
    "diffusers",
    "fasttext",
    "flair",
    "gliner",
    "open_clip",
    "pyannote-audio",
    "sentence-transformers",
    "setfit",
    "sklearn",
    "span-marker",
    "stanza",
    "transformer",
    "ultralytics",
    "ultralyticsplus",
)
"""Libraries whose models are of one kind, and words for many families: they tell only where no
family is named."""


def family_of(
    name: str,
    tags: tuple[str, ...],
    library: str | None,
    gguf_architecture: str | None,
    words: Vocabulary,
) -> str | None:
    """The `model_type` that a model's metadata name, as spelled in conf/model_types.csv.

    In order: the architecture in a GGUF header; the class of a diffusers pipeline; the first tag as
    it is; the start of the name of a timm model, which is the family by that library's custom; the
    first tag in lower case; the library.
    """
    known = words.model_types
    if gguf_architecture in known:
        return gguf_architecture
    if any(tag.startswith(_PIPELINE_TAG) for tag in tags):
        return "diffusers"
    of_model = [tag for tag in tags if tag not in WEAK_WORDS]
    for tag in of_model:
        if tag in known:
            return tag
    if library == "timm":
        return _timm_family(name, words)
    for tag in of_model:
        if tag.lower() in known and tag.lower() not in WEAK_WORDS:
            return tag.lower()
    weak = (word for word in (library, *tags) if word in WEAK_WORDS and word in known)
    return next(weak, None)


def gguf_architecture(header: str | None) -> str | None:
    """The architecture that the header of a GGUF file (JSON) names."""
    found = read_card(header).get("architecture")
    return found if isinstance(found, str) else None


def architecture_labels(
    family: str | None, tags: tuple[str, ...], words: Vocabulary
) -> tuple[str, ...]:
    """The labels of a family, and Mixture-of-Experts where a tag says so."""
    labels = words.model_types[family].architecture if family is not None else ()
    says_mixture = any(tag.lower() in _MIXTURE_WORDS for tag in tags)
    return (*labels, MIXTURE) if says_mixture and MIXTURE not in labels else labels


def _timm_family(name: str, words: Vocabulary) -> str | None:
    """The longest family that a timm model's name starts with."""
    model = name.rpartition("/")[2].lower()
    for start in dict.fromkeys((model, _TIMM_PREFIX.sub("", model, count=1))):
        for length in range(len(start), 2, -1):
            if start[:length] in words.model_types:
                return start[:length]
    return None
