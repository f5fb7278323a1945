"""Lists and cards that others publish as datasets: `--source hub-stats`, `weekly-snapshots` and
`model-cards`. Only what is new is downloaded; every file is compared with the Hub's checksum.

    hub-stats          the list of the day of its last commit, to snapshots/<that day>/
    weekly-snapshots   one folder a week, to snapshots/<its date>/
    model-cards        all its files, to model_cards/, in the place of older ones

What is on the way is in a folder `_<name>.<source>.unfinished` beside them, each file under its
checksum until it is whole.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timezone
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.hf_api import RepoFile

import opentrace_spark
from opentrace_spark.collect.folders import (
    check_free,
    file_entry,
    git_blob_of,
    landing_of_ours,
    publish,
    read_manifest,
    remove,
    sha256_of,
    unfinished,
    write_json,
)
from opentrace_spark.collect.transport import (
    LIBRARY,
    RESUME,
    FaultError,
    Hub,
    NotThereError,
    written,
)
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import SNAPSHOT_MANIFEST, first_line

REPOSITORIES = {
    "hub-stats": "cfahlgren1/hub-stats",
    "weekly-snapshots": "hfmlsoc/hub_weekly_snapshots",
    "model-cards": "librarian-bots/model_cards_with_metadata",
}
"""Source -> the dataset repository that has it."""

_WEEK = re.compile(r"models/(\d{4}-\d{2}-\d{2})/([^/]+\.parquet)")
_MODELS = "models.parquet"
_MOST_DAMAGED = 3
"""Times that a file may come with another checksum than the Hub says."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Folder:
    """A folder of the landing, and the files of the repository that go into it, by their names."""

    path: Path
    files: dict[str, RepoFile]

    def checksums(self) -> dict[str, str]:
        """Those of the Hub, by file name."""
        return {name: _checksum(file) for name, file in self.files.items()}


@dataclass(frozen=True)
class Downloaded:
    """Folders that are new or newer, in order; how many others there are; bytes of the new."""

    repository: str
    folders: tuple[Path, ...]
    unchanged: int
    size: int


def collect_dataset(
    out: Path, source: str, since: date | None, hub: Hub, progress: Progress
) -> Downloaded:
    """Bring what is new of a source into the landing `out`, going on where an earlier run stopped.

    `since`: of weekly-snapshots only those from this date on. A day that another source has given
    is left as it is. `progress` counts bytes. Raises ContentError, UsageError.
    """
    repository = REPOSITORIES[source]
    with landing_of_ours(out):
        commit, files = _listed(hub, repository, with_dates=source == "hub-stats")
        wanted = _folders(out, source, files, since)
        if not wanted:
            later = f" from {since} on" if since else ""
            raise ContentError(
                f"dataset {repository} at {hub.name} has no file of the names that we know{later}"
            )
        new = [folder for folder in wanted if not _is_there(folder, source)]
        download = _Download(source, repository, commit, hub, new, progress)
        _check_space(out, download.size)
        for folder in new:
            download.bring(folder)
    paths = tuple(folder.path for folder in new)
    return Downloaded(repository, paths, len(wanted) - len(new), download.size)


def _listed(hub: Hub, repository: str, with_dates: bool) -> tuple[str, list[RepoFile]]:
    """The newest commit of a dataset and its files, with the dates of their last commits where
    these are wished: the Hub is slow to give them."""
    api = HfApi(
        endpoint=hub.endpoint, library_name=LIBRARY, library_version=opentrace_spark.__version__
    )
    what = f"the list of files of the dataset {repository}"

    def attempt() -> tuple[str, list[RepoFile]]:
        try:
            commit = str(api.dataset_info(repository, timeout=hub.patience.silence).sha)
            entries = api.list_repo_tree(
                repository, recursive=True, expand=with_dates, revision=commit, repo_type="dataset"
            )
            return commit, [entry for entry in entries if isinstance(entry, RepoFile)]
        except HfHubHTTPError as error:
            hub.check_status(what, error.response)
            raise
        except httpx2.RequestError as error:
            raise FaultError("connection_errors", first_line(error)) from None

    try:
        return hub.patiently(what, attempt, Counter())
    except OfflineModeIsEnabled:
        raise UsageError("HF_HUB_OFFLINE is set, so nothing can be collected; unset it") from None
    except NotThereError:
        raise ContentError(f"{what}: {hub.name} has none; it was moved or removed") from None


def _folders(out: Path, source: str, files: Sequence[RepoFile], since: date | None) -> list[Folder]:
    """Which files go where, by the folders' names."""
    if source == "model-cards":
        cards = {
            file.path.removeprefix("data/").replace("/", "-"): file
            for file in files
            if file.path.endswith(".parquet")
        }
        return [Folder(out / "model_cards", cards)] if cards else []
    days: dict[date, dict[str, RepoFile]] = {}
    for file in files:
        day, name = _day_of(source, file)
        if day is not None and (since is None or day >= since):
            days.setdefault(day, {})[name] = file
    return [Folder(out / "snapshots" / day.isoformat(), days[day]) for day in sorted(days)]


