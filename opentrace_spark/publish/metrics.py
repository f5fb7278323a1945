"""Metrics of a run for monitoring, as a file in Prometheus' text format.

Those of an attempt say how this call went, whatever became of it; the others say what the warehouse
holds, which a call that failed has left as it was. docs/operations.md lists them.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import date, datetime, timezone
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, Info, write_to_textfile

from opentrace_spark.errors import CheckError, UsageError
from opentrace_spark.history import last_run
from opentrace_spark.io import Warehouse
from opentrace_spark.locations import local_path
from opentrace_spark.publish.summary import count_rejects
from opentrace_spark.tables import GOLD_WEEKS, SILVER_REJECTS


class RunMetrics:
    """Watches a run as its `Progress`, and writes the file when the command ends.

    Raises UsageError at once where the file's folder is not there.
    """

    def __init__(self, file: Path, warehouse: str) -> None:
        if not file.parent.is_dir():
            raise UsageError(f"--metrics {file}: {file.parent} is no folder; make it first")
        if file.is_dir():
            raise UsageError(f"--metrics {file} is a folder: name a file in it")
        self._file, self._warehouse = file, local_path(warehouse) or warehouse
        self._seconds: dict[str, float] = {}
        self._registry = CollectorRegistry()

    def started(self, step: str, place: int, steps: int) -> None:
        """A step that began counts once it has ended."""

    def finished(self, step: str, rows: int, seconds: float) -> None:
        """Keep how long the step took."""
        self._seconds[step] = seconds

    def unchanged(self, step: str, rows: int) -> None:
        """A step that was skipped took no time."""

    def write(self, status: int, error: BaseException | None, seconds: float) -> None:
        """Write the file in one move: `status` is the exit status, after so many seconds.

        Raises OSError.
        """
        self._attempt(status, error, seconds)
        # The reason of a failure may be the warehouse itself; then nothing is said of its state.
        with suppress(Exception):
            self._state(Warehouse(self._warehouse))
        write_to_textfile(str(self._file), self._registry)

    def _gauge(self, name: str, what: str, value: float, **labels: str) -> None:
        self._gauges(name, what, {tuple(labels.values()): value}, *labels)

    def _gauges(
        self, name: str, what: str, values: dict[tuple[str, ...], float], *labels: str
    ) -> None:
        gauge = Gauge(f"opentrace_{name}", what, ["warehouse", *labels], registry=self._registry)
        for key, value in values.items():
            gauge.labels(self._warehouse, *key).set(value)

    def _attempt(self, status: int, error: BaseException | None, seconds: float) -> None:
        self._gauge("attempt_success", "1 if the last call of the command succeeded", status == 0)
        self._gauge("attempt_exit_status", "its exit status", status)
        self._gauge("attempt_end_timestamp_seconds", "when it ended", time.time())
        self._gauge("attempt_duration_seconds", "how long it took", seconds)
        failed = isinstance(error, CheckError)
        self._gauge("attempt_failed_checks", "1 if it was stopped by a check of the tables", failed)
        self._gauges(
            "attempt_step_duration_seconds",
            "how long each of its steps took",
            {(step,): seconds for step, seconds in self._seconds.items()},
            "step",
        )

    def _state(self, warehouse: Warehouse) -> None:
        """What the warehouse holds: of the last run that committed its tables."""
        run = last_run(warehouse)
        if run is None:
            return
        Info("opentrace_run", "the last run", ["warehouse"], registry=self._registry).labels(
            self._warehouse
        ).info(
            {
                "run_id": run["run_id"],
                "version": run["version"],
                "tables_version": str(run["tables_version"]),
            }
        )
        finished: datetime = run["finished_at"]
        self._gauge("run_end_timestamp_seconds", "when it ended", finished.timestamp())
        self._gauge("run_passed_checks", "checks that ran and held", run["checks_passed"])
        self._gauges(
            "table_rows",
            "rows of each table that it wrote",
            {(table,): rows for table, rows in json.loads(run["row_counts"]).items()},
            "table",
        )
        written = json.loads(run["table_versions"])
        if SILVER_REJECTS.path in written:
            rejects = count_rejects(warehouse)
            self._gauges(
                "rejected_rows",
                "input rows that no table uses, by reason",
                {(reason,): rows for reason, rows in rejects.items()},
                "reason",
            )
        if GOLD_WEEKS.path in written:
            columns = ["week_start", "is_missing", "is_complete"]
            weeks: list[date] = [
                row["week_start"]
                for row in warehouse.read(GOLD_WEEKS, columns).to_pylist()
                if row["is_complete"] and not row["is_missing"]
            ]
            if weeks:
                monday = datetime.combine(max(weeks), datetime.min.time(), timezone.utc)
                self._gauge(
                    "last_complete_week_timestamp_seconds",
                    "Monday, 00:00 UTC, of the last complete week",
                    monday.timestamp(),
                )
