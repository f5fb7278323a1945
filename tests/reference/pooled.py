"""Tables over many complete weeks: leaders, trends, periods, intermediaries, families, kinds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from opentrace_spark.tables import REST
from tests.reference.measures import metrics, share
from tests.reference.usage import (
    ATTRIBUTIONS,
    NO_NATION,
    Facts,
    cells,
    in_scope,
    ranked,
    scopes,
)

KINDS = ("quantized", "adapter", "finetune", "merge", "repackaged")
ALL = "(all)"


def leaderboards_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/leaderboards."""
    weeks = facts.complete_weeks
    if not weeks:
        return []
    last = weeks[-1]
    newest = last + timedelta(days=6)

    def is_recent(model_id: str) -> bool:
        created = facts.models[model_id]["created_date"]
        return created is not None and newest - timedelta(days=365) < created <= newest

    rows = []
    for period, span, keep in (
        ("all_time", weeks, None),
        ("cohort_1y", weeks, is_recent),
        ("rolling_1y", [w for w in weeks if w > last - timedelta(days=364)], None),
    ):
        for level, attribution, window in cells(facts.config):
            units = facts.downloads(span, level, attribution, window, keep)
            total = sum(units.values())
            top = ranked(units)[: facts.config.publication.top_entities]
            for rank, (entity, x) in enumerate(top, start=1):
                rows.append(
                    {
                        "period": period,
                        "level": level,
                        "attribution": attribution,
                        "recency_window": window,
                        "rank": rank,
                        "entity": entity,
                        "downloads": x,
                        "share": share(x, total),
                        **_described(facts, level, entity),
                    }
                )
    return rows


def _described(facts: Facts, level: str, entity: str) -> dict[str, str | None]:
    """Developer, country and kind of model of an entity, for display."""
    developer = country = kind = None
    if level == "model":
        developer = facts.unit(entity, "developer", "none")
        country = facts.unit(entity, "country", "none")
        kind = facts.lineage[entity]["kind"] or "root"
    elif level == "developer":
        developer = entity
        country = facts.country_unit(facts.organization_of[entity][0])
    elif level == "organization":
        owned = {m["country"] for m in facts.models.values() if m["organization"] == entity}
        units = {facts.country_unit(word) for word in owned}
        country = units.pop() if len(units) == 1 else None
    elif level == "country":
        country = entity
    return {"developer": developer, "country": country, "kind": kind}


def developer_trends_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/developer_trends."""
    return [
        row
        for level in ("developer", "organization")
        for attribution in ATTRIBUTIONS
        for window in facts.config.windows.recency
        for row in _trends(facts, level, attribution, window)
    ]


def _trends(facts: Facts, level: str, attribution: str, window: str) -> Iterator[dict[str, Any]]:
    weeks = facts.complete_weeks
    history = facts.downloads(weeks, level, attribution, window)
    leaders = [e for e, _ in ranked(history)[: facts.config.publication.trend_entities]]
    ranks = dict(enumerate(leaders, 1))
    running: dict[int | None, int] = dict.fromkeys([*ranks, None], 0)
    for week in weeks:
        units = facts.downloads([week], level, attribution, window)
        total = sum(units.values())
        now: dict[int | None, int] = {r: units.get(e, 0) for r, e in ranks.items()}
        now[None] = total - sum(now.values())
        for rank, x in now.items():
            running[rank] += x
        for rank, x in now.items():
            yield {
                "level": level,
                "attribution": attribution,
                "recency_window": window,
                "week_start": week,
                "entity": REST if rank is None else ranks[rank],
                "rank": rank,
                "downloads": x,
                "share": share(x, total),
                "cumulative_downloads": running[rank],
                "cumulative_share": share(running[rank], sum(running.values())),
            }


def _periods(facts: Facts) -> list[tuple[str, list[date]]]:
    """Periods that have complete weeks, with those weeks."""
    spans = [
        (period.name, [week for week in facts.complete_weeks if period.covers(week)])
        for period in facts.config.periods
    ]
    return [(name, weeks) for name, weeks in spans if weeks]


def period_summary_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/period_summary."""
    rows = []
    for period, weeks in _periods(facts):
        for level, attribution, window in cells(facts.config):
            units = facts.downloads(weeks, level, attribution, window)
            for scope in scopes(level):
                counted = in_scope(units, scope)
                leader, most = ranked(counted)[0] if counted else (None, 0)
                rows.append(
                    {
                        "period": period,
                        "first_week": weeks[0],
                        "last_week": weeks[-1],
                        "weeks": len(weeks),
                        "level": level,
                        "scope": scope,
                        "attribution": attribution,
                        "recency_window": window,
                        **metrics(counted.values()),
                        "leader": leader,
                        "leader_share": share(most, sum(counted.values())),
                    }
                )
    return rows


