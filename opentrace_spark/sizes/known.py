"""Published parameter counts that cannot be right, each found by a named test.

The Hub adds up the elements of tensors. Where a quantisation packs several weights into a word it
counts words; of sharded, partial or side files (projectors, draft heads) it counts a part.
"""

from __future__ import annotations

from opentrace_spark.sizes.repository import Evidence, agrees
from opentrace_spark.sizes.settings import SizeSettings

TESTS = ("impossible_density", "packed_dtype", "packed_words", "named_size", "stray_bytes")
"""Names of the tests, in the order in which they are made: the first that finds one is told."""


def wrong_known(evidence: Evidence, settings: SizeSettings) -> str | None:
    """The test that shows the known count to be wrong, None where none does.

    - impossible_density: the files hold fewer than `min_bits` for each parameter.
    - packed_dtype: the elements are wider than the quantisation's weights, by the file's dtypes.
    - packed_words: so they are by the bytes, in a repository of one copy of safetensors or MLX,
      and no name tells as few.
    - named_size: a name tells `named_ratio` times as many, and the bytes hold as many.
    - stray_bytes: there are more than `max_bytes` for each parameter.
    """
    if not evidence.known:
        return None
    if _is_packed(evidence, evidence.element_bits, settings):
        return "packed_dtype"
    if evidence.bytes is None:
        return None
    density = evidence.bytes / evidence.known
    if 8 * density < settings.min_bits:
        return "impossible_density"
    is_one_copy = density <= settings.packed_max_bytes and not _is_named(evidence, settings)
    if is_one_copy and _is_packed(evidence, 8 * density, settings):
        return "packed_words"
    for size in evidence.sizes[:1]:
        if size > settings.named_ratio * evidence.known and agrees(evidence, size, settings):
            return "named_size"
    return "stray_bytes" if density > settings.max_bytes else None


def _is_named(evidence: Evidence, settings: SizeSettings) -> bool:
    """Whether a name tells the count that is published: then surplus bytes are history."""
    ratios = [size / (evidence.known or 1.0) for size in evidence.sizes]
    return any(1 / settings.named_ratio <= ratio <= settings.named_ratio for ratio in ratios)


def _is_packed(evidence: Evidence, bits: float | None, settings: SizeSettings) -> bool:
    """Whether a counted element takes far more bits than a weight of this quantisation."""
    traits = evidence.traits
    if not bits or evidence.source != "safetensors" or not traits.is_quantized:
        return False
    if traits.packaging not in ("safetensors", "mlx") or "gguf" in traits.words:
        return False
    return bits > settings.packed_ratio * evidence.bits
