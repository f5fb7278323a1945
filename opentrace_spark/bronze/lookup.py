"""Values of the few keys that a batch asks for, from a large table: for functions on workers."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def look_up(asked: pa.Array, table: pa.Table, key: str, value: str) -> pa.Array:
    """For each asked key what the table's column `value` says of it: null for a null, and for one
    that is not in the column `key`."""
    # A map of the few that are asked for, not of all: it is made anew for each batch.
    found = table.filter(pc.is_in(table[key], value_set=asked.drop_null()))
    places = pc.index_in(asked, value_set=found[key].combine_chunks())
    return found[value].combine_chunks().take(places)
