"""Downloads by what the models are: the tables on attributes that count labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from opentrace_spark.sizes.repository import Evidence
from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.sizes.validation import validate
from tests.reference.measures import share
from tests.reference.usage import Facts
from tests.reference.words import ATTRIBUTES, COLUMN, absent, categories

Rows = list[dict[str, Any]]

SAMPLES = {"population": "in_population", "head": "in_head_sample"}
OUTPUT_GROUP = {
    "Text Sequence Classification": "Text Classification",
    "Image Segmentation": "Image Classification",
    "Image Bounding Boxes": "Image Classification",
}
"""Marks in a text or an image count as classification."""


def labels_of(model: dict[str, Any], attribute: str) -> list[str]:
    """The labels of a model, none where nothing is known."""
    said = model[COLUMN[attribute]]
    if isinstance(said, list):
        return said
    return [] if said is None or (attribute == "org_type" and said == "unknown") else [said]


def samples_of(model: dict[str, Any]) -> list[str]:
    """The samples that tables tell apart."""
    return [sample for sample, mark in SAMPLES.items() if model[mark]]


def counted(facts: Facts, weeks: Iterable[date]) -> Iterator[tuple[date, str, str, int]]:
    """Week, model, window and downloads above 0, of the population."""
    for week in weeks:
        for model_id, count in facts.counts[week].items():
            if count > 0 and facts.models[model_id]["in_population"]:
                for window in facts.config.windows.recency:
                    if facts.counts_in(model_id, week, window):
                        yield week, model_id, window, count


def periods_of(facts: Facts, week: date) -> list[str]:
    """The named periods that a complete week belongs to, and `all`."""
    return ["all", *(period.name for period in facts.config.periods if period.covers(week))]


def attribute_shares_table(facts: Facts) -> Rows:
    """gold/attribute_shares."""
    by_model: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    for week, model_id, window, count in counted(facts, sorted(facts.counts)):
        periods: list[tuple[str, date | None]] = [(week.isoformat(), week)]
        if facts.is_complete(week):
            periods.append((_bin(week.year), None))
        for sample in samples_of(facts.models[model_id]):
            for period in periods:
                by_model[(sample, *period, window)][model_id] += count
    kinds = {m: _kinds(facts.models[m]) for m in facts.population}
    rows = []
    for (sample, period, week, window), models in by_model.items():
        total = sum(models.values())
        sums: Counter[tuple[str, str, str]] = Counter()
        for model_id, count in models.items():
            for kind in kinds[model_id]:
                sums[kind] += count
        for (attribute, granularity, name), count in sums.items():
            rows.append(
                {
                    "sample": sample,
                    "period": period,
                    "week_start": week,
                    "recency_window": window,
                    "attribute": attribute,
                    "granularity": granularity,
                    "category": name,
                    "downloads": count,
                    "share": share(count, total),
                }
            )
    return rows


def _bin(year: int) -> str:
    return "<=2022" if year <= 2022 else ">=2025" if year >= 2025 else str(year)


def _kinds(model: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Attribute, granularity and word of all that a model counts in, each once."""
    kinds = []
    for attribute in ATTRIBUTES:
        labels = labels_of(model, attribute)
        kinds += [(attribute, "label", label) for label in labels or [absent(attribute)]]
        kinds += [(attribute, "category", name) for name in categories(attribute, labels)]
    return kinds


def field_coverage_table(facts: Facts) -> Rows:
    """gold/field_coverage."""
    rows = []
    for sample in ("all", *SAMPLES):
        members = [m for m in facts.models.values() if sample == "all" or m[SAMPLES[sample]]]
        downloads = sum(m["total_downloads"] for m in members)
        for attribute in ATTRIBUTES:
            by_source: defaultdict[str, list[int]] = defaultdict(list)
            for model in members:
                if labels_of(model, attribute):
                    for source in ("any", _source(model, attribute)):
                        by_source[source].append(model["total_downloads"])
            for source in {"any", *by_source} if members else ():
                theirs = by_source[source]
                rows.append(
                    {
                        "sample": sample,
                        "attribute": attribute,
                        "source": source,
                        "models": len(theirs),
                        "share_of_models": share(len(theirs), len(members)),
                        "downloads": sum(theirs),
                        "share_of_downloads": share(sum(theirs), downloads),
                    }
                )
    return rows


