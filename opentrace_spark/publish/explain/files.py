"""Which files a week's counts came from, and with the landing at hand, which of their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.config import load_config
from opentrace_spark.errors import ContentError
from opentrace_spark.publish.source import Source
from opentrace_spark.run import fingerprints
from opentrace_spark.sources.failures import content_error_from
from opentrace_spark.sources.landing import open_landing
from opentrace_spark.sources.parts import parts_of, read_part
from opentrace_spark.tables import SILVER_SNAPSHOTS

_OF_ROW = ["source_file", "source_row", "week", "id", "count"]


def files_of_week(source: Source, week: dict[str, Any]) -> tuple[str, list[str]]:
    """In a sentence what the files are, and their paths below the landing, from gold/runs.

    `week` is a row of gold/weeks. Of downloads/ those that bear the week's date in their path, else
    all: which rows were in which file is in no table.
    """
    inputs = json.loads(source.run["inputs"])
    if week["source"] == "snapshots":
        days = snapshots_of_week(source, week["week_start"])
        folders = tuple(f"snapshots/{day}/" for day in days)
        paths = sorted(path for path in inputs if path.startswith(folders)) if folders else []
        return f"differences of the counters of {', '.join(map(str, days))}", paths
    paths = sorted(path for path in inputs if path.startswith("downloads/"))
    dates = {str(week["week_start"]), str(week["week_label"])}
    dates |= {text.replace("-", "") for text in dates}
    dated = [path for path in paths if any(text in path for text in dates)]
    if dated:
        return "files that bear the week's date", dated
    return f"one or more of all {len(paths):,} files of downloads/ (--landing tells which)", paths


def snapshots_of_week(source: Source, week: date) -> list[date]:
    """Days of the snapshots between which the week lies, the stalled ones left out."""
    if SILVER_SNAPSHOTS not in source:
        return []
    rows = source.rows(SILVER_SNAPSHOTS, ["snapshot_date", "is_stalled"])
    days = sorted(row["snapshot_date"] for row in rows if not row["is_stalled"])
    # Snapshots of a and b cover the days from a to the eve of b.
    covering = [
        pair for pair in pairwise(days) if pair[0] <= week + timedelta(days=6) and pair[1] > week
    ]
    return sorted({day for pair in covering for day in pair})


def described(source: Source, paths: Sequence[str]) -> Iterator[str]:
    """Each file with its size and hash, as the run read it."""
    inputs = json.loads(source.run["inputs"])
    for path in paths:
        facts = inputs[path]
        yield f"{path} ({facts['bytes']:,} bytes, sha256 {facts['sha256'][:16]}...)"


def rows_of_week(
    source: Source, location: str, names: Iterable[str], week: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of a landing's downloads/ on some names in a week: source_file, source_row, week, id,
    count; and sentences on files that are not as the run read them.

    Reads the files of `files_of_week`. Raises UsageError and ContentError as a run does.
    """
    inputs = json.loads(source.run["inputs"])
    _, paths = files_of_week(source, week)
    landing = open_landing(location)
    files = tuple(file for file in landing.of_kind("downloads") if file.relative_path in paths)
    read = replace(landing, files=files)
    now = fingerprints(read, load_config())
    remarks = [
        f"{path} {'has changed since the run' if path in now else 'is not in ' + location}"
        for path in paths
        if now.get(path) != inputs[path]
    ]
    monday = week["week_start"]
    wanted, last = pa.array(sorted(set(names)), pa.string()), monday + timedelta(days=6)
    found: list[dict[str, Any]] = []
    try:
        for part in parts_of(read, "downloads"):
            for batch in read_part(part):
                days = batch["week"]
                is_week = pc.and_(pc.greater_equal(days, monday), pc.less_equal(days, last))
                is_row = pc.and_(is_week, pc.is_in(batch["id"], value_set=wanted))
                found += batch.select(_OF_ROW).filter(is_row).to_pylist()
    except ContentError as error:
        raise content_error_from(error) or error from None
    return found, remarks
