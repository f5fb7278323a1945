"""How a repository stores its weights, as its metadata tell: bits of a weight, packaging, words.

All of it comes from the name, the library, the tags and, where they are known, the file names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

FORMATS = ("gguf", "mlx", "onnx", "diffusers", "safetensors")
"""Formats that the Hub tells as tags or libraries: the first that applies is the packaging."""
ADAPTER_WORDS = ("peft", "adapter-transformers", "adapters")
"""Libraries whose repositories hold an adapter, far smaller than the model that its name tells."""

_GGUF_BITS = {"1": 1.8, "2": 2.9, "3": 3.9, "4": 4.8, "5": 5.6, "6": 6.6, "8": 8.5}
"""Bits of a weight with its scales, by the digit of llama.cpp's quantisation (Q4_K_M: 4)."""
_GGUF = re.compile(r"(?<![a-z0-9])[it]?q([1-68])(?:_[a-z0-9]+)*(?![a-z0-9])")
_BITS_PER_WEIGHT = re.compile(r"(?<![\d.])(\d(?:\.\d{1,2})?)[-_ ]?bpw(?![a-z])")
_BITS = re.compile(r"(?<![\d.])([1-8])[-_ ]?bits?(?![a-z])")
_WORDS = (
    (r"ternary|bitnet", 2.0),
    (r"nvfp4|mxfp4|fp4|nf4|u?int4|w4a\d+|awq|gptq|bnb|rocmfp4", 4.5),
    (r"fp8|float8|u?int8|w8a\d+|mxfp8|e4m3", 8.0),
    (r"fp32|f32|float32", 32.0),
    (r"b?fp?16|b?float16", 16.0),
)
_RULES = tuple((re.compile(rf"(?<![a-z0-9])(?:{w})(?![a-z0-9])"), bits) for w, bits in _WORDS)
_OQ = re.compile(r"(?<![a-z0-9])oq([1-8])e?(?![a-z0-9])")
_PART = re.compile(
    r"(?<![a-z])(?:q?lora|adapter|mmproj|p?eagle\d?|speculators?|dflash\d?|dspark|medusa|draft(?:er)?)"
    r"(?![a-z])"
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}")
_WEIGHT_FILES = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".onnx")
"""Endings of files with weights, the most trustworthy first; one format is one copy."""
_DTYPE_BITS = re.compile(r"(?:BF|F|I|U)(\d+)")
_NOT_TELLING = re.compile(r"base_model:|license:|dataset:|arxiv:|doi:|region:|deploy:|[a-z]{2}$")


@dataclass(frozen=True)
class Traits:
    """What decides how many bytes a parameter takes.

    `packaging`: a name of `FORMATS`, `adapter` or `other`. `bits` of a weight as stored, scales
    included, None where nothing tells. `words`: the tags, library and pipeline in lower case,
    without those about licences, languages, data and parents. `is_part`: the repository goes with
    the model that its name tells (an adapter, a draft model, a projector) and is far smaller.
    """

    packaging: str
    bits: float | None
    words: frozenset[str]
    is_part: bool = False

    @property
    def is_quantized(self) -> bool:
        """Whether a weight is known to take less than 16 bits."""
        return self.bits is not None and self.bits < 16


def traits_of(
    model_id: str,
    tags: Iterable[str] | None = None,
    library: str | None = None,
    pipeline: str | None = None,
    files: Iterable[str] | None = None,
) -> Traits:
    """The traits of one model; anything but its id may be absent."""
    words = {tag.lower() for tag in tags or ()}
    if library:
        words.add(library.lower())
    names = [file.lower() for file in files or ()]
    name = model_id.rpartition("/")[2].lower()
    packaging = _packaging(words, names)
    return Traits(
        packaging,
        _bits(name, words, names),
        frozenset(
            [w for w in words if not _NOT_TELLING.match(w)]
            + ([f"pipeline {pipeline.lower()}"] if pipeline else [])
        ),
        packaging == "adapter" or bool(_PART.search(name)),
    )


def dtype_bits(parameters: Mapping[str, int | None] | None) -> float | None:
    """Mean bits of an element of safetensors' `{"BF16": 7e9, "F32": 1e6}`, None without any."""
    bits = count = 0.0
    for dtype, elements in (parameters or {}).items():
        match = _DTYPE_BITS.match(dtype)
        if match and elements:
            # F8_E4M3 has one byte: the first number is the width.
            bits += float(match[1]) * elements
            count += elements
    return bits / count if count else None


def weight_bytes(files: Mapping[str, int | None] | None) -> float | None:
    """Bytes of one copy of the weights, by the sizes of the present files; None without sizes.

    Of several formats the first of `_WEIGHT_FILES`. Shards of one file belong together; of several
    GGUF or ONNX files the largest is taken, for each is a copy in another precision.
    """
    sizes = {name.lower(): float(size) for name, size in (files or {}).items() if size}
    for ending in _WEIGHT_FILES:
        copies: dict[str, float] = {}
        for name, size in sorted(sizes.items()):
            if name.endswith(ending):
                key = _SHARD.sub("", name) if ending in (".gguf", ".onnx") else ending
                copies[key] = copies.get(key, 0.0) + size
        if copies:
            return max(copies.values())
    return None


def _packaging(words: set[str], files: list[str]) -> str:
    if any(word in words for word in ADAPTER_WORDS):
        return "adapter"
    for name in FORMATS:
        if name in words or any(file.endswith(f".{name}") for file in files):
            return name
    return "other"


def _bits(name: str, words: set[str], files: list[str]) -> float | None:
    """The name knows best, then the one quantisation of all files, then the tags."""
    bits = _bits_in(name)
    if bits is None and files:
        of_files = {_bits_in(file) for file in files} - {None}
        bits = of_files.pop() if len(of_files) == 1 else None
    if bits is None:
        bits = min(filter(None, map(_bits_in, sorted(words))), default=None)
    return bits


@lru_cache(maxsize=1 << 16)  # tags are the same over and over
def _bits_in(text: str) -> float | None:
    """The fewest bits of a weight that a lower-case text tells."""
    found = [float(m[1]) for m in _BITS_PER_WEIGHT.finditer(text)]
    found = found or [_GGUF_BITS[m[1]] for m in _GGUF.finditer(text)]
    found = found or [float(m[1]) + 0.5 for m in _OQ.finditer(text)]
    found = found or [float(m[1]) * (1.0 if m[1] == "8" else 1.125) for m in _BITS.finditer(text)]
    found = found or [bits for rule, bits in _RULES if rule.search(text)]
    return min(found, default=None)