def intermediaries_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/intermediaries."""
    rows = []
    for window in facts.config.windows.recency:
        for period, weeks in _periods(facts):
            models = facts.downloads(weeks, "model", "none", window)
            rows.append(_intermediary(facts, period, None, None, window, models))
            of_developer: dict[str, dict[str, int]] = {}
            for model_id, x in models.items():
                developer = facts.models[model_id]["developer"]
                of_developer.setdefault(developer, {})[model_id] = x
            for developer, theirs in sorted(of_developer.items()):
                rows.append(_intermediary(facts, period, None, developer, window, theirs))
        for week in facts.complete_weeks:
            models = facts.downloads([week], "model", "none", window)
            rows.append(_intermediary(facts, "week", week, None, window, models))
    return rows


def _intermediary(
    facts: Facts,
    period: str,
    week: date | None,
    developer: str | None,
    window: str,
    models: dict[str, int],
) -> dict[str, Any]:
    total = sum(models.values())
    served = set()
    of_kind = dict.fromkeys(KINDS, 0)
    for model_id, x in models.items():
        root_developer = facts.unit(model_id, "developer", "root")
        if root_developer != facts.models[model_id]["developer"]:
            served.add(root_developer)
            of_kind[facts.lineage[model_id]["kind"]] += x
    others = sum(of_kind.values())
    threshold = facts.config.publication.intermediary_share
    return {
        "period": period,
        "week_start": week,
        "developer": ALL if developer is None else developer,
        "is_total": developer is None,
        "recency_window": window,
        "downloads": total,
        "others_downloads": others,
        "others_share": share(others, total),
        **{f"{kind}_share": share(x, total) for kind, x in of_kind.items()},
        "root_developers_served": len(served),
        "is_intermediary": None if developer is None else others / total > threshold,
    }


def families_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/families."""
    derivatives: dict[str, list[str]] = {}
    for model_id, row in facts.lineage.items():
        if row["root_id"] != model_id:
            derivatives.setdefault(row["root_id"], []).append(model_id)
    own = facts.downloads(facts.complete_weeks, "model", "none", "none")
    family = facts.downloads(facts.complete_weeks, "model", "root", "none")
    everything = sum(own.values())
    rows = []
    for root_id, members in sorted(derivatives.items()):
        root = facts.models[root_id]
        countries = {facts.models[m]["country"] for m in members} - NO_NATION
        days = _days(facts, root_id, members)
        rows.append(
            {
                "root_id": root_id,
                "root_key": root["model_key"],
                "developer": root["developer"],
                "country": facts.unit(root_id, "country", "none"),
                "created_at": root["created_at"],
                "derivatives": len(members),
                "derivative_developers": len({facts.models[m]["developer"] for m in members}),
                "derivative_countries": len(countries),
                "max_depth": max(facts.lineage[m]["depth"] for m in members),
                "downloads": family.get(root_id, 0),
                "root_downloads": own.get(root_id, 0),
                "share": share(family.get(root_id, 0), everything),
                **{
                    f"days_to_{name}_derivative": days[n - 1] if len(days) >= n else None
                    for n, name in ((1, "1st"), (10, "10th"), (100, "100th"))
                },
            }
        )
    return rows


def _days(facts: Facts, root_id: str, members: list[str]) -> list[int]:
    """Days from the root's date to each derivative's, in order; only real dates."""
    known = {
        m: facts.models[m]["created_date"]
        for m in [root_id, *members]
        if facts.models[m]["created_date"] and not facts.models[m]["created_censored"]
    }
    if root_id not in known:
        return []
    return sorted((known[m] - known[root_id]).days for m in members if m in known)


def org_type_by_country_table(facts: Facts) -> list[dict[str, Any]]:
    """gold/org_type_by_country."""
    rows = []
    weeks = facts.complete_weeks
    for period, span in [*_periods(facts), *([("all", weeks)] if weeks else [])]:
        for attribution in ATTRIBUTIONS:
            for window in facts.config.windows.recency:
                owners = facts.downloads(span, "developer", attribution, window)
                groups: dict[tuple[str, str], dict[str, int]] = {}
                for developer, x in owners.items():
                    country, org_type = facts.organization_of[developer]
                    kinds = groups.setdefault(_place(facts, country), {})
                    kinds[org_type] = kinds.get(org_type, 0) + x
                for (region, place), kinds in sorted(groups.items()):
                    for org_type, x in sorted(kinds.items()):
                        rows.append(
                            {
                                "period": period,
                                "attribution": attribution,
                                "recency_window": window,
                                "region": region,
                                "country": place,
                                "org_type": org_type,
                                "downloads": x,
                                "share_of_country": share(x, sum(kinds.values())),
                            }
                        )
    return rows


def _place(facts: Facts, country: str) -> tuple[str, str]:
    """Region and country as shown: what is no nation is a region of its own, other words that
    conf/countries.toml does not know stand in one."""
    unit = facts.country_unit(country)
    for region, countries in facts.config.regions.items():
        if unit in countries:
            listed = unit in facts.config.listed_countries
            return region, unit if listed else f"rest of {region}"
    return unit if unit in NO_NATION else "Unlisted", unit
