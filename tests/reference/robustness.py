"""gold/anomalies, and gold/sensitivity by running all over again with every option changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from opentrace_spark.config import Config
from tests.reference.measures import metrics, share
from tests.reference.pipeline import Hub, Rows, read_hub
from tests.reference.usage import Facts, in_scope, ranked, scopes

FIGURES = ("hhi", "effective_units", "top_1_share", "top_3_share", "top_10_share")
LEVELS = ("developer", "organization", "country")
Shares = dict[str, Fraction]


def robustness_tables(landing: Path, config: Config) -> dict[str, Rows]:
    """gold/anomalies and gold/sensitivity: apart, since they take a dozen times as long."""
    return {
        "gold_anomalies": anomalies_table(read_hub(landing, config).facts),
        "gold_sensitivity": sensitivity_table(landing, config),
    }


def anomalies_table(facts: Facts) -> Rows:
    """gold/anomalies."""
    found = [*_per_like(facts), *_surges(facts)]
    return [
        {
            **row,
            "model_key": facts.models[row["model_id"]]["model_key"],
            "ratio": row["downloads"] / row["expected"],
        }
        for row in found
    ]


def _per_like(facts: Facts) -> Iterator[dict[str, Any]]:
    rules = facts.config.anomalies
    members = [facts.models[m] for m in facts.population]
    total = sum(m["total_downloads"] for m in members)
    liked = [m for m in members if m["likes"] is not None and m["likes"] >= 0]
    if len(liked) < rules.per_like_peers:
        return

    def group(model: dict[str, Any]) -> int:
        """The largest n with 2^n - 1 likes, and enough models with so many or more."""
        n = int(model["likes"] + 1).bit_length() - 1
        while sum(m["likes"] >= 2**n - 1 for m in liked) < rules.per_like_peers:
            n -= 1
        return n

    rates = [m["total_downloads"] / (m["likes"] + 1) for m in liked]
    for model, rate in zip(liked, rates, strict=True):
        downloads = model["total_downloads"]
        peers = [m for m in liked if group(m) == group(model)]
        z_of_all = _robust_z(rate, rates)
        z = _robust_z(downloads, [m["total_downloads"] for m in peers])
        if (
            downloads / total >= rules.min_share
            and z_of_all is not None
            and z is not None
            and z_of_all >= rules.per_like_z
            and z >= rules.robust_z
        ):
            yield {
                "rule": "downloads_per_like",
                "model_id": model["model_id"],
                "week_start": None,
                "downloads": downloads,
                "expected": float(median(m["total_downloads"] for m in peers)),
                "robust_z": z,
                "share": downloads / total,
                "evidence": f"{model['likes']:,} likes, {rate:,.6g} downloads per (likes + 1), "
                f"the median model of all has {median(rates):,.6g}; {len(peers):,} models have "
                f"{min(m['likes'] for m in peers):,} to {max(m['likes'] for m in peers):,} likes",
            }


def _surges(facts: Facts) -> Iterator[dict[str, Any]]:
    rules = facts.config.anomalies
    totals = {
        week: sum(facts.downloads([week], "model", "none", "none").values())
        for week in facts.complete_weeks
    }
    for model_id, model in facts.models.items():
        series = [(w, facts.counts[w].get(model_id, 0)) for w in facts.complete_weeks]
        usual: list[tuple[date, int]] = []
        flagged = 0
        for week, count in series if model["in_head_sample"] else ():
            if not count:
                continue
            if flagged == rules.surge_longest:
                usual, flagged = [], 0
            before = usual[-rules.surge_weeks :]
            past = [x for _, x in before]
            z = _robust_z(count, past) if past else None
            if (
                2 * len(before) >= rules.surge_weeks
                and count / totals[week] >= rules.min_share
                and count >= rules.surge_ratio * median(past)
                and (count > median(past) if z is None else z >= rules.robust_z)
            ):
                flagged += 1
                yield {
                    "rule": "surge",
                    "model_id": model_id,
                    "week_start": week,
                    "downloads": count,
                    "expected": float(median(past)),
                    "robust_z": z,
                    "share": count / totals[week],
                    "evidence": f"{min(past):,} to {max(past):,} downloads in the {len(past)} "
                    f"ordinary weeks before, {before[0][0]} to {before[-1][0]}",
                }
            else:
                usual.append((week, count))
                flagged = 0


def _robust_z(value: float, sample: list[Any]) -> float | None:
    """Of logarithms; None where more than half of the sample are equal."""
    logs = [math.log(x) for x in sample]
    spread = median(abs(x - median(logs)) for x in logs)
    return 0.6745 * (math.log(value) - median(logs)) / spread if spread else None


@dataclass
class Case:
    """A Hub under other choices."""

    hub: Hub
    attribution: str
    window: str
    keep: Callable[[str], bool] | None = None
    split: bool = False

    def units(self, weeks: list[date], level: str) -> Shares:
        """Downloads by unit, exact."""
        facts = self.hub.facts
        if not self.split or self.attribution == "none":
            found = facts.downloads(weeks, level, self.attribution, self.window, self.keep)
            return {unit: Fraction(x) for unit, x in found.items()}
        total: Shares = {}
        for model_id, x in facts.downloads(weeks, "model", "none", self.window).items():
            for root, part in _roots(self.hub, model_id).items():
                unit = facts.unit(root, level, "none")
                total[unit] = total.get(unit, Fraction(0)) + x * part
        return total

    def has(self, level: str, unit: str) -> bool:
        """Whether there is such a unit at all."""
        facts = self.hub.facts
        return level != "country" or unit in {facts.unit(m, level, "none") for m in facts.models}


def _roots(hub: Hub, model_id: str) -> Shares:
    """Whom a model's downloads go to if all its parents get the same part of them."""
    if model_id in _above(hub, model_id):  # on a cycle
        return {model_id: Fraction(1)}
    found: Shares = {}
    parents = _parents(hub, model_id)
    for parent in parents:
        for root, part in _roots(hub, parent).items():
            found[root] = found.get(root, Fraction(0)) + part / len(parents)
    return found or {model_id: Fraction(1)}


