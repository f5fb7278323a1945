"""Upkeep of a warehouse: few files instead of many, and an end to old versions of the tables.

No row of any table changes, and no Spark is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deltalake import DeltaTable, WriterProperties
from deltalake.exceptions import DeltaError

from opentrace_spark.bi_tables import BI_TABLES
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.io import Warehouse, table_properties
from opentrace_spark.locations import first_line
from opentrace_spark.tables import RETENTION_DAYS, TABLES, TableSpec

LEAST_DAYS = 7
"""What Delta demands: a reader that has a table open, or a write that is not yet committed, may
need files for so long."""
_TARGET_BYTES = 32 * 1024 * 1024
"""Files that are smaller are combined to about so many bytes. Larger ones cost a reader nothing,
and combining them would store a table twice until the retention ends."""


@dataclass(frozen=True)
class Tended:
    """What upkeep did to a table, or would do: small files that become `written` ones, and files of
    old versions that go, with their bytes. `written` is 0 where nothing is done yet."""

    path: str
    files: int
    combined: int
    written: int
    removed: int
    removed_bytes: int


def words(tended: Tended, dry_run: bool) -> str:
    """What was (or would be) done to a table, in a line; empty where that is nothing."""
    parts = []
    if tended.combined:
        parts.append(
            f"up to {tended.combined:,} of {tended.files:,} files would be combined"
            if dry_run
            else f"{tended.combined:,} of {tended.files:,} files combined to {tended.written:,}"
        )
    if tended.removed:
        size = f"{tended.removed_bytes / 1e6:,.1f} MB"
        would = "would go" if dry_run else "removed"
        parts.append(f"{tended.removed:,} old files, {size}, {would}")
    return f"{tended.path}: {'; '.join(parts)}" if parts else ""


def tend(
    warehouse: Warehouse,
    days: int = RETENTION_DAYS,
    *,
    allow_short: bool = False,
    dry_run: bool = False,
    done: Callable[[Tended], None] = lambda tended: None,
) -> list[Tended]:
    """Combine the small files of every table; remove files that no version of the last `days` has.

    `done` is told of each table; `dry_run` changes nothing. Raises UsageError for a folder without
    tables, tables of another layout, a warehouse in use and fewer than LEAST_DAYS (unless
    `allow_short`), ContentError where a table or a file can't be changed.
    """
    if not 0 <= days < 100 * 366:
        raise UsageError(f"--retention-days: {days} is below 0 or absurdly large")
    if days < LEAST_DAYS and not allow_short:
        raise UsageError(
            f"--retention-days: whoever reads a table, or writes it, may need files for "
            f"{LEAST_DAYS} days; if nobody does, add --allow-short-retention to keep {days}"
        )
    tables = (*TABLES, *BI_TABLES)
    warehouse.check_version(tables)
    specs = [spec for spec in tables if warehouse.table(spec) is not None]
    if not specs:
        raise UsageError(
            f"warehouse {warehouse.location}: no table of opentrace lies there; name the folder "
            "that `opentrace run --warehouse` wrote"
        )
    if dry_run:
        return _tend_all(warehouse, specs, days, True, done)
    with warehouse.lock():
        return _tend_all(warehouse, specs, days, False, done)


def _tend_all(
    warehouse: Warehouse,
    specs: Sequence[TableSpec],
    days: int,
    dry_run: bool,
    done: Callable[[Tended], None],
) -> list[Tended]:
    result = []
    for spec in specs:
        try:
            tended = _tend(warehouse, spec, days, dry_run)
        except (DeltaError, OSError) as error:
            raise ContentError(
                f"warehouse {warehouse.location}: {spec.path}: {first_line(error)}; no row "
                "has changed, run the same command again once that is mended"
            ) from error
        done(tended)
        result.append(tended)
    return result


def _tend(warehouse: Warehouse, spec: TableSpec, days: int, dry_run: bool) -> Tended:
    table = _opened(warehouse, spec)
    files = len(table.file_uris())
    combined, written = _small_files(table), 0
    if not dry_run:
        _set_properties(table, days)
        combined = 0
        if _small_files(table):
            # One commit, which says that no row has changed.
            figures = table.optimize.compact(
                target_size=_TARGET_BYTES, writer_properties=WriterProperties(compression="SNAPPY")
            )
            combined, written = figures["numFilesRemoved"], figures["numFilesAdded"]
            table = _opened(warehouse, spec)
    removed, size = _remove_old(warehouse, spec, table, days, dry_run)
    return Tended(spec.path, files, combined, written, removed, size)


def _opened(warehouse: Warehouse, spec: TableSpec) -> DeltaTable:
    table = warehouse.table(spec)
    assert table is not None
    return table


def _small_files(table: DeltaTable) -> int:
    """Files that share a partition with another one and are smaller than what they are combined to.

    A few of them may stay as they are: where two add up to more than one file should have.
    """
    actions = table.get_add_actions(flatten=False)
    small = [
        path.rpartition("/")[0]
        for path, size in zip(
            actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True
        )
        if size < _TARGET_BYTES
    ]
    return sum(count for count in Counter(small).values() if count > 1)


def _set_properties(table: DeltaTable, days: int) -> None:
    """A short retention is for this once: what others heed is never below LEAST_DAYS."""
    wanted, have = table_properties(max(days, LEAST_DAYS)), table.metadata().configuration
    if any(have.get(name) != value for name, value in wanted.items()):
        table.alter.set_table_properties(wanted)


def _remove_old(
    warehouse: Warehouse, spec: TableSpec, table: DeltaTable, days: int, dry_run: bool
) -> tuple[int, int]:
    """Remove what Delta's VACUUM names: returns files and bytes.

    Delta names all that is old and in no version, whoever wrote it: only Parquet files go. Removed
    by hand, they leave no commits in the log; a table's version stays that of its last change.
    """
    named = table.vacuum(days * 24, dry_run=True, enforce_retention_duration=False, full=True)
    places = [f"{warehouse.path}/{spec.path}/{path}" for path in named if path.endswith(".parquet")]
    found = [info for info in warehouse.filesystem.get_file_info(places) if info.is_file]
    if not dry_run:
        for info in found:
            warehouse.filesystem.delete_file(info.path)
    return len(found), sum(info.size for info in found)
