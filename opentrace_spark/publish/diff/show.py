"""What is said of two warehouses, section by section."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentrace_spark.history import ABSENT, changed_files, changed_values
from opentrace_spark.publish.diff.figures import MEASURES, Figure, Headline, Move
from opentrace_spark.publish.diff.page import Page, digits_for, number, signed
from opentrace_spark.publish.diff.rows import TableDiff
from opentrace_spark.publish.diff.sides import COMPARED, Side
from opentrace_spark.publish.diff.weeks import Weeks
from opentrace_spark.tables import TABLES_VERSION

_COLUMNS_NAMED = 5


def show_runs(page: Page, a: Side, b: Side) -> None:
    """Where the tables are from, and what their runs read and were told."""
    for side in (a, b):
        page.line(side.name, side.location)
        page.lines("", _of_run(side))
    if {*a.layouts, *b.layouts} != {TABLES_VERSION}:
        of = [", ".join(str(v) for v in sorted(side.layouts, key=str)) for side in (a, b)]
        page.line(
            "layout",
            f"the tables of A have layout version {of[0]}, those of B {of[1]}, this program writes "
            f"{TABLES_VERSION}; compared is what both have",
        )
    if a.run is None or b.run is None:
        return
    page.lines("inputs", _inputs(page, a, b))
    values = changed_values(a.of_run("parameters"), b.of_run("parameters"))
    changed = [f"{name}: {_value(old)} -> {_value(new)}" for name, (old, new) in values.items()]
    page.lines("method", changed or ["the same values"])
    notes = {side.name: side.run["notes"] if side.run else [] for side in (a, b)}
    for name, other in (("A", "B"), ("B", "A")):
        alone = [note for note in notes[name] if note not in notes[other]]
        page.lines("notes", (f"only in {name}: {note}" for note in alone))


def _of_run(side: Side) -> Iterator[str]:
    if side.run is None:
        yield "no run is recorded in gold/runs: its inputs and method are not known"
        return
    run = side.run
    yield (
        f"run {run['run_id']} of {run['processed_at']:%Y-%m-%d %H:%M} UTC, version "
        f"{run['version']}, layout {run['tables_version']}"
    )
    yield from side.apart


def _inputs(page: Page, a: Side, b: Side) -> Iterator[str]:
    before, now = a.of_run("inputs"), b.of_run("inputs")
    words = {"new": "only in B", "changed": "changed", "gone": "only in A"}
    changes = changed_files(before, now)
    if not changes:
        yield f"the same {len(now):,} files"
    for what, paths in changes.items():
        yield f"{len(paths):,} {words[what]}: {page.names(paths)}"


def _value(value: Any) -> str:
    return "(none)" if value is ABSENT else json.dumps(value, ensure_ascii=False)


def show_weeks(page: Page, weeks: Weeks) -> None:
    """Weeks of one side alone, and those whose downloads differ."""
    last = weeks.last or "none"
    page.line("weeks", f"{len(weeks.both):,} in both; the last complete one of both is {last}")
    for name, there in zip("AB", weeks.there, strict=True):
        alone = [week for week in there if week not in weeks.both]
        if alone:
            page.line("", f"{len(alone):,} only in {name}: {page.names(alone)}")
    if weeks.completed:
        page.line("", f"complete on one side only: {page.names(weeks.completed)}")
    ends = [complete[-1] for complete in weeks.complete if complete]
    if len(set(ends)) == 2:
        page.line("", f"--week {ends[0]}:{ends[1]} compares the last complete one of each")
    if weeks.moved:
        rows = [(str(week), number(a), number(b), signed(b - a)) for week, a, b in weeks.moved]
        page.table(f"{len(rows):,} weeks with other downloads", "<week|A|B|change", rows)
    else:
        page.line("", "their downloads are the same")


def show_headlines(page: Page, headlines: Mapping[str, Headline]) -> None:
    """Headline figures of each level that differ, the largest relative change first."""
    page.lines("figures", _figures_in_short(page, headlines))
    for level, found in headlines.items():
        if found.figures:
            title = (
                f"Headline figures, {level}: {len(found.figures):,} of {found.compared:,} differ"
            )
            rows = [_figure(figure) for figure in found.figures]
            page.table(title, "<when|<counted as|<figure|A|B|change|relative", rows)
        page.lines("leader", found.leaders)


def _figures_in_short(page: Page, headlines: Mapping[str, Headline]) -> Iterator[str]:
    same = [level for level, found in headlines.items() if not found.figures]
    if same:
        yield f"the same: {', '.join(same)}"
    for side in ("only_a", "only_b"):
        alone = sorted({when for found in headlines.values() for when in getattr(found, side)})
        if alone:
            yield f"only in {side[-1].upper()}: {page.names(alone)}"


def _figure(figure: Figure) -> tuple[str, ...]:
    measure = figure.measure
    if measure.endswith("share"):
        values = _shares(figure.a, figure.b)
    else:
        digits = digits_for(figure.change, 1 if measure == "effective_units" else 5)
        change = signed(figure.change, digits)
        values = (number(figure.a, digits), number(figure.b, digits), change)
    relative = None if figure.relative is None else 100 * figure.relative
    percent = signed(relative, digits_for(relative, 2), "%")
    return (figure.when, figure.cell, MEASURES[measure], *values, percent)


def _shares(a: float | None, b: float | None) -> tuple[str, str, str]:
    """Two shares in percent and their change in percentage points."""
    change = None if a is None or b is None else 100 * (b - a)
    digits = digits_for(change, 3)
    one, other = ("-" if x is None else f"{100 * x:.{digits}f}%" for x in (a, b))
    return one, other, signed(change, digits, " pp")


def show_moves(page: Page, moved: Mapping[str, Sequence[Move]]) -> None:
    """Units of each level and span whose share or rank differs, the largest change first."""
    same = [where for where, moves in moved.items() if not moves]
    if same:
        page.line("shares", f"the same: {'; '.join(same)}")
    for where, moves in moved.items():
        if moves:
            entered, left = sum(m.entered for m in moves), sum(m.left for m in moves)
            title = (
                f"Shares, {where}: {len(moves) - entered - left:,} moved, {entered:,} entered, "
                f"{left:,} left"
            )
            rows = [_move(move) for move in moves]
            page.table(title, "<name|<counted as|rank A|rank B|share A|share B|change", rows)


def _move(move: Move) -> tuple[str, ...]:
    *shares, change = _shares(move.share_a, move.share_b)
    change = "entered" if move.entered else "left" if move.left else change
    return (move.entity, move.cell, number(move.rank_a), number(move.rank_b), *shares, change)


def show_lineage(page: Page, diff: TableDiff, moved: Sequence[Mapping[str, Any]]) -> None:
    """How many models come from elsewhere in B, and the most downloaded of them."""
    if diff.is_identical:
        page.line("lineage", f"the same for all {diff.same:,} models")
        return
    if not diff.matched:
        page.line("lineage", f"not compared: {'; '.join(diff.lacking)}")
        return
    models = diff.changed + diff.same
    parts = [
        # A column that one table lacks was not compared: of it nothing is known.
        f"{diff.columns[column]:,} another {what}" if column in diff.columns else f"{what}: unknown"
        for column, what in (
            ("root_id", "root"),
            ("parent_id", "parent"),
            ("status", "status"),
            ("family_id", "family"),
        )
    ]
    page.line("lineage", f"of {models:,} models in both: {', '.join(parts)}")
    page.line("", f"{diff.only_a:,} models only in A, {diff.only_b:,} only in B")
    if moved:
        rows = [(row["model_id"], *_roots(row), number(row["downloads"])) for row in moved]
        title = "Models with another root, most downloads in B first"
        page.table(title, "<model|<root in A|<root in B|downloads", rows, diff.columns["root_id"])


def _roots(row: Mapping[str, Any]) -> list[str]:
    roots = (row["root_a"], row["root_b"])
    return ["(itself)" if root == row["model_id"] else root for root in roots]


def show_tables(page: Page, a: Side, b: Side, diffs: Mapping[str, TableDiff]) -> None:
    """Rows of every table that differ, and whether the warehouses are the same."""
    rows, remarks = [], []
    for spec in COMPARED:
        if spec not in a and spec not in b:
            continue
        versions = ", ".join(str(s[spec].version) if spec in s else "-" for s in (a, b))
        diff = diffs.get(spec.id)
        rows.append((spec.path, versions, *_counts(diff, "A" if spec in a else "B")))
        if diff is not None and not diff.is_identical:
            remarks += [f"{spec.path}: {remark}" for remark in _remarks(diff)]
    page.table(
        "Rows of every table", "<table|versions|only A|only B|changed|same", rows, whole=True
    )
    page.lines("changed", remarks)
    page.sentence(verdict(a, b, diffs))


def _counts(diff: TableDiff | None, alone: str) -> tuple[str, ...]:
    if diff is None:
        return ("", "", f"only in {alone}", "")
    if not diff.matched:
        return ("", "", "not compared", "")
    changes = (number(n) if n else "" for n in (diff.only_a, diff.only_b))
    changed = "identical" if diff.is_identical else number(diff.changed)
    return (*changes, changed, number(diff.same))


def _remarks(diff: TableDiff) -> Iterator[str]:
    most = [(name, rows) for name, rows in diff.columns.most_common() if rows]
    if most:
        more = f" and {len(most) - _COLUMNS_NAMED} more" if len(most) > _COLUMNS_NAMED else ""
        yield ", ".join(f"{name} {rows:,}" for name, rows in most[:_COLUMNS_NAMED]) + more
    yield from diff.lacking


def verdict(a: Side, b: Side, diffs: Mapping[str, TableDiff]) -> str:
    """Whether the warehouses are the same, in one sentence."""
    there = [spec for spec in COMPARED if spec in a or spec in b]
    other = [s for s in there if s.id not in diffs or not diffs[s.id].is_identical]
    if other:
        return f"{len(other)} of {len(there)} tables differ."
    if a.run and b.run and a.run["parameters"] != b.run["parameters"]:
        return f"All {len(there)} tables hold the same rows, made with other method values."
    return f"The {len(there)} tables are the same, bit for bit."
