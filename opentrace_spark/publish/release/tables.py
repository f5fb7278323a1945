"""The tables of a release as Parquet files that the Hub's viewer reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from huggingface_hub.utils.sha import sha_fileobj

from opentrace_spark.errors import ContentError
from opentrace_spark.io import Warehouse
from opentrace_spark.tables import GOLD_RUNS, GOLD_WEEKS, TABLES, TableSpec

DATA = "data"
_SILVER = ("silver_model_weeks", "silver_models", "silver_model_history", "silver_lineage")
"""Tables below gold that are published: not rows as they came, which may hold anything."""
_AS_IT_CAME = (
    *("tags", "card_data", "safetensors", "gguf", "siblings", "base_models", "other_fields"),
    *("author", "source_file", "source_row"),
)
"""Columns of silver/models that are left out: what people wrote, in full."""
_OF_RUNS = ("parameters", "processed_at")
"""Columns that every row of a table has from its run: a release has them in `runs`, by run_id."""
_ROW_GROUP = 200_000
"""Rows: below the 100 MB that the Hub's viewer reads of one."""
_YEAR = "week_start"


@dataclass(frozen=True)
class Part:
    """A file of a release: path below its folder, rows, bytes, SHA-256 in hex."""

    path: str
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Shared:
    """A table of a release: the columns that it has there, and its files; no files where the table
    has no rows."""

    spec: TableSpec
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(part.rows for part in self.parts)

    @property
    def pattern(self) -> str:
        """Of the paths of its files."""
        return f"{DATA}/{self.spec.name}/*.parquet"


def shared_specs() -> list[TableSpec]:
    """The tables of a release with their columns there: gold, and of silver what is public."""
    return [_public(spec) for spec in TABLES if spec.layer == "gold" or spec.id in _SILVER]


def _public(spec: TableSpec) -> TableSpec:
    left = [] if spec == GOLD_RUNS else [*_OF_RUNS]
    if spec.id == "silver_models":
        left += _AS_IT_CAME
    return replace(spec, columns=tuple(each for each in spec.columns if each.name not in left))


def write_table(warehouse: Warehouse, spec: TableSpec, folder: Path) -> Shared | None:
    """Write the rows of a table below `folder`, sorted by its key; None where there is no such
    table.

    Tables by week have a file for each year, so that a new week changes one of them. Raises
    ContentError for rows that say where a person lives.
    """
    if warehouse.table(spec) is None:
        return None
    parts = []
    for name, rows in _pieces(warehouse, spec):
        _refuse_personal(spec, rows)
        if rows.num_rows:
            path = f"{DATA}/{spec.name}/{name}.parquet"
            parts.append(_written(rows.sort_by(_order(spec)), folder, path))
    return Shared(spec, tuple(parts))


def _pieces(warehouse: Warehouse, spec: TableSpec) -> Iterator[tuple[str, pa.Table]]:
    columns = [column.name for column in spec.columns]
    if spec.key[0] != _YEAR:
        yield "all", warehouse.read(spec, columns).select(columns)
        return
    weeks = warehouse.read(GOLD_WEEKS, [_YEAR])[_YEAR].to_pylist()
    for year in sorted({week.year for week in weeks}):
        within = [(_YEAR, ">=", date(year, 1, 1)), (_YEAR, "<=", date(year, 12, 31))]
        yield str(year), warehouse.read(spec, columns, within).select(columns)


def _order(spec: TableSpec) -> list[tuple[str, str]]:
    return [(name, "ascending") for name in spec.key]


def _refuse_personal(spec: TableSpec, rows: pa.Table) -> None:
    """Countries of individual accounts are never recorded; here it would be public."""
    if not {"country", "org_type"} <= set(rows.column_names):
        return
    is_person = pc.equal(rows["org_type"], "user")
    found = rows.filter(pc.and_(is_person, pc.not_equal(rows["country"], "User")))
    if found.num_rows:
        raise ContentError(
            f"{spec.path}: {found.num_rows} rows give a country to individual accounts, which is "
            "never published; run again with an organizations/ that has none of them"
        )


def _written(rows: pa.Table, folder: Path, path: str) -> Part:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        rows.replace_schema_metadata(None),
        file,
        compression="zstd",
        row_group_size=_ROW_GROUP,
        write_page_index=True,  # the viewer reads single pages
        use_content_defined_chunking=True,  # what has not changed is not uploaded again
    )
    return Part(path, rows.num_rows, file.stat().st_size, sha256(file))


def sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with file.open("rb") as stream:
        return sha_fileobj(stream).hex()
