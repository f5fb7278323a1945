"""`opentrace check`: read and judge a landing, write nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession, Window, functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from opentrace_spark.bronze.aliases import judged_aliases
from opentrace_spark.bronze.annotations import judged_annotations, unread_columns
from opentrace_spark.bronze.contributors import judged_contributors
from opentrace_spark.bronze.downloads import judged_downloads
from opentrace_spark.bronze.leaderboard import judged_leaderboard
from opentrace_spark.bronze.models import judged_models, settled_models, superseded_rows
from opentrace_spark.bronze.organizations import judged_organizations, unknown_words
from opentrace_spark.bronze.snapshots import judged_snapshots
from opentrace_spark.bronze.weekdays import check_weekdays, mixed_weeks
from opentrace_spark.config import Config, as_of
from opentrace_spark.sources.failures import content_error_from
from opentrace_spark.sources.landing import KINDS, Landing, lacking_folders
from opentrace_spark.sources.rows import check_files, read_rows

EXAMPLES = 3


def _all_models(rows: DataFrame) -> DataFrame:
    models = judged_models(rows)
    return settled_models(models, superseded_rows(models))


JUDGES: dict[str, Callable[[DataFrame], DataFrame]] = {
    "models": _all_models,
    "downloads": judged_downloads,
    "snapshots": judged_snapshots,
    "aliases": judged_aliases,
    "organizations": judged_organizations,
    "annotations": judged_annotations,
    "leaderboard": judged_leaderboard,
    "contributors": judged_contributors,
}
"""Kind of file -> the function that gives every unusable row its reason."""


@dataclass(frozen=True)
class Rejection:
    """Rows rejected for one reason, with the first few as (file, row)."""

    reason: str
    rows: int
    examples: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class KindReport:
    """What was read of one folder."""

    kind: str
    files: int
    rows: int
    accepted: int
    rejections: tuple[Rejection, ...]

    @property
    def rejected(self) -> int:
        """Rows that are not used."""
        return self.rows - self.accepted


@dataclass(frozen=True)
class LandingReport:
    """What was read of a landing. Weeks are Mondays; None where no downloads row is usable.

    `snapshots` are the days of those that are read. `lacking` says what absent folders take away,
    `unknown_words` which words the configuration does not know, which are kept, and which columns
    of annotations are misspelt.
    """

    uri: str
    kinds: tuple[KindReport, ...]
    first_week: date | None
    last_week: date | None
    missing_weeks: tuple[date, ...]
    snapshots: tuple[date, ...]
    lacking: tuple[str, ...]
    unknown_words: tuple[str, ...]


def check_landing(spark: SparkSession, landing: Landing, config: Config) -> LandingReport:
    """Read every file of the landing and judge every row. Starts Spark jobs, writes no table.

    Of snapshots, those up to `history.as_of` are read, as by a run. Raises UsageError where
    that is before all of them, and ContentError for a file that can't be read and for mixed
    weekdays, as a run does.
    """
    landing = landing.until(as_of(config))
    check_files(landing)
    try:
        kinds, weeks = [], []
        words: tuple[str, ...] = ()
        for kind in KINDS:
            if not landing.of_kind(kind):
                kinds.append(KindReport(kind, 0, 0, 0, ()))
                continue
            # Looked at several times; reading it anew costs more than this.
            read = read_rows(spark, landing, kind).persist(StorageLevel.DISK_ONLY)
            rows = JUDGES[kind](read)
            report, mondays = _read_kind(rows, landing, kind)
            kinds.append(report)
            weeks += mondays
            if kind == "organizations":
                words += unknown_words(rows, config)
            if kind == "annotations":
                words += unread_columns(rows)
            read.unpersist()
    except Exception as error:
        plain = content_error_from(error)
        if plain is None or plain is error:
            raise
        raise plain from error
    return LandingReport(
        landing.uri,
        tuple(kinds),
        min(weeks, default=None),
        max(weeks, default=None),
        _missing(weeks),
        tuple(snapshot.day for snapshot in landing.snapshots),
        lacking_folders(landing),
        words,
    )


def _read_kind(rows: DataFrame, landing: Landing, kind: str) -> tuple[KindReport, list[date]]:
    """The report of one folder, and for downloads the Mondays of its usable rows."""
    week = F.col("week") if kind == "downloads" else F.lit(None).cast("date")
    counted = rows.groupBy("reason", week.alias("week")).agg(F.count("*").alias("rows")).collect()
    by_reason: defaultdict[str | None, int] = defaultdict(int)
    for row in counted:
        by_reason[row["reason"]] += row["rows"]
    weeks = {r["week"]: r["rows"] for r in counted if r["reason"] is None and r["week"]}
    if mixed_weeks(weeks):
        check_weekdays(rows)
    accepted = by_reason.pop(None, 0)
    examples = _examples(rows) if by_reason else {}
    rejections = tuple(
        Rejection(reason, by_reason[reason], tuple(examples[reason]))
        for reason in sorted(filter(None, by_reason))
    )
    total = accepted + sum(by_reason.values())
    report = KindReport(kind, len(landing.of_kind(kind)), total, accepted, rejections)
    return report, [day - timedelta(days=day.weekday()) for day in weeks]


def _examples(rows: DataFrame) -> dict[str, list[tuple[str, int]]]:
    """The first rejected rows of each reason."""
    place = Window.partitionBy("reason").orderBy("source_file", "source_row")
    rejected = rows.filter("reason is not null").select("reason", "source_file", "source_row")
    first = rejected.withColumn("number", F.row_number().over(place)).filter(
        F.col("number") <= EXAMPLES
    )
    examples: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in first.orderBy("reason", "number").collect():
        examples[row["reason"]].append((row["source_file"], row["source_row"]))
    return examples


def _missing(weeks: list[date]) -> tuple[date, ...]:
    """The Mondays between the first and the last week that have no row."""
    there = set(weeks)
    if not there:
        return ()
    first, span = min(there), (max(there) - min(there)).days // 7
    return tuple(monday for n in range(span) if (monday := first + timedelta(weeks=n)) not in there)


def print_report(report: LandingReport, console: Console | None = None) -> None:
    """Say what the report says, for a person."""
    console = console or Console(highlight=False)
    console.print(f"landing {escape(report.uri.removeprefix('file://'))}")
    table = Table(box=None, pad_edge=False)
    table.add_column("folder")
    for name in ("files", "rows", "used", "rejected"):
        table.add_column(name, justify="right")
    for kind in report.kinds:
        numbers = (kind.files, kind.rows, kind.accepted, kind.rejected)
        table.add_row(f"{kind.kind}/", *(f"{number:,}" for number in numbers))
    console.print(table)
    for kind in report.kinds:
        for rejection in kind.rejections:
            places = "; ".join(f"{file} row {row}" for file, row in rejection.examples)
            more = " and more" if rejection.rows > len(rejection.examples) else ""
            console.print(
                f"{kind.kind}/: {rejection.rows:,} {rejection.reason} ({escape(places)}{more})",
                soft_wrap=True,
            )
    for note in report.lacking:
        console.print(escape(note), soft_wrap=True)
    _print_weeks(report, console)
    for note in report.unknown_words:
        console.print(escape(note), soft_wrap=True)


def _print_weeks(report: LandingReport, console: Console) -> None:
    if report.snapshots:
        first, last = report.snapshots[0], report.snapshots[-1]
        console.print(f"snapshots: {len(report.snapshots):,} from {first} to {last}")
    if report.first_week is None or report.last_week is None:
        reports = {kind.kind: kind for kind in report.kinds}
        if not report.snapshots and reports["downloads"].files:
            console.print("weeks: none, no row of downloads/ can be used")
        return
    missing = [str(week) for week in report.missing_weeks]
    words = f"missing {', '.join(missing[:10])}" if missing else "none missing"
    if len(missing) > 10:
        words += f" and {len(missing) - 10} more"
    console.print(f"weeks: {report.first_week} to {report.last_week}, {words}", soft_wrap=True)