def _parents(hub: Hub, model_id: str) -> set[str]:
    listed = hub.documented[model_id][1] if model_id in hub.documented else []
    return {p.target for p in listed if p.target and p.target != model_id}


def _above(hub: Hub, model_id: str) -> set[str]:
    """Everything that a model was derived from, however far."""
    found = _parents(hub, model_id)
    waiting = list(found)
    while waiting:
        news = _parents(hub, waiting.pop()) - found
        found |= news
        waiting += news
    return found


def sensitivity_table(landing: Path, config: Config) -> Rows:
    """gold/sensitivity."""
    hub = read_hub(landing, config)
    rows = []
    for window in config.sensitivity.recency:
        cases = list(_cases(landing, hub, window))
        for period, weeks in _periods(hub.facts):
            for level in LEVELS:
                for scope in scopes(level):
                    own = Case(hub, config.sensitivity.attribution, window)
                    followed = [
                        unit for unit, _ in ranked(_whole(in_scope(own.units(weeks, level), scope)))
                    ][: config.sensitivity.largest]
                    expected = _figures(own, weeks, level, scope, followed)
                    for option, value, is_own, case in cases:
                        found = _figures(case, weeks, level, scope, followed)
                        rows += [
                            {
                                "period": period,
                                "headline_window": window,
                                "option": option,
                                "value": str(value),
                                "level": level,
                                "scope": scope,
                                "figure": figure,
                                "entity": entity,
                                "attribution": case.attribution,
                                "recency_window": case.window,
                                "is_baseline": is_own,
                                "result": result,
                                "baseline": expected[figure, entity][0],
                                "change": _difference(result, expected[figure, entity][0]),
                                "units": units,
                                "downloads": downloads,
                            }
                            for (figure, entity), (result, units, downloads) in found.items()
                        ]
    return rows


def _difference(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _periods(facts: Facts) -> Iterator[tuple[str, list[date]]]:
    weeks = facts.complete_weeks
    if not weeks:
        return
    yield "all", weeks
    yield "rolling_1y", [w for w in weeks if w > weeks[-1] - timedelta(days=364)]
    for period in facts.config.periods:
        if within := [w for w in weeks if period.covers(w)]:
            yield period.name, within


def _whole(units: Shares) -> dict[str, int]:
    """The same proportions in whole numbers."""
    times = math.lcm(*(x.denominator for x in units.values()))
    return {unit: int(x * times) for unit, x in units.items()}


Found = dict[tuple[str, str | None], tuple[float | None, int, int]]


def _figures(case: Case, weeks: list[date], level: str, scope: str, followed: list[str]) -> Found:
    """(figure, entity) -> result, units, downloads."""
    units = in_scope(case.units(weeks, level), scope)  # type: ignore[arg-type]
    whole = _whole(units)  # type: ignore[arg-type]
    downloads = math.floor(sum(units.values(), Fraction(0)) + Fraction(1, 2))
    measured = metrics(whole.values())
    found: Found = {(figure, None): (measured[figure], len(units), downloads) for figure in FIGURES}
    for entity in followed:
        part = share(whole.get(entity, 0), sum(whole.values()))
        known = part if case.has(level, entity) else None
        found["share", entity] = (known, len(units), downloads)
    return found


def _cases(landing: Path, hub: Hub, window: str) -> Iterator[tuple[str, Any, bool, Case]]:
    """Every option and value, whether it is the run's own, and the Hub under it."""
    config = hub.facts.config
    attribution = config.sensitivity.attribution

    def again(section: str, **value: Any) -> Case:
        other = replace(config, **{section: replace(getattr(config, section), **value)})
        return Case(read_hub(landing, other), attribution, window)

    for other in config.windows.recency:
        yield "windows.recency", other, other == window, Case(hub, attribution, other)
    for other in ("none", "root"):
        yield "attribution", other, other == attribution, Case(hub, other, window)
    words = {
        ("windows", "date"): ("own", "root"),
        ("windows", "creation"): ("hub", "first_seen", "drop_censored"),
        ("attribution", "parent"): ("first", "first_available"),
        ("attribution", "missing_ancestor"): ("nearest", "self"),
        ("organizations", "online_unit"): ("merged", "separate"),
        ("organizations", "unlisted_owner"): ("Unknown", "User"),
        ("population", "min_downloads"): (
            *{config.population.min_downloads, *config.sensitivity.min_downloads},
        ),
    }
    for (section, name), values in words.items():
        for value in values:
            is_own = value == getattr(getattr(config, section), name)
            yield f"{section}.{name}", value, is_own, again(section, **{name: value})
    split = Case(hub, attribution, window, split=True)
    yield "attribution.parent", "equal_split", False, split
    yield "models", "all", True, Case(hub, attribution, window)
    public = Case(hub, attribution, window, lambda model: hub.facts.models[model]["is_in_models"])
    yield "models", "still_public", False, public
    yield "anomalies", "kept", True, Case(hub, attribution, window)
    listed = {(r["model_id"], r["week_start"]) for r in anomalies_table(hub.facts)}
    counts = {
        week: {m: x for m, x in models.items() if not {(m, week), (m, None)} & listed}
        for week, models in hub.facts.counts.items()
    }
    aside = replace(hub.facts, counts=counts, _cells={})
    yield "anomalies", "set_aside", False, Case(replace(hub, facts=aside), attribution, window)
