"""Tags, model cards and `baseModels` of a range of models, as Arrow columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.generator.lineage import KINDS, LOST, Lineage
from opentrace_spark.generator.references import References
from opentrace_spark.generator.traits import LANGUAGES, LIBRARIES, LICENCES, PIPELINES, Traits

_FORMATS = ("pytorch", "tensorboard", "onnx", "jax")
_BASE_MODELS = pa.struct([
    ("relation", pa.string()),
    ("models", pa.list_(pa.struct([("_id", pa.string()), ("id", pa.string())]))),
])  # fmt: skip


@dataclass(frozen=True)
class Block:
    """Strings for some models: rows (positions in the range, ascending) and their texts."""

    rows: np.ndarray
    texts: pa.Array


@dataclass(frozen=True)
class Entries:
    """Parent entries of a range of models: row in the range, and position in the references."""

    rows: np.ndarray
    positions: np.ndarray


def entries_of(references: References, start: int, stop: int, chosen: np.ndarray) -> Entries:
    """The entries of models start..stop-1 whose flag in `chosen` (one per model) is set."""
    offsets = references.offsets[start : stop + 1]
    rows = np.repeat(np.arange(stop - start), np.diff(offsets))
    positions = np.arange(offsets[0], offsets[-1])
    kept = chosen[start:stop][rows]
    return Entries(rows[kept], positions[kept])


def take_words(words: tuple[str, ...], indexes: np.ndarray) -> pa.Array:
    """The word of each index, null at -1."""
    return pa.array(words).take(pa.array(np.maximum(indexes, 0), mask=indexes < 0))


def gather_lists(blocks: list[Block], count: int) -> pa.ListArray:
    """A list of strings per row: those of the first block, then of the second, and so on."""
    rows = np.concatenate([block.rows for block in blocks])
    texts = pa.concat_arrays([block.texts for block in blocks])
    order = np.argsort(rows, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), texts.take(pa.array(order)))


def _known(texts: pa.Array, prefix: str = "") -> Block:
    rows = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
    kept = texts.take(pa.array(rows))
    return Block(rows, pc.binary_join_element_wise(prefix, kept, "") if prefix else kept)


def _language_block(traits: Traits, part: slice) -> Block:
    counts = traits.languages[part]
    rows = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Block(rows, take_words(LANGUAGES, (traits.language[part][rows] + nth) % len(LANGUAGES)))


def build_tags(
    traits: Traits, lineage: Lineage, references: References, start: int, stop: int
) -> pa.ListArray:
    """Tags in the Hub's order: library, task, languages, parents, licence, region."""
    part = slice(start, stop)
    count = stop - start
    safetensors = np.where(traits.has_safetensors[part], 0, -1)
    served = np.where(traits.pipeline[part] >= 0, 0, -1)
    return gather_lists(
        [
            _known(take_words(LIBRARIES, traits.library[part])),
            _known(take_words(("safetensors",), safetensors)),
            _known(take_words(PIPELINES, traits.pipeline[part])),
            _known(take_words(_FORMATS, traits.size[part] % 7 - 3)),
            _language_block(traits, part),
            _parent_tags(lineage, references, start, stop),
            _known(take_words(LICENCES, traits.licence[part]), "license:"),
            _known(take_words(("autotrain_compatible",), served)),
            _known(take_words(("endpoints_compatible",), served)),
            Block(np.arange(count), pa.array(["region:us"]).take(pa.array(np.zeros(count, int)))),
        ],
        count,
    )


