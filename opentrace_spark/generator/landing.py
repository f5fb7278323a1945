"""A whole synthetic landing directory, from its size and a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from opentrace_spark.generator.calibration import Calibration, weeks_before_end
from opentrace_spark.generator.downloads import Series, build_series, count_week
from opentrace_spark.generator.identity import build_identities
from opentrace_spark.generator.lineage import QUANTIZED, build_lineage, build_roles
from opentrace_spark.generator.metadata import (
    DICTIONARY_COLUMNS,
    Hub,
    build_hub_ids,
    build_models,
    draw_modified,
)
from opentrace_spark.generator.names import name_models, name_owners
from opentrace_spark.generator.organizations import build_organizations
from opentrace_spark.generator.owners import Owners, build_owners
from opentrace_spark.generator.popularity import build_creation, build_popularity
from opentrace_spark.generator.references import build_references
from opentrace_spark.generator.traits import build_traits
from opentrace_spark.generator.write import write_csv, write_parquet, write_week

Progress = Callable[[str, int, int], None]

# One random stream each, so that a change in one concept leaves the others as they are. New ones
# go to the end.
_STREAMS = ("creation", "roles", "talent", "owners", "popularity", "lineage", "traits",
            "owner_names", "model_names", "identities", "references", "series", "gaps", "weeks",
            "hub_ids", "modified", "organizations")  # fmt: skip
_ROWS_PER_FILE = 200_000
_FILES_OF_A_SMALL_HUB = 4
_DAYS_30 = (1.0, 1.0, 1.0, 1.0, 2 / 7)  # weights of the last weeks in the trailing 30 days


@dataclass(frozen=True)
class GeneratedLanding:
    """What was written. files: number of files; weeks: weeks with a file (missing_weeks have none).

    downloads: sum of all counts; downloads_rows: rows of `downloads/`, zero counts included.
    """

    path: Path
    models: int
    owners: int
    weeks: int
    missing_weeks: int
    downloads_rows: int
    downloads: int
    aliases: int
    organizations: int
    files: int


def generate_landing(
    out: Path,
    *,
    models: int,
    weeks: int,
    seed: int,
    progress: Progress | None = None,
    fit: Calibration | None = None,
) -> GeneratedLanding:
    """Write `models/`, `downloads/`, `aliases/` and `organizations/` below `out`.

    The weeks end on 2025-08-18 and go back `weeks` weeks. The same (models, weeks, seed) gives the
    same bytes. progress(stage, done, total) is called as work goes on; stages are "hub" (steps),
    "downloads" (weeks), "models" (rows).

    Raises ValueError for models < 1, weeks < 1 or a negative seed, FileExistsError if `out` exists
    and is not an empty folder.
    """
    _check_arguments(out, models, weeks, seed)
    fit = fit or Calibration()
    report = progress or (lambda stage, done, total: None)
    streams = _Streams(seed)
    report("hub", 0, 1)
    hub, owners, owner_names, series = _build_hub(models, weeks, streams, fit)
    report("hub", 1, 1)
    for folder in ("models", "downloads", "aliases", "organizations"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    gaps = _choose_gaps(weeks, streams["gaps"], fit)
    history = History(series, weeks, gaps, fit)
    rows, downloads, hub = _write_downloads(out / "downloads", hub, history, streams, report)
    parts = _write_models(out / "models", hub, report)
    aliases = hub.identities.renames.rows
    write_csv(out / "aliases" / "aliases.csv", ("legacy_id", "current_id"), aliases)
    organizations = build_organizations(owners, owner_names, streams["organizations"])
    header = ("org", "country", "org_type", "organization", "source")
    write_csv(out / "organizations" / "organizations.csv", header, organizations)
    counted = weeks - len(gaps)
    return GeneratedLanding(
        out, models, len(owners.size), counted, len(gaps), rows, downloads, len(aliases),
        len(organizations), parts + counted + 2,
    )  # fmt: skip


@dataclass(frozen=True)
class History:
    """What the weekly files are made from. gaps: weeks without a file, counted from the last."""

    series: Series
    weeks: int
    gaps: frozenset[int]
    fit: Calibration


class _Streams:
    """Independent random streams by name, all derived from one seed."""

    def __init__(self, seed: int) -> None:
        children = np.random.SeedSequence(seed).spawn(len(_STREAMS))
        self.sequences = dict(zip(_STREAMS, children, strict=True))

    def __getitem__(self, name: str) -> np.random.Generator:
        return np.random.default_rng(self.sequences[name])

    def weekly(self, weeks: int) -> list[np.random.Generator]:
        """One per week, the last week first: a longer history leaves its last weeks as they are."""
        return [np.random.default_rng(child) for child in self.sequences["weeks"].spawn(weeks)]


def _check_arguments(out: Path, models: int, weeks: int, seed: int) -> None:
    if models < 1:
        raise ValueError(f"The number of models must be at least 1, not {models}.")
    if weeks < 1:
        raise ValueError(f"The number of weeks must be at least 1, not {weeks}.")
    if seed < 0:
        raise ValueError(f"The seed must not be negative, but it is {seed}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists and is not an empty folder: choose another one.")


def _build_hub(
    models: int, weeks: int, streams: _Streams, fit: Calibration
) -> tuple[Hub, Owners, pa.Array, Series]:
    """All models with their names and parents, and the series of their downloads."""
    creation = build_creation(models, streams["creation"], fit)
    roles = build_roles(creation, streams["roles"], fit)
    talent = streams["talent"].standard_normal(models)
    owners = build_owners(roles.kind == QUANTIZED, talent, streams["owners"], fit)
    prominent = owners.is_prominent[owners.owner_of]
    popularity = build_popularity(
        creation, talent, prominent, roles.is_child, streams["popularity"], fit
    )
    lineage = build_lineage(creation, roles, popularity, streams["lineage"], fit)
    traits = build_traits(lineage, popularity, streams["traits"])
    owner_names = name_owners(owners, streams["owner_names"])
    names = name_models(lineage, traits, owners, owner_names, streams["model_names"])
    age = np.minimum(weeks_before_end(creation.second), weeks - 1)
    identities = build_identities(
        names, roles.is_child, age, popularity.rank, streams["identities"], fit
    )
    references = build_references(lineage, identities, creation, streams["references"], fit)
    series = build_series(identities, creation, popularity, streams["series"], fit)
    none = np.zeros(models, dtype=np.int64)
    hub = Hub(
        creation, lineage, traits, identities, references,
        build_hub_ids(creation, streams["hub_ids"]),
        draw_modified(creation, streams["modified"]), none, none,
    )  # fmt: skip
    return hub, owners, owner_names, series


def _choose_gaps(weeks: int, rng: np.random.Generator, fit: Calibration) -> frozenset[int]:
    """Weeks without a file, counted back from the last; neither of the first nor last few."""
    if weeks < fit.gap_min_weeks:
        return frozenset()
    count = max(2, weeks // fit.weeks_per_gap)
    return frozenset((4 + rng.permutation(weeks - 8)[:count]).tolist())


def _write_downloads(
    folder: Path, hub: Hub, history: History, streams: _Streams, report: Progress
) -> tuple[int, int, Hub]:
    """One file per week, the first week first. Returns rows, downloads, and the hub with totals."""
    series, weeks = history.series, history.weeks
    rows = downloads = 0
    recent = np.zeros(len(series.model))
    total = np.zeros(len(series.model), dtype=np.int64)
    generators = streams.weekly(weeks)
    for done, week in enumerate(reversed(range(weeks)), start=1):
        counted = count_week(series, week, generators[week], history.fit)
        total[counted.series] += counted.count
        if week < len(_DAYS_30):
            recent[counted.series] += counted.count * _DAYS_30[week]
        if week not in history.gaps:
            names = series.name.take(pa.array(counted.series))
            write_week(folder, week, names, counted.count)
            rows += len(counted.count)
            downloads += int(counted.count.sum())
        report("downloads", done, weeks)
    known = series.model >= 0
    hub_total, hub_recent = np.zeros_like(hub.total), np.zeros(len(hub.total))
    np.add.at(hub_total, series.model[known], total[known])
    np.add.at(hub_recent, series.model[known], recent[known])
    return rows, downloads, replace(hub, total=hub_total, recent=hub_recent.astype(np.int64))


def _write_models(folder: Path, hub: Hub, report: Progress) -> int:
    """Write the metadata in parts; returns their number."""
    models = len(hub.total)
    size = min(_ROWS_PER_FILE, max(500, -(-models // _FILES_OF_A_SMALL_HUB)))
    starts = range(0, models, size)
    for part, start in enumerate(starts):
        stop = min(models, start + size)
        path = folder / f"part-{part:05d}.parquet"
        write_parquet(build_models(hub, start, stop), path, DICTIONARY_COLUMNS)
        report("models", stop, models)
    return len(starts)
