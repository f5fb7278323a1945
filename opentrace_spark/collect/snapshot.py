"""`--source hub`: every public model of the Hub, listed into `snapshots/<date>/`.

    snapshots/_<date>.hub.unfinished/    while it is collected, for as many runs as it takes
        _started.json                when, and by what: another version starts anew
        _page-000101.json            pages that have arrived and are in no part yet
        part-00000.parquet           100 pages each, and beside it what must be known of them
        _part-00000.parquet.json
    snapshots/<date>/                complete
        part-00000.parquet ...
        _rejects.jsonl               records that are no rows, where there are any
        _manifest.json

The date is that of the first request, UTC.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import opentrace_spark
from opentrace_spark.collect import pages, parts
from opentrace_spark.collect.folders import (
    check_free,
    file_entry,
    landing_of_ours,
    publish,
    read_manifest,
    remove,
    unfinished,
    write_json,
    write_text,
)
from opentrace_spark.collect.rows import EXPAND
from opentrace_spark.collect.transport import Hub, written
from opentrace_spark.errors import ContentError
from opentrace_spark.locations import SNAPSHOT_MANIFEST
from opentrace_spark.sources.cells import to_json

SNAPSHOTS = "snapshots"

_STALE = timedelta(days=2)
"""An older beginning is given up: counters of one snapshot must be of one moment, more or less."""

_GUESS = 2_900_000
"""About how many models there are, for the progress bar of the first snapshot of a landing."""

_LEAST = 0.9
"""Share of the last snapshot's models below which a list was surely cut short."""

_STARTED = "_started.json"
_REJECTS = "_rejects.jsonl"

Progress = Callable[[str, int, int], None]
"""Told what is counted, how many there are, and about how many there will be."""


@dataclass(frozen=True)
class Collected:
    """A complete snapshot; `is_new` is false where it was there before."""

    folder: Path
    manifest: dict[str, Any]
    is_new: bool


def collect_hub(out: Path, hub: Hub, progress: Progress) -> Collected:
    """List the Hub into the landing `out`, going on where an earlier run stopped.

    One snapshot a day: a complete one is left as it is. Raises ContentError, UsageError.
    """
    with landing_of_ours(out):
        building, started = _begun(out, hub) or (None, written(hub.clock.now()))
        folder = out / SNAPSHOTS / started[:10]
        check_free(folder)
        manifest = read_manifest(folder)
        if manifest is not None:
            return Collected(folder, manifest, is_new=False)
        if building is None:
            building = _begin(folder, hub, started)
        if read_manifest(building) is None:
            _collect(building, started, hub, progress, _last_snapshot(out))
        publish(building, folder)
        return Collected(folder, read_manifest(folder) or {}, is_new=True)


def _begun(out: Path, hub: Hub) -> tuple[Path, str] | None:
    """The folder to go on in and when it was begun, None where there is none; removes others."""
    oldest = written(hub.clock.now() - _STALE)
    for building in sorted((out / SNAPSHOTS).glob("_*.hub.unfinished"), reverse=True):
        complete = read_manifest(building)  # but for its name
        state = _state(building)
        started = str((complete or state).get("started", ""))
        is_needed = read_manifest(out / SNAPSHOTS / started[:10]) is None
        if is_needed and (complete or (state == _begun_now(hub, started) and started > oldest)):
            return building, started
        remove(building)
    return None


def _begin(folder: Path, hub: Hub, started: str) -> Path:
    building = unfinished(folder, "hub")
    building.mkdir(parents=True)
    write_json(building / _STARTED, _begun_now(hub, started))
    return building


def _begun_now(hub: Hub, started: str) -> dict[str, Any]:
    """What must be the same for a run to go on with what another began."""
    return {
        "tool_version": opentrace_spark.__version__,
        "endpoint": hub.name,
        "query": pages.FIRST_QUERY,
        "started": started,
    }


def _state(building: Path) -> dict[str, Any]:
    """What is known of a beginning; nothing where it did not get that far."""
    try:
        return dict(json.loads((building / _STARTED).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _collect(
    building: Path, started: str, hub: Hub, progress: Progress, last: tuple[Path, int] | None
) -> None:
    """All pages that are missing, all parts, then the manifest; `last`: snapshot and its rows."""
    expected = last[1] if last else _GUESS
    done = parts.notes(building)
    seen = parts.SeenModels(building / "_seen.sqlite")
    parts.recall(building, done, seen)
    waiting = _waiting(building, done)
    known = {digest for note in done for digest in note.digests}
    known |= {page.digest for page in waiting}
    rows = sum(note.counts.get("listed_rows", 0) for note in done)
    rows += sum(page.rows for page in waiting)
    while True:
        number, query = _next(done, waiting)
        if len(waiting) == parts.PAGES_PER_PART or (waiting and query is None):
            done.append(parts.write_part(building, len(done), waiting, seen, started))
            waiting = []
        if query is None:
            break
        page, body = pages.ask_page(hub, number, query, known)
        pages.keep(building, page, body)
        waiting.append(page)
        known.add(page.digest)
        rows += page.rows
        progress("models", rows, max(expected, rows))
    seen.close()
    manifest = _manifest(building, done, started, hub)
    if last and manifest["rows"] < _LEAST * last[1]:
        remove(building)
        raise ContentError(
            f"the list of models at {hub.name} ended after {manifest['rows']:,} models, and "
            f"{last[0]} has {last[1]:,}: it was cut short; run the same command again (or, if so "
            "many models are gone, move that snapshot away for this once)"
        )
    write_json(building / SNAPSHOT_MANIFEST, manifest)


def _waiting(building: Path, done: list[parts.Note]) -> list[pages.Page]:
    """The pages on disk that follow those of the parts."""
    number = done[-1].last_page if done else 0
    found = []
    while page := pages.kept(building, number := number + 1):
        found.append(page)
    return found


def _next(done: list[parts.Note], waiting: list[pages.Page]) -> tuple[int, str | None]:
    """Number and query of the page to ask for; no query after the last."""
    if waiting:
        return waiting[-1].number + 1, waiting[-1].next_query
    if done:
        return done[-1].last_page + 1, done[-1].next_query
    return 1, pages.FIRST_QUERY


def _manifest(building: Path, done: list[parts.Note], started: str, hub: Hub) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for note in done:
        counts += Counter(note.counts)
    if not counts["rows"]:
        remove(building)
        raise ContentError(
            f"the list of models at {hub.name} is empty; run the command again later"
        )
    files = [note.file for note in done]
    rejects = [reject for note in done for reject in note.rejects]
    if rejects:
        write_text(building / _REJECTS, "".join(f"{to_json(reject)}\n" for reject in rejects))
        files.append(file_entry(building / _REJECTS, len(rejects)))
    return {
        "source": "hub",
        "endpoint": hub.name,
        "tool_version": opentrace_spark.__version__,
        "started": started,
        "finished": written(hub.clock.now()),
        "pages": done[-1].last_page,
        "rows": counts.pop("rows"),
        "counts": dict(sorted(counts.items())),
        "fields": list(EXPAND),
        "files": files,
    }


def _last_snapshot(out: Path) -> tuple[Path, int] | None:
    """The last complete snapshot of the landing, and its rows."""
    for folder in sorted((out / SNAPSHOTS).glob("[0-9]*"), reverse=True):
        manifest = read_manifest(folder)
        if manifest is not None and isinstance(manifest.get("rows"), int):
            return folder, int(manifest["rows"])
    return None
