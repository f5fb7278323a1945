"""Downloads by unit: weeks, samples, shares and concentration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from opentrace_spark.config import Config
from opentrace_spark.tables import REST
from tests.reference.measures import gini_eligible, metrics, share
from tests.reference.snapshots import Counted

LEVELS = ("model", "developer", "organization", "country", "org_type")
ATTRIBUTIONS = ("none", "root")
NO_NATION = {"User", "International", "Online", "International/Online", "Unknown"}
FLOOR_DATE = date(2022, 3, 2)
"""Day of the floored creation date."""

Downloads = dict[str, int]
"""Unit -> downloads, each above 0."""


@dataclass
class Week:
    """A week that was reported: by which source, rows by model, and what the other source says."""

    source: str
    rows: dict[str, Counted]
    covered_days: int | None = None
    other_downloads: int | None = None
    differing_models: int | None = None


@dataclass
class Facts:
    """What the gold tables are made of."""

    config: Config
    models: dict[str, dict[str, Any]]
    lineage: dict[str, dict[str, Any]]
    counts: dict[date, Downloads]
    """Week -> model -> downloads, zero counts included, unknown ones not; weeks with any only."""
    labels: dict[date, date]
    last_complete: date | None
    organization_of: dict[str, tuple[str, str]]
    """Developer -> (country as written, kind of organisation)."""
    weeks: dict[date, Week] = field(default_factory=dict)
    """Every week that was reported, also without a known count."""
    _cells: dict[tuple[Any, ...], Downloads] = field(default_factory=dict)

    @property
    def population(self) -> list[str]:
        """Models above the floor."""
        return [m for m, row in self.models.items() if row["in_population"]]

    def is_complete(self, week: date) -> bool:
        """False for weeks after the last one that is known to be complete."""
        return self.last_complete is None or week <= self.last_complete

    @property
    def complete_weeks(self) -> list[date]:
        """Reported weeks that are complete, in order."""
        return [week for week in sorted(self.counts) if self.is_complete(week)]

    def window_date(self, model_id: str) -> date | None:
        """The creation date that recency windows start from."""
        if self.config.windows.date == "root":
            model_id = self.lineage[model_id]["root_id"]
        created: date | None = self.models[model_id]["created_date"]
        return created

    def counts_in(self, model_id: str, week: date, window: str) -> bool:
        """Whether downloads of the model in the week are within the window."""
        if window == "none":
            return True
        created = self.window_date(model_id)
        length = timedelta(days=int(window.removesuffix("d")))
        return created is not None and week < created + length

    def unit(self, model_id: str, level: str, attribution: str) -> str:
        """Whom downloads of a model are credited to."""
        credited = model_id if attribution == "none" else self.lineage[model_id]["root_id"]
        if level == "country":
            return self.country_unit(self.models[credited]["country"])
        name: str = self.models[credited]["model_id" if level == "model" else level]
        return name

    def country_unit(self, country: str) -> str:
        """The unit of a country's word: International and Online are one, unless separate."""
        merged = self.config.organizations.online_unit == "merged"
        online = country in ("International", "Online", "International/Online")
        return "International/Online" if merged and online else country

    def downloads(
        self,
        weeks: Iterable[date],
        level: str,
        attribution: str,
        window: str,
        keep: Callable[[str], bool] | None = None,
    ) -> Downloads:
        """Downloads of the population by unit, added up over weeks, within the window."""
        total: Counter[str] = Counter()
        for week in weeks:
            total.update(self._week(week, level, attribution, window, keep))
        return dict(total)

    def _week(
        self,
        week: date,
        level: str,
        attribution: str,
        window: str,
        keep: Callable[[str], bool] | None,
    ) -> Downloads:
        cell = (week, level, attribution, window, keep)
        if cell not in self._cells:
            result: Counter[str] = Counter()
            for model_id, count in self.counts.get(week, {}).items():
                if (
                    count > 0
                    and self.models[model_id]["in_population"]
                    and (keep is None or keep(model_id))
                    and self.counts_in(model_id, week, window)
                ):
                    result[self.unit(model_id, level, attribution)] += count
            self._cells[cell] = dict(result)
        return self._cells[cell]


def in_scope(units: Downloads, scope: str) -> Downloads:
    """All units, or the nations among them."""
    return {u: x for u, x in units.items() if scope == "all" or u not in NO_NATION}


def scopes(level: str) -> tuple[str, ...]:
    """Scopes of a level."""
    return ("all", "national") if level == "country" else ("all",)


def ranked(units: Downloads) -> list[tuple[str, int]]:
    """Units by downloads, largest first, ties by name."""
    return sorted(units.items(), key=lambda pair: (-pair[1], pair[0]))


def cells(config: Config) -> list[tuple[str, str, str]]:
    """Every level, attribution and window."""
    return [(lv, a, w) for lv in LEVELS for a in ATTRIBUTIONS for w in config.windows.recency]


