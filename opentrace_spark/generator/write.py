"""Files of the landing directory. The same tables give the same bytes: fixed writer settings."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opentrace_spark.generator.calibration import LAST_WEEK

_ROWS_PER_GROUP = 250_000  # several readers can share one week's file

DOWNLOADS_SCHEMA = pa.schema([("week", pa.date32()), ("id", pa.string()), ("count", pa.int64())])


def week_date(week: int) -> dt.date:
    """Monday of the week that lies `week` weeks before the last one."""
    return LAST_WEEK - dt.timedelta(weeks=week)


def write_parquet(table: pa.Table, path: Path, dictionary: Sequence[str]) -> None:
    """Write one file. `dictionary`: the columns with few values (ids would only cost time)."""
    pq.write_table(
        table,
        path,
        row_group_size=_ROWS_PER_GROUP,
        compression="zstd",
        compression_level=1,
        use_dictionary=list(dictionary),
        version="2.6",
        data_page_version="1.0",
    )


def write_week(folder: Path, week: int, names: pa.Array, counts: np.ndarray) -> None:
    """Write `<monday>.parquet`: names and their counts."""
    day = week_date(week)
    days = pa.array(np.full(len(counts), np.datetime64(day, "D")), pa.date32())
    table = pa.Table.from_arrays([days, names, pa.array(counts)], schema=DOWNLOADS_SCHEMA)
    write_parquet(table, folder / f"{day.isoformat()}.parquet", ["week"])


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file (UTF-8, LF), quoted where needed."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
