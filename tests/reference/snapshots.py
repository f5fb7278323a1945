"""Rows of snapshots/ to weekly counts of models, each history looked at by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from opentrace_spark.config import Config
from tests.reference.counters import covered_days, history, stalls
from tests.reference.names import Names
from tests.reference.reading import Record, dated_files

FLOOR_DATE = date(2022, 3, 2)


@dataclass
class Counted:
    """A week of a model of models/ (or of none): what the counters tell."""

    count: int | None = None
    difference: int | None = None
    flags: set[str] = field(default_factory=set)
    names: list[str] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)


@dataclass
class Snapshots:
    """What snapshots/ counts: weeks, days covered, table rows, rejects, the last day of a model."""

    weeks: dict[date, dict[str, Counted]]
    covered: dict[date, int]
    table: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    last_seen: dict[str, date]


@dataclass
class _Model:
    """A model as the Hub knows it: under its `_id`, or its name where it has none."""

    hub_id: str | None
    counters: dict[date, int] = field(default_factory=dict)
    names: dict[date, str] = field(default_factory=dict)
    created: date | None = None

    @property
    def name(self) -> str:
        """The last one."""
        return self.names[max(self.names)]


def read_snapshots(
    landing: Path, records: list[Record], names: Names, own: Names, config: Config
) -> Snapshots:
    """Settle all snapshots of a landing; `records` are the usable rows, in order, `own` the names
    of models/ alone."""
    days = sorted({_day(path.relative_to(landing).as_posix()) for path in dated_files(landing)})
    models, rejects = _models(records, own)
    by_day = {
        day: {key: m.counters[day] for key, m in models.items() if day in m.counters}
        for day in days
    }
    stalled = stalls(by_day, Fraction(str(config.counters.stall_share)))
    share = Fraction(str(config.counters.reset_share))
    weeks: dict[date, dict[str, Counted]] = {}
    found = _resolved(models, names)
    for key, model in models.items():
        model_id, way = found[key]
        created = model.created
        if created is None and model_id in names.models:
            at = names.models[model_id].get("createdAt")
            created = at and at.date()
        if created == FLOOR_DATE:
            created = None
        for week, said in history(model.counters, created, days, stalled, share).weeks.items():
            row = weeks.setdefault(week, {}).setdefault(model_id, Counted())
            row.count = _sum(row.count, said.count)
            row.difference = _sum(row.difference, said.difference)
            row.flags |= said.flags
            row.names.append(model.name)
            row.ways.append(way)
    covered = dict(covered_days(days, stalled))
    last_seen: dict[str, date] = {}
    for key, model in models.items():
        model_id, day = found[key][0], max(model.counters)
        last_seen[model_id] = max(last_seen.get(model_id, day), day)
    table = _table(landing, days, by_day, stalled)
    return Snapshots(weeks, covered, table, rejects, last_seen)


def _sum(left: int | None, right: int | None) -> int | None:
    return right if left is None else left if right is None else left + right


def _day(path: str) -> date:
    return date.fromisoformat(path.split("/")[1])


def _models(records: list[Record], own: Names) -> tuple[dict[str, _Model], list[dict[str, Any]]]:
    same: dict[tuple[str, date], list[Record]] = {}
    for record in records:
        known = own.models.get(record.get("id"))
        hub_id = record.get("_id") or (known and known.get("_id"))
        key = hub_id or f"/{record.get('id')}"
        same.setdefault((key, _day(record.file)), []).append(record)
    models: dict[str, _Model] = {}
    rejects = []
    for (key, day), rows in sorted(same.items(), key=lambda item: item[0][1]):
        if len({row.get("downloadsAllTime") for row in rows}) > 1:
            rejects += [row.rejected("conflicting_counts") for row in rows]
            continue
        rejects += [row.rejected("duplicate_row") for row in rows[1:]]
        model = models.setdefault(key, _Model(None if key[0] == "/" else key))
        model.counters[day] = rows[0].get("downloadsAllTime")
        model.names[day] = rows[0].get("id")
        at = rows[0].get("createdAt")
        model.created = model.created or (at and at.date())
    return models, rejects


def _resolved(models: dict[str, _Model], names: Names) -> dict[str, tuple[str, str]]:
    """Which model each is, and how that was found."""
    found: dict[str, tuple[str, str]] = {}
    strangers: dict[str, list[str]] = {}
    for key, model in models.items():
        own = names.by_hub_id.get(model.hub_id or "")
        if own is not None:
            found[key] = (own, "exact" if own == model.name else "renamed")
            continue
        target, how = names.resolve(model.name)
        if target is None:
            strangers.setdefault(model.name, []).append(key)
            continue
        its_id = names.models[target].get("_id")
        is_alias = how == "renamed" and model.name not in names.former
        if model.hub_id and its_id and not is_alias:
            found[key] = (f"{model.name}#{model.hub_id}", "no_metadata")
        else:
            found[key] = (target, how)
    for name, keys in strangers.items():
        keys.sort(key=lambda k: (models[k].hub_id is None, models[k].hub_id))
        last = max(keys, key=lambda k: max(models[k].names))
        for key in keys:
            hub_id = models[key].hub_id
            is_bearer = key == last or hub_id is None
            found[key] = (name if is_bearer else f"{name}#{hub_id}", "no_metadata")
    return found


def _table(
    landing: Path, days: list[date], by_day: dict[date, dict[str, int]], stalled: set[date]
) -> list[dict[str, Any]]:
    """silver/snapshots."""
    rows = []
    for place, day in enumerate(days):
        files = [p for p in dated_files(landing) if _day(p.relative_to(landing).as_posix()) == day]
        row: dict[str, Any] = {
            "snapshot_date": day,
            "source": "folder",
            "files": len(files),
            "models": len(by_day[day]),
            "compared_with": None,
            "active_models": None,
            "unchanged_models": None,
            "is_stalled": day in stalled,
        }
        if place >= 2:
            before = max(p for p in range(1, place) if days[p] not in stalled)
            needed = (days[before - 1], days[before], days[place - 1], day)
            seen = [m for m in by_day[day] if all(m in by_day[one] for one in needed)]
            active = [m for m in seen if by_day[needed[1]][m] > by_day[needed[0]][m]]
            row["compared_with"] = days[before]
            row["active_models"] = len(active)
            row["unchanged_models"] = sum(by_day[needed[2]][m] == by_day[day][m] for m in active)
        rows.append(row)
    return rows
