"""Names of owners and models, in the style of the Hub's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.generator.lineage import Lineage
from opentrace_spark.generator.owners import Owners
from opentrace_spark.generator.traits import PIPELINES, SIZE_LABELS, Traits

# Syllables have one length, so that different codes always spell different names.
_SYLLABLES = [c + v for c in "bcdfghjklmnprstvwyzx" for v in "aeiou"]
_FAMILIES = [first + last for first in (
    "Nelo", "Quar", "Zephi", "Orca", "Tami", "Vela", "Kodi", "Mira", "Sola", "Auro", "Boreal",
    "Cinna", "Delphi", "Ember", "Falco", "Grani",
) for last in ("ra", "lm", "x", "don")]  # fmt: skip
# fmt: off
_ENCODERS = ["bert-base-uncased", "bert-base-cased", "distilbert-base", "roberta-large",
             "xlm-roberta-base", "t5-small", "deberta-v3-base", "wav2vec2-large", "vit-base"]
_DATASETS = ["squad", "emotion", "imdb", "ner", "cola", "sst2", "xsum", "conll2003", "mnli",
             "common-voice", "cnn-dailymail", "food101", "amazon-reviews", "legal", "medical"]
_ALGORITHMS = ["ppo", "dqn", "a2c", "q", "sac", "Reinforce", "poca", "td3"]
_WORLDS = ["LunarLander-v2", "Taxi-v3", "FrozenLake-v1-4x4-noSlippery", "CartPole-v1", "Huggy",
           "SnowballTarget", "AntBulletEnv-v0", "SpaceInvadersNoFrameskip-v4", "PandaReachDense"]
_WORDS = ["my", "awesome", "test", "model", "new", "final", "tiny", "best", "chat", "code", "story",
          "anime", "style", "portrait", "voice", "finetuned", "dream", "mix", "real", "sd", "lora",
          "project", "helper", "legal", "medical", "news", "german", "zh", "hindi", "math"]
_TURNS = ["Instruct", "chat", "v0.1", "base", "v2", "Instruct-v0.3", "16k", "RP", "coder"]
_SUFFIXES = (
    ("finetuned", "sft", "dpo", "chat", "instruct-ft", "finetuned-ner", "finetuned-emotion", "orpo",
     "alpaca-cleaned", "roleplay", "function-calling", "summarization", "text2sql", "ko-v1"),
    ("lora", "qlora-sft", "adapter", "lora-r16", "dreambooth-lora", "peft", "LoRA-style"),
    ("GGUF", "GPTQ", "AWQ", "4bit", "i1-GGUF", "exl2-4.0bpw", "8bit-mlx", "bnb-4bit", "FP8"),
    ("slerp", "ties-merge", "dare-ties", "passthrough", "Franken", "della-linear"),
)
# fmt: on


def spell_codes(codes: np.ndarray, syllables: int) -> pa.Array:
    """A pronounceable word of 2 * `syllables` letters per code, another one for another code."""
    digits = [(codes // len(_SYLLABLES) ** place) % len(_SYLLABLES) for place in range(syllables)]
    table = pa.array(_SYLLABLES)
    return _join([table.take(pa.array(digit)) for digit in digits], "")


def name_owners(owners: Owners, rng: np.random.Generator) -> pa.Array:
    """One name per owner, unique without regard to case."""
    count = len(owners.size)
    syllables = 3 if count <= 400_000 else 4
    base = len(_SYLLABLES) ** syllables
    codes = _scatter(np.arange(count) + int(rng.integers(base)), base)
    words = spell_codes(codes, syllables)
    capital = pc.utf8_capitalize(words)
    words = pc.if_else(pa.array(rng.random(count) < 0.35), capital, words)
    person = pa.array(["", "", "", "", "", "99", "123", "-dev", "x7", "2000", "-hf", "01", "0x1f"])
    house = pa.array(
        ["-ai", "-research", "AI", "-labs", "Lab", "-nlp", "ML", "-org", "", "-vision"]
    )
    tails = pc.if_else(
        pa.array(owners.is_prominent),
        house.take(pa.array(rng.integers(len(house), size=count))),
        person.take(pa.array(rng.integers(len(person), size=count))),
    )
    return _join([words, tails], "")


def name_models(
    lineage: Lineage,
    traits: Traits,
    owners: Owners,
    owner_names: pa.Array,
    rng: np.random.Generator,
) -> pa.Array:
    """`owner/name` per model, unique without regard to case."""
    base = _base_names(traits, rng)
    kind = lineage.roles.kind
    named = base.take(pa.array(lineage.root))
    tails = pa.nulls(len(kind), pa.string())
    for index, suffixes in enumerate(_SUFFIXES):
        drawn = pa.array(suffixes).take(pa.array(rng.integers(len(suffixes), size=len(kind))))
        tails = pc.if_else(pa.array(kind == index), drawn, tails)
    version = pa.array(["", "", "", "", "-v2", "-v1", "-3", "-test", "-checkpoint-1000", "-epoch3"])
    tails = _join([tails, version.take(pa.array(rng.integers(len(version), size=len(kind))))], "")
    names = pc.binary_join_element_wise(named, tails, "-", null_handling="skip")
    ids = _join([owner_names.take(pa.array(owners.owner_of)), names], "/")
    return make_unique(ids)


def make_unique(ids: pa.Array) -> pa.Array:
    """Append `-2`, `-3`, ... to later ids that differ from an earlier one in case at most."""
    while True:
        codes = pc.dictionary_encode(pc.utf8_lower(ids)).indices.to_numpy()
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        nth = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
        if not nth.any():
            return ids
        occurrence = np.empty(len(codes), dtype=np.int64)
        occurrence[order] = nth
        later = pa.array(occurrence > 0)
        numbered = _join([ids, pc.cast(pa.array(occurrence + 1), pa.string())], "-")
        ids = pc.if_else(later, numbered, ids)


def _scatter(positions: np.ndarray, base: int) -> np.ndarray:
    """A permutation of 0..base-1 applied to positions: neighbours get unlike codes."""
    return (positions * 7_368_787) % base  # a prime that shares no factor with base = 100 ** k


def _base_names(traits: Traits, rng: np.random.Generator) -> pa.Array:
    """A name per model as if it were a root; what it does decides the style."""
    count = len(traits.pipeline)
    pipeline = traits.pipeline
    text = pipeline == PIPELINES.index("text-generation")
    game = pipeline == PIPELINES.index("reinforcement-learning")
    encoder = (pipeline > PIPELINES.index("text-generation")) & ~game
    hashed = (pipeline < 0) & (rng.random(count) < 0.05)
    plain = ~(text | game | encoder | hashed)
    parts: list[pa.Array] = []
    for mask, style in ((text, _language_models), (game, _players), (encoder, _task_models),
                        (hashed, _hashes), (plain, _projects)):  # fmt: skip
        parts.append(style(traits.size[mask], rng))
    order = np.concatenate([np.flatnonzero(m) for m in (text, game, encoder, hashed, plain)])
    back = np.empty(count, dtype=np.int64)
    back[order] = np.arange(count)
    return pa.concat_arrays(parts).take(pa.array(back))


def _pick(words: list[str], count: int, rng: np.random.Generator) -> pa.Array:
    return pa.array(words).take(pa.array(rng.integers(len(words), size=count)))


def _join(arrays: list[pa.Array], separator: str) -> pa.Array:
    return pc.binary_join_element_wise(*arrays, separator)


def _language_models(size: np.ndarray, rng: np.random.Generator) -> pa.Array:
    labels = pa.array(SIZE_LABELS).take(pa.array(size))
    return _join([_pick(_FAMILIES, len(size), rng), labels, _pick(_TURNS, len(size), rng)], "-")


def _players(size: np.ndarray, rng: np.random.Generator) -> pa.Array:
    return _join([_pick(_ALGORITHMS, len(size), rng), _pick(_WORLDS, len(size), rng)], "-")


def _task_models(size: np.ndarray, rng: np.random.Generator) -> pa.Array:
    tuned = [f"finetuned-{name}" for name in _DATASETS]
    return _join([_pick(_ENCODERS, len(size), rng), _pick(tuned, len(size), rng)], "-")


def _projects(size: np.ndarray, rng: np.random.Generator) -> pa.Array:
    words = [_pick(_WORDS, len(size), rng) for _ in range(2)]
    code = spell_codes(rng.integers(100**3, size=len(size)), 3)
    snake = pa.array(rng.random(len(size)) < 0.4)
    return pc.if_else(snake, _join([*words, code], "_"), _join([*words, code], "-"))


def _hashes(size: np.ndarray, rng: np.random.Generator) -> pa.Array:
    letters = np.frombuffer(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789", "S1")
    drawn = letters[rng.integers(len(letters), size=(len(size), 48))]
    return pa.array([row.tobytes().decode() for row in drawn], pa.string())
