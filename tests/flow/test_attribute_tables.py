"""The tables on attributes against a plain count over silver."""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.flow.landings import HUB_CONFIG
from tests.pipeline import Rows

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG = HUB_CONFIG
PIVOT = date.fromisoformat(CONFIG.attributes.pivot)
TAXONOMY: dict[str, Any] = tomllib.loads(
    (Path(__file__).parents[2] / "conf" / "taxonomy.toml").read_text(encoding="utf-8")
)
COLUMNS = {"gated": "gating", "language": "languages"}
ATTRIBUTES = list(TAXONOMY)


@pytest.fixture
def tables(hub: dict[str, Rows]) -> dict[str, Rows]:
    return hub


def labels_of(model: dict[str, Any], attribute: str) -> list[str]:
    said = model[COLUMNS.get(attribute, attribute)]
    labels = said if isinstance(said, list) else [said] if said else []
    return labels or [TAXONOMY[attribute]["absent"]]


def categories_of(labels: list[str], attribute: str) -> set[str]:
    table = TAXONOMY[attribute].get("labels", {})
    return {table.get(label, label) for label in labels}


def samples_of(model: dict[str, Any]) -> list[str]:
    marks = {"population": "in_population", "head": "in_head_sample"}
    return [sample for sample, mark in marks.items() if model[mark]]


def in_window(model: dict[str, Any], week: Any, days: int | None) -> bool:
    if days is None:
        return True
    return bool(model["created_date"] and week < model["created_date"] + timedelta(days=days))


def bin_of(year: int) -> str:
    return "<=2022" if year <= 2022 else ">=2025" if year >= 2025 else str(year)


def test_attribute_shares_agree_with_a_plain_count(tables: dict[str, Rows]) -> None:
    models = {row["model_key"]: row for row in tables["silver_models"]}
    weeks = {row["week_start"]: row for row in tables["gold_weeks"]}
    totals: Counter[Any] = Counter()
    counted: defaultdict[Any, Counter[Any]] = defaultdict(Counter)
    for row in tables["silver_model_weeks"]:
        week, model = row["week_start"], models[row["model_key"]]
        periods = [str(week)]
        if weeks[week]["is_complete"]:
            periods.append(bin_of(week.year))
        for window, days in CONFIG.window_days.items():
            if not row["download_count"] or not in_window(model, week, days):
                continue
            for place in [(s, p, window) for s in samples_of(model) for p in periods]:
                totals[place] += row["download_count"]
                for attribute in ATTRIBUTES:
                    labels = labels_of(model, attribute)
                    for label in labels:
                        counted[place][attribute, "label", label] += row["download_count"]
                    for category in categories_of(labels, attribute):
                        counted[place][attribute, "category", category] += row["download_count"]
    expected = {
        (*place, *name): (downloads, downloads / totals[place])
        for place, names in counted.items()
        for name, downloads in names.items()
    }
    found = {
        (
            *(row["sample"], row["period"], row["recency_window"]),
            *(row["attribute"], row["granularity"], row["category"]),
        ): (row["downloads"], row["share"])
        for row in tables["gold_attribute_shares"]
    }
    assert len(found) == len(tables["gold_attribute_shares"]) > 1000
    assert found == expected
    assert {row["attribute"] for row in tables["gold_attribute_shares"]} == set(ATTRIBUTES)
    assert {row["week_start"] for row in tables["gold_attribute_shares"]} == {
        None,
        *(week for week, row in weeks.items() if row["downloads"]),
    }


GROUPED = {
    "Text Sequence Classification": "Text Classification",
    "Image Segmentation": "Image Classification",
    "Image Bounding Boxes": "Image Classification",
}


