"""Pages to Parquet parts, a hundred at a time, in memory that does not grow with the Hub.

A part and the note beside it say all that a later run must know; its pages are then removed.
"""

from __future__ import annotations

import errno
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import opentrace_spark
from opentrace_spark.collect import pages
from opentrace_spark.collect.folders import file_entry, remove, write_text
from opentrace_spark.collect.rows import DICTIONARY, SCHEMA, MalformedError, row_of, table_of
from opentrace_spark.errors import ContentError
from opentrace_spark.locations import COLLECTED

PAGES_PER_PART = 100
_PAGES_PER_ROW_GROUP = 10
_FEW_MALFORMED, _MOST_MALFORMED = 10, 0.01
"""Malformed records of a part, and their share: above both the Hub's answers are not those we
know."""


@dataclass(frozen=True)
class Note:
    """What a part holds: its pages and the one after them, counts, rejected records, its file."""

    first_page: int
    last_page: int
    next_query: str | None
    digests: list[str]
    counts: dict[str, int]
    rejects: list[dict[str, Any]] = field(default_factory=list)
    file: dict[str, Any] = field(default_factory=dict)


class SeenModels:
    """The models of all parts so far, on disk: the list may name one twice."""

    def __init__(self, path: Path) -> None:
        remove(path)
        self._path = path
        # Of no use after a crash, when it is made again from the parts.
        self._db = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -4096"):
            self._db.execute(f"PRAGMA {setting}")
        self._db.execute("CREATE TABLE models (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, keys: Iterator[str]) -> list[bool]:
        """Add models; whether each was new. Raises OSError where the disk is full."""
        insert = "INSERT OR IGNORE INTO models VALUES (?)"
        try:
            self._db.execute("BEGIN")
            is_new = [self._db.execute(insert, (key,)).rowcount == 1 for key in keys]
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise OSError(errno.ENOSPC if "full" in str(error) else errno.EIO, str(error)) from None
        return is_new

    def close(self) -> None:
        """Remove the file."""
        self._db.close()
        remove(self._path)


def name_of(number: int) -> str:
    """File name of a part, from 0."""
    return f"part-{number:05}.parquet"


def notes(folder: Path) -> list[Note]:
    """Those of the complete parts of a folder, in order."""
    found: list[Note] = []
    while (folder / name_of(len(found))).exists():
        text = _note_path(folder, len(found)).read_text(encoding="utf-8")
        found.append(Note(**json.loads(text)))
    return found


def recall(folder: Path, parts: list[Note], seen: SeenModels) -> None:
    """Add the models of all parts to `seen`."""
    for number in range(len(parts)):
        with pq.ParquetFile(folder / name_of(number)) as file:
            for batch in file.iter_batches(10_000, columns=["_id", "id"]):
                seen.add(map(_key, batch.to_pylist()))


def write_part(
    folder: Path, number: int, run: list[pages.Page], seen: SeenModels, started: str
) -> Note:
    """Write part `number` from pages on disk, then its note, then remove the pages.

    `started`: when the snapshot was begun, to count the models that were created since. Raises
    ContentError where too many records are malformed.
    """
    counts: Counter[str] = Counter()
    rejects: list[dict[str, Any]] = []
    new = folder / f"_{name_of(number)}.new"
    with pq.ParquetWriter(
        new,
        SCHEMA,
        compression="zstd",
        compression_level=3,
        use_dictionary=DICTIONARY,
        version="2.6",
        data_page_version="1.0",
    ) as writer:
        # Without its manifest the file is part of nothing whole, wherever it is copied to.
        writer.add_key_value_metadata({COLLECTED: opentrace_spark.__version__})
        for start in range(0, len(run), _PAGES_PER_ROW_GROUP):
            group = [
                _table(folder, page.number, seen, counts, rejects, started)
                for page in run[start : start + _PAGES_PER_ROW_GROUP]
            ]
            table = pa.concat_tables(group).combine_chunks()
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
    most = max(_FEW_MALFORMED, _MOST_MALFORMED * counts["listed_rows"])
    if counts["malformed_rows"] > most:
        raise ContentError(
            f"pages {run[0].number:,} to {run[-1].number:,} of the list of models: "
            f"{counts['malformed_rows']:,} of {counts['listed_rows']:,} models are not of the form "
            f"that this version knows (first: {rejects[0]['reason']}); use a newer one"
        )
    for page in run:
        longest = max(other.rows for other in run if other.asked == page.asked)
        counts += Counter(page.faults)
        counts["short_pages"] += page.next_query is not None and page.rows < longest
    entry = {**file_entry(new, counts["rows"]), "name": name_of(number)}
    note = Note(
        run[0].number,
        run[-1].number,
        run[-1].next_query,
        [page.digest for page in run],
        {name: count for name, count in sorted(counts.items()) if count},
        rejects,
        entry,
    )
    write_text(_note_path(folder, number), json.dumps(asdict(note)))
    new.rename(folder / name_of(number))
    for page in run:
        remove(pages.path_of(folder, page.number))
    return note


def _table(
    folder: Path,
    number: int,
    seen: SeenModels,
    counts: Counter[str],
    rejects: list[dict[str, Any]],
    started: str,
) -> pa.Table:
    """The rows of a page that are public models not seen before; adds to counts and rejects."""
    rows = []
    for record in pages.kept_records(folder, number):
        counts["listed_rows"] += 1
        if isinstance(record, dict) and record.get("private") is True:
            counts["private_rows"] += 1
            continue
        try:
            rows.append(row_of(record))
        except MalformedError as error:
            counts["malformed_rows"] += 1
            rejects.append({"reason": str(error), "page": number, "record": record})
    is_new = seen.add(map(_key, rows))
    kept = [row for row, new in zip(rows, is_new, strict=True) if new]
    counts["repeated_rows"] += len(rows) - len(kept)
    counts["rows"] += len(kept)
    counts["appeared"] += sum((row["createdAt"] or "") > started for row in kept)
    return table_of(kept)


def _key(row: dict[str, Any]) -> str:
    """Who a model is: the Hub's immutable id, else its name."""
    return row["_id"] or f"/{row['id']}"


def _note_path(folder: Path, number: int) -> Path:
    return folder / f"_{name_of(number)}.json"
