"""One week of counters' differences to its rows of silver/model_weeks, and how two sources differ.

Models of snapshots/ that are one model of models/ add up: what is known of them counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.counters.differences import FLAGS
from opentrace_spark.metrics.exact import Integers, exact_sum, starts_of_runs
from opentrace_spark.silver.settle import FLAG_OF, SCHEMA

REPORTS = pa.schema(
    [
        ("model_key", pa.int64()),
        ("count", pa.int64()),
        ("difference", pa.int64()),
        ("flags", pa.int64()),
        ("name", pa.string()),
        ("is_own", pa.bool_()),
        ("resolution", pa.string()),
    ]
)
"""A model of snapshots/ in a week: the name that it bore last, whether that is the id of its model
in models/, and how it was found there; the others as in `silver/differences.py`."""

_WORDS = (*FLAGS, *sorted({*FLAG_OF.values(), "summed"}))  # the bits of FLAGS first
_BITS = {word: 1 << place for place, word in enumerate(_WORDS)}


def settle_counters(reports: pa.Table) -> pa.Table:
    """The rows of a week (SCHEMA, ascending model_key). Raises OverflowError where counts of a
    model do not fit 64 bits."""
    keys = reports["model_key"].to_numpy()
    order = np.argsort(keys, kind="stable")
    reports, keys = reports.take(pa.array(order)).combine_chunks(), keys[order]
    starts = starts_of_runs(keys)
    sizes = np.diff(np.r_[starts, len(keys)])
    flags = reports["flags"].to_numpy() | _resolution_bits(reports["resolution"])
    if len(starts):
        flags = np.bitwise_or.reduceat(flags, starts) | _BITS["summed"] * (sizes > 1)
    rows = pa.table(
        {
            "model_key": keys[starts],
            "download_count": _added(reports["count"], starts),
            "flags": _words(flags),
            "week_label": pa.nulls(len(starts), pa.date32()),
            "reported_as": _reported_as(reports, starts, sizes),
            "raw_difference": _added(reports["difference"], starts),
        },
        schema=SCHEMA,
    )
    return rows


def differing(rows: pa.Table, others: pa.Table) -> tuple[int, int]:
    """Of two sources' rows of a week: the downloads of the others, and how many models have
    different counts. One that a source lacks has 0 there; where a count is unknown, nothing
    differs."""
    downloads = exact_sum(others["download_count"].drop_null().to_numpy())
    named = [side.select(["model_key", "download_count"]) for side in (rows, others)]
    unknown = pa.concat_tables([side.filter(pc.is_null(side["download_count"])) for side in named])
    known = [side.filter(pc.is_valid(side["download_count"])) for side in named]
    joined = known[0].join(known[1], "model_key", join_type="full outer", right_suffix="_other")
    counts, other_counts = (
        pc.fill_null(joined[name], 0) for name in ("download_count", "download_count_other")
    )
    is_known = pc.invert(pc.is_in(joined["model_key"], value_set=unknown["model_key"]))
    return downloads, pc.sum(pc.and_(pc.not_equal(counts, other_counts), is_known)).as_py() or 0


def _resolution_bits(resolutions: pa.ChunkedArray) -> Integers:
    encoded = resolutions.combine_chunks().dictionary_encode()
    bits = [_BITS[FLAG_OF[how]] if how in FLAG_OF else 0 for how in encoded.dictionary.to_pylist()]
    found: Integers = np.array(bits, dtype=np.int64)[encoded.indices.to_numpy()]
    return found


def _added(values: pa.ChunkedArray, starts: Integers) -> pa.Array:
    """Sums of runs over what is known, null where nothing is."""
    if not len(starts):
        return pa.array([], pa.int64())
    known = pc.is_valid(values).to_numpy()
    filled = pc.fill_null(values, 0).to_numpy()
    if np.abs(np.add.reduceat(filled.astype(float), starts)).max() >= 2**63:
        raise OverflowError("counts of one model and week add up to more than 64 bits can hold")
    return pa.array(np.add.reduceat(filled, starts), mask=~np.logical_or.reduceat(known, starts))


def _words(flags: Integers) -> pa.Array:
    codes, places = np.unique(flags, return_inverse=True)
    words = [",".join(sorted(w for w in _WORDS if code & _BITS[w])) for code in codes.tolist()]
    said = pa.array([text or None for text in words], pa.string())
    return said.take(pa.array(places.reshape(-1)))


def _reported_as(reports: pa.Table, starts: Integers, sizes: Integers) -> pa.Array:
    """The names that each run came under, null where it is just the model's own."""
    names, is_own = reports["name"].combine_chunks(), reports["is_own"].to_numpy()
    alone, together = sizes == 1, np.flatnonzero(sizes > 1)
    own = np.flatnonzero(alone & is_own[starts]) if len(starts) else starts
    other = np.flatnonzero(alone & ~is_own[starts]) if len(starts) else starts
    listed: list[Any] = []
    for start, size in zip(starts[together].tolist(), sizes[together].tolist(), strict=True):
        said = sorted(set(names.slice(start, size).to_pylist()), key=str.encode)
        listed.append(None if is_own[start : start + size].all() else said)
    kind = SCHEMA.field("reported_as").type
    single = pa.ListArray.from_arrays(
        pa.array(np.arange(len(other) + 1), pa.int32()), names.take(pa.array(starts[other]))
    )
    parts = pa.concat_arrays([pa.nulls(len(own), kind), single, pa.array(listed, kind)])
    return parts.take(pa.array(np.argsort(np.concatenate([own, other, together]))))
