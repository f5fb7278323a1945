"""The command line: `opentrace demo | generate | collect | check | run | update | upkeep | diff |
explain | report | publish | bi | annotate`.

Exit status: 0 done; 1 content that can't be used, or a failed run; 2 a wrong option, configuration
value or path; 130 and 143 stopped by SIGINT or SIGTERM. The last line on standard error says what
was wrong and what to do.
"""

from __future__ import annotations

import argparse
import errno
import io
import logging
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import opentrace_spark
from opentrace_spark.config import dated, load_config
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import first_line
from opentrace_spark.options import build_parser
from opentrace_spark.publish.logs import asks_for_json, log_as_json, log_as_text, tell

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from opentrace_spark.generator import GeneratedLanding
    from opentrace_spark.publish.report.command import Written
    from opentrace_spark.run import Progress

DONE, FAILED, WRONG_USE, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
STATUSES = {
    DONE: "done",
    FAILED: "failed",
    WRONG_USE: "wrong use",
    INTERRUPTED: "interrupted",
    TERMINATED: "terminated",
}
"""What the exit status means, in a word."""
_REVIEW_SEED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    begun = time.monotonic()
    options = _parsed(sys.argv[1:] if arguments is None else arguments)
    level = logging.INFO if getattr(options, "verbose", False) else logging.WARNING
    (log_as_json if _is_json(options) else log_as_text)(level)
    tell("started", command=options.name, version=opentrace_spark.__version__)
    status, message, error = _done(options)
    if options.watch is not None:
        try:
            options.watch.write(status, error, time.monotonic() - begun)
        except OSError as failure:
            message = message or f"all is done, only --metrics can't be written ({failure})"
            status = status or FAILED
    message = " ".join(message.split())
    if message and not _is_json(options):
        print(f"opentrace: {message}", file=sys.stderr)
    _tell_end(status, message, begun, options.name)
    return status


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; what argparse says of wrong ones is told as JSON where that is asked for."""
    if not asks_for_json(arguments):
        return build_parser().parse_args(arguments)
    said, begun = io.StringIO(), time.monotonic()
    try:
        with redirect_stderr(said):
            return build_parser().parse_args(arguments)
    except SystemExit as stop:
        if stop.code:
            log_as_json(logging.WARNING)
            _tell_end(WRONG_USE, said.getvalue().splitlines()[-1], begun)
        raise


def _tell_end(status: int, message: str, begun: float, name: str | None = None) -> None:
    tell(
        "ended",
        level=logging.ERROR if status else logging.INFO,
        command=name,
        status=STATUSES[status],
        exit_status=status,
        seconds=round(time.monotonic() - begun, 3),
        error=message or None,
    )


def _is_json(options: argparse.Namespace) -> bool:
    return getattr(options, "log_format", "text") == "json"


def _done(options: argparse.Namespace) -> tuple[int, str, BaseException | None]:
    """Run the command: the exit status, what to say of a failure, and its error."""
    with _told_of_sigterm() as terminated:
        try:
            if getattr(options, "metrics", None) is not None:
                from opentrace_spark.publish.metrics import RunMetrics

                options.watch = RunMetrics(options.metrics, options.warehouse)
            _command(options.name)(options)
        except (Exception, KeyboardInterrupt) as error:
            status, message = _judged(error, options)
            if terminated:
                told = isinstance(error, ContentError)  # what a run that was publishing says of it
                message = message if told else f"terminated; {options.after_interrupt}"
                status = TERMINATED
            return status, message, error
    return DONE, "", None


def _judged(error: Exception | KeyboardInterrupt, options: argparse.Namespace) -> tuple[int, str]:
    if isinstance(error, UsageError):
        return WRONG_USE, str(error)
    if isinstance(error, ContentError):
        return FAILED, str(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, f"interrupted; {options.after_interrupt}"
    if getattr(options, "verbose", False):
        logging.getLogger("opentrace_spark").error("the trace:", exc_info=error)
    return FAILED, (
        f"a defect of the program ({type(error).__name__}: {first_line(error)}); "
        f"{options.after_interrupt}; --verbose shows where"
    )


def _command(name: str) -> Callable[[argparse.Namespace], None]:
    return {
        "demo": _demo,
        "generate": _generate,
        "collect": _collect,
        "check": _check,
        "run": _run,
        "update": _update,
        "upkeep": _upkeep,
        "diff": _diff,
        "explain": _explain,
        "report": _report,
        "publish": _publish,
        "bi": _bi,
        "annotate": _annotate,
    }[name]


@contextmanager
def _told_of_sigterm() -> Iterator[list[int]]:
    """Stop as for Ctrl-C when a scheduler ends the process; yields a list of the signals that came.

    Signals reach the main thread only; elsewhere nothing is changed.
    """
    came: list[int] = []

    def stop(number: int, frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


def _generate(options: argparse.Namespace) -> None:
    made = _generated(options.out, options)
    if not options.quiet:
        print(
            f"{made.path}: {made.models:,} models of {made.owners:,} owners; {made.weeks:,} weeks "
            f"({made.missing_weeks} missing) with {made.downloads_rows:,} counts that add up to "
            f"{made.downloads:,} downloads"
        )


def _generated(out: Path, options: argparse.Namespace) -> GeneratedLanding:
    from opentrace_spark.generator import generate_landing
    from opentrace_spark.publish.progress import TerminalProgress

    try:
        with TerminalProgress(_terminal(options)) as progress:
            return generate_landing(
                out,
                models=options.models,
                weeks=options.weeks,
                seed=options.seed,
                progress=progress.counted,
            )
    except OSError as error:
        kind = ContentError if error.errno in (errno.ENOSPC, errno.EDQUOT) else UsageError
        raise kind(f"generate: {error}") from None
    except ValueError as error:
        raise UsageError(f"generate: {error}") from None


def _collect(options: argparse.Namespace) -> None:
    from opentrace_spark.collect.command import collect
    from opentrace_spark.publish.logs import LoggedBar, adopt
    from opentrace_spark.publish.progress import TerminalBar

    if options.source is None and options.owners_of is None:
        raise UsageError("name a --source, or --owners-of a warehouse")
    if options.since is not None and options.source != "weekly-snapshots":
        raise UsageError("--since is of --source weekly-snapshots alone; leave it out")
    owners = None if options.owners_of is None else _owners(options.owners_of)
    if _is_json(options):
        adopt("huggingface_hub")
    with TerminalBar(_terminal(options)) as bar:
        counted = LoggedBar().counted if _is_json(options) else bar.counted
        told = collect(options.out, options.source, options.since, owners, counted)
    for sentence in told:
        _say(options, "collected", sentence)


def _terminal(options: argparse.Namespace) -> Console:
    """Standard error for progress bars: silent where it is a log."""
    return Console(stderr=True, quiet=options.quiet or _is_json(options))


def _say(options: argparse.Namespace, event: str, sentence: str) -> None:
    """A sentence for a person, who may not want it, and for a log."""
    if not options.quiet:
        print(sentence)
    tell(event, sentence)


def _owners(location: str) -> list[str]:
    """The owners of a warehouse's population."""
    import pyarrow.compute as pc

    from opentrace_spark.io import Warehouse
    from opentrace_spark.tables import SILVER_MODELS

    warehouse = Warehouse(location)
    warehouse.check_version((SILVER_MODELS,))
    is_population = [("in_population", "=", True)]
    try:
        models = warehouse.read(SILVER_MODELS, ["developer", "model_id"], is_population)
    except LookupError:
        raise UsageError(
            f"--owners-of {location}: no {SILVER_MODELS.path} there; run opentrace run first"
        ) from None
    owned = models.filter(pc.match_substring(models["model_id"], "/"))
    return sorted(owned["developer"].unique().to_pylist())


