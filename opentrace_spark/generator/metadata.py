"""Rows of `models/`: the Hub's metadata columns of a range of models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.generator.calibration import DAY, LAST_WEEK
from opentrace_spark.generator.documents import (
    build_base_models,
    build_cards,
    build_tags,
    take_words,
)
from opentrace_spark.generator.identity import Identities
from opentrace_spark.generator.lineage import Lineage
from opentrace_spark.generator.popularity import Creation
from opentrace_spark.generator.references import References
from opentrace_spark.generator.traits import DTYPES, GATES, LIBRARIES, PIPELINES, Traits

DICTIONARY_COLUMNS = ("author", "pipeline_tag", "library_name", "gated", "tags.list.element",
                      "baseModels.relation", "gguf.architecture")  # fmt: skip


@dataclass(frozen=True)
class Hub:
    """Everything that is known of the models; one entry per model in each part.

    hub_ids: the immutable 24-digit ids. recent, total: downloads of the trailing 30 days and of
    the whole history.
    """

    creation: Creation
    lineage: Lineage
    traits: Traits
    identities: Identities
    references: References
    hub_ids: pa.Array
    modified: np.ndarray
    recent: np.ndarray
    total: np.ndarray


def build_hub_ids(creation: Creation, rng: np.random.Generator) -> pa.Array:
    """Unique ids like the Hub's: creation second, random part, counter; 24 hex digits."""
    count = len(creation.second)
    counter = (np.arange(count, dtype=np.uint64) * np.uint64(2_654_435_761)) % np.uint64(2**32)
    random = rng.integers(2**32, size=count, dtype=np.uint64)
    digits = np.empty((count, 24), dtype=np.uint8)
    alphabet = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    for place, part in enumerate((creation.second.astype(np.uint64), random, counter)):
        for digit in range(8):
            shifted = part >> np.uint64(4 * (7 - digit))
            digits[:, 8 * place + digit] = alphabet[(shifted & np.uint64(15)).astype(np.int64)]
    offsets = pa.array(np.arange(count + 1) * 24, pa.int32())
    return pa.StringArray.from_buffers(count, offsets.buffers()[1], pa.py_buffer(digits.tobytes()))


def draw_modified(creation: Creation, rng: np.random.Generator) -> np.ndarray:
    """Second of the last change: mostly soon after the creation, never after the last week."""
    end = int(np.datetime64(LAST_WEEK, "s").astype(np.int64)) + 6 * DAY
    changes = rng.lognormal(9, 3, len(creation.second))
    later = np.maximum(creation.second, creation.written) + changes
    return np.maximum(np.minimum(later, end), creation.written).astype(np.int64)


def _times(seconds: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    mask = None if known is None else ~known
    return pa.array(seconds * 1_000_000, pa.timestamp("us", tz="UTC"), mask=mask)


def _safetensors(traits: Traits, part: slice) -> pa.StructArray:
    """`safetensors`: parameters by dtype and in total, null where the files are of another kind."""
    parameters, dtype = traits.parameters[part], traits.dtype[part]
    by_dtype = pa.StructArray.from_arrays(
        [pa.array(parameters, mask=dtype != index) for index in range(len(DTYPES))],
        names=list(DTYPES),
    )
    return pa.StructArray.from_arrays(
        [by_dtype, pa.array(parameters)],
        names=["parameters", "total"],
        mask=pa.array(~traits.has_safetensors[part]),
    )


def _gguf(traits: Traits, part: slice) -> pa.StructArray:
    families = take_words(("llama", "qwen2", "gemma"), traits.size[part] % 3)
    return pa.StructArray.from_arrays(
        [pa.array(traits.parameters[part]), families],
        names=["total", "architecture"],
        mask=pa.array(~traits.has_gguf[part]),
    )


def _authors(ids: pa.Array) -> pa.Array:
    """The part before the first `/`; null without one."""
    parts = pc.split_pattern(ids, "/", max_splits=1)
    owned = pc.greater(pc.list_value_length(parts), 1)
    return pc.if_else(owned, pc.list_element(parts, 0), pa.scalar(None, pa.string()))


def build_models(hub: Hub, start: int, stop: int) -> pa.Table:
    """Metadata rows of models start..stop-1, columns named as the Hub names them."""
    part = slice(start, stop)
    traits, creation = hub.traits, hub.creation
    ids = hub.identities.ids.slice(start, stop - start)
    columns = {
        "_id": hub.hub_ids.slice(start, stop - start),
        "id": ids,
        "author": _authors(ids),
        "createdAt": _times(creation.written[part], creation.known[part]),
        "lastModified": _times(hub.modified[part]),
        "tags": build_tags(traits, hub.lineage, hub.references, start, stop),
        "pipeline_tag": take_words(PIPELINES, traits.pipeline[part]),
        "library_name": take_words(LIBRARIES, traits.library[part]),
        "likes": pa.array(traits.likes[part].astype(np.int64)),
        "downloads": pa.array(hub.recent[part]),
        "downloadsAllTime": pa.array(hub.total[part]),
        "cardData": build_cards(traits, hub.references, start, stop),
        "safetensors": _safetensors(traits, part),
        "gguf": _gguf(traits, part),
        "usedStorage": pa.array(traits.storage[part]),
        "gated": take_words(GATES, traits.gate[part]),
        "baseModels": build_base_models(hub.lineage, hub.references, hub.hub_ids, start, stop),
    }
    return pa.table(columns)
