"""Folders that are complete or absent, and the manifest that says what one holds."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import SNAPSHOT_MANIFEST, first_line

_LOCK = "_collect.lock"


@contextmanager
def landing_of_ours(out: Path) -> Iterator[None]:
    """Make the landing, and keep other collections out of it; the lock dies with its process.

    Raises UsageError where another collection runs or the folder can't be written, ContentError
    where the disk is full.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = open(out / _LOCK, "w")  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}; name a folder that can be made") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"--out {out}: another collection writes there; wait for its end"
            ) from None
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise UsageError(f"--out {out}: {error}; see whether it can be written") from None
            raise ContentError(
                f"--out {out}: the disk is full; what has arrived is kept: free some space and "
                "run the same command again"
            ) from None


def check_free(folder: Path) -> None:
    """Raise ContentError where a folder that is not complete has the name of one to collect."""
    if folder.exists() and read_manifest(folder) is None:
        raise ContentError(
            f"{folder} is there without {SNAPSHOT_MANIFEST}, so not by opentrace collect; move it"
        )


def unfinished(folder: Path, source: str) -> Path:
    """Where `folder` is built from a source until it is complete."""
    return folder.with_name(f"_{folder.name}.{source}.unfinished")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of text as UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """`write_text` of JSON for people."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What a complete folder says of itself, None where it is not complete.

    Raises ContentError for a manifest that can't be understood.
    """
    try:
        value = json.loads((folder / SNAPSHOT_MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise ContentError(
            f"{folder / SNAPSHOT_MANIFEST} can't be read ({first_line(error)}); remove the folder "
            "and collect it again"
        ) from None
    if not isinstance(value, dict) or not isinstance(value.get("files"), list):
        raise ContentError(f"{folder / SNAPSHOT_MANIFEST} is no manifest; remove the folder")
    return value


def file_entry(path: Path, rows: int | None) -> dict[str, Any]:
    """What a manifest says of a file: name, bytes, SHA-256, and rows where they are known."""
    entry = {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
    return entry if rows is None else {**entry, "rows": rows}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return _digest(path, hashlib.sha256())


def git_blob_of(path: Path) -> str:
    """The id that git gives to a file's content."""
    return _digest(path, hashlib.sha1(b"blob %d\0" % path.stat().st_size))


def _digest(path: Path, digest: Any) -> str:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def publish(building: Path, folder: Path) -> None:
    """Give a folder that has its manifest its name, in the place of an older one.

    May be repeated after an interruption.
    """
    manifest = read_manifest(building)
    if manifest is None:
        raise LookupError(f"{building} has no {SNAPSHOT_MANIFEST}")
    named = {entry["name"] for entry in manifest["files"]} | {SNAPSHOT_MANIFEST}
    for path in building.iterdir():
        if path.name not in named:
            remove(path)
    old = folder.with_name(f"_{folder.name}.old")
    remove(old)
    if folder.exists():
        folder.rename(old)
    building.rename(folder)
    remove(old)


def remove(path: Path) -> None:
    """Remove a file or a folder that may not be there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