def _demo(options: argparse.Namespace) -> None:
    from opentrace_spark.io import Warehouse

    # The name says all that decides the content, so a landing that is there is the right one.
    name = f"landing-{options.models}-models-{options.weeks}-weeks-seed-{options.seed}"
    landing, unfinished = options.out / name, options.out / f"{name}.unfinished"
    options.landing, options.warehouse = str(landing), str(options.out / "warehouse")
    Warehouse(options.warehouse)  # refuses a name that Delta can't take before any work
    _report_writer()  # likewise where its packages are not there
    if not landing.is_dir():
        shutil.rmtree(unfinished, ignore_errors=True)
        _generated(unfinished, options)
        unfinished.rename(landing)
    if not options.quiet:
        print(f"a generated Hub of {options.models:,} models and {options.weeks} weeks: {landing}")
    options.conf, options.only, options.as_of = None, (), None
    _run(options)
    _write_report(options, options.out / "report")


def _check(options: argparse.Namespace) -> None:
    from opentrace_spark.check import check_landing, print_report
    from opentrace_spark.sources.landing import open_landing

    config = load_config(options.conf)
    landing = open_landing(options.landing)
    report = check_landing(_session(options), landing, config)
    if not options.quiet:
        print_report(report)


def _run(options: argparse.Namespace) -> None:
    from opentrace_spark.flow import selected_steps
    from opentrace_spark.io import Warehouse
    from opentrace_spark.moved import told
    from opentrace_spark.publish.logs import LoggedProgress
    from opentrace_spark.publish.progress import SharedProgress, TerminalProgress
    from opentrace_spark.publish.summary import print_summary
    from opentrace_spark.run import run
    from opentrace_spark.sources.landing import open_landing

    # Everything that can be wrong with the call is found before Spark starts.
    config = load_config(options.conf)
    if options.as_of:
        config = dated(config, options.as_of)
    selected_steps(tuple(options.only))
    landing = open_landing(options.landing)
    warehouse = Warehouse(options.warehouse)
    spark = _session(options)
    with TerminalProgress(_terminal(options)) as terminal:
        watching: list[Progress] = [LoggedProgress() if _is_json(options) else terminal]
        progress = SharedProgress(*watching, *filter(None, [options.watch]))
        result = run(
            spark,
            landing,
            warehouse,
            config,
            only=tuple(options.only),
            force=options.force,
            discard_scratch=options.discard_scratch,
            progress=progress,
        )
    for note in result.notes:
        tell("note", note)
    for sentence in told(result.moved) if result.moved else ():
        tell("moved", sentence)
    tell("published", run_id=result.run_id, tables=len(result.versions), checks=result.checks)
    if not options.quiet:
        try:
            print_summary(Console(highlight=False), warehouse, result)
        except Exception as error:
            raise ContentError(
                "the tables are published, only their summary can't be printed "
                f"({type(error).__name__}: {error})"
            ) from error


