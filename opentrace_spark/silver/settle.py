"""One week of reports to its rows of silver/model_weeks: a pure function from arrays to arrays.

The rules of repeated counts stand here. Different names of a model add up; a name that is there
twice counts once where its counts agree, and not at all where they differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.metrics.exact import Integers, starts_of_runs
from opentrace_spark.silver.names import UNKNOWN

FLAG_OF = {
    "alias": "renamed",
    "former": "renamed",
    "recased": "recased",
    UNKNOWN: "no_metadata",
}
"""How a name was found -> the flag that says so."""
_MOST = 2**63 - 1
_SAID = ("flags", "reported_as")

FOUND = pa.schema([("model_key", pa.int64()), ("count", pa.int64())])
"""Columns of reports under models' own ids."""
SCHEMA = pa.schema(
    [
        ("model_key", pa.int64()),
        ("download_count", pa.int64()),
        ("flags", pa.string()),
        ("week_label", pa.date32()),
        ("reported_as", pa.list_(pa.string())),
        ("raw_difference", pa.int64()),
    ]
)
"""Columns of silver/model_weeks, but the week, which names the folder of its file."""


def settle_week(found: pa.Table, others: pa.Table, label: date) -> tuple[pa.Table, int]:
    """The rows of a week (SCHEMA, ascending model_key), and how many reports they are made of.

    `found` (FOUND) has a row per usable report under a model's id; `others` those under other
    names: `model_key, count`, `name` as reported, `model_id` and `resolution`.
    `label` is the week as the source dates it. Raises OverflowError where counts of a model do not
    fit 64 bits, ValueError where two names that are not in models/ share a key.
    """
    rows = _found_rows(*_agreeing(found))
    used = len(rows)
    is_unknown = pc.equal(others["resolution"], UNKNOWN)
    unknown = _unknown_rows(others.filter(is_unknown))
    renamed = _by_model(others.filter(pc.invert(is_unknown)).to_pylist())
    used += len(unknown) + sum(len(names) for names in renamed.values())
    if len(unknown) or renamed:
        rows = _merged(rows, unknown, renamed)
    labels = pa.repeat(pa.scalar(label, pa.date32()), len(rows))
    differences = pa.nulls(len(rows), pa.int64())
    whole = rows.append_column("week_label", labels).append_column("raw_difference", differences)
    return whole.select(SCHEMA.names), used


def _agreeing(reports: pa.Table) -> tuple[Integers, Integers]:
    """Keys, ascending, with the count of all their reports; none of a key whose reports differ."""
    keys, counts = reports["model_key"].to_numpy(), reports["count"].to_numpy()
    order = np.argsort(keys)
    keys, counts = keys[order], counts[order]
    starts = starts_of_runs(keys)
    if len(starts) == len(keys):
        return keys, counts
    least = np.minimum.reduceat(counts, starts)
    agree = least == np.maximum.reduceat(counts, starts)
    return keys[starts[agree]], least[agree]


def _found_rows(keys: Integers, counts: Integers) -> pa.Table:
    """Rows of SCHEMA, without the label, for reports under the models' own ids."""
    absent = {name: pa.nulls(len(keys), SCHEMA.field(name).type) for name in _SAID}
    return pa.table({"model_key": keys, "download_count": counts, **absent})


def _unknown_rows(reports: pa.Table) -> pa.Table:
    """Rows for names that are not in models/: nothing else can add to them."""
    keys, counts = _agreeing(reports)
    pairs = reports.group_by("model_key").aggregate([("name", "min"), ("name", "max")])
    clash = pairs.filter(pc.not_equal(pairs["name_min"], pairs["name_max"])).to_pylist()
    if clash:
        raise ValueError(f"two names share a model_key: {clash[0]}")
    places = pc.index_in(pa.array(keys), value_set=pairs["model_key"].combine_chunks())
    names = pairs["name_min"].combine_chunks().take(places)
    offsets = pa.array(np.arange(len(keys) + 1, dtype=np.int32))
    return pa.table(
        {
            "model_key": keys,
            "download_count": counts,
            "flags": pa.repeat("no_metadata", len(keys)),
            "reported_as": pa.ListArray.from_arrays(offsets, names),
        }
    )


@dataclass(frozen=True)
class _Report:
    """What a name that is not its model's id says: count, model_id and how it was resolved."""

    count: int
    model_id: str
    resolution: str


def _by_model(reports: Iterable[dict[str, Any]]) -> dict[int, dict[str, _Report]]:
    """model_key -> name -> its report, without names whose reports differ."""
    said: defaultdict[tuple[int, str], set[_Report]] = defaultdict(set)
    for row in reports:
        report = _Report(row["count"], row["model_id"], row["resolution"])
        said[row["model_key"], row["name"]].add(report)
    models: defaultdict[int, dict[str, _Report]] = defaultdict(dict)
    for (key, name), same in said.items():
        if len(same) == 1:
            (models[key][name],) = same
    return models


def _merged(rows: pa.Table, unknown: pa.Table, renamed: dict[int, dict[str, _Report]]) -> pa.Table:
    """All rows of a week: what came under other names is added to the rows of its models."""
    keys = rows["model_key"].to_numpy()
    merged = np.array(sorted(renamed), dtype=np.int64)
    places = np.searchsorted(keys, merged)
    own = {
        int(key): rows["download_count"][place].as_py()
        for key, place in zip(merged, places.tolist(), strict=True)
        if place < len(keys) and keys[place] == key
    }
    made = [_merged_row(key, names, own.get(key)) for key, names in renamed.items()]
    kept = rows.filter(pa.array(~np.isin(keys, merged)))
    table = pa.concat_tables([kept, unknown, pa.Table.from_pylist(made, schema=rows.schema)])
    return table.take(pa.array(np.argsort(table["model_key"].to_numpy()))).combine_chunks()


def _merged_row(key: int, names: dict[str, _Report], own: int | None) -> dict[str, Any]:
    """The row of a model that came under other names, and maybe (`own`) under its id, too."""
    total = sum(report.count for report in names.values()) + (own or 0)
    if total > _MOST:
        raise OverflowError("counts of one model and week add up to more than 64 bits can hold")
    flags = {FLAG_OF[report.resolution] for report in names.values()}
    written = set(names)
    if own is not None:
        written |= {report.model_id for report in names.values()}
    if len(written) > 1:
        flags.add("summed")
    return {
        "model_key": key,
        "download_count": total,
        "flags": ",".join(sorted(flags)),
        "reported_as": sorted(written),
    }
