"""gold/attribute_shifts: before and after the pivot, by the definitions."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from fractions import Fraction
from typing import Any

from scipy import stats

from tests.reference.labelled import Rows, labels_of
from tests.reference.measures import share
from tests.reference.usage import Facts
from tests.reference.words import ATTRIBUTES, categories

SIDES = ("before", "after")
SIZE = ("model_size", "mean_parameters")


def attribute_shifts_table(facts: Facts) -> Rows:
    """gold/attribute_shifts."""
    side_of = _sides_of_models(facts)
    of = Counter(side_of.values())
    downloads: dict[str, Counter[str]] = {side: Counter() for side in SIDES}
    for week in facts.complete_weeks:
        for model_id, count in facts.counts[week].items():
            if facts.models[model_id]["in_head_sample"] and count > 0:
                downloads[_side(week, facts)][model_id] += count
    kinds = {
        model_id: {(a, name) for a in ATTRIBUTES for name in categories(a, labels_of(model, a))}
        for model_id, model in facts.models.items()
        if model["in_head_sample"]
    }
    models, shared = Counter[Any](), Counter[Any]()
    for model_id, side in side_of.items():
        models.update((kind, side) for kind in kinds[model_id])
    for side in SIDES:
        for model_id, count in downloads[side].items():
            for kind in kinds[model_id]:
                shared[kind, side] += count
    rows = [
        _row(
            *kind,
            {side: share(shared[kind, side], downloads[side].total()) for side in SIDES},
            {side: models[kind, side] for side in SIDES},
            of,
        )
        for kind in {kind for kind, _ in (*models, *shared)}
    ]
    rows.append(_size_row(facts, side_of, downloads, of))
    _correct(rows, facts.config.attributes.significance)
    _rank(rows)
    return rows


def _side(day: date, facts: Facts) -> str:
    return "after" if day >= date.fromisoformat(facts.config.attributes.pivot) else "before"


def _sides_of_models(facts: Facts) -> dict[str, str]:
    """The models that are in the head of some complete week, and which period they belong to."""
    first: dict[str, date] = {}
    for week in facts.complete_weeks:
        units = facts.downloads([week], "model", "none", "none")
        leaders = sorted(units, key=lambda m: (-units[m], m))[: facts.config.population.head_size]
        for model_id in leaders:
            first.setdefault(model_id, week)
    if facts.config.attributes.shift_period == "first_head_week":
        return {model_id: _side(week, facts) for model_id, week in first.items()}
    created = {model_id: facts.models[model_id]["created_date"] for model_id in first}
    return {model_id: _side(day, facts) for model_id, day in created.items() if day}


def _row(
    attribute: str,
    category: str,
    shares: dict[str, float | None],
    n: dict[str, int],
    of: Counter[str],
) -> dict[str, Any]:
    a, c = n["before"], n["after"]
    b, d = of["before"] - a, of["after"] - c
    test, p_value = _contingency(a, b, c, d)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    return {
        "attribute": attribute,
        "category": category,
        **{f"share_{side}": value for side, value in shares.items()},
        "mean_before": None,
        "mean_after": None,
        "multiplier": _multiplier(shares["before"], shares["after"]),
        "n_before": a,
        "n_after": c,
        "of_before": of["before"],
        "of_after": of["after"],
        "test": test,
        "p_value": p_value,
        "cramers_v": abs(a * d - b * c) / math.sqrt(margins) if margins else None,
    }


def _multiplier(before: float | None, after: float | None) -> float | None:
    return after / before if before and after is not None else None


def _contingency(a: int, b: int, c: int, d: int) -> tuple[str | None, float | None]:
    """Of models before (a of the category, b not) and after (c, d)."""
    rows, columns = (a + b, c + d), (a + c, b + d)
    if 0 in (*rows, *columns):
        return None, None
    if min(Fraction(row * column, sum(rows)) for row in rows for column in columns) < 5:
        return "fisher_exact", float(stats.fisher_exact([[a, b], [c, d]])[1])
    return "chi_square_yates", float(stats.chi2_contingency([[a, b], [c, d]])[1])


def _size_row(
    facts: Facts,
    side_of: dict[str, str],
    downloads: dict[str, Counter[str]],
    of: Counter[str],
) -> dict[str, Any]:
    size = {m: row["parameter_count"] for m, row in facts.models.items() if row["parameter_count"]}
    sizes = {
        side: [size[m] for m, s in side_of.items() if s == side and m in size] for side in SIDES
    }
    means: dict[str, float | None] = {}
    for side in SIDES:
        known = {m: x for m, x in downloads[side].items() if m in size}
        whole = sum(known.values())
        means[side] = sum(size[m] * x for m, x in known.items()) / whole if whole else None
    p_value = None
    if all(sizes.values()) and len({*sizes["before"], *sizes["after"]}) > 1:
        p_value = float(stats.mannwhitneyu(sizes["before"], sizes["after"])[1])
    return {
        "attribute": SIZE[0],
        "category": SIZE[1],
        "share_before": None,
        "share_after": None,
        "mean_before": means["before"],
        "mean_after": means["after"],
        "multiplier": _multiplier(means["before"], means["after"]),
        "n_before": len(sizes["before"]),
        "n_after": len(sizes["after"]),
        "of_before": of["before"],
        "of_after": of["after"],
        "test": "mann_whitney_u" if p_value is not None else None,
        "p_value": p_value,
        "cramers_v": None,
    }


def _correct(rows: Rows, significance: float) -> None:
    """q: the least of p m / place over all p-values that are no smaller."""
    tested = sorted((r for r in rows if r["p_value"] is not None), key=lambda r: r["p_value"])
    for row in rows:
        row["q_value"] = row["passes"] = None
    least = 1.0
    for place in range(len(tested), 0, -1):
        row = tested[place - 1]
        least = min(least, row["p_value"] * len(tested) / place)
        row["q_value"] = least
        row["passes"] = least < significance


def _rank(rows: Rows) -> None:
    """By the absolute logarithm of the multiplier, the largest first; ties by key."""
    moved = [row for row in rows if row["multiplier"]]
    moved.sort(key=lambda r: (-abs(math.log(r["multiplier"])), r["attribute"], r["category"]))
    for row in rows:
        row["rank"] = None
    for rank, row in enumerate(moved, start=1):
        row["rank"] = rank