def _source(model: dict[str, Any], attribute: str) -> str:
    if attribute in (model["machine_annotated"] or ()):
        return "machine"
    return "human" if attribute in (model["annotated"] or ()) else "derived"


def modality_flows_table(facts: Facts) -> Rows:
    """gold/modality_flows."""
    sums: defaultdict[Any, Counter[tuple[str, str]]] = defaultdict(Counter)
    for week, model_id, window, count in counted(facts, facts.complete_weeks):
        model = facts.models[model_id]
        given = categories("output_modality", labels_of(model, "output_modality"))
        sides = (
            " + ".join(categories("input_modality", labels_of(model, "input_modality"))),
            " + ".join(dict.fromkeys(OUTPUT_GROUP.get(label, label) for label in given)),
        )
        for sample in samples_of(model):
            for period in periods_of(facts, week):
                sums[sample, period, window][sides] += count
    return [
        {
            "sample": sample,
            "period": period,
            "recency_window": window,
            "inputs": inputs,
            "outputs": outputs,
            "downloads": count,
            "share": share(count, sum(of_sides.values())),
        }
        for (sample, period, window), of_sides in sums.items()
        for (inputs, outputs), count in of_sides.items()
    ]


GRAINS: dict[str, Callable[[date], str]] = {
    "week": date.isoformat,
    "quarter": lambda week: f"{week.year}-Q{(week.month + 2) // 3}",
    "year": lambda week: str(week.year),
}


def osi_crossover_table(facts: Facts) -> Rows:
    """gold/osi_crossover."""
    sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    for week, model_id, window, count in counted(facts, facts.complete_weeks):
        said = facts.models[model_id]["osi_data_criterion"] or "nothing"
        for sample in samples_of(facts.models[model_id]):
            for grain, named in GRAINS.items():
                sums[sample, window, grain, named(week)].update({said: count, "all": count})
    rows = []
    for sample in SAMPLES if facts.complete_weeks else ():
        for window in facts.config.windows.recency:
            for grain, named in GRAINS.items():
                of_each = {
                    k[3]: said for k, said in sums.items() if k[:3] == (sample, window, grain)
                }
                about = {"sample": sample, "recency_window": window, "grain": grain}
                weeks = Counter(map(named, facts.complete_weeks))
                rows.append(about | _crossover(of_each, weeks))
    return rows


def _crossover(of_each: dict[str, Counter[str]], weeks: Counter[str]) -> dict[str, Any]:
    """One row from the downloads of each period that has some, by what is said of the models."""
    ahead = {period for period, said in of_each.items() if said["lacks"] > said["meets"]}
    behind = {period for period, said in of_each.items() if said["lacks"] < said["meets"]}
    first = min(ahead, default=None)
    lasting = min((p for p in of_each if {q for q in of_each if q >= p} <= ahead), default=None)
    # A tie is nobody's lead: it is passed over, and no change of the order.
    leaders = [period in ahead for period in sorted(ahead | behind)]
    row: dict[str, Any] = {
        "periods": len(of_each),
        "first_observed": min(of_each, default=None),
        "last_observed": max(of_each, default=None),
        **_osi_shares("", sum(of_each.values(), Counter())),
        "is_overtaking": any(period < first for period in behind) if first else None,
        "order_changes": sum(a != b for a, b in pairwise(leaders)),
    }
    for which, period in (("first_", first), ("lasting_", lasting)):
        row[f"{which}period"] = period
        row[f"{which}weeks"] = weeks[period] if period else None
        row |= _osi_shares(which, of_each[period] if period else Counter())
    return row


def _osi_shares(prefix: str, said: Counter[str]) -> dict[str, float | None]:
    known = said["all"] - said["nothing"]
    return {
        f"{prefix}meets_share": share(said["meets"], said["all"]),
        f"{prefix}lacks_share": share(said["lacks"], said["all"]),
        f"{prefix}documented_share": share(known, said["all"]),
    }


