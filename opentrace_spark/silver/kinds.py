"""How a model was derived: the documented relation, else what its tags and library tell."""

from __future__ import annotations

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


def tag_kind(tags: Column, library: Column) -> Column:
    """What tags (ARRAY<STRING>) and library (STRING) tell of a derived model, never null.

    One of merge (tags only), quantized, adapter, repackaged, finetune: the first that applies.
    """
    lowered_tags = F.transform(F.coalesce(tags, F.array().cast("array<string>")), F.lower)
    lowered_library = F.coalesce(F.lower(library), F.lit(""))

    def tells(words: tuple[str, ...]) -> Column:
        return _has_any(lowered_tags, words) | lowered_library.isin(*words)

    return (
        F.when(_has_any(lowered_tags, MERGE_WORDS), "merge")
        .when(tells(QUANTIZED_WORDS), "quantized")
        .when(tells(ADAPTER_WORDS), "adapter")
        .when(tells(REPACKAGED_WORDS), "repackaged")
        .otherwise("finetune")
    )


def kind(relation: Column, parent_count: Column, from_tags: Column) -> Column:
    """The kind of a model with `parent_count` distinct parents other than itself.

    The relation where one is documented; else merge for two or more parents; else `from_tags` (of
    `tag_kind`). Null without a parent: nothing was derived.
    """
    return F.when(
        parent_count > 0,
        F.coalesce(relation, F.when(parent_count > 1, F.lit("merge")), from_tags),
    )


def _has_any(texts: Column, words: tuple[str, ...]) -> Column:
    # Null elements would make arrays_overlap null where nothing matches.
    return F.coalesce(F.arrays_overlap(texts, F.array(*map(F.lit, words))), F.lit(False))