def test_modality_flows_agree_with_a_plain_count(tables: dict[str, Rows]) -> None:
    models = {row["model_key"]: row for row in tables["silver_models"]}
    complete = {row["week_start"] for row in tables["gold_weeks"] if row["is_complete"]}
    counted: defaultdict[Any, Counter[Any]] = defaultdict(Counter)
    for row in tables["silver_model_weeks"]:
        week, model = row["week_start"], models[row["model_key"]]
        if week not in complete or not row["download_count"]:
            continue
        order = TAXONOMY["output_modality"]["categories"]
        outputs = sorted(labels_of(model, "output_modality"), key=[*order, "Undocumented"].index)
        sides = (
            " + ".join(sorted(labels_of(model, "input_modality"))),
            " + ".join(dict.fromkeys(GROUPED.get(label, label) for label in outputs)),
        )
        periods = ["all", *(period.name for period in CONFIG.periods if period.covers(week))]
        for window, days in CONFIG.window_days.items():
            if in_window(model, week, days):
                for place in [(s, p, window) for s in samples_of(model) for p in periods]:
                    counted[place][sides] += row["download_count"]
    expected = {
        (*place, *sides): (downloads, downloads / of_sides.total())
        for place, of_sides in counted.items()
        for sides, downloads in of_sides.items()
    }
    found = {
        (
            *(row["sample"], row["period"], row["recency_window"]),
            *(" + ".join(sorted(row["inputs"].split(" + "))), row["outputs"]),
        ): (row["downloads"], row["share"])
        for row in tables["gold_modality_flows"]
    }
    assert len(found) == len(tables["gold_modality_flows"]) > 20
    assert found == expected


def test_field_coverage_agrees_with_a_plain_count(tables: dict[str, Rows]) -> None:
    expected: dict[Any, tuple[int, float, int, float]] = {}
    for sample in ("all", "population", "head"):
        members = [
            model
            for model in tables["silver_models"]
            if sample == "all" or sample in samples_of(model)
        ]
        downloads = sum(model["total_downloads"] for model in members)
        for attribute in ATTRIBUTES:
            absent = TAXONOMY[attribute]["absent"]
            known = [model for model in members if labels_of(model, attribute) != [absent]]
            theirs = sum(model["total_downloads"] for model in known)
            facts = (len(known), len(known) / len(members), theirs, theirs / downloads)
            expected[sample, attribute, "any"] = facts
            if known:  # nothing is annotated here
                expected[sample, attribute, "derived"] = facts
    found = {
        (row["sample"], row["attribute"], row["source"]): (
            *(row["models"], row["share_of_models"]),
            *(row["downloads"], row["share_of_downloads"]),
        )
        for row in tables["gold_field_coverage"]
    }
    assert found == expected


def first_weeks_in_head(tables: dict[str, Rows]) -> dict[int, date]:
    """Model -> first complete week in which it is among the most downloaded of the population."""
    models = {row["model_key"]: row for row in tables["silver_models"]}
    complete = {row["week_start"] for row in tables["gold_weeks"] if row["is_complete"]}
    of_week = defaultdict(list)
    for row in tables["silver_model_weeks"]:
        model = models[row["model_key"]]
        if row["download_count"] and model["in_population"] and row["week_start"] in complete:
            of_week[row["week_start"]].append((-row["download_count"], model["model_id"], model))
    first: dict[int, date] = {}
    for week in sorted(of_week):
        for _, _, model in sorted(of_week[week], key=lambda entry: entry[:2])[
            : CONFIG.population.head_size
        ]:
            first.setdefault(model["model_key"], week)
    return first


def p_value(a: int, b: int, c: int, d: int) -> tuple[str, float] | tuple[None, None]:
    """Of the table [[a, b], [c, d]]: Yates' formula, or the sum of no likelier tables."""
    n, rows, columns = a + b + c + d, (a + b, c + d), (a + c, b + d)
    if not all((*rows, *columns)):
        return None, None
    if min(Fraction(r * k, n) for r in rows for k in columns) < 5:
        weights = [
            math.comb(rows[0], x) * math.comb(rows[1], columns[0] - x)
            for x in range(max(0, columns[0] - rows[1]), min(rows[0], columns[0]) + 1)
        ]
        seen = math.comb(rows[0], a) * math.comb(rows[1], columns[0] - a)
        return "fisher_exact", float(Fraction(sum(w for w in weights if w <= seen), sum(weights)))
    surplus = max(Fraction(0), abs(a * d - b * c) - Fraction(n, 2))
    square = n * surplus**2 / (rows[0] * rows[1] * columns[0] * columns[1])
    return "chi_square_yates", math.erfc(math.sqrt(square / 2))


