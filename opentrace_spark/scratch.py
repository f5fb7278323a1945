"""The scratch of a warehouse, `_work`: what steps built, and notes on it, from run to run."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from uuid import uuid4

from pyarrow.fs import FileSelector, FileType

from opentrace_spark.io import WORK, Warehouse

_BUILT = f"{WORK}/built"
_NOTES = f"{WORK}/notes"


class Scratch:
    """Folders of built tables, and named notes in JSON."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._filesystem, self._path = warehouse.filesystem, warehouse.path

    def new_folder(self, name: str) -> str:
        """A folder below the warehouse that nobody has used: tasks of a killed run may still be
        writing into the one before."""
        return f"{_BUILT}/{name}-{uuid4().hex[:12]}"

    def sizes_below(self, folder: str) -> dict[str, int]:
        """Path below the folder -> bytes, of all files in it."""
        base = f"{self._path}/{folder}"
        found = self._filesystem.get_file_info(
            FileSelector(base, allow_not_found=True, recursive=True)
        )
        return {
            info.path.removeprefix(f"{base}/"): info.size
            for info in found
            if info.type == FileType.File
        }

    def read(self, name: str) -> Any:
        """What was noted under a name; None where nothing is, or nothing whole."""
        try:
            with self._filesystem.open_input_stream(f"{self._path}/{_NOTES}/{name}.json") as stream:
                return json.loads(stream.read())
        except (FileNotFoundError, ValueError):
            return None

    def write(self, name: str, value: Any) -> None:
        """Note a value under a name, in one move."""
        folder = f"{self._path}/{_NOTES}"
        self._filesystem.create_dir(folder)
        aside = f"{folder}/{name}.{uuid4().hex[:12]}"
        with self._filesystem.open_output_stream(aside) as stream:
            stream.write(json.dumps(value, sort_keys=True, default=str).encode())
        self._filesystem.move(aside, f"{folder}/{name}.json")

    def keep_only(self, folders: Collection[str]) -> None:
        """Remove all built tables but those in these folders, and what other versions of this
        program left."""
        stay = {f"{self._path}/{place}" for place in (_BUILT, _NOTES, *folders)}
        for place in (WORK, _BUILT):
            self._remove(place, stay)
        notes = FileSelector(f"{self._path}/{_NOTES}", allow_not_found=True)
        for info in self._filesystem.get_file_info(notes):
            if info.extension != "json":  # not yet moved to its name when its writer was killed
                self._filesystem.delete_file(info.path)

    def clear(self) -> None:
        """Remove everything."""
        self._remove(WORK, set())

    def _remove(self, place: str, stay: set[str]) -> None:
        selector = FileSelector(f"{self._path}/{place}", allow_not_found=True)
        for info in self._filesystem.get_file_info(selector):
            if info.type == FileType.Directory and info.path not in stay:
                self._filesystem.delete_dir(info.path)
