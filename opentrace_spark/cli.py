"""The command line: `opentrace demo | generate | collect | check | run | update | upkeep | diff |
annotate`.

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
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import opentrace_spark
from opentrace_spark.config import dated, load_config
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import first_line
from opentrace_spark.publish.logs import asks_for_json, log_as_json, log_as_text, tell

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from opentrace_spark.generator import GeneratedLanding
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
_DEMO_MODELS, _DEMO_WEEKS, _DEMO_SEED = 10_000, 104, 1
_REVIEW_SEED = 1
_COLLECT = """Brings real data of the Hugging Face Hub into a landing directory. It can be stopped
at any moment and goes on where it was when the same command is run again. Needs no account; a token
that huggingface_hub finds (HF_TOKEN, hf auth login) only makes the Hub allow more requests.
HF_ENDPOINT names another Hub or a mirror."""


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
        return _parser().parse_args(arguments)
    said, begun = io.StringIO(), time.monotonic()
    try:
        with redirect_stderr(said):
            return _parser().parse_args(arguments)
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
            command: Callable[[argparse.Namespace], None] = options.command
            command(options)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="opentrace", description=opentrace_spark.__doc__)
    parser.add_argument("--version", action="version", version=opentrace_spark.__version__)
    parser.set_defaults(after_interrupt="the tables are as they were", watch=None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="name")

    demo = commands.add_parser("demo", help="generate a small Hub and run everything on it")
    demo.add_argument("--out", type=Path, default=Path("demo"), help="folder (default: demo)")
    _size_options(demo, _DEMO_MODELS, _DEMO_WEEKS)
    _run_options(demo)
    demo.set_defaults(command=_demo)

    generate = commands.add_parser("generate", help="write a synthetic landing directory")
    generate.add_argument("--out", type=Path, required=True, help="folder to write, empty or new")
    _size_options(generate, None, None)
    generate.add_argument("--quiet", action="store_true", help="print errors only")
    generate.set_defaults(command=_generate)

    collect = commands.add_parser(
        "collect", help="bring real data of the Hub into a landing", description=_COLLECT
    )
    _collect_options(collect)
    collect.set_defaults(
        command=_collect,
        after_interrupt="what has arrived is kept: run the same command again to go on from there",
    )

    check = commands.add_parser("check", help="read and validate a landing, write nothing")
    _landing_options(check)
    _run_options(check)
    check.set_defaults(command=_check)

    run = commands.add_parser("run", help="build every table from a landing")
    _landing_options(run)
    _warehouse_option(run)
    run.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="STEP",
        help="build these tables and what they need, for example usage_shares, or core",
    )
    run.add_argument(
        "--as-of",
        metavar="DATE",
        help="tables as they would have been on this date (UTC), from what was there before it",
    )
    _run_options(run)
    _metrics_option(run)
    run.set_defaults(command=_run)

    update = commands.add_parser(
        "update", help="bring the tables up to date, where anything is new"
    )
    _landing_options(update)
    _warehouse_option(update)
    _run_options(update)
    _metrics_option(update)
    update.set_defaults(command=_update, only=(), as_of=None)

    upkeep = commands.add_parser(
        "upkeep", help="combine small files of the tables, remove old versions"
    )
    _warehouse_option(upkeep)
    _upkeep_options(upkeep)
    upkeep.set_defaults(
        command=_upkeep, after_interrupt="every table has its rows: run the same command again"
    )

    diff = commands.add_parser(
        "diff", help="say what differs between two warehouses, and by how much"
    )
    _diff_options(diff)
    diff.set_defaults(command=_diff)

    annotate = commands.add_parser("annotate", help="write a sheet of models for annotators")
    _warehouse_option(annotate)
    what = "new .csv, .jsonl or .parquet file: the head sample, most downloaded first"
    annotate.add_argument("--export", type=Path, required=True, metavar="FILE", help=what)
    what = "instead of it this share of the annotated models, for a review without their labels"
    annotate.add_argument("--review-sample", type=_share, metavar="SHARE", help=what)
    annotate.add_argument(
        "--seed", type=int, help="of that sample (default: 1): same seed, same models"
    )
    annotate.add_argument("--annotator", default="", metavar="NAME", help="who will fill it")
    annotate.add_argument("--quiet", action="store_true", help="print errors only")
    annotate.set_defaults(command=_annotate)
    return parser


def _share(text: str) -> Fraction:
    try:
        share = Fraction(text)
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and up to 1; write 0.1 for 10%")
    return share


def _landing_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--landing", required=True, help="landing directory, path or URI")
    parser.add_argument("--conf", type=Path, help="TOML file that overrides conf/default.toml")


def _warehouse_option(parser: argparse.ArgumentParser) -> None:
    what = "folder of the Delta tables, path or URI"
    parser.add_argument("--warehouse", required=True, help=what)


def _size_options(parser: argparse.ArgumentParser, models: int | None, weeks: int | None) -> None:
    needed = models is None
    parser.add_argument("--models", type=int, default=models, required=needed, help="models")
    parser.add_argument("--weeks", type=int, default=weeks, required=needed, help="weeks")
    parser.add_argument("--seed", type=int, default=_DEMO_SEED, help="same seed, same bytes")


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, help="tasks at once (default: all CPUs)")
    parser.add_argument("--memory", help="heap of the Java process, for example 4g")
    parser.add_argument("--scratch", type=Path, help="folder for spill files (default: system's)")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--quiet", action="store_true", help="print errors only")
    words.add_argument("--verbose", action="store_true", help="log every step, trace defects")
    _log_option(parser)


def _log_option(parser: argparse.ArgumentParser) -> None:
    what = "of what standard error gets: json is one object per line, without progress bars"
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help=what)


def _metrics_option(parser: argparse.ArgumentParser) -> None:
    what = "file for monitoring in Prometheus' text format, written also when the run fails"
    parser.add_argument("--metrics", type=Path, metavar="FILE", help=what)


def _upkeep_options(parser: argparse.ArgumentParser) -> None:
    from opentrace_spark.tables import RETENTION_DAYS

    parser.add_argument(
        "--retention-days",
        type=int,
        default=RETENTION_DAYS,
        metavar="N",
        help="versions of the last N days stay readable (default: %(default)s, 13 weekly runs)",
    )
    what = "allow fewer than 7 days: nobody may be reading or writing a table meanwhile"
    parser.add_argument("--allow-short-retention", action="store_true", help=what)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--quiet", action="store_true", help="print errors only")
    words.add_argument("--verbose", action="store_true", help="trace defects")
    _log_option(parser)


def _collect_options(parser: argparse.ArgumentParser) -> None:
    what = (
        "hub: list every public model now, to snapshots/DATE/ (about an hour); hub-stats: today's "
        "list by others, to snapshots/DATE/; weekly-snapshots: the weekly lists by others, to "
        "snapshots/DATE/; model-cards: the texts of model cards, to model_cards/"
    )
    names = ("hub", "hub-stats", "weekly-snapshots", "model-cards")
    parser.add_argument("--source", choices=names, help=what)
    what = "landing directory, new or one to add to"
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=what)
    what = (
        "ask whether the owners of this warehouse's population are users or organisations, and of "
        "what type; adds those that are not yet there to accounts/accounts.csv"
    )
    parser.add_argument("--owners-of", metavar="WAREHOUSE", help=what)
    what = "of weekly-snapshots only those from this date on, for example 2025-03-01"
    parser.add_argument("--since", type=_date, metavar="DATE", help=what)
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--quiet", action="store_true", help="print errors only")
    words.add_argument("--verbose", action="store_true", help="trace defects")
    _log_option(parser)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no date; write it like 2025-03-01") from None


def _diff_options(parser: argparse.ArgumentParser) -> None:
    for name in ("A", "B"):
        parser.add_argument(name, metavar=f"WAREHOUSE_{name}", help="folder of tables, path or URI")
    parser.add_argument(
        "--level",
        nargs="+",
        choices=("model", "developer", "organization", "country", "org_type"),
        help="figures and shares of these (default: developer organization country)",
    )
    parser.add_argument(
        "--attribution",
        nargs="+",
        metavar="NAME",
        help="none, root, or none:root, that of A against that of B (default: none root)",
    )
    parser.add_argument(
        "--window",
        nargs="+",
        metavar="NAME",
        help="windows, or 365d:90d, that of A against that of B (default: none 365d)",
    )
    parser.add_argument(
        "--week",
        default="",
        metavar="DATE",
        help="week, or that of A against that of B (default: the last complete one of both)",
    )
    parser.add_argument("--top", type=int, default=10, metavar="N", help="rows shown (default: 10)")
    parser.add_argument("--out", type=Path, help="folder for every difference, new or empty")
    parser.add_argument("--verbose", action="store_true", help="trace defects")


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
    if not landing.is_dir():
        shutil.rmtree(unfinished, ignore_errors=True)
        _generated(unfinished, options)
        unfinished.rename(landing)
    if not options.quiet:
        print(f"a generated Hub of {options.models:,} models and {options.weeks} weeks: {landing}")
    options.conf, options.only, options.as_of = None, (), None
    _run(options)


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
        result = run(spark, landing, warehouse, config, only=tuple(options.only), progress=progress)
    for note in result.notes:
        tell("note", note)
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
