"""The snapshots of a landing: `snapshots/<YYYY-MM-DD>/`, collected by this program or laid there.

A collected one has a manifest, which is written last: without it the collection was not finished.
A folder that somebody else laid there has none and is read whole. What tells the two apart is what
a collection leaves: names that begin with `_`, and COLLECTED in the footers of its Parquet files.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import (
    COLLECTED,
    SNAPSHOT_MANIFEST,
    filesystem_of,
    first_line,
    spark_uri,
)
from opentrace_spark.sources.files import LandingFile, is_passed_over, landing_file

PLAIN = "folder"
"""Source of a snapshot without a manifest."""
_SPARK_DONE = "_SUCCESS"
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Snapshot:
    """Rows of `models/` as they were on a day (UTC): the files that its manifest names, in order.

    `source` is what the manifest says: hub, hub-stats or weekly-snapshots; else PLAIN.
    """

    day: date
    source: str
    files: tuple[LandingFile, ...]


@dataclass(frozen=True)
class Found:
    """The snapshots of a landing by day, and the folders that are left out: unfinished ones."""

    snapshots: tuple[Snapshot, ...]
    unfinished: tuple[str, ...]


def find_snapshots(uri: str) -> Found:
    """All snapshots of a landing that can be read, with a manifest or without.

    Reads manifests and, where there is none, footers. Raises ContentError for a manifest that can't
    be understood, for a file that is not there or not as long as its manifest says, and for what is
    no folder named by a date.
    """
    root = spark_uri(uri)
    filesystem, base = filesystem_of(root)
    found: list[Snapshot] = []
    unfinished: list[str] = []
    for name in _names(filesystem, base):
        snapshot = _snapshot(filesystem, base, root, name) or _plain(filesystem, base, root, name)
        if snapshot is None:
            unfinished.append(f"snapshots/{name}")
        elif snapshot.files:
            found.append(snapshot)
    return Found(tuple(found), tuple(unfinished))


def _names(filesystem: pafs.FileSystem, base: str) -> list[str]:
    selector = pafs.FileSelector(f"{base}/snapshots", allow_not_found=True)
    try:
        names = sorted(entry.base_name for entry in filesystem.get_file_info(selector))
    except NotADirectoryError:
        return []
    except OSError as error:
        raise UsageError(f"folder snapshots/ can't be listed: {first_line(error)}") from None
    return [name for name in names if not is_passed_over(name)]


def _plain(filesystem: pafs.FileSystem, base: str, root: str, name: str) -> Snapshot | None:
    """The snapshot of a folder without a manifest, None where a collection left it unfinished."""
    folder = f"snapshots/{name}"
    day = _DATE.fullmatch(name) and _day(name)
    try:
        selector = pafs.FileSelector(f"{base}/{folder}", recursive=True)
        entries = filesystem.get_file_info(selector) if day else []
    except OSError:
        day = None
    if not day:
        raise ContentError(
            f"{folder}: not a folder named by its date (YYYY-MM-DD); rename it, take it out, or "
            "begin its name with _"
        )
    below = len(f"{base}/{folder}/")
    paths = {entry.path[below:]: entry for entry in entries}
    if any(path[:1] == "_" and path != _SPARK_DONE for path in paths):
        return None
    read = {
        path: entry.size or 0
        for path, entry in paths.items()
        if entry.type == pafs.FileType.File and not is_passed_over(path)
    }
    files = tuple(
        landing_file(root, "models", f"{folder}/{path}", read[path])
        for path in sorted(read, key=os.fsencode)
    )
    if any(file.format == "parquet" and _is_collected(filesystem, base, file) for file in files):
        return None
    return Snapshot(day, PLAIN, files)


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _is_collected(filesystem: pafs.FileSystem, base: str, file: LandingFile) -> bool:
    try:
        footer = pq.read_metadata(f"{base}/{file.relative_path}", filesystem=filesystem)
    except (OSError, pa.ArrowException):
        return False  # whoever reads the file says what is wrong with it
    return COLLECTED in (footer.metadata or {})


def _snapshot(filesystem: pafs.FileSystem, base: str, root: str, name: str) -> Snapshot | None:
    folder = f"snapshots/{name}"
    try:
        with filesystem.open_input_file(f"{base}/{folder}/{SNAPSHOT_MANIFEST}") as stream:
            text = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(folder, first_line(error)) from None
    try:
        day = date.fromisoformat(name)
        manifest = json.loads(text)
        source = str(manifest["source"])
        sizes = {str(entry["name"]): int(entry["bytes"]) for entry in manifest["files"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(folder, first_line(error)) from None
    paths = {f"{folder}/{file}": size for file, size in sizes.items() if not is_passed_over(file)}
    _check_sizes(filesystem, base, paths)
    files = (landing_file(root, "models", path, size) for path, size in paths.items())
    return Snapshot(day, source, tuple(files))


def _check_sizes(filesystem: pafs.FileSystem, base: str, paths: dict[str, int]) -> None:
    there = filesystem.get_file_info([f"{base}/{path}" for path in paths])
    for (path, size), entry in zip(paths.items(), there, strict=True):
        if entry.type != pafs.FileType.File or entry.size != size:
            raise ContentError(
                f"{path}: not as its snapshot's manifest says ({size:,} bytes); remove the "
                "snapshot's folder and collect it again"
            )


def _unreadable(folder: str, why: Any) -> ContentError:
    return ContentError(
        f"{folder}/{SNAPSHOT_MANIFEST}: can't be understood ({why}); remove the folder and collect "
        "it again"
    )