def _day_of(source: str, file: RepoFile) -> tuple[date | None, str]:
    """The day of a file's snapshot, None where it belongs to none; its name there."""
    if source == "hub-stats":
        if file.path != _MODELS or file.last_commit is None:
            return None, ""
        return file.last_commit.date.astimezone(timezone.utc).date(), _MODELS
    week = _WEEK.fullmatch(file.path)
    try:
        return (date.fromisoformat(week.group(1)), week.group(2)) if week else (None, "")
    except ValueError:
        return None, ""


def _is_there(folder: Folder, source: str) -> bool:
    """Whether a folder is complete with what the repository has now, or of another source."""
    check_free(folder.path)
    manifest = read_manifest(folder.path)
    if manifest is None:
        return False
    there = {entry["name"]: entry.get("hub_checksum") for entry in manifest["files"]}
    return manifest.get("source") != source or there == folder.checksums()


def _check_space(out: Path, size: int) -> None:
    free = shutil.disk_usage(out).free
    if size > free:
        raise ContentError(
            f"--out {out}: {size / 1e9:,.1f} GB are to come, and {free / 1e9:,.1f} GB are free; "
            "free some space (or, of weekly-snapshots, take fewer: --since DATE)"
        )


class _Download:
    """What is to be brought of a repository at a commit. `size`: bytes of all of it."""

    def __init__(
        self,
        source: str,
        repository: str,
        commit: str,
        hub: Hub,
        folders: Sequence[Folder],
        progress: Progress,
    ) -> None:
        self.source, self.repository, self.commit = source, repository, commit
        self.hub = hub
        self.size = sum(file.size for folder in folders for file in folder.files.values())
        self._progress = progress
        self._before = 0  # bytes of the files that are done

    def bring(self, folder: Folder) -> None:
        """Get a folder, or what is missing of it, and give it its name."""
        building = unfinished(folder.path, self.source)
        building.mkdir(parents=True, exist_ok=True)
        started = self.hub.clock.now()
        entries = []
        for name, file in folder.files.items():
            self._file(folder, building, name, file)
            self._before += file.size
            entries.append(_entry(building / name, file, self.repository))
        write_json(
            building / SNAPSHOT_MANIFEST,
            {
                "source": self.source,
                "repository": self.repository,
                "revision": self.commit,
                "endpoint": self.hub.name,
                "tool_version": opentrace_spark.__version__,
                "started": written(started),
                "finished": written(self.hub.clock.now()),
                "rows": sum(entry["rows"] for entry in entries),
                "files": entries,
            },
        )
        publish(building, folder.path)

    def _file(self, folder: Folder, building: Path, name: str, file: RepoFile) -> None:
        """Have a file in `building`: there from an earlier run, the same as in the older folder,
        or downloaded."""
        target = building / name
        if _is_same(target, file):
            return
        older = folder.path / name
        if _is_same(older, file):
            remove(target)
            _link(older, target)
            return
        part = building / f"_{_checksum(file)}.part"
        what = f"{file.path} of the dataset {self.repository}"
        address = hf_hub_url(
            self.repository,
            file.path,
            repo_type="dataset",
            revision=self.commit,
            endpoint=self.hub.endpoint,
        )
        for _ in range(_MOST_DAMAGED):
            try:
                self.hub.download(what, address, part, file.size, self._counted)
            except NotThereError:
                raise ContentError(f"{what}: gone from {self.hub.name}; {RESUME}") from None
            if _is_same(part, file):
                part.replace(target)
                return
            remove(part)
        raise ContentError(
            f"{what}: {_MOST_DAMAGED} times not as the Hub's own checksum says; run the same "
            "command again later"
        )

    def _counted(self, there: int) -> None:
        self._progress("bytes", self._before + there, self.size)


def _checksum(file: RepoFile) -> str:
    """SHA-256 of a large file, else git's id of the content."""
    return file.lfs.sha256 if file.lfs is not None else file.blob_id


def _is_same(path: Path, file: RepoFile) -> bool:
    """Whether a file on disk is that of the repository."""
    try:
        if path.stat().st_size != file.size:
            return False
    except FileNotFoundError:
        return False
    digest = sha256_of(path) if file.lfs is not None else git_blob_of(path)
    return digest == _checksum(file)


def _link(there: Path, new: Path) -> None:
    try:
        os.link(there, new)
    except OSError:  # a file system without links
        shutil.copyfile(there, new)


def _entry(path: Path, file: RepoFile, repository: str) -> dict[str, Any]:
    try:
        rows = pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException) as error:
        raise ContentError(
            f"{file.path} of the dataset {repository} is no Parquet file ({first_line(error)}), "
            "as it was published; run the command again when it is mended"
        ) from None
    return {**file_entry(path, rows), "hub_path": file.path, "hub_checksum": _checksum(file)}
