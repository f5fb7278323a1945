"""How a model was made: pre-trained, or derived from another, and the sheet's training methods.

The paper labels a derivative by what its own derivation used, never by how its parent was trained:
a quantised chat model is `Quantization` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from opentrace_spark.attributes.vocabulary import Vocabulary

RELATIONS = ("finetune", "adapter", "quantized", "merge")
"""The relations of the Hub; any other word documents nothing."""
METHODS = ("pre-trained", *RELATIONS)

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

FINETUNE_WORDS = frozenset(
    (
        "generated_from_trainer",
        "generated_from_keras_callback",
        "generated_from_setfit_trainer",
        "autotrain",
        "autonlp",
        "trl",
        "sft",
        "dpo",
        "orpo",
        "kto",
        "grpo",
        "rlhf",
        "rlaif",
        "reward-trainer",
        "sentence-transformers",
        "setfit",
        "span-marker",
        "huggingpics",
        "dreambooth",
        "diffusers-training",
        "textual_inversion",
        "custom-diffusion",
        "axolotl",
        "unsloth",
        "llama-factory",
        "alignment-handbook",
        "xtuner",
        "h2o-llmstudio",
        "finetune",
        "finetuned",
        "fine-tuned",
        "fine-tuning",
        "instruct",
        "xlsr-fine-tuning-week",
        "whisper-event",
        "huggingtweets",
    )
)
"""Tags that trainers and authors give to models that started from another."""
FEEDBACK_WORDS = frozenset(
    (
        "dpo",
        "orpo",
        "kto",
        "grpo",
        "cpo",
        "simpo",
        "spo",
        "rlhf",
        "rlaif",
        "reward-trainer",
    )
)
INSTRUCTION_WORDS = frozenset(
    ("instruct", "instruction-tuned", "instruction tuning", "instruction-tuning", "chatml")
)
DISTILLATION_WORDS = frozenset(("distillation", "knowledge-distillation", "distilled"))

SENTENCE_LIBRARIES = ("sentence-transformers", "setfit")

_WEIGHTS = frozenset(("safetensors", "pytorch", "tf", "jax"))
_HEADS = frozenset(
    (
        "text-classification",
        "token-classification",
        "question-answering",
        "zero-shot-classification",
        "multiple-choice",
        "text-ranking",
        "sentence-similarity",
        "image-classification",
        "object-detection",
        "image-segmentation",
        "audio-classification",
        "automatic-speech-recognition",
        "video-classification",
        "summarization",
        "document-question-answering",
        "visual-question-answering",
        "table-question-answering",
    )
)
"""Tasks that a self-supervised model learns after its pretraining."""
_SUPERVISED = "Pretraining: Supervised"


def tag_kind(tags: Iterable[str] | None, library: str | None) -> str:
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


def method_of(
    kind: str | None,
    tags: tuple[str, ...],
    library: str | None,
    pipeline_tag: str | None,
    pretraining: tuple[str, ...],
    is_root: bool = False,
) -> str | None:
    """One of METHODS, `repackaged`, or None where nothing tells.

    `kind` is how a model with a parent was derived (the documented relation, else `tag_kind`) and
    holds. Without a parent: a documented root (`is_root`, annotated `No`) is pre-trained. Else tags
    of merging, quantising, adapting, finetuning show a parent that is only not named; a task that a
    self-supervised family learns afterwards shows finetuning; else a family with a pretraining of
    its own is pre-trained. File formats show nothing: first publications carry them as well.
    """
    if kind is not None:
        return kind
    if is_root:
        return "pre-trained"
    words = {tag.lower() for tag in (*tags, library or "")}.difference(REPACKAGED_WORDS)
    if not words.isdisjoint(_WEIGHTS):
        words.discard("gguf")  # a second form of weights that are there as well
    unnamed = tag_kind(words, None)
    if unnamed != "finetune":
        return unnamed
    if not words.isdisjoint(FINETUNE_WORDS):
        return "finetune"
    if not pretraining:
        return None
    self_supervised = _SUPERVISED not in pretraining
    return "finetune" if self_supervised and pipeline_tag in _HEADS else "pre-trained"


def training_labels(
    method: str | None,
    tags: tuple[str, ...],
    library: str | None,
    pretraining: tuple[str, ...],
) -> tuple[str, ...]:
    """The sheet's training methods of a model made by `method`.

    Quantised and merged repositories copy their parents' tags, so only the operation counts there;
    a repackaged one was not trained. Sentence encoders are trained on pairs whatever they started
    from.
    """
    if method == "quantized":
        return ("Quantization",)
    if method == "merge":
        return ("Model Merging",)
    if method in (None, "repackaged"):
        return ()
    words = {tag.lower() for tag in tags}
    said = [
        label
        for label, telling in (
            ("Knowledge distillation", DISTILLATION_WORDS),
            ("Instruction finetuning", INSTRUCTION_WORDS),
            ("Reinforcement learning from feedback", FEEDBACK_WORDS),
        )
        if not words.isdisjoint(telling)
    ]
    if method == "adapter":
        said.insert(0, "Parameter-efficient finetuning")
    elif method == "pre-trained":
        said[:0] = pretraining
    elif library in SENTENCE_LIBRARIES or not words.isdisjoint(SENTENCE_LIBRARIES):
        said.insert(0, "Pretraining: Contrastive Learning")
    elif not said or "sft" in words:
        said.insert(0, "Finetuning: Supervised")
    return tuple(dict.fromkeys(said))


def pretraining_of(family: str | None, words: Vocabulary) -> tuple[str, ...]:
    """How a family is pretrained, where it is always done in one way."""
    return words.model_types[family].training_methods if family is not None else ()
