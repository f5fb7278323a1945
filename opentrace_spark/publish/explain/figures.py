"""A unit's downloads week by week, and its shares and ranks in one week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from pyarrow.dataset import field

from opentrace_spark.metrics.units import ATTRIBUTIONS, LEVELS
from opentrace_spark.publish.diff.page import Page, number
from opentrace_spark.publish.explain.counts import Counts, Sums, Unit
from opentrace_spark.publish.explain.model import Model
from opentrace_spark.publish.explain.subject import COLUMN_OF, Subject
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import GOLD_CONCENTRATION, SILVER_MODELS

COLUMN = {**COLUMN_OF, "org_type": "org_type"}


def show_weeks(
    page: Page,
    source: Source,
    counts: Counts,
    subject: Subject,
    model: Model | None,
    week: date,
) -> None:
    """Its downloads of the weeks up to the one asked for, newest first, and what they add up to."""
    units = _units_of(subject)
    found = counts.by_week({unit: counts.members(unit) for unit in units})
    heads = [
        f"{'own' if unit[2] == 'none' else 'as root'}{'' if window == 'none' else f' {window}'}"
        for unit in units
        for window in source.windows
    ]
    weeks = [row for row in source.weeks if row["week_start"] <= week]
    rows = []
    for row in reversed(weeks):
        cells = [
            number(found[unit].get((row["week_start"], window), 0))
            for unit in units
            for window in source.windows
        ]
        empty = ["-"] * len(cells)
        notes = "; ".join(_notes(row, model))
        rows.append((str(row["week_start"]), *(empty if row["is_missing"] else cells), notes))
    page.sentence("Downloads as gold counts them: those of the population")
    for unit, said in zip(units, ("own", "as root"), strict=True):
        page.line(said, _summary(found[unit]))
    page.table(f"Weeks up to {week}", f"week|{'|'.join(heads)}|<notes", rows)


def _summary(sums: Sums) -> str:
    by_week = {week: count for (week, window), count in sums.items() if window == "none"}
    if not by_week:
        return "no downloads of the population"
    total, most = sum(by_week.values()), max(by_week, key=lambda week: (by_week[week], week))
    return (
        f"{total:,} downloads in {len(by_week):,} weeks, from {min(by_week)} to {max(by_week)}; "
        f"most in the week of {most}: {by_week[most]:,}"
    )


def _notes(week: dict[str, Any], model: Model | None) -> Iterator[str]:
    if week["is_missing"]:
        yield "missing"
    if not week["is_complete"]:
        yield "not complete"
    if week["known_breaks"]:
        yield week["known_breaks"]
    if model is None:
        return
    row = model.weeks.get(week["week_start"])
    if row is None:
        return
    if not model.row["in_population"]:
        yield f"{number(row['download_count'])} reported"
    if row["flags"]:
        yield row["flags"]
    if row["reported_as"]:
        yield f"as {', '.join(row['reported_as'])}"


def _units_of(subject: Subject) -> list[Unit]:
    """The subject as a unit of both attributions."""
    return [(COLUMN[subject.level], subject.name, credited) for credited in ATTRIBUTIONS]


def _entered(
    source: Source, subject: Subject, model: Model | None
) -> Iterator[tuple[str, str, str]]:
    """Level, attribution and name of every unit that the subject's downloads count for."""
    if model is not None:
        of_credited = {"none": model.row, "root": model.root}
        for credited in ATTRIBUTIONS:
            for level in LEVELS:
                name = of_credited[credited][COLUMN[level]]
                yield level, credited, _unit_name(source, level, name)
        return
    column = COLUMN[subject.level]
    words = source.words_of_unit(subject.name) if column == "country" else [subject.name]
    above = LEVELS[LEVELS.index(subject.level) :] if subject.level != "country" else ("country",)
    columns = [COLUMN[level] for level in above]
    row = source.table(SILVER_MODELS, columns, field(column).isin(words))
    for credited in ATTRIBUTIONS:
        for level in above:
            for name in sorted(
                {_unit_name(source, level, n) for n in row[COLUMN[level]].unique().to_pylist()}
            ):
                yield level, credited, name


def _unit_name(source: Source, level: str, name: str) -> str:
    return source.country_units[name] if level == "country" else name


def show_shares(
    page: Page,
    source: Source,
    counts: Counts,
    subject: Subject,
    model: Model | None,
    week: date,
) -> None:
    """Share and rank, in the week, of every unit that the subject's downloads count for."""
    entered = list(_entered(source, subject, model))
    published = source.shares_of_week(week, sorted({name for _, _, name in entered}))
    totals = _totals(source, week)
    windows = list(source.windows)
    below = {
        (level, credited, name)
        for level, credited, name in entered
        for window in windows
        if (level, credited, window, name) not in published
    }
    units = {
        (COLUMN[level], name, credited): counts.members((COLUMN[level], name, credited))
        for level, credited, name in below
    }
    unpublished = counts.by_week(units, week) if units else {}
    rows = []
    for credited in ATTRIBUTIONS:
        for level, of, name in entered:
            if of != credited:
                continue
            for window in windows:
                row = published.get((level, credited, window, name))
                total = totals.get((level, credited, window))
                if row is not None:
                    rank, downloads = f"{row['rank']:,}", row["downloads"]
                else:
                    unit = (COLUMN[level], name, credited)
                    downloads = unpublished[unit].get((week, window), 0)
                    rank = "-" if not downloads else "below"
                share = f"{100 * downloads / total:.4f}%" if total else "-"
                rows.append((level, name, credited, window, rank, number(downloads), share))
    title = f"Shares and ranks in the week of {week}, of every unit that its downloads count for"
    headings = "<level|<unit|<credited to|<window|rank|downloads|share"
    page.table(title, headings, rows, whole=True)
    if any(row[4] == "below" for row in rows):
        largest = source.parameters["publication"]["top_entities"]
        page.sentence(f"below: not among the {largest:,} largest, which have ranks in the tables")


def _totals(source: Source, week: date) -> dict[tuple[str, str, str], int]:
    """Downloads of a week by level, attribution and window: those that shares are parts of."""
    key = ("level", "attribution", "recency_window")
    is_all = (field("week_start") == week) & (field("scope") == "all")
    rows = source.rows(GOLD_CONCENTRATION, (*key, "downloads"), is_all)
    return {tuple(row[name] for name in key): row["downloads"] for row in rows}