def _update(options: argparse.Namespace) -> None:
    from opentrace_spark.history import last_run
    from opentrace_spark.io import Warehouse
    from opentrace_spark.sources.landing import open_landing
    from opentrace_spark.update import whats_new

    config = load_config(options.conf)
    landing = open_landing(options.landing)
    warehouse = Warehouse(options.warehouse)
    last = last_run(warehouse)
    news = whats_new(last, landing, warehouse, config)
    if options.force and not news:
        news = ("nothing is, but --force builds everything",)
    for sentence in news:
        _say(options, "new", sentence)
    if news:
        _run(options)
    elif last:
        told = f"nothing new since run {last['run_id']}: the tables are as they should be"
        _say(options, "nothing_new", told)


def _upkeep(options: argparse.Namespace) -> None:
    from opentrace_spark.io import Warehouse
    from opentrace_spark.upkeep import Tended, tend, words

    def say(tended: Tended) -> None:
        if not options.quiet and (told := words(tended, options.dry_run)):
            print(told)
        tell("tended", dry_run=options.dry_run, **asdict(tended))

    warehouse, days = Warehouse(options.warehouse), options.retention_days
    short = options.allow_short_retention
    done = tend(warehouse, days, allow_short=short, dry_run=options.dry_run, done=say)
    removed, size = (sum(getattr(t, name) for t in done) for name in ("removed", "removed_bytes"))
    _say(
        options,
        "kept",
        f"{len(done)} tables: {removed:,} files of versions older than {days} days "
        f"{'would go' if options.dry_run else 'are gone'}, {size / 1e6:,.1f} MB",
    )


