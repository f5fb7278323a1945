"""Kinds: what was documented, else what tags and library tell, in a fixed order."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import SparkSession, functions as F

from opentrace_spark.attributes.method import tag_kind
from opentrace_spark.silver.kinds import kind, own_kind

FROM_TAGS = [
    # tags, library, expected
    (["merge", "gguf"], "peft", "merge"),
    (["MergeKit"], None, "merge"),
    (["transformers"], "merge", "finetune"),  # a library is no merge
    (["GGUF", "peft"], "onnx", "quantized"),
    (["transformers", "4-bit"], None, "quantized"),
    ([], "CTranslate2", "quantized"),
    (["lora", "onnx"], None, "adapter"),
    (None, "PEFT", "adapter"),
    (["transformers.js"], "transformers", "repackaged"),
    (None, "mlx", "repackaged"),
    (["my-gguf", "lorax"], "transformers", "finetune"),  # whole words only
    (["x", "awq"], None, "quantized"),
    (None, None, "finetune"),
]
KINDS = [
    # relation, parent_count, from_tags, expected
    ("adapter", 3, "merge", "adapter"),
    (None, 2, "quantized", "merge"),
    (None, 1, "quantized", "quantized"),
    (None, 0, "quantized", None),
    (None, None, None, None),
]


def test_tag_kind_expected() -> None:
    found = [tag_kind(tags, library) for tags, library, _ in FROM_TAGS]
    assert found == [row[2] for row in FROM_TAGS]


def test_kind_expected(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        KINDS, "relation string, parent_count int, from_tags string, expected string"
    )
    found = rows.select(
        kind(F.col("relation"), F.col("parent_count"), F.col("from_tags")).alias("found")
    )
    assert [row.found for row in found.collect()] == [row[3] for row in KINDS]


def told(tags: list[str] | None = None, card: Any = None, library: str | None = None) -> Any:
    said = None if card is None else json.dumps(card)
    return {
        "id": "a/b",
        "tags": tags,
        "cardData": said,
        "baseModels": None,
        "library_name": library,
    }


OWN = [
    # what a model tells itself, its kind
    (told(), None),
    (told(["gguf"]), None),  # no parent is named
    (told(["base_model:x/y", "gguf"]), "quantized"),
    (told(["base_model:x/y", "base_model:adapter:x/y", "gguf"]), "adapter"),
    (told(["base_model:x/y", "base_model:z/z"]), "merge"),
    (told(["base_model:A/B", "base_model:x/y"]), "finetune"),  # itself is no parent
    (told(["base_model:A/B"]), None),
    (told(card={"base_model": ["x/y", "z/z"], "base_model_relation": "quantized"}), "quantized"),
    (told(card={"base_model": "x/y"}, library="peft"), "adapter"),
]


def test_own_kind_expected() -> None:
    assert [own_kind(model) for model, _ in OWN] == [expected for _, expected in OWN]
