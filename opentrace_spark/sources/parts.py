"""What a task reads at once: a text file, or a row group of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from opentrace_spark.sources.files import LandingFile
from opentrace_spark.sources.landing import Landing
from opentrace_spark.sources.parquet import read_footer, read_row_group
from opentrace_spark.sources.text import read_text

FILES_AT_ONCE = 8


@dataclass(frozen=True)
class Part:
    """A text file (`row_group` is null), or a row group, the first of whose rows is `first_row`.

    `rows` is what the footer says; of a text file nobody knows it.
    """

    file: LandingFile
    row_group: int | None = None
    first_row: int = 1
    rows: int | None = None


def parts_of(landing: Landing, kind: str) -> list[Part]:
    """All parts of a kind's files, in order. Raises ContentError where a footer can't be read."""
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        return [part for parts in pool.map(_parts, landing.of_kind(kind)) for part in parts]


def _parts(file: LandingFile) -> list[Part]:
    if file.format != "parquet":
        return [Part(file)]
    footer, parts, first_row = read_footer(file), [], 1
    for number in range(footer.num_row_groups):
        rows = footer.row_group(number).num_rows
        parts.append(Part(file, number, first_row, rows))
        first_row += rows
    return parts


def shared_out(parts: list[Part], tasks: int) -> list[list[Part]]:
    """Parts in order, in lists for about as many tasks: of about as many rows, or of one text."""
    wanted = 1 + sum(part.rows or 0 for part in parts) // tasks
    lists: list[list[Part]] = []
    rows = wanted
    for part in parts:
        if rows >= wanted or part.rows is None:
            lists.append([])
            rows = 0
        lists[-1].append(part)
        rows += wanted if part.rows is None else part.rows
    return lists


def read_part(part: Part) -> Iterator[pa.RecordBatch]:
    """The rows of a part as `schemas.arrow_schema`, in batches. Raises TaskContentError."""
    if part.row_group is None:
        return read_text(part.file)
    return read_row_group(part.file, part.row_group, part.first_row)
