"""The complete snapshots of a landing: `snapshots/<YYYY-MM-DD>/` with a manifest.

A folder without one is being collected, was interrupted or was never whole: it is not read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from pyarrow import fs as pafs

from opentrace_spark.errors import ContentError
from opentrace_spark.locations import SNAPSHOT_MANIFEST, filesystem_of, first_line, spark_uri
from opentrace_spark.sources.landing import LandingFile, landing_file


@dataclass(frozen=True)
class Snapshot:
    """Rows of `models/` as they were on a day (UTC): the files that its manifest names, in order.

    `source` is what the manifest says: hub, hub-stats or weekly-snapshots.
    """

    day: date
    source: str
    files: tuple[LandingFile, ...]


def list_snapshots(uri: str) -> tuple[Snapshot, ...]:
    """The complete snapshots of a landing, by day; reads their manifests alone.

    Raises ContentError for a manifest that can't be understood, and for a file that is not there
    or not as long as its manifest says.
    """
    root = spark_uri(uri)
    filesystem, base = filesystem_of(root)
    selector = pafs.FileSelector(f"{base}/snapshots", allow_not_found=True)
    try:
        names = sorted(entry.base_name for entry in filesystem.get_file_info(selector))
    except NotADirectoryError:
        return ()
    found = (_snapshot(filesystem, base, root, name) for name in names if name[:1] not in "._")
    return tuple(snapshot for snapshot in found if snapshot is not None)


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
    paths = {f"{folder}/{file}": size for file, size in sizes.items() if file[:1] not in "._"}
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
