"""`opentrace diff`: compares two warehouses and says what differs, from figures down to rows."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from rich.console import Console

from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import first_line
from opentrace_spark.publish.diff.choice import Choice, choose, unpaired_windows
from opentrace_spark.publish.diff.figures import headline, moves, ranked, summaries
from opentrace_spark.publish.diff.lineage import RootMoves
from opentrace_spark.publish.diff.page import Page, stdout
from opentrace_spark.publish.diff.record import Record
from opentrace_spark.publish.diff.rows import Part, TableDiff, compare
from opentrace_spark.publish.diff.show import (
    show_headlines,
    show_lineage,
    show_moves,
    show_runs,
    show_tables,
    show_weeks,
)
from opentrace_spark.publish.diff.sides import COMPARED, Side, open_side
from opentrace_spark.publish.diff.weeks import WeekPair, week_pair, weeks_of
from opentrace_spark.publish.progress import TerminalProgress
from opentrace_spark.tables import (
    GOLD_CONCENTRATION,
    GOLD_LEADERBOARDS,
    GOLD_PERIOD_SUMMARY,
    GOLD_USAGE_SHARES,
    GOLD_WEEKS,
    SILVER_LINEAGE,
    TableSpec,
)


def report(
    locations: Sequence[str],
    options: dict[str, Sequence[str]],
    week: str,
    top: int,
    out: Path | None = None,
) -> None:
    """Print how the two warehouses differ; write every difference to `out`, a new or empty folder.

    `options` are those of `choose`, `week` is that of `week_pair`; tables show `top` rows. Raises
    UsageError for a path that is no warehouse, an option that names what is not there, and a folder
    with content; ContentError for tables that can't be read.
    """
    if top < 1:
        raise UsageError(f"--top {top}: show 1 row or more")
    a, b = (open_side(name, where) for name, where in zip("AB", locations, strict=True))
    page = Page(stdout(), top)
    with _plain_errors(), _new_folder(out) as folder:
        choice = choose(a, b, options)
        show_runs(page, a, b)
        if windows := unpaired_windows(a, b):
            page.line("windows", windows)
        weeks = _weeks(page, a, b, week)
        _figures(page, a, b, choice, weeks)
        _shares(page, a, b, choice, weeks)
        with nullcontext() if folder is None else Record(folder) as record:
            diffs = _rows(page, a, b, record)
        show_tables(page, a, b, diffs)


def _there(page: Page, label: str, spec: TableSpec, *sides: Side) -> bool:
    """Whether both sides have the table and its key; says so where one does not."""
    lacking = [words for words in (side.lacks(spec, spec.key) for side in sides) if words]
    if lacking:
        page.line(label, f"not compared: {'; '.join(lacking)}")
    return not lacking


def _weeks(page: Page, a: Side, b: Side, text: str) -> WeekPair | None:
    """Compare the weeks; returns those whose figures and shares are compared."""
    if not _there(page, "weeks", GOLD_WEEKS, a, b):
        return None
    weeks = weeks_of(a, b)
    pair = week_pair(text, weeks)
    show_weeks(page, weeks)
    return pair


def _figures(page: Page, a: Side, b: Side, choice: Choice, weeks: WeekPair | None) -> None:
    """Compare the headline figures of every level; nations apart where countries are compared."""
    wanted = [GOLD_PERIOD_SUMMARY, *([GOLD_CONCENTRATION] if weeks else [])]
    specs = [spec for spec in wanted if _there(page, "figures", spec, a, b)]
    ours, theirs = (
        summaries(side, specs, week, _named(weeks))
        for side, week in zip((a, b), weeks or (None, None), strict=True)
    )
    headlines = {}
    for level in choice.levels:
        for scope in sorted({row["scope"] for row in ours if row["level"] == level}):
            one, other = (
                [row for row in rows if row["level"] == level and row["scope"] == scope]
                for rows in (ours, theirs)
            )
            name = level if scope == "all" else f"{level} ({scope})"
            headlines[name] = headline(one, other, choice)
    show_headlines(page, headlines)


def _shares(page: Page, a: Side, b: Side, choice: Choice, weeks: WeekPair | None) -> None:
    """Compare shares and ranks of every level, over all time and in a week."""
    period = ds.field("period") == "all_time"
    spans = [("all time", GOLD_LEADERBOARDS, (period, period))]
    if weeks is not None:
        of_week = tuple(ds.field("week_start") == week for week in weeks)
        spans.append((f"week of {_named(weeks)}", GOLD_USAGE_SHARES, of_week))
    spans = [span for span in spans if _there(page, "shares", span[1], a, b)]
    moved = {}
    for level in choice.levels:
        for when, spec, (in_a, in_b) in spans:
            ours, theirs = ranked(a, spec, in_a, level), ranked(b, spec, in_b, level)
            moved[f"{level}, {when}"] = moves(ours, theirs, choice)
    show_moves(page, moved)


def _named(weeks: WeekPair | None) -> str:
    return ":".join(dict.fromkeys(str(week) for week in weeks or ()))


def _rows(page: Page, a: Side, b: Side, record: Record | None) -> dict[str, TableDiff]:
    """Compare the rows of every table that both have, lineage first, since it is told first."""
    specs = [spec for spec in COMPARED if spec in a and spec in b]
    diffs: dict[str, TableDiff] = {}
    if SILVER_LINEAGE in specs:
        specs.remove(SILVER_LINEAGE)
        moved = RootMoves(b, page.top)
        diffs |= _compared(a, b, [SILVER_LINEAGE], record, moved.add)
        show_lineage(page, diffs[SILVER_LINEAGE.id], moved.moved)
    else:
        _there(page, "lineage", SILVER_LINEAGE, a, b)
    return diffs | _compared(a, b, specs, record)


def _compared(
    a: Side,
    b: Side,
    specs: Sequence[TableSpec],
    record: Record | None,
    also: Callable[[Part], None] | None = None,
) -> dict[str, TableDiff]:
    """Compare the rows of tables, write down what differs, and hand each part on to `also`."""
    diffs = {}
    with TerminalProgress(Console(stderr=True)) as progress:
        for place, spec in enumerate(specs, 1):
            progress.counted(f"comparing the rows of {spec.path}: table", place, len(specs))
            watchers = [also] if also else []
            watchers += [partial(record.add, spec)] if record else []
            diffs[spec.id] = compare(a[spec], b[spec], spec, watchers)
    return diffs


@contextmanager
def _new_folder(out: Path | None) -> Iterator[Path | None]:
    """A folder that becomes `out` when all is written, so that none is ever half full."""
    if out is None:
        yield None
        return
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"--out {out} is there and not an empty folder: name a new one")
        out.parent.mkdir(parents=True, exist_ok=True)
        aside = tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror or error}") from None
    with aside:
        folder = Path(aside.name, "differences")
        folder.mkdir()
        yield folder
        folder.rename(out)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say in a sentence what is wrong with files that can't be read or written."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise ContentError(
                f"no room is left in {tempfile.gettempdir()} or in the folder of --out; the "
                "variable TMPDIR names another place for temporary files"
            ) from error
        raise ContentError(
            f"a table can't be read ({first_line(error)}); run the same build again, or restore it"
        ) from error
