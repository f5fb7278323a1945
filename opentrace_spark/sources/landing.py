"""Which files a landing directory holds, on this machine or in an object store."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pyarrow as pa
from pyarrow import fs as pafs

from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import SNAPSHOT_MANIFEST, filesystem_of, first_line, spark_uri
from opentrace_spark.sources.files import LandingFile, is_passed_over, landing_file
from opentrace_spark.sources.snapshots import Snapshot, find_snapshots

KINDS = (
    *("models", "downloads", "snapshots", "aliases", "organizations", "annotations"),
    *("leaderboard", "contributors"),
)
"""The folders that are read. Needed: results of the leaderboard; or a folder that describes models,
and one that counts downloads."""

_NEEDED = (("models", "snapshots"), ("downloads", "snapshots"))
_ALONE = "leaderboard"
"""A landing with this folder needs no other."""
_WITHOUT = {
    "aliases": "models are renamed only where their `_id` or their case tells it",
    "organizations": "countries and kinds of organisation come from the project's own table, where "
    "organizations.curated allows it",
    "annotations": "labels and parents come from metadata alone, and nothing tells how right "
    "they are",
    "leaderboard": "the tables leaderboard and leaderboard_* are not written",
}
"""What a landing without the folder does not give."""
_HUB = ("models", "snapshots")
_LEADERBOARD_ALONE = "only the tables of leaderboard/ are written"
_NO_COUNTS = "no downloads/ in the landing: no table has any week"

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Landing:
    """A landing directory: its files in byte order of their relative paths.

    `uri` has the form that Spark reads; nothing in it is percent-encoded. `last_complete_week` is
    the Monday that the manifest names, None where it names none. `snapshots` are those of
    snapshots/ by day, `unfinished` its folders that are left out.
    """

    uri: str
    files: tuple[LandingFile, ...]
    last_complete_week: date | None = None
    snapshots: tuple[Snapshot, ...] = ()
    unfinished: tuple[str, ...] = ()

    def of_kind(self, kind: str) -> tuple[LandingFile, ...]:
        """The files of one folder, in order; empty where the folder is absent."""
        return tuple(file for file in self.files if file.kind == kind)

    def only(self, folders: Collection[str]) -> Landing:
        """The landing with the files of some folders alone (`models/`), and with what its manifest
        says where MANIFEST is one of them."""
        return replace(
            self,
            files=tuple(file for file in self.files if f"{file.kind}/" in folders),
            last_complete_week=self.last_complete_week if MANIFEST in folders else None,
            snapshots=self.snapshots if "snapshots/" in folders else (),
        )

    def until(self, day: date | None) -> Landing:
        """The landing with the snapshots up to a day alone, with all where it is None.

        Raises UsageError where it would be of no use without the later ones.
        """
        if day is None:
            return self
        kept = tuple(each for each in self.snapshots if each.day <= day)
        is_useful = self.of_kind(_ALONE) or all(map(self.of_kind, ("models", "downloads")))
        if not kept and not is_useful:
            raise UsageError(
                f"history.as_of {day}: the first snapshot of the landing is of "
                f"{self.snapshots[0].day}, and it has no models/ with downloads/; name a later day"
            )
        later = {
            file.relative_path for each in self.snapshots if each.day > day for file in each.files
        }
        return replace(
            self,
            files=tuple(file for file in self.files if file.relative_path not in later),
            snapshots=kept,
        )

    def snapshots_as(self, kind: str) -> Landing:
        """The files of snapshots/ alone, to be read for the columns of another kind."""
        files = tuple(replace(file, kind=kind) for file in self.of_kind("snapshots"))
        return Landing(self.uri, files)


def open_landing(uri: str) -> Landing:
    """List the data files below `uri`, a path or a URI such as `s3://bucket/landing`.

    Reads no data file: `sources.rows.check_files` does that.

    Raises:
        UsageError: the directory is missing, or has no data file that describes models, or none
            that counts downloads.
        ContentError: a file of unknown kind, or a manifest that can't be understood.
    """
    root = spark_uri(uri)
    filesystem, base = filesystem_of(root)
    try:
        found = filesystem.get_file_info(base)
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"landing {uri} can't be reached: {first_line(error)}") from None
    if found.type == pafs.FileType.File:
        raise UsageError(f"landing {uri} is a file; name the folder that holds models/ and so on")
    folders = {kind: _list(filesystem, base, kind) for kind in KINDS}
    dated = find_snapshots(uri)
    folders["snapshots"] = [
        (file.relative_path, file.size) for snapshot in dated.snapshots for file in snapshot.files
    ]
    if found.type == pafs.FileType.NotFound and not any(folders.values()):
        raise UsageError(f"landing {uri} is not there; name a folder that holds models/ and so on")
    _check_needed(uri, folders)
    files = tuple(
        landing_file(root, kind, path, size)
        for kind in sorted(KINDS)
        for path, size in sorted(folders[kind], key=lambda entry: os.fsencode(entry[0]))
    )
    manifest = _read_manifest(filesystem, base)
    return Landing(root, files, manifest, dated.snapshots, dated.unfinished)


def lacking_folders(landing: Landing) -> tuple[str, ...]:
    """A sentence for each optional folder that the landing lacks: what is missing without it; and
    for each snapshot that is not whole."""
    unfinished = tuple(
        f"{folder} is not read: its collection was not finished (no {SNAPSHOT_MANIFEST}); run "
        "opentrace collect again"
        for folder in landing.unfinished
    )
    if not any(map(landing.of_kind, _HUB)):
        passed = [f"{kind}/" for kind in _WITHOUT if kind != _ALONE and landing.of_kind(kind)]
        passed += ["downloads/"] if landing.of_kind("downloads") else []
        unread = f"; {', '.join(passed)} are of no use without them" if passed else ""
        return (f"no models/ and no snapshots/ in the landing: {_LEADERBOARD_ALONE}{unread}",)
    counts = () if any(map(landing.of_kind, _NEEDED[1])) else (_NO_COUNTS,)
    return (
        counts
        + tuple(
            f"no {kind}/ in the landing: {effect}"
            for kind, effect in _WITHOUT.items()
            if not landing.of_kind(kind)
        )
        + unfinished
    )


def _list(filesystem: pafs.FileSystem, base: str, kind: str) -> list[tuple[str, int]]:
    """Relative path and size of the data files of a folder, sub-folders included."""
    selector = pafs.FileSelector(f"{base}/{kind}", allow_not_found=True, recursive=True)
    try:
        entries = filesystem.get_file_info(selector)
    except NotADirectoryError:
        return []
    except OSError as error:
        raise UsageError(f"folder {kind}/ can't be listed: {first_line(error)}") from None
    if isinstance(filesystem, pafs.LocalFileSystem):
        _check_links(base, kind)
    files = []
    for entry in entries:
        path = entry.path.removeprefix(base).lstrip("/")
        if entry.type != pafs.FileType.Directory and not is_passed_over(path):
            files.append((path, entry.size or 0))
    return files


def _check_links(base: str, kind: str) -> None:
    """Raise ContentError for a link to nothing, which a listing would leave out in silence."""
    for folder, folders, names in os.walk(f"{base}/{kind}"):
        for name in (*folders, *names):
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, base)
            if not os.path.exists(path) and not is_passed_over(relative):
                raise ContentError(
                    f"{relative}: a link to a file that is not there; bring the file or remove it"
                )


def _check_needed(uri: str, folders: dict[str, list[tuple[str, int]]]) -> None:
    if folders[_ALONE]:
        return
    for kinds in _NEEDED:
        if any(folders[kind] for kind in kinds):
            continue
        names = " or ".join(f"{kind}/" for kind in kinds)
        raise UsageError(
            f"landing {uri} has no data file in {names}; "
            f"put Parquet, CSV or JSON Lines files into {names}, or name another landing"
        )


def _read_manifest(filesystem: pafs.FileSystem, base: str) -> date | None:
    """The Monday of `last_complete_week`, None where there is no manifest or it has no such key."""
    try:
        with filesystem.open_input_file(f"{base}/{MANIFEST}") as stream:
            text = stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ContentError(f"{MANIFEST} can't be read: {first_line(error)}") from None
    try:
        value = json.loads(text).get("last_complete_week")
        day = None if value is None else date.fromisoformat(value)
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise ContentError(
            f'{MANIFEST}: not of the form {{"last_complete_week": "2025-08-11"}}; mend or remove it'
        ) from None
    return None if day is None else day - timedelta(days=day.weekday())
