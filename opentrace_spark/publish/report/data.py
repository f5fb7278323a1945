"""Tables of a warehouse as small frames, without the columns that say which run wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from opentrace_spark.errors import UsageError
from opentrace_spark.io import Warehouse
from opentrace_spark.tables import TABLES, TableSpec

_SPECS = {spec.id: spec for spec in TABLES}


class MissingTable(LookupError):  # noqa: N818, what is missing is no error of the program
    """A figure's table is not in the warehouse; the message is its path."""


class Tables:
    """The tables of a warehouse, sorted by their keys; `periods` are the run's, by name."""

    def __init__(self, warehouse: Warehouse, periods: Sequence[str]) -> None:
        self.warehouse = warehouse
        self.periods = periods

    def read(
        self,
        table: str,
        columns: Sequence[str],
        filters: Sequence[tuple[str, str, Any]] = (),
    ) -> pd.DataFrame:
        """Rows of `gold_weeks` and the like, by key; dates as ISO text, nulls as None or NaN.

        Raises MissingTable.
        """
        spec = _SPECS[table]
        key = [name for name in spec.key if name in columns]
        rows = self._rows(spec, list(columns), list(filters))
        frame = _plain(rows).to_pandas()
        return frame.sort_values(key, kind="stable", ignore_index=True) if key else frame

    def _rows(
        self, spec: TableSpec, columns: list[str], filters: list[tuple[str, str, Any]]
    ) -> pa.Table:
        try:
            return self.warehouse.read(spec, columns, filters or None)
        except LookupError:
            raise MissingTable(spec.path) from None


def check_there(warehouse: Warehouse, specs: Sequence[TableSpec]) -> None:
    """Refuse a warehouse that lacks one of the tables."""
    for spec in specs:
        if warehouse.table(spec) is None:
            raise UsageError(
                f"warehouse {warehouse.location}: no {spec.path} there; run opentrace run first, "
                "or name another warehouse"
            )


def _plain(rows: pa.Table) -> pa.Table:
    """Dates as text: what the page and its downloads show."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_date(field.type):
            rows = rows.set_column(place, field.name, rows[field.name].cast(pa.string()))
    return rows