def size_distribution_table(facts: Facts) -> Rows:
    """gold/size_distribution."""
    downloads: Counter[tuple[str, int, str, str]] = Counter()
    for week, model_id, window, count in counted(facts, facts.complete_weeks):
        downloads["downloaded", week.year, window, model_id] += count
    for model_id in facts.population:
        model = facts.models[model_id]
        if model["created_at"] and not model["created_censored"]:
            place = ("created", model["created_at"].year, "none", model_id)
            downloads[place] = model["total_downloads"]
    groups: defaultdict[Any, list[tuple[int | None, int]]] = defaultdict(list)
    for (basis, year, window, model_id), count in downloads.items():
        model = facts.models[model_id]
        for sample in samples_of(model):
            for weighting, weight in (("models", 1), ("downloads", count)):
                group = (sample, basis, weighting, year, window)
                groups[group].append((model["parameter_count"], weight))
    names = ("sample", "basis", "weighting", "year", "recency_window")
    return [
        dict(zip(names, group, strict=True)) | row
        for group, sizes in groups.items()
        for row in _distribution(sizes)
    ]


def _distribution(sizes: list[tuple[int | None, int]]) -> Iterator[dict[str, Any]]:
    """A row per bin of a group, from the size and the weight of each of its models."""
    known = sorted((size, weight) for size, weight in sizes if size)
    total = sum(weight for _, weight in known)
    bins: Counter[int] = Counter()
    for size, weight in known:
        bins[_quarter_of_ten(size)] += weight

    def reached(quarters: int) -> float | None:
        """The smallest size that so many quarters of the weight do not exceed."""
        so_far = 0
        for size, weight in known:
            so_far += weight
            if 4 * so_far >= quarters * total:
                return float(size)
        return None

    for place, weight in bins.items():
        yield {
            "bin_low": 10 ** (place / 4),
            "bin_high": 10 ** ((place + 1) / 4),
            "share": weight / total,
            "density": float(Fraction(4 * weight, total)),
            "n": len(known),
            "weight": total,
            "known_share": total / sum(weight for _, weight in sizes),
            "mean": float(Fraction(sum(size * weight for size, weight in known), total)),
            "quartile_1": reached(1),
            "median": reached(2),
            "quartile_3": reached(3),
        }


def _quarter_of_ten(size: int) -> int:
    """The largest n with 10^(n / 4) <= size, in whole numbers."""
    n = 0
    while 10 ** (n + 1) <= size**4:
        n += 1
    return n


def model_sizes_table(facts: Facts, evidence: dict[str, Evidence]) -> Rows:
    """gold/model_sizes: the rules' own quality on held-out models, beside what is counted here."""
    settings = SizeSettings.of(facts.config.sizes)
    rows = []
    for split in ("id", "owner"):
        found = validate(list(evidence.values()), split, settings)
        for method, line in found.lines.items():
            for among in ("all", "not flagged", "flagged"):
                row = {"held_out_by": split, "method": method, "among": among}
                row |= vars(found.quality(method, among))
                row |= {"intercept": line.intercept, "slope": line.slope}
                rows.append(row | {"fit_models": line.rows, "inliers": line.inliers})
    return [row | size_coverage(facts) for row in rows]


def size_coverage(facts: Facts) -> dict[str, Any]:
    """Of how many models, and of how many downloads, the size is published or known at all."""
    models = list(facts.models.values())
    total = sum(m["total_downloads"] for m in models)
    published = [m for m in models if m["parameter_source"] in ("safetensors", "gguf")]
    sized = [m for m in models if m["parameter_count"] is not None]
    stated = [m for m in models if m["published_parameter_count"] is not None]
    return {
        "published_models_share": share(len(published), len(models)),
        "sized_models_share": share(len(sized), len(models)),
        "published_downloads_share": share(sum(m["total_downloads"] for m in published), total),
        "sized_downloads_share": share(sum(m["total_downloads"] for m in sized), total),
        "flagged_models": len(stated) - len(published),
    }
