"""What a command does as JSON for a scheduler: one object per line on standard error.

Every line has `time` (UTC), `level` and `event`; docs/operations.md has events and their fields.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

_EVENTS = logging.getLogger("opentrace_spark.events")
_EVERY_SECONDS = 60.0


def log_as_text(level: int) -> None:
    """Plain messages on standard error; events are for programs and are not shown."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("opentrace_spark").setLevel(level)
    _EVENTS.setLevel(logging.CRITICAL + 1)


def log_as_json(level: int) -> None:
    """All that Python logs or warns of as JSON lines, with the events; Spark's own log, too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("opentrace_spark").setLevel(level)
    _EVENTS.setLevel(logging.INFO)
    os.environ["OPENTRACE_SPARK_LOG_FORMAT"] = "json"  # read by conf/spark/log4j2.properties


def adopt(library: str) -> None:
    """Let a library that prints its log by itself log as everything else does."""
    logger = logging.getLogger(library)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether arguments that may be wrong otherwise ask for a log in JSON."""
    return "--log-format=json" in arguments or "--log-format json" in " ".join(arguments)


def tell(event: str, message: str = "", level: int = logging.INFO, **fields: Any) -> None:
    """Log an event; fields that are None are left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    _EVENTS.log(level, "%s", message, extra={"event": event, "fields": known})


class JsonLines(logging.Formatter):
    """A record as one JSON object in ASCII, so that no name can break a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "log"),
            **getattr(record, "fields", {"logger": record.name}),
        }
        if message := record.getMessage():
            line["message"] = message
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class LoggedProgress:
    """A run's progress as events `step_started`, `step_finished` and `step_unchanged`."""

    def started(self, step: str, place: int, steps: int) -> None:
        """Tell that step number `place` of `steps` begins."""
        tell("step_started", step=step, place=place, steps=steps)

    def finished(self, step: str, rows: int, seconds: float) -> None:
        """Tell that the step's table is stored aside."""
        tell("step_finished", step=step, rows=rows, seconds=seconds)

    def unchanged(self, step: str, rows: int) -> None:
        """Tell that the step's table is there already."""
        tell("step_unchanged", step=step, rows=rows)


class LoggedBar:
    """Counted work as events `progress`: when a piece begins, ends, and once a minute between."""

    def __init__(self) -> None:
        self._what = ""
        self._told = 0.0

    def counted(self, what: str, done: int, total: int) -> None:
        """Tell how far a piece of work is, where it is time to."""
        now = time.monotonic()
        if what != self._what or done >= total or now - self._told >= _EVERY_SECONDS:
            self._what, self._told = what, now
            tell("progress", step=what, done=done, total=total)
