"""Modality: what goes in, what comes out, and the one category of the paper's Table 1.

Inputs and outputs come from the Hub's task (`pipeline_tag`, conf/pipeline_tags.csv), else from
tasks among the tags, else from the architecture. `modality` is the only place that turns them into
a category.
"""

from __future__ import annotations

from collections.abc import Iterable

from opentrace_spark.attributes.vocabulary import Modes, Vocabulary

_MEDIUM = {
    "Text Generation": "text",
    "Text Classification": "text",
    "Text Sequence Classification": "text",
    "Text Embedding": "text",
    "Image Generation": "image",
    "Image Classification": "image",
    "Image Segmentation": "image",
    "Image Bounding Boxes": "image",
    "Image Embedding": "image",
    "Video Generation": "video",
    "Speech Generation": "speech",
    "Tabular": "tabular",
    "Text": "text",
    "Image": "image",
    "Video": "video",
    "Speech": "speech",
}
"""The medium of each label; `Other` has none."""
_GROUPS = {
    "Text Sequence Classification": "Text Classification",
    "Image Segmentation": "Image Classification",
    "Image Bounding Boxes": "Image Classification",
}
_GENERATION = ("Text Generation", "Image Generation", "Video Generation", "Speech Generation")
_SOUND_WORDS = frozenset(("audio", "speech", "voice"))
"""Tags of models of sound; tasks and architectures, where there are any, tell more."""
_NO_TASK = ("other", "biology")
"""Tags that are filed under tasks and name none."""

_TEXT, _IMAGE, _SPEECH = ("Transformer: " + medium for medium in ("Text", "Image", "Speech"))
_BY_ARCHITECTURE = {
    f"{_TEXT} Encoder-only": Modes(("Text",), ("Text Embedding",)),
    f"{_TEXT} Decoder-only": Modes(("Text",), ("Text Generation",)),
    f"{_TEXT} Encoder-Decoder": Modes(("Text",), ("Text Generation",)),
    f"{_IMAGE} Encoder-only": Modes(("Image",), ("Image Embedding",)),
    f"{_IMAGE} Decoder-only": Modes(("Image",), ("Image Generation",)),
    f"{_SPEECH} Encoder-only": Modes(("Speech",), ("Other",)),
    f"{_SPEECH} Encoder-Decoder": Modes(("Speech",), ("Text Generation",)),
    f"{_SPEECH} Decoder-only": Modes(("Text",), ("Speech Generation",)),
}
"""What an architecture takes and gives where no task is named. Image encoder-decoders give text,
masks or images, and other networks anything: they tell nothing."""


def modality(inputs: Iterable[str], outputs: Iterable[str]) -> str | None:
    """The category of Table 1 of a model with these labels; None for `Undocumented`.

    The first that applies:
    1. sound on either side and at most text beside it: Audio Models
    2. tables on either side and at most text beside them: Tabular Models
    3. no output but `Other`: Undocumented, for a category is what a model gives
    4. video generated, at most with sound: Video Generation
    5. several media generated: Multimodal Generation
    6. images generated, from whatever: Image Generation
    7. text generated: Text Generation from text alone, else Multimodal Generation; so is sound
       generated from images or video
    8. nothing generated (classes, boxes, masks, embeddings), by all media on both sides: text alone
       is Text Embed/Class, image and video Image Embedding, any mixture Multimodal Embedding
    """
    given = {label for label in outputs if label != "Other"}
    media = {_MEDIUM[label] for label in (*inputs, *given) if label != "Other"}
    generated = {_MEDIUM[label] for label in given if label in _GENERATION}
    for medium, category in (("speech", "Audio Models"), ("tabular", "Tabular Models")):
        if medium in media and media <= {medium, "text"}:
            return category
    if not given:
        return None
    if generated:
        return _generation(generated, media)
    if media == {"text"}:
        return "Text Embed/Class"
    return "Image Embedding" if media <= {"image", "video"} else "Multimodal Embedding"


def _generation(generated: set[str], media: set[str]) -> str:
    if "video" in generated and generated <= {"video", "speech"}:
        return "Video Generation"
    if generated == {"image"}:
        return "Image Generation"
    if generated == {"text"} and media == {"text"}:
        return "Text Generation"
    return "Multimodal Generation"


def output_group(label: str) -> str:
    """What a label counts as in flows (Fig. 6): to mark parts of a text or an image is to classify
    them; all other labels stand for themselves."""
    return _GROUPS.get(label, label)


def modes_of(
    pipeline_tag: str | None,
    tags: tuple[str, ...],
    architecture: tuple[str, ...],
    words: Vocabulary,
) -> Modes:
    """Input and output labels of a model from its metadata; empty where nothing tells them.

    By task, else by tasks among the tags, else by architecture, else by tags of sound. The Hub
    files `feature-extraction` under language and gives it to encoders of every kind, so an encoder
    of images or speech keeps its own labels.
    """
    if pipeline_tag == "feature-extraction":
        beyond_text = any(label.startswith((_IMAGE, _SPEECH)) for label in architecture)
        own = _of_architecture(architecture) if beyond_text else Modes()
        return own if own.inputs else words.pipeline_tags.get(pipeline_tag, Modes())
    if pipeline_tag in words.pipeline_tags:
        return words.pipeline_tags[pipeline_tag]
    tasks = [tag for tag in tags if tag in words.pipeline_tags and tag not in _NO_TASK]
    # Beside a task, feature-extraction says only that vectors can be had from it as well.
    telling = [task for task in tasks if task != "feature-extraction"]
    if telling:
        return _union([words.pipeline_tags[task] for task in telling])
    if tasks:
        return modes_of("feature-extraction", (), architecture, words)
    modes = _of_architecture(architecture)
    if not modes.inputs and not _SOUND_WORDS.isdisjoint(tags):
        return Modes(("Speech",), ("Other",))
    return modes


def _of_architecture(architecture: tuple[str, ...]) -> Modes:
    modes = _union([_BY_ARCHITECTURE[label] for label in architecture if label in _BY_ARCHITECTURE])
    # With a decoder, an encoder's vectors are a step on the way.
    generated = tuple(label for label in modes.outputs if label in _GENERATION)
    return Modes(modes.inputs, generated or modes.outputs)


def _union(several: list[Modes]) -> Modes:
    return Modes(
        tuple(dict.fromkeys(label for modes in several for label in modes.inputs)),
        tuple(dict.fromkeys(label for modes in several for label in modes.outputs)),
    )
