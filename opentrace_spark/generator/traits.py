"""What models are and say about themselves: task, library, size, licence, language, gate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from opentrace_spark.generator.lineage import ADAPTER, QUANTIZED, Lineage
from opentrace_spark.generator.popularity import Popularity

# The first two come first on purpose: names of the others are in the style of task models.
PIPELINES = ("text-to-image", "text-generation", "text-classification", "reinforcement-learning",
             "text2text-generation", "token-classification", "automatic-speech-recognition",
             "image-classification", "fill-mask", "question-answering", "feature-extraction",
             "sentence-similarity", "audio-classification", "image-text-to-text",
             "text-to-video")  # fmt: skip
# 47% of the capture have no pipeline tag; the others are split in about these proportions.
_PIPELINE_ODDS = (28, 160, 66, 44, 31, 19, 19, 13, 13, 12, 9, 6, 4, 10, 2)
_NO_PIPELINE = 0.62  # of models that nobody downloads; fewer of the popular ones
LIBRARIES = ("transformers", "peft", "diffusers", "stable-baselines3", "sentence-transformers",
             "gguf", "timm", "mlx", "keras")  # fmt: skip
LICENCES = ("apache-2.0", "mit", "openrail", "creativeml-openrail-m", "other", "cc-by-nc-4.0",
            "llama2", "llama3", "cc-by-4.0", "gpl-3.0", "gemma", "bsd-3-clause")  # fmt: skip
_LICENCE_ODDS = (119, 51, 30, 20, 16, 8, 6, 4, 4, 2, 3, 1)  # as in the capture
LANGUAGES = ("en", "zh", "fr", "de", "es", "ja", "ko", "ru", "it", "pt", "ar", "hi")
_LANGUAGE_ODDS = (63, 5, 4, 4, 3.5, 3.3, 3.1, 2.5, 2.3, 2.1, 1.9, 1)
DTYPES = ("F32", "F16", "BF16", "I8", "U8")
_DTYPE_BYTES = np.array([4.0, 2.0, 2.0, 1.0, 0.5])  # U8 holds packed 4-bit weights
SIZES = np.array([1.35e8, 3.6e8, 5e8, 1.1e9, 1.5e9, 2e9, 3e9, 7e9, 8e9, 9e9, 1.3e10, 1.4e10, 3.2e10,
                  7e10, 7.2e10, 4.05e11])  # fmt: skip
SIZE_LABELS = ["135M", "360M", "0.5B", "1.1B", "1.5B", "2B", "3B", "7B", "8B", "9B", "13B", "14B",
               "32B", "70B", "72B", "405B"]  # fmt: skip
_SIZE_ODDS = (4, 4, 8, 8, 8, 6, 8, 24, 16, 4, 6, 4, 3, 3, 1.5, 0.3)
GATES = ("False", "auto", "manual")


@dataclass(frozen=True)
class Traits:
    """One entry per model; indexes into the lists above, -1 where unknown.

    size: index of SIZES (what the name says). parameters: parameter count of the repository.
    dtype: index of DTYPES. storage: bytes. has_card, has_safetensors, has_gguf: documented or not.
    languages: 0 to 3 of them, beginning with `language`.
    """

    pipeline: np.ndarray
    library: np.ndarray
    licence: np.ndarray
    language: np.ndarray
    languages: np.ndarray
    size: np.ndarray
    parameters: np.ndarray
    dtype: np.ndarray
    storage: np.ndarray
    gate: np.ndarray
    likes: np.ndarray
    has_card: np.ndarray
    has_safetensors: np.ndarray
    has_gguf: np.ndarray


def _draw(rng: np.random.Generator, odds: tuple[float, ...], count: int) -> np.ndarray:
    weights = np.array(odds, dtype=float)
    return rng.choice(len(weights), size=count, p=weights / weights.sum())


def build_traits(lineage: Lineage, popularity: Popularity, rng: np.random.Generator) -> Traits:
    """Draw the traits; derivatives take task, size and mostly the licence from their root."""
    count = len(lineage.root)
    kind, root = lineage.roles.kind, lineage.root
    top = np.log1p(popularity.level)
    tasked = rng.random(count) >= _NO_PIPELINE * np.exp(-top / 4)
    pipeline = np.where(tasked, _draw(rng, _PIPELINE_ODDS, count), -1)[root]
    licensed = rng.random(count) < 0.3 + 0.6 * (1 - np.exp(-top / 5))
    licence = np.where(licensed, _draw(rng, _LICENCE_ODDS, count), -1)
    licence = np.where((kind >= 0) & (rng.random(count) < 0.8), licence[root], licence)
    has_card = (rng.random(count) < 0.45) | (licence >= 0)
    speaks = has_card & (rng.random(count) < 0.25)
    language = np.where(speaks, _draw(rng, _LANGUAGE_ODDS, count), -1)
    others = (rng.random(count) < 0.1) * rng.integers(3, size=count)
    languages = np.where(speaks, 1 + others, 0)
    text = pipeline == PIPELINES.index("text-generation")
    size = np.where(text, _draw(rng, _SIZE_ODDS, count), rng.integers(4, size=count))[root]
    library = _libraries(pipeline, kind, rng)
    gguf = library == LIBRARIES.index("gguf")
    packed = 3 + rng.integers(2, size=count)
    dtype = np.where(kind == QUANTIZED, packed, rng.integers(3, size=count))
    base = SIZES[size] * rng.uniform(0.93, 1.08, size=count)[root]
    parameters = np.where(kind == ADAPTER, base * 0.004, base).astype(np.int64)
    spread = rng.lognormal(0.1, 0.25, size=count)
    storage = (parameters * _DTYPE_BYTES[dtype] * spread).astype(np.int64)
    gate = np.where(text & (rng.random(count) < 0.03), rng.integers(1, 3, size=count), 0)
    likes = rng.poisson(0.03 + np.exp(top * 0.45) * 0.1 * (top > 3))
    safetensors = (library >= 0) & ~gguf & (rng.random(count) < 0.33)  # known for 23% of models
    return Traits(pipeline, library, licence, language, languages, size, parameters, dtype, storage,
                  gate, likes, has_card, safetensors, gguf)  # fmt: skip


def _libraries(pipeline: np.ndarray, kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Library by task and kind; 39% of the capture say none."""
    count = len(pipeline)
    library = np.where(rng.random(count) < 0.6, 0, -1)
    library[(pipeline >= 0) & (rng.random(count) < 0.8)] = LIBRARIES.index("transformers")
    library[pipeline == PIPELINES.index("text-to-image")] = LIBRARIES.index("diffusers")
    library[pipeline == PIPELINES.index("reinforcement-learning")] = 3
    library[pipeline == PIPELINES.index("sentence-similarity")] = 4
    library[(pipeline == PIPELINES.index("image-classification")) & (rng.random(count) < 0.3)] = 6
    library[kind == ADAPTER] = LIBRARIES.index("peft")
    library[(kind == QUANTIZED) & (rng.random(count) < 0.6)] = LIBRARIES.index("gguf")
    return library