def test_attribute_shifts_agree_with_a_plain_count(tables: dict[str, Rows]) -> None:
    models = {row["model_key"]: row for row in tables["silver_models"]}
    first = first_weeks_in_head(tables)
    assert {key for key, model in models.items() if model["in_head_sample"]} >= set(first)
    of = Counter(week >= PIVOT for week in first.values())
    assert min(of.values()) > 3
    counts: Counter[Any] = Counter()
    for key, week in first.items():
        for attribute in ATTRIBUTES:
            for category in categories_of(labels_of(models[key], attribute), attribute):
                counts[attribute, category, week >= PIVOT] += 1
    downloads: Counter[Any] = Counter()
    complete = {row["week_start"] for row in tables["gold_weeks"] if row["is_complete"]}
    for row in tables["gold_attribute_shares"]:
        if (row["sample"], row["recency_window"], row["granularity"]) == (
            "head",
            "none",
            "category",
        ) and row["week_start"] in complete:
            place = (row["attribute"], row["category"], row["week_start"] >= PIVOT)
            downloads[place] += row["downloads"]
            if row["attribute"] == "org_type":  # exclusive: adds up to the sample
                downloads["all", row["week_start"] >= PIVOT] += row["downloads"]
    found = {
        (row["attribute"], row["category"]): row
        for row in tables["gold_attribute_shifts"]
        if row["attribute"] != "model_size"
    }
    assert set(found) == {place[:2] for place in (*counts, *downloads) if place[0] != "all"}
    for (attribute, category), row in found.items():
        n = {after: counts[attribute, category, after] for after in (False, True)}
        assert (row["n_before"], row["n_after"]) == (n[False], n[True])
        assert (row["of_before"], row["of_after"]) == (of[False], of[True])
        share = {
            after: downloads[attribute, category, after] / downloads["all", after]
            for after in (False, True)
        }
        assert (row["share_before"], row["share_after"]) == (share[False], share[True])
        assert row["multiplier"] == (share[True] / share[False] if share[False] else None)
        a, b, c, d = n[False], of[False] - n[False], n[True], of[True] - n[True]
        test, p = p_value(a, b, c, d)
        assert row["test"] == test
        assert row["p_value"] == (None if p is None else pytest.approx(p, rel=1e-9))
        if p is not None:
            chi = (a * d - b * c) ** 2 / ((a + b) * (c + d) * (a + c) * (b + d))
            assert row["cramers_v"] == pytest.approx(math.sqrt(chi), rel=1e-12)
    every = tables["gold_attribute_shifts"]
    _assert_corrected([row for row in every if row["p_value"] is not None])
    assert all(row["q_value"] is None for row in every if row["p_value"] is None)
    ranked = sorted((row for row in every if row["rank"]), key=lambda row: row["rank"])
    assert [row["rank"] for row in ranked] == list(range(1, len(ranked) + 1))
    moves = [abs(math.log(row["multiplier"])) for row in ranked]
    assert moves == sorted(moves, reverse=True)
    assert {row["test"] for row in found.values()} >= {"fisher_exact", "chi_square_yates"}


def _assert_corrected(rows: Rows) -> None:
    """q = the least of p * m / rank over all p that are no smaller (Benjamini and Hochberg)."""
    in_order = sorted(rows, key=lambda row: row["p_value"])
    least = 1.0
    for place in range(len(in_order), 0, -1):
        row = in_order[place - 1]
        least = min(least, row["p_value"] * len(in_order) / place)
        assert row["q_value"] == pytest.approx(least, rel=1e-9)
        assert row["passes"] == (row["q_value"] < CONFIG.attributes.significance)