def weeks_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/weeks."""
    rows = []
    week = min(facts.counts, default=None)
    while week is not None and week <= max(facts.counts):
        row: dict[str, Any] = {
            "week_start": week,
            "week_label": None,
            "is_missing": week not in facts.counts,
            "is_complete": week not in facts.counts or facts.is_complete(week),
            "rows": None,
            "downloads": None,
            "models": None,
            "population_downloads": None,
            "coverage": None,
            "censored_share": None,
            "head_share": None,
            "known_breaks": "; ".join(known_breaks(week, facts.config)) or None,
            "source": None,
            "unknown_models": None,
            "covered_days": None,
            "other_downloads": None,
            "differing_models": None,
        }
        if week in facts.counts:
            counts = facts.counts[week]
            total = sum(counts.values())
            row |= {
                "rows": len(facts.weeks[week].rows),
                "week_label": _label(facts, week),
                "source": facts.weeks[week].source,
                "unknown_models": len(facts.weeks[week].rows) - len(counts),
                "covered_days": facts.weeks[week].covered_days,
                "other_downloads": facts.weeks[week].other_downloads,
                "differing_models": facts.weeks[week].differing_models,
                "downloads": total,
                "models": sum(1 for count in counts.values() if count > 0),
                "population_downloads": _part(facts, week, "in_population"),
                "coverage": share(_part(facts, week, "is_in_models"), total),
                "censored_share": share(_part(facts, week, "created_censored"), total),
                "head_share": share(_part(facts, week, "in_head_sample"), total),
            }
        rows.append(row)
        week += timedelta(days=7)
    return rows


def _label(facts: Facts, week: date) -> date | None:
    return facts.labels[week] if facts.weeks[week].source == "downloads" else None


def _part(facts: Facts, week: date, mark: str) -> int:
    return sum(x for m, x in facts.counts[week].items() if facts.models[m][mark])


def known_breaks(week: date, config: Config) -> list[str]:
    """What the floored creation date does to windows in this week."""
    if config.windows.creation == "drop_censored":
        return []
    breaks = []
    for window, days in config.window_days.items():
        if days is not None:
            leaves = FLOOR_DATE + timedelta(days=days)
            if week - timedelta(days=7) < leaves <= week:
                breaks.append(f"window {window}: censored cohort leaves")
    if week < FLOOR_DATE - timedelta(days=FLOOR_DATE.weekday()):
        breaks.append("windows remove nothing before 2022-03")
    return breaks


def samples_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/samples."""
    rows = []
    everything = list(facts.models.values())
    downloads = sum(m["total_downloads"] for m in everything)
    for sample, mark in (
        ("all", None),
        ("population", "in_population"),
        ("head", "in_head_sample"),
    ):
        members = [m for m in everything if mark is None or m[mark]]
        theirs = sum(m["total_downloads"] for m in members)
        rows.append(
            {
                "sample": sample,
                "models": len(members),
                "share_of_models": share(len(members), len(everything)),
                "downloads": theirs,
                "share_of_downloads": share(theirs, downloads),
            }
        )
    return rows


def usage_shares_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/usage_shares."""
    rows = []
    top = facts.config.publication.top_entities
    for week in sorted(facts.counts):
        for level, attribution, window in cells(facts.config):
            units = facts.downloads([week], level, attribution, window)
            total = sum(units.values())
            order = ranked(units)
            published: list[tuple[int | None, str, int, int | None]] = [
                (rank, entity, x, None) for rank, (entity, x) in enumerate(order[:top], start=1)
            ]
            if order[top:]:
                rest = sum(x for _, x in order[top:])
                published.append((None, REST, rest, len(order) - top))
            for rank, entity, x, members in published:
                rows.append(
                    {
                        "week_start": week,
                        "level": level,
                        "attribution": attribution,
                        "recency_window": window,
                        "rank": rank,
                        "entity": entity,
                        "downloads": x,
                        "share": share(x, total),
                        "member_count": members,
                    }
                )
    return rows


def concentration_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/concentration."""
    rows = []
    shares = {row["week_start"]: row for row in weeks_table(facts)}
    for week in sorted(facts.counts):
        for level, attribution, window in cells(facts.config):
            units = facts.downloads([week], level, attribution, window)
            eligible = _eligible(facts, week, level, attribution, window) | set(units)
            for scope in scopes(level):
                counted = in_scope(units, scope)
                able = [u for u in eligible if scope == "all" or u not in NO_NATION]
                rows.append(
                    {
                        "week_start": week,
                        "level": level,
                        "scope": scope,
                        "attribution": attribution,
                        "recency_window": window,
                        **metrics(counted.values()),
                        "eligible_units": len(able),
                        "gini_eligible": gini_eligible(counted.values(), len(able)),
                        "coverage": shares[week]["coverage"],
                        "censored_share": shares[week]["censored_share"],
                    }
                )
    return rows


def _eligible(facts: Facts, week: date, level: str, attribution: str, window: str) -> set[str]:
    """Units with a model that exists by the end of the week and is still within the window."""
    units = set()
    for model_id in facts.population:
        created = facts.models[model_id]["created_date"]
        if (
            created is not None
            and created <= week + timedelta(days=6)
            and facts.counts_in(model_id, week, window)
        ):
            units.add(facts.unit(model_id, level, attribution))
    return units
