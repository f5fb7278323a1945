"""What is known of a model's repository, and what can be told from it before any fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentrace_spark.sizes.names import named_sizes
from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.sizes.traits import Traits, dtype_bits, traits_of, weight_bytes

UNKNOWN_BITS = 16.0
"""Bits of a weight where nothing tells them: nearly all models are published in 16 bits."""
MANY_QUANTIZATIONS_BITS = 2.0
"""The fewest bits of a weight in GGUF files that do not say theirs."""


@dataclass(frozen=True)
class Repository:
    """The metadata of one model under the Hub's names; everything but the id may be absent.

    `storage_bytes` (`usedStorage`) covers all files with their history, `files` are the present
    ones with their sizes (bytes, None where unknown), `dtypes` safetensors' elements per dtype.
    """

    id: str
    tags: Sequence[str] = ()
    pipeline_tag: str | None = None
    library_name: str | None = None
    storage_bytes: float | None = None
    files: Mapping[str, int | None] | None = None
    dtypes: Mapping[str, int | None] | None = None
    safetensors_total: float | None = None
    gguf_total: float | None = None
    base_models: Sequence[str] = ()


@dataclass(frozen=True)
class Evidence:
    """A repository in terms of the estimate.

    `known` parameters come from `source` (`safetensors`, `gguf`, None); `sizes` are those that the
    names tell, the model's own first; `bytes` are those of the weights. None or empty: unknown.
    `element_bits` is the mean width of a stored element, where safetensors tell dtypes.
    """

    id: str
    traits: Traits
    bytes: float | None
    sizes: tuple[float, ...]
    known: float | None
    source: str | None
    element_bits: float | None
    base_models: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The part of the id before the slash; the id itself where there is none."""
        return self.id.partition("/")[0]

    @property
    def bits(self) -> float:
        """Bits of a weight, those of an unquantised model where nothing tells."""
        return self.traits.bits or UNKNOWN_BITS

    @property
    def capacity(self) -> float | None:
        """log10 of the weights of `bits` that the bytes can hold; None without bytes."""
        return math.log10(8 * self.bytes / self.bits) if self.bytes else None


def evidence_of(repository: Repository, settings: SizeSettings) -> Evidence:
    """Everything that the fit, the cascade and the tests look at; non-positive numbers are none."""
    traits = traits_of(
        repository.id,
        repository.tags,
        repository.library_name,
        repository.pipeline_tag,
        repository.files,
    )
    total, gguf = _positive(repository.safetensors_total), _positive(repository.gguf_total)
    names = () if traits.is_part else (repository.id, *repository.base_models)
    return Evidence(
        repository.id,
        traits,
        weight_bytes(repository.files) or _positive(repository.storage_bytes),
        named_sizes(names, settings.expert_share),
        total or gguf,
        "safetensors" if total else "gguf" if gguf else None,
        dtype_bits(repository.dtypes),
        tuple(repository.base_models),
    )


def agrees(evidence: Evidence, size: float, settings: SizeSettings) -> bool:
    """Whether so many parameters fit the bytes, in the bits that the metadata tell."""
    if evidence.bytes is None:
        return False
    bits = evidence.traits.bits
    if bits is None:
        several = evidence.traits.packaging == "gguf"
        bits = MANY_QUANTIZATIONS_BITS if several else UNKNOWN_BITS
    share = 8 * evidence.bytes / (bits * size)
    return settings.name_shortfall <= share <= settings.name_surplus


def _positive(value: float | None) -> float | None:
    return float(value) if value is not None and 0 < value < math.inf else None
