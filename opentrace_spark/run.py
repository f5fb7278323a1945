"""A run: build and check every table of the flow aside, then publish all of them together."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession

import opentrace_spark
from opentrace_spark.bronze.annotations import unread_columns
from opentrace_spark.bronze.organizations import CURATED, unknown_words, uses_curated
from opentrace_spark.checks import checks_of, hold
from opentrace_spark.config import CONF_DIR, Config, as_of
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.flow import selected_steps
from opentrace_spark.io import WORK, StoredFile, Warehouse, published, stored
from opentrace_spark.locations import filesystem_of
from opentrace_spark.silver.counter_notes import counter_notes
from opentrace_spark.sources.failures import content_error_from
from opentrace_spark.sources.landing import MANIFEST, Landing, lacking_folders
from opentrace_spark.sources.rows import check_files
from opentrace_spark.steps import Context, Step, constants_of
from opentrace_spark.tables import GOLD_RUNS, TABLES, TABLES_VERSION

log = logging.getLogger("opentrace_spark.run")

_STEPS_AT_ONCE = 4
_SPECS = {spec.id: spec for spec in TABLES}


class Progress(Protocol):
    """Told what a run is doing; a terminal shows it, a log file may."""

    def started(self, step: str, place: int, steps: int) -> None:
        """Step number `place` of `steps` begins."""

    def finished(self, step: str, rows: int, seconds: float) -> None:
        """The step's table is stored aside."""


@dataclass
class RunResult:
    """What a run did: its id, rows and seconds per table, Delta versions, checks that held.

    `notes` are sentences on what the landing lacks and on words that the configuration lacks;
    `elapsed` is in seconds, Spark's start not included.
    """

    run_id: str
    started: datetime
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    checks: int = 0
    notes: tuple[str, ...] = ()
    elapsed: float = 0.0


def run(
    spark: SparkSession,
    landing: Landing,
    warehouse: Warehouse,
    config: Config,
    *,
    only: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> RunResult:
    """Build the tables of `only` (default: all) and what they need; publish what is published.

    Raises UsageError and ContentError before any table changes. The warehouse must not be in use
    by another run: see `Warehouse.lock`.
    """
    steps = selected_steps(only)
    warehouse.check_version(TABLES)
    landing = landing.until(as_of(config))
    check_files(landing)
    begun = time.monotonic()
    started = datetime.now(timezone.utc).replace(microsecond=0)
    inputs = fingerprints(landing, config)
    run_id = _run_id(started, inputs, config)
    result = RunResult(run_id, started)
    with warehouse.lock(), _plain_errors():
        warehouse.clear_work()
        try:
            job = _Job(spark, landing, warehouse, config, result, progress)
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
                _clear(spark, warehouse)
            raise
        _clear(spark, warehouse)
    result.elapsed = time.monotonic() - begun
    return result


def _clear(spark: SparkSession, warehouse: Warehouse) -> None:
    """Drop the rows of text files, kept while bronze was built, and all scratch."""
    spark.catalog.clearCache()
    warehouse.clear_work()


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
                    running.add(pool.submit(hold, check, job.tables))
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
    tables: dict[str, DataFrame] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[StoredFile]] = field(default_factory=dict)

    def has(self, names: Iterable[str]) -> bool:
        """Whether all these tables are stored."""
        return all(name in self.tables for name in names)

    def build(self, step: Step, steps: tuple[Step, ...]) -> None:
        """Build and store a step's table."""
        begun = time.monotonic()
        result, table = self.result, step.writes
        if self.progress:
            self.progress.started(step.name, len(self.tables) + 1, len(steps))
        scratch = f"{WORK}/{result.run_id}/scratch/{step.files_of or step.name}"
        context = Context(
            self.spark,
            self.config,
            self.landing,
            result.run_id,
            result.started,
            self.warehouse.uri(scratch),
            self.locations,
        )
        # Spark's own pages and logs then say which step a job belongs to.
        self.spark.sparkContext.setJobDescription(step.name)
        frame = step.build({name: self.tables[name] for name in step.reads}, context)
        spec = _SPECS.get(table)
        relative = _stored_at(result.run_id, step)
        if spec and not step.files_of:
            frame = published(frame, spec, context.constants)
        if not step.files_of:
            frame = stored(frame, self.warehouse.uri(relative), spec)
        self.files[table] = self.warehouse.files_of(frame, relative)
        rows = sum(file.rows for file in self.files[table])
        seconds = round(time.monotonic() - begun, 3)
        result.rows[table], result.seconds[step.name] = rows, seconds
        self.locations[table] = self.warehouse.uri(relative)
        self.tables[table] = frame  # last: from now on other steps may use it
        log.info("%s: %d rows, %.1f s", step.name, rows, seconds)
        if self.progress:
            self.progress.finished(step.name, rows, seconds)
            if len(self.tables) == len(steps):
                self.progress.started("checks", len(steps), len(steps))


def _publish(job: _Job, steps: tuple[Step, ...], inputs: dict[str, Any]) -> None:
    """Commit every table of `tables.py` that the run built, and gold/runs last."""
    warehouse, result = job.warehouse, job.result
    for step in steps:
        spec = _SPECS.get(step.writes)
        if spec:
            built = _stored_at(result.run_id, step)
            files = job.files[step.writes]
            result.versions[spec.path] = warehouse.commit(spec, built, files, result.run_id)
    constants = constants_of(job.config, result.run_id, result.started)
    row: dict[str, Any] = {
        "finished_at": datetime.now(timezone.utc),
        "version": opentrace_spark.__version__,
        "tables_version": TABLES_VERSION,
        "inputs": _json(inputs),
        "row_counts": _json(
            {_SPECS[name].path: rows for name, rows in result.rows.items() if name in _SPECS}
        ),
        "table_versions": _json(result.versions),
        "step_seconds": _json(result.seconds),
        "checks_passed": result.checks,
        "notes": list(result.notes),
    }
    relative = f"{WORK}/{result.run_id}/{GOLD_RUNS.id}"
    file = warehouse.store_row(GOLD_RUNS, relative, row | constants)
    result.versions[GOLD_RUNS.path] = warehouse.commit(GOLD_RUNS, relative, [file], result.run_id)


def _stored_at(run_id: str, step: Step) -> str:
    """Where a step's table lies until it is published."""
    return f"{WORK}/{run_id}/{f'scratch/{step.files_of}' if step.files_of else step.writes}"


def _run_id(started: datetime, inputs: dict[str, Any], config: Config) -> str:
    content = hashlib.sha256((_json(inputs) + config.parameters).encode()).hexdigest()
    return f"{started:%Y%m%dT%H%M%SZ}-{content[:8]}"


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


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
