"""How a model was derived: the documented relation, else what its tags and library tell."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, functions as F

RELATIONS = ("finetune", "adapter", "quantized", "merge")
"""The relations of the Hub; any other word documents nothing."""

MERGE_WORDS = ("merge", "mergekit")
QUANTIZED_WORDS = (
    "gguf",
    "gptq",
    "awq",
    "exl2",
    "bitsandbytes",
    "4-bit",
    "8-bit",
    "2-bit",
    "3-bit",
    "5-bit",
    "6-bit",
    "quantized",
    "hqq",
    "aqlm",
    "eetq",
    "fp8",
    "ctranslate2",
)
ADAPTER_WORDS = ("peft", "lora", "adapter-transformers", "adapters")
REPACKAGED_WORDS = (
    "onnx",
    "openvino",
    "coreml",
    "mlx",
    "tflite",
    "tensorrt",
    "rknn",
    "transformers.js",
    "litert",
)


_TELLING = {
    "quantized": QUANTIZED_WORDS,
    "adapter": ADAPTER_WORDS,
    "repackaged": REPACKAGED_WORDS,
}


def tag_kind(tags: Sequence[str] | None, library: str | None) -> str:
    """What tags and library tell of a derived model.

    One of merge (tags only), quantized, adapter, repackaged, finetune: the first that applies.
    """
    words = {tag.lower() for tag in tags or ()}
    if not words.isdisjoint(MERGE_WORDS):
        return "merge"
    words.add((library or "").lower())
    for name, telling in _TELLING.items():
        if not words.isdisjoint(telling):
            return name
    return "finetune"


def kind(relation: Column, parent_count: Column, from_tags: Column) -> Column:
    """The kind of a model with `parent_count` distinct parents other than itself.

    The relation where one is documented; else merge for two or more parents; else `from_tags` (of
    `tag_kind`). Null without a parent: nothing was derived.
    """
    return F.when(
        parent_count > 0,
        F.coalesce(relation, F.when(parent_count > 1, F.lit("merge")), from_tags),
    )