def _diff(options: argparse.Namespace) -> None:
    from opentrace_spark.publish.diff.report import report

    narrowed = {name: getattr(options, name) or () for name in ("level", "attribution", "window")}
    report((options.A, options.B), narrowed, options.week, options.top, options.out)


def _explain(options: argparse.Namespace) -> None:
    from opentrace_spark.io import Warehouse
    from opentrace_spark.publish.explain.command import explain

    warehouse = Warehouse(options.warehouse)
    explain(
        warehouse,
        options.NAME,
        options.week,
        level=options.level,
        landing=options.landing,
        top=options.top,
    )


def _report(options: argparse.Namespace) -> None:
    _write_report(options, options.out)


def _write_report(options: argparse.Namespace, out: Path) -> None:
    from opentrace_spark.io import Warehouse
    from opentrace_spark.publish.progress import TerminalProgress

    write_report = _report_writer()
    with TerminalProgress(_terminal(options)) as progress:
        written = write_report(Warehouse(options.warehouse), out, progress.counted)
    for name, why in written.left_out.items():
        _say(options, "left_out", f"left out: {name} ({why})")
    _say(options, "written", f"{written.page}, and {written.pictures} pictures beside it")


def _report_writer() -> Callable[..., Written]:
    try:
        from opentrace_spark.publish.report.command import write_report
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"a report needs the package {missing.name}; install opentrace-spark[report]"
        ) from None
    return write_report


def _publish(options: argparse.Namespace) -> None:
    from opentrace_spark.io import Warehouse
    from opentrace_spark.publish.progress import TerminalProgress
    from opentrace_spark.publish.release.command import Order, publish

    if options.space:
        _report_writer()  # refuses before any work where its packages are not there
    order = Order(options.repo_id, options.space, options.license, options.private, options.dry_run)
    with TerminalProgress(_terminal(options)) as progress:
        for sentence in publish(Warehouse(options.warehouse), order, options.out, progress.counted):
            _say(options, "release", sentence)


def _bi(options: argparse.Namespace) -> None:
    from opentrace_spark.io import Warehouse
    from opentrace_spark.publish.bi.command import write_bi

    rows = write_bi(Warehouse(options.warehouse))
    for path, count in rows.items():
        _say(options, "written", f"{path}: {count:,} rows")
    if not rows:
        _say(options, "nothing_new", "the tables below bi/ are of the last run already")


def _annotate(options: argparse.Namespace) -> None:
    from opentrace_spark.io import Warehouse
    from opentrace_spark.publish.sheet import Draw, export_sheet

    draw = None
    if options.review_sample is not None:
        seed = _REVIEW_SEED if options.seed is None else options.seed
        draw = Draw(options.review_sample, seed)
    elif options.seed is not None:
        raise UsageError("--seed is of --review-sample: name a share, for example 0.1, or leave it")
    told = export_sheet(Warehouse(options.warehouse), options.export, options.annotator, draw)
    if not options.quiet:
        print(told)
        print("how to fill it: docs/annotation_guide.md; then it belongs into annotations/")


def _session(options: argparse.Namespace) -> SparkSession:
    from opentrace_spark.session import SessionError, build_session

    try:
        return build_session(
            threads=options.threads,
            memory=options.memory,
            scratch=None if options.scratch is None else str(options.scratch),
        )
    except SessionError as error:
        raise ContentError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
