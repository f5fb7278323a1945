"""Sizes in the tables against the pure rules, a model at a time, and a plain count over silver."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from fractions import Fraction
from math import floor, log10
from typing import Any

import pytest

from opentrace_spark.sizes.estimate import fit, sizes
from opentrace_spark.sizes.metadata import COLUMNS, repository_of
from opentrace_spark.sizes.repository import Evidence, evidence_of
from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.sizes.validation import METHODS, POPULATIONS, validate
from tests.flow.landings import HUB_CONFIG
from tests.pipeline import Rows

SETTINGS = SizeSettings.of(HUB_CONFIG.sizes)
PIVOT = date.fromisoformat(HUB_CONFIG.attributes.pivot)
BOUNDS = {"<100M": 1, "100M-1B": 10**8, "1B-10B": 10**9, "10B-100B": 10**10, ">=100B": 10**11}


def parents_of(model: dict[str, Any]) -> list[str]:
    """The first parent that the metadata list: card, baseModels, tags."""
    card = json.loads(model["card_data"] or "{}").get("base_model") or []
    listed = card if isinstance(card, list) else [card]
    hub = json.loads(model["base_models"] or "{}").get("models") or []
    tags = [tag.split(":") for tag in model["tags"] or () if tag.startswith("base_model:")]
    return [*listed, *(entry["id"] for entry in hub), *(tag[-1] for tag in tags)][:1]


@pytest.fixture(scope="module")
def evidence(hub: dict[str, Rows]) -> dict[str, Evidence]:
    """Of every model of models/."""
    column_of = {
        **{name: name for name in COLUMNS},
        **{"id": "model_id", "library_name": "library", "usedStorage": "used_storage"},
    }
    known = (model for model in hub["silver_models"] if model["hub_id"] is not None)
    return {
        model["model_id"]: evidence_of(
            repository_of(
                {name: model[column] for name, column in column_of.items()}, parents_of(model)
            ),
            SETTINGS,
        )
        for model in known
    }


def test_sizes_agree_with_the_rules_on_one_model_at_a_time(
    hub: dict[str, Rows], evidence: dict[str, Evidence]
) -> None:
    known = [row for row in evidence.values() if row.known and row.bytes]
    assert 200 < len(known) < HUB_CONFIG.sizes.fit_models
    fitted = fit(known, SETTINGS)
    sources: Counter[str | None] = Counter()
    for model in hub["silver_models"]:
        found = (
            *(model["parameter_count"], model["parameter_source"]),
            *(model["parameter_count_low"], model["parameter_count_high"]),
            *(model["parameter_flag"], model["published_parameter_count"]),
        )
        if model["model_id"] in evidence:
            (size,) = sizes(fitted, [evidence[model["model_id"]]], SETTINGS)
            assert found == tuple(vars(size).values()), model["model_id"]
        else:
            assert found == (None,) * 6
        reached = [name for name, first in BOUNDS.items() if (found[0] or 0) >= first]
        assert model["size_class"] == (reached[-1] if reached else None)
        sources[found[1]] += 1
    assert {"safetensors", "gguf", "name", "estimated", None} == set(sources)


def test_model_sizes_tells_the_fit_and_what_it_adds(
    hub: dict[str, Rows], evidence: dict[str, Evidence]
) -> None:
    found = {(r["held_out_by"], r["method"], r["among"]): r for r in hub["gold_model_sizes"]}
    assert len(found) == len(hub["gold_model_sizes"]) == 2 * len(METHODS) * len(POPULATIONS)
    for split in ("id", "owner"):
        truth = validate(list(evidence.values()), split, SETTINGS)
        for method in METHODS:
            for among in POPULATIONS:
                row = found[split, method, among]
                for name, value in vars(truth.quality(method, among)).items():
                    assert row[name] == value
                line = truth.lines[method]
                assert (row["slope"], row["fit_models"]) == (line.slope, line.rows)
    models = hub["silver_models"]
    published = [m for m in models if m["parameter_source"] in ("safetensors", "gguf")]
    sized = [m for m in models if m["parameter_count"]]
    wrong = [m for m in models if m["published_parameter_count"] and m not in published]
    downloads = sum(m["total_downloads"] for m in models)
    expected = {
        "published_models_share": len(published) / len(models),
        "sized_models_share": len(sized) / len(models),
        "published_downloads_share": sum(m["total_downloads"] for m in published) / downloads,
        "sized_downloads_share": sum(m["total_downloads"] for m in sized) / downloads,
        "flagged_models": len(wrong),
    }
    for row in found.values():
        assert {name: row[name] for name in expected} == expected


def test_size_distribution_agrees_with_a_plain_count(hub: dict[str, Rows]) -> None:
    models = {row["model_key"]: row for row in hub["silver_models"] if row["in_population"]}
    complete = {row["week_start"] for row in hub["gold_weeks"] if row["is_complete"]}
    downloads: Counter[Any] = Counter()
    for row in hub["silver_model_weeks"]:
        model, week = models.get(row["model_key"]), row["week_start"]
        if model is None or week not in complete or not row["download_count"]:
            continue
        for window, days in HUB_CONFIG.window_days.items():
            created = model["created_date"]
            if days is None or (created and week < created + timedelta(days=days)):
                downloads["downloaded", week.year, window, row["model_key"]] += row[
                    "download_count"
                ]
    for key, model in models.items():
        if model["created_at"] and not model["created_censored"]:
            place = ("created", model["created_at"].year, "none", key)
            downloads[place] = model["total_downloads"]
    groups: defaultdict[Any, list[tuple[int | None, int]]] = defaultdict(list)
    for (basis, year, window, key), count in downloads.items():
        model = models[key]
        for sample in ("population", *(["head"] if model["in_head_sample"] else [])):
            for weighting, weight in (("models", 1), ("downloads", count)):
                group = (sample, basis, weighting, year, window)
                groups[group].append((model["parameter_count"], weight))
    expected = {
        (*group, row.pop("bin")): row for group, sized in groups.items() for row in measured(sized)
    }
    key = ("sample", "basis", "weighting", "year", "recency_window")
    found = {
        (*(row[name] for name in key), floor(log10(row["bin_low"]) * 4 + 0.5)): {
            name: row[name] for name in next(iter(expected.values()))
        }
        for row in hub["gold_size_distribution"]
    }
    assert len(found) == len(hub["gold_size_distribution"]) > 200
    assert found == expected


def measured(sized: list[tuple[int | None, int]]) -> list[dict[str, Any]]:
    """Rows of a group by bin, from the size and weight of each model."""
    known = sorted((size, weight) for size, weight in sized if size)
    total = sum(weight for _, weight in known)
    bins: Counter[int] = Counter()
    for size, weight in known:
        bins[floor(log10(size) * 4)] += weight

    def reached(part: Fraction) -> int:
        return next(
            size for size, _ in known if sum(w for s, w in known if s <= size) >= part * total
        )

    return [
        {
            "bin": place,
            "share": weight / total,
            "n": len(known),
            "weight": total,
            "known_share": total / sum(weight for _, weight in sized),
            "mean": float(Fraction(sum(s * w for s, w in known), total)),
            "quartile_1": reached(Fraction(1, 4)),
            "median": reached(Fraction(1, 2)),
            "quartile_3": reached(Fraction(3, 4)),
        }
        for place, weight in bins.items()
    ]


def test_the_row_on_sizes_before_and_after(hub: dict[str, Rows]) -> None:
    (row,) = (r for r in hub["gold_attribute_shifts"] if r["attribute"] == "model_size")
    models = {m["model_key"]: m for m in hub["silver_models"] if m["in_head_sample"]}
    complete = {w["week_start"] for w in hub["gold_weeks"] if w["is_complete"]}
    sums: Counter[Any] = Counter()
    for week in hub["silver_model_weeks"]:
        size = models.get(week["model_key"], {}).get("parameter_count")
        if size and week["week_start"] in complete:
            after = week["week_start"] >= PIVOT
            sums[after] += week["download_count"]
            sums[after, "parameters"] += week["download_count"] * size
    means = [sums[after, "parameters"] / sums[after] for after in (False, True)]
    assert [row["mean_before"], row["mean_after"]] == means
    assert row["multiplier"] == means[1] / means[0]
    assert (row["share_before"], row["share_after"], row["cramers_v"]) == (None, None, None)
    assert row["test"] == "mann_whitney_u"
    assert 0 <= row["p_value"] <= row["q_value"] <= 1
    of = next(r for r in hub["gold_attribute_shifts"] if r["attribute"] == "org_type")
    assert (row["of_before"], row["of_after"]) == (of["of_before"], of["of_after"])
    unsized = next(
        r
        for r in hub["gold_attribute_shifts"]
        if (r["attribute"], r["category"]) == ("size_class", "Undocumented")
    )
    assert row["n_before"] == row["of_before"] - unsized["n_before"]
    assert row["n_after"] == row["of_after"] - unsized["n_after"]
