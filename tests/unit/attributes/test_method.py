"""How a model was made, and the training methods that a derivation used itself."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.method import method_of, training_labels

MLM = ("Pretraining: Masked Language Modeling (MLM)",)
CLM = ("Pretraining: Causal Language Modeling (CLM)",)
SUPERVISED = ("Pretraining: Supervised",)
METHODS = [
    # kind, tags, library, task, pretraining, method
    ("quantized", ("trl", "dpo"), "transformers", "text-generation", CLM, "quantized"),
    ("repackaged", (), None, None, MLM, "repackaged"),
    (None, ("bert", "onnx", "coreml", "pytorch"), "transformers", "fill-mask", MLM, "pre-trained"),
    (None, ("bert",), "transformers", "text-classification", MLM, "finetune"),
    (None, ("marian",), "transformers", "translation", SUPERVISED, "pre-trained"),
    (None, ("resnet",), "transformers", "image-classification", SUPERVISED, "pre-trained"),
    (None, ("llama",), "transformers", "text-generation", CLM, "pre-trained"),
    (None, ("llama", "Generated_From_Trainer"), "transformers", None, CLM, "finetune"),
    (None, ("mpnet",), "sentence-transformers", "sentence-similarity", MLM, "finetune"),
    (None, ("gguf",), "gguf", None, CLM, "quantized"),
    (None, ("gguf", "safetensors"), "gguf", None, CLM, "pre-trained"),
    (None, ("safetensors", "4-bit"), "transformers", None, CLM, "quantized"),
    (None, ("onnx",), "onnx", None, (), None),
    (None, (), "peft", None, (), "adapter"),
    (None, ("merge", "gguf"), None, None, CLM, "merge"),
    (None, ("LunarLander-v2",), "stable-baselines3", "reinforcement-learning", (), None),
    (None, (), None, None, (), None),
]


@pytest.mark.parametrize(("kind", "tags", "library", "task", "pretraining", "method"), METHODS)
def test_method_of_expected(kind, tags, library, task, pretraining, method) -> None:
    assert method_of(kind, tags, library, task, pretraining) == method


def test_method_of_a_documented_root_is_pretraining() -> None:
    tags = ("generated_from_trainer", "gguf")
    assert method_of(None, tags, "peft", None, (), is_root=True) == "pre-trained"


SENTENCES = "Pretraining: Contrastive Learning"
LABELS = [
    # method, tags, library, pretraining, labels
    ("pre-trained", (), None, CLM, CLM),
    ("pre-trained", ("RLHF", "instruct"), None, CLM,
     (*CLM, "Instruction finetuning", "Reinforcement learning from feedback")),
    ("finetune", (), "transformers", CLM, ("Finetuning: Supervised",)),  # not the parent's CLM
    ("finetune", ("dpo",), None, CLM, ("Reinforcement learning from feedback",)),
    ("finetune", ("sft", "dpo"), None, CLM,
     ("Finetuning: Supervised", "Reinforcement learning from feedback")),
    ("finetune", ("distilled",), None, (), ("Knowledge distillation",)),
    ("finetune", (), "sentence-transformers", MLM, (SENTENCES,)),
    ("finetune", ("setfit",), "setfit", MLM, (SENTENCES,)),
    ("adapter", ("dpo",), "peft", CLM,
     ("Parameter-efficient finetuning", "Reinforcement learning from feedback")),
    ("quantized", ("dpo", "instruct"), None, CLM, ("Quantization",)),  # copied tags
    ("merge", ("dpo",), None, CLM, ("Model Merging",)),
    ("repackaged", ("instruct",), None, CLM, ()),
    (None, ("dpo",), None, CLM, ()),
]  # fmt: skip


@pytest.mark.parametrize(("method", "tags", "library", "pretraining", "labels"), LABELS)
def test_training_labels_expected(method, tags, library, pretraining, labels) -> None:
    assert training_labels(method, tags, library, pretraining) == labels
