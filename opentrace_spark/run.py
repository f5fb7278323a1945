"""A run: build and check every table of the flow aside, then publish all of them together."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession, types as T

import opentrace_spark
from opentrace_spark import flow
from opentrace_spark.bronze.annotations import unread_columns
from opentrace_spark.bronze.organizations import CURATED, unknown_words, uses_curated
from opentrace_spark.checks import Check, checks_of, hold
from opentrace_spark.config import CONF_DIR, Config, as_of
from opentrace_spark.digests import code_digest, libraries
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.flow import selected_steps
from opentrace_spark.history import run_ids
from opentrace_spark.io import Warehouse, named_files, published, read_back, stored
from opentrace_spark.locations import filesystem_of
from opentrace_spark.moved import built_headlines, moved, published_headlines
from opentrace_spark.reuse import SCRATCH, TABLE, Kept, Reuse, traced
from opentrace_spark.scratch import Scratch
from opentrace_spark.silver.counter_notes import counter_notes
from opentrace_spark.sources.failures import content_error_from
from opentrace_spark.sources.landing import MANIFEST, Landing, lacking_folders
from opentrace_spark.sources.rows import check_files
from opentrace_spark.steps import Context, Step, constants_of
from opentrace_spark.tables import GOLD_RUNS, TABLES, TABLES_VERSION

log = logging.getLogger("opentrace_spark.run")

_STEPS_AT_ONCE = 4
_LAST = "run"
"""Note of the scratch: the run that was begun last."""
_MOVED = "moved"
"""Note of the scratch: what its tables move, worked out before the first is published."""
_SPECS = {spec.id: spec for spec in TABLES}


class Progress(Protocol):
    """Told what a run is doing; a terminal shows it, a log file may."""

    def started(self, step: str, place: int, steps: int) -> None:
        """Step number `place` of `steps` begins."""

    def finished(self, step: str, rows: int, seconds: float) -> None:
        """The step's table is stored aside."""

    def unchanged(self, step: str, rows: int) -> None:
        """The step's table is there already: nothing that it is made of has changed."""


@dataclass
class RunResult:
    """What a run did: its id, rows per table, seconds per step, Delta versions, checks that held.

    `skipped` are the steps whose tables were there already; `moved` is as in `moved.moved`, None
    where there is nothing to compare with; `notes` are sentences on what the
    landing lacks and on words that the configuration lacks; `elapsed` is in seconds, Spark's start
    not included.
    """

    run_id: str
    started: datetime
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    checks: int = 0
    skipped: list[str] = field(default_factory=list)
    moved: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    elapsed: float = 0.0


