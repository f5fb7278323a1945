"""How the tables of the leaderboard are made: some ten thousand rows, by one function in one task.

So they are the same whatever Spark's partitions are, and each formula is plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, types as T
from pyspark.sql.pandas.types import to_arrow_schema

from opentrace_spark.io import spark_schema
from opentrace_spark.steps import CONSTANTS
from opentrace_spark.tables import TableSpec

Row = Mapping[str, Any]
Rows = Sequence[Row]

UNKNOWN = "unknown"
OTHER = "other"


def made_of(
    rows: DataFrame, spec: TableSpec, function: Callable[[Rows], Iterable[dict[str, Any]]]
) -> DataFrame:
    """The table's own columns, from a function of all rows, which it gets sorted by their values;
    what it gives need not have columns that are null. Without rows the table is empty."""
    own = [field for field in spark_schema(spec) if field.name not in CONSTANTS]
    # What must be filled is checked with the stored table, which names the rows.
    schema = T.StructType([T.StructField(field.name, field.dataType) for field in own])
    arrow = to_arrow_schema(schema)

    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        read = [row for batch in batches for row in batch.to_pylist()]
        read.sort(key=_in_order)
        if read:
            yield pa.RecordBatch.from_pylist(list(function(read)), schema=arrow)

    return rows.coalesce(1).mapInArrow(work, schema)


def _in_order(row: Row) -> list[tuple[bool, Any]]:
    return [(value is None, "" if value is None else value) for value in row.values()]


def by_version(rows: Rows) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each version, in its order. No figure is of both."""
    for version in sorted({row["version"] for row in rows}):
        yield version, [row for row in rows if row["version"] == version]


def monday(day: date) -> date:
    """The Monday of a day's ISO week."""
    return day - timedelta(days=day.weekday())


def weeks_of(rows: Rows) -> list[date]:
    """All Mondays from the first dated row to the last, those between without a row too."""
    days = [row["date"] for row in rows if row["date"] is not None]
    if not days:
        return []
    first, last = monday(min(days)), monday(max(days))
    return [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]


def share(part: float, whole: float) -> float | None:
    """part / whole; None where there is nothing to have a share of."""
    return part / whole if whole else None


def known_sum(values: Iterable[int | None]) -> int | None:
    """The sum of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def in_means(rows: Rows) -> list[Row]:
    """The rows that means and best scores are of: with a score, neither flagged nor removed."""
    return [row for row in rows if row["in_means"] and row["score"] is not None]


def best_of(rows: Rows) -> Row | None:
    """The row with the best score; of equal ones the earliest, undated last, then by model."""
    return min(in_means(rows), key=_best_first, default=None)


def _best_first(row: Row) -> tuple[float, date, str]:
    return -row["score"], row["date"] or date.max, row["model_id"]


def ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Names with their counts, the largest first, ties by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