def _parent_tags(lineage: Lineage, references: References, start: int, stop: int) -> Block:
    """`base_model:ID` of every parent; newer models also `base_model:<relation>:ID`, all sorted."""
    entries = entries_of(references, start, stop, references.in_tags)
    names = references.written.take(pa.array(entries.positions))
    plain = pc.binary_join_element_wise("base_model", names, ":")
    kinds = take_words(KINDS, lineage.roles.kind[start:stop][entries.rows].astype(np.int64))
    paired = pc.binary_join_element_wise("base_model", kinds, names, ":")
    new = np.flatnonzero(references.has_relation[start:stop][entries.rows])
    rows = np.concatenate([entries.rows, entries.rows[new]])
    texts = pa.concat_arrays([plain, paired.take(pa.array(new))])
    # The newer ones by their text, the older ones as the author wrote them.
    sort_rank = np.arange(len(rows))
    newer = references.has_relation[start:stop][rows]
    by_text = pc.sort_indices(texts).to_numpy()
    rank = np.empty(len(rows), dtype=np.int64)
    rank[by_text] = np.arange(len(rows))
    order = np.lexsort((np.where(newer, rank, sort_rank), rows))
    return Block(rows[order], texts.take(pa.array(order)))


def _quote(texts: pa.Array) -> pa.Array:
    """JSON strings (names have no control characters)."""
    escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', escaped, '"', "")


def build_cards(traits: Traits, references: References, start: int, stop: int) -> pa.Array:
    """`cardData` as JSON text, null without a card. One parent is a string or a list of one."""
    part = slice(start, stop)
    count = stop - start
    entries = entries_of(references, start, stop, references.in_card)
    quoted = Block(entries.rows, _quote(references.written.take(pa.array(entries.positions))))
    parents = gather_lists([quoted], count)
    lengths = parents.value_lengths().to_numpy()
    joined = pc.binary_join(parents, ",")
    listed = (lengths > 1) | (np.arange(start, stop) % 5 == 0)
    brackets = pc.if_else(
        pa.array(listed), pc.binary_join_element_wise("[", joined, "]", ""), joined
    )
    has_card = traits.has_card[part] | (lengths > 0)
    languages = pc.binary_join(gather_lists([_quoted_languages(traits, part)], count), ",")
    fields = [
        _field("license", _quote(take_words(LICENCES, traits.licence[part]))),
        _field("language", pc.if_else(
            pa.array(traits.languages[part] > 0),
            pc.binary_join_element_wise("[", languages, "]", ""), pa.scalar(None, pa.string()))),
        _field("library_name", _quote(take_words(LIBRARIES, traits.library[part]))),
        _field("base_model", pc.if_else(
            pa.array(lengths > 0), brackets, pa.scalar(None, pa.string()))),
    ]  # fmt: skip
    body = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*fields, ""), start=1)
    cards = pc.binary_join_element_wise("{", body, "}", "")
    return pc.if_else(pa.array(has_card), cards, pa.scalar(None, pa.string()))


def _quoted_languages(traits: Traits, part: slice) -> Block:
    block = _language_block(traits, part)
    return Block(block.rows, _quote(block.texts))


def _field(key: str, values: pa.Array) -> pa.Array:
    """`,"key":value`, nothing where the value is null."""
    return pc.fill_null(pc.binary_join_element_wise(f',"{key}":', values, ""), "")


def build_base_models(
    lineage: Lineage, references: References, hub_ids: pa.Array, start: int, stop: int
) -> pa.Array:
    """`baseModels`: one relation and the parents that exist, with their immutable ids."""
    entries = entries_of(references, start, stop, references.in_base_models)
    exists = references.model[entries.positions] != LOST
    rows, positions = entries.rows[exists], entries.positions[exists]
    models = pa.StructArray.from_arrays(
        [
            hub_ids.take(pa.array(references.model[positions])),
            references.current.take(pa.array(positions)),
        ],
        names=["_id", "id"],
    )
    counts = np.bincount(rows, minlength=stop - start)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    relation = take_words(KINDS, lineage.roles.kind[start:stop].astype(np.int64))
    return pa.StructArray.from_arrays(
        [relation, pa.ListArray.from_arrays(offsets, models)],
        fields=list(_BASE_MODELS),
        mask=pa.array(counts == 0),
    )