def run(
    spark: SparkSession,
    landing: Landing,
    warehouse: Warehouse,
    config: Config,
    *,
    only: tuple[str, ...] = (),
    force: bool = False,
    discard_scratch: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """Build the tables of `only` (default: all) and what they need; publish what is published.

    A step of which nothing has changed since its table was made, by whatever run, is skipped, but
    with `force`. That takes scratch of the size of the tables or more, which `discard_scratch`
    removes at the end: the next run then builds everything. Raises UsageError and ContentError
    before any table changes. The warehouse must not be in use by another run: see `Warehouse.lock`.
    """
    warehouse.check_version(TABLES)
    landing = landing.until(as_of(config))
    steps = selected_steps(only, landing)
    check_files(landing)
    begun = time.monotonic()
    inputs = fingerprints(landing, config)
    with warehouse.lock(), _plain_errors():
        scratch = Scratch(warehouse)
        published_runs = run_ids(warehouse)
        run_id, started = _begin(scratch, published_runs, inputs, config)
        result = RunResult(run_id, started)
        known = {*published_runs, run_id}
        reuse = Reuse(warehouse, landing, inputs, config, known, flow.FLOW, force)
        reuse.tidy()
        try:
            job = _Job(spark, landing, warehouse, config, result, progress, reuse)
            _build(job, steps)
            try:
                _publish(job, steps, inputs)
            except (Exception, KeyboardInterrupt) as error:
                raise ContentError(
                    f"publishing was cut off after {len(result.versions)} tables "
                    f"({error or type(error).__name__}); run the same again, that repairs it"
                ) from error
        except BaseException:
            # Cancelled tasks may still be writing. What can't be removed now is removed by the
            # next run; the reason of the failure must not be lost over it.
            with suppress(Exception):
                spark.catalog.clearCache()
                reuse.tidy()
            raise
        reuse.note_checks()
        spark.catalog.clearCache()  # rows of text files, kept while bronze was built
        if discard_scratch:
            scratch.clear()
        else:
            reuse.tidy()
    result.elapsed = time.monotonic() - begun
    return result


def _begin(
    scratch: Scratch, published: Collection[str], inputs: Mapping[str, Any], config: Config
) -> tuple[str, datetime]:
    """Id and start of this run: those of a run on the same that did not end, which it finishes, so
    that the rows which that one made are of a run that is known."""
    content = hashlib.sha256((_json(inputs) + config.parameters).encode()).hexdigest()
    noted = scratch.read(_LAST)
    if noted and noted["content"] == content and noted["run_id"] not in published:
        return noted["run_id"], datetime.fromisoformat(noted["started"])
    started = datetime.now(timezone.utc).replace(microsecond=0)
    run_id = f"{started:%Y%m%dT%H%M%SZ}-{content[:8]}"
    scratch.write(_LAST, {"content": content, "run_id": run_id, "started": started.isoformat()})
    return run_id, started


def _build(job: _Job, steps: tuple[Step, ...]) -> None:
    """Store the table of every step, and check it, each as soon as what it reads is there.

    Steps that do not wait for each other run side by side: small ones leave most of a machine idle.
    """
    waiting = list(steps)
    unchecked = checks_of([step.writes for step in steps], _SPECS)
    job.result.checks = len(unchecked)
    running: set[Future[None]] = set()
    with ThreadPoolExecutor(_STEPS_AT_ONCE) as pool:
        try:
            while waiting or unchecked or running:
                for step in [s for s in waiting if job.has(s.reads)]:
                    waiting.remove(step)
                    running.add(pool.submit(job.build, step, steps))
                for check in [c for c in unchecked if job.has(c.needs)]:
                    unchecked.remove(check)
                    running.add(pool.submit(job.hold, check))
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
            job.result.notes = lacking_folders(job.landing)
            if "bronze_organizations" in job.tables:
                organizations = job.tables["bronze_organizations"]
                job.result.notes += unknown_words(organizations, job.config)
            if "bronze_annotations" in job.tables and job.landing.of_kind("annotations"):
                job.result.notes += unread_columns(job.tables["bronze_annotations"])
            if job.landing.snapshots:
                job.result.notes += counter_notes(job.tables, job.config)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            job.spark.sparkContext.cancelAllJobs()
            raise


@dataclass
class _Job:
    """What the steps of one run share: where they store, and the tables stored so far."""

    spark: SparkSession
    landing: Landing
    warehouse: Warehouse
    config: Config
    result: RunResult
    progress: Progress | None
    reuse: Reuse
    tables: dict[str, DataFrame] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    code_of_checks: str = field(default_factory=lambda: code_digest(hold))

    def has(self, names: Iterable[str]) -> bool:
        """Whether all these tables are stored."""
        return all(name in self.tables for name in names)

    def build(self, step: Step, steps: tuple[Step, ...]) -> None:
        """Have the step's table: the kept one where it holds, else one that is built and stored."""
        why = self.reuse.why(step)
        kept = None if why else self.reuse.kept(step)
        if kept is None:
            log.info("%s: built, %s", step.name, why)
            kept, frame = self._built(step, steps)
        else:
            log.info("%s: %d rows, unchanged", step.name, kept.rows)
            frame = self._frame_of(step, kept)
            self.result.skipped.append(step.name)
            if self.progress:
                self.progress.unchanged(step.name, kept.rows)
        self.kept[step.writes] = kept
        self.reuse.keys[step.writes] = kept.key
        self.result.rows[step.writes] = kept.rows
        self.locations[step.writes] = self._location(step, kept)
        self.tables[step.writes] = frame  # last: from now on other steps may use it
        if self.progress and len(self.tables) == len(steps):
            self.progress.started("checks", len(steps), len(steps))

    def hold(self, check: Check) -> None:
        """Hold a rule against the tables, where it has not held for the same ones already."""
        name = f"{check.table}: {check.rule}"
        if not self.reuse.has_held(name, self.code_of_checks, check.needs):
            hold(check, self.tables)
            self.reuse.note_held(name, self.code_of_checks, check.needs)

    def _built(self, step: Step, steps: tuple[Step, ...]) -> tuple[Kept, DataFrame]:
        begun = time.monotonic()
        result, spec = self.result, _SPECS.get(step.writes)
        if self.progress:
            self.progress.started(step.name, len(self.tables) + 1, len(steps))
        folder = self.reuse.scratch.new_folder(step.name)
        of = self.kept[step.files_of].folder if step.files_of else ""
        values: set[str] = set()
        context = Context(
            self.spark,
            traced(self.config, values),
            self.landing.only(step.folders),
            result.run_id,
            result.started,
            self.warehouse.uri(f"{of or folder}/{SCRATCH}"),
            self.locations,
        )
        # Spark's own pages and logs then say which step a job belongs to.
        self.spark.sparkContext.setJobDescription(step.name)
        frame = step.build({name: self.tables[name] for name in step.reads}, context)
        relative = f"{of}/{SCRATCH}" if of else f"{folder}/{TABLE}"
        if not of:
            if spec:
                constants = constants_of(self.config, result.run_id, result.started)
                frame = published(frame, spec, constants)
            frame = stored(frame, self.warehouse.uri(relative), spec)
        files = self.warehouse.files_of(frame, relative)
        kept = self.reuse.keep(step, folder, of, frame.schema.json(), files, values, result.run_id)
        seconds = round(time.monotonic() - begun, 3)
        result.seconds[step.name] = seconds
        log.info("%s: %d rows, %.1f s", step.name, kept.rows, seconds)
        if self.progress:
            self.progress.finished(step.name, kept.rows, seconds)
        return kept, frame

    def _location(self, step: Step, kept: Kept) -> str:
        """Where functions on workers find the files of a table."""
        spec = _SPECS.get(step.writes)
        if spec and kept.version is not None:
            return self.warehouse.uri(spec.path)
        return self.warehouse.uri(kept.stored_in)

    def _frame_of(self, step: Step, kept: Kept) -> DataFrame:
        """The rows of a kept table."""
        spec, location = _SPECS.get(step.writes), self._location(step, kept)
        if spec and kept.version is not None:
            files = self.warehouse.active_files(spec)
            return named_files(self.spark, spec, location, [file.path for file in files])
        if spec and step.files_of:
            return named_files(self.spark, spec, location, [file.path for file in kept.files])
        return read_back(self.spark, T.StructType.fromJson(json.loads(kept.schema)), location)


def _publish(job: _Job, steps: tuple[Step, ...], inputs: dict[str, Any]) -> None:
    """Commit every table of `tables.py` that is not of an earlier run, and gold/runs last."""
    warehouse, result = job.warehouse, job.result
    result.moved = _moved(job)
    for step in steps:
        spec = _SPECS.get(step.writes)
        if spec:
            kept = job.kept[step.writes]
            version = kept.version
            if version is None:
                version = warehouse.commit(spec, kept.stored_in, kept.files, result.run_id)
                job.reuse.committed(step, version)
            result.versions[spec.path] = version
    result.versions |= _emptied(job)
    constants = constants_of(job.config, result.run_id, result.started)
    row: dict[str, Any] = {
        "finished_at": datetime.now(timezone.utc),
        "version": opentrace_spark.__version__,
        "libraries": _json(libraries()),
        "tables_version": TABLES_VERSION,
        "inputs": _json(inputs),
        "row_counts": _json(
            {_SPECS[name].path: rows for name, rows in result.rows.items() if name in _SPECS}
        ),
        "table_versions": _json(result.versions),
        "step_seconds": _json(result.seconds),
        "skipped": sorted(result.skipped),
        "moved": None if result.moved is None else _json(result.moved),
        "checks_passed": result.checks,
        "notes": list(result.notes),
    }
    relative = job.reuse.scratch.new_folder(GOLD_RUNS.id)
    file = warehouse.store_row(GOLD_RUNS, relative, row | constants)
    result.versions[GOLD_RUNS.path] = warehouse.commit(GOLD_RUNS, relative, [file], result.run_id)


def _emptied(job: _Job) -> dict[str, int]:
    """Take the rows out of tables that the landing no longer has the folders for: path -> version.

    What no run has written stays away.
    """
    possible = {step.writes for step in flow.steps_of(job.landing)}
    versions = {}
    for step in flow.FLOW:
        spec = _SPECS.get(step.writes)
        if spec is None or step.writes in possible:
            continue
        table = job.warehouse.table(spec)
        if table is not None and table.file_uris():
            versions[spec.path] = job.warehouse.commit(spec, "", [], job.result.run_id)
    return versions


def _moved(job: _Job) -> dict[str, Any] | None:
    """What moves once the tables are published; None for the first run, and without the tables."""
    scratch, run_id = job.reuse.scratch, job.result.run_id
    noted = scratch.read(_MOVED)
    if noted and noted["run_id"] == run_id:
        found: dict[str, Any] | None = noted["moved"]
        return found  # publishing was cut off before: the tables may be new ones already
    before, after = published_headlines(job.warehouse), built_headlines(job.tables)
    found = json.loads(_json(moved(before, after))) if before and after else None
    scratch.write(_MOVED, {"run_id": run_id, "moved": found})
    return found


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def fingerprints(landing: Landing, config: Config) -> dict[str, dict[str, Any]]:
    """Relative path -> bytes and sha256 of every file that a run reads, and what the manifest says.

    Raises ContentError for a file that can't be read.
    """
    prints: dict[str, dict[str, Any]] = {}
    for file in landing.files:
        filesystem, path = filesystem_of(file.uri)
        digest = hashlib.sha256()
        try:
            with filesystem.open_input_stream(path, compression=None) as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
        except OSError as error:
            raise ContentError(f"{file.relative_path}: can't be read ({error})") from None
        prints[file.relative_path] = {"bytes": file.size, "sha256": digest.hexdigest()}
    if landing.last_complete_week:
        prints[MANIFEST] = {"last_complete_week": str(landing.last_complete_week)}
    if uses_curated(landing, config):
        content = (CONF_DIR / CURATED).read_bytes()
        own = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        prints[f"conf/{CURATED}"] = own
    return prints


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what Spark and the file systems say of bad files and full disks into one sentence."""
    try:
        yield
    except (ContentError, UsageError):
        raise
    except Exception as error:
        text = str(error)
        if plain := content_error_from(error):
            raise plain from error
        if "No space left on device" in text:
            raise ContentError(
                "the disk is full: nothing was published; make room (about four times the landing) "
                "or name a warehouse and --scratch elsewhere"
            ) from error
        if "ARITHMETIC_OVERFLOW" in text or "OverflowError" in text:
            raise ContentError(
                "downloads add up to more than 64 bits can hold: look for absurd counts in "
                "downloads/; nothing was published"
            ) from error
        raise
