"""Measures of one group of downloads (a week, or a pooled period), as rows of one Arrow table.

A pure function from arrays to a table, so that Spark ships each group once and gets back every
level, attribution, window and metric of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from opentrace_spark.metrics.concentration import concentration, histogram
from opentrace_spark.metrics.exact import Integers, exact_sum
from opentrace_spark.metrics.units import (
    Cell,
    Codes,
    Population,
    cells,
    in_window,
    is_eligible,
    largest,
)
from opentrace_spark.tables import TOP_K

RANKED, MEASURED, FLOW, HEAD = "ranked", "measured", "flow", "head"
"""What a row is: a unit among the largest (or their rest); the concentration of a cell; downloads
by derivation; a model of the head sample."""

SCHEMA = pa.schema(
    [
        ("part", pa.string()),
        ("level", pa.string()),
        ("scope", pa.string()),
        ("attribution", pa.string()),
        ("recency_window", pa.string()),
        ("downloads", pa.int64()),
        # ranked and head: the unit; measured: the largest unit
        ("code", pa.int32()),
        # ranked
        ("rank", pa.int32()),
        ("share", pa.float64()),
        ("member_count", pa.int64()),
        # measured
        ("units", pa.int64()),
        *((name, pa.float64()) for name in ("hhi", "hhi_normalized", "effective_units")),
        *((name, pa.float64()) for name in ("gini", "gini_corrected", "theil")),
        ("shannon_entropy", pa.float64()),
        *((f"top_{k}_share", pa.float64()) for k in TOP_K),
        *((f"tied_at_{k}", pa.bool_()) for k in TOP_K),
        ("eligible_units", pa.int64()),
        ("gini_eligible", pa.float64()),
        # flow
        ("others_downloads", pa.int64()),
        ("kind_downloads", pa.list_(pa.int64())),
        ("root_developers_served", pa.int64()),
    ]
)
"""Columns of a group's rows; those that do not belong to a row's `part` are null."""


def measure_week(
    population: Population,
    week_day: int,
    models: Codes,
    counts: Integers,
    windows: Mapping[str, int | None],
    *,
    top: int,
    head_size: int,
    kinds: int,
) -> pa.Table:
    """All rows of a week (SCHEMA).

    `models` are codes, each once, `counts` their downloads (>= 0, both of one length), `week_day`
    the Monday as days since 1970-01-01, `windows` name -> days. Raises OverflowError where the
    week's downloads do not fit 64 bits.
    """
    _check_size(counts)
    windowed, eligible = {}, {}
    for window, days in windows.items():
        inside = in_window(population, week_day, days)
        windowed[window] = np.where(inside[models], counts, 0)
        eligible[window] = is_eligible(population, week_day, days)
    measured = measure(population, models, windowed, eligible, top=top)
    present = counts > 0
    head, head_counts = largest(models[present], counts[present], head_size)
    head_rows = _rows(HEAD, {"code": head, "downloads": head_counts})
    flows = [flow(population, models, windowed, kinds)]
    return _joined([*measured, head_rows, *flows])


def measure_pool(
    population: Population, models: Codes, windowed: Mapping[str, Integers], *, top: int
) -> pa.Table:
    """Ranked and measured rows (SCHEMA) of pooled downloads, already cut to each window."""
    for counts in windowed.values():
        _check_size(counts)
    return _joined(measure(population, models, windowed, None, top=top))


def measure(
    population: Population,
    models: Codes,
    windowed: Mapping[str, Integers],
    eligible: Mapping[str, Any] | None,
    *,
    top: int,
) -> list[pa.Table]:
    """Ranked rows (scope all) and measured rows of every cell."""
    tables, measures = [], []
    for cell in cells(population, models, windowed, eligible):
        place = {
            "level": cell.level,
            "scope": cell.scope,
            "attribution": cell.attribution,
            "recency_window": cell.window,
        }
        values, units_of = histogram(cell.counts)
        units, counts = largest(cell.units, cell.counts, top)
        measures.append(
            {
                "part": MEASURED,
                **place,
                "code": int(units[0]) if len(units) else None,
                **concentration(values, units_of, cell.eligible),
            }
        )
        if cell.scope == "all":
            tables.append(_ranked(cell, place, units, counts))
    return [*tables, pa.Table.from_pylist(measures, schema=_only(measures[0]))]


def _ranked(cell: Cell, place: dict[str, str], units: Codes, counts: Integers) -> pa.Table:
    """The largest units of a cell, then one row for the rest where there is one (no code, rank)."""
    total, members = int(cell.counts.sum()), len(cell.counts) - len(units)
    ranked = _rows(
        RANKED,
        {
            "code": units,
            "rank": np.arange(1, len(units) + 1, dtype=np.int32),
            "downloads": counts,
            "share": _shares(counts, total),
            **place,
        },
    )
    if members == 0:
        return ranked
    rest = total - int(counts.sum())
    row: dict[str, Any] = {"part": RANKED, "member_count": members, **place}
    row |= {"downloads": rest, "share": rest / total}
    return _joined([ranked, pa.Table.from_pylist([row], schema=_only(row))])


def _shares(counts: Integers, total: int) -> Any:
    """counts / total, each correctly rounded: as floats where both are exact, else as integers."""
    if total < 2**53:
        return counts / total
    return np.array([int(count) / total for count in counts], dtype=np.float64)


def flow(
    population: Population, models: Codes, windowed: Mapping[str, Integers], kinds: int
) -> pa.Table:
    """Downloads of models whose root belongs to another developer, by kind, one row per window."""
    served, kind = population.served[models], population.kind[models]
    rows = []
    for window, counts in windowed.items():
        from_others = (served >= 0) & (counts > 0)
        by_kind = np.zeros(kinds, dtype=np.int64)
        np.add.at(by_kind, kind[from_others], counts[from_others])
        rows.append(
            {
                "part": FLOW,
                "recency_window": window,
                "downloads": int(counts.sum()),
                "others_downloads": int(counts[from_others].sum()),
                "kind_downloads": by_kind.tolist(),
                "root_developers_served": len(np.unique(served[from_others])),
            }
        )
    return pa.Table.from_pylist(rows, schema=_only(rows[0]))


def _check_size(counts: Integers) -> None:
    if exact_sum(counts) >= 2**63:
        raise OverflowError("downloads of one week or period add up to more than 64 bits can hold")


def _rows(part: str, columns: Mapping[str, Any]) -> pa.Table:
    """A table of arrays and constants, repeated to the length of the arrays."""
    length = len(columns["code"])
    filled = {
        name: pa.repeat(value, length) if isinstance(value, str) else value
        for name, value in {"part": part, **columns}.items()
    }
    return pa.table(filled, schema=_only(filled))


def _only(names: Mapping[str, Any]) -> pa.Schema:
    """The fields of SCHEMA that `names` has, in the order of SCHEMA."""
    return pa.schema([field for field in SCHEMA if field.name in names])


def _joined(tables: list[pa.Table]) -> pa.Table:
    """The rows of all tables with every column of SCHEMA, nulls where a table lacks it."""
    return pa.concat_tables([SCHEMA.empty_table(), *tables], promote_options="default")
