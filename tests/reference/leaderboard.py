"""The truth of the leaderboard's tables, from the rows of its files, by pandas and plain loops.

Works for landings that have nothing but `leaderboard/`. Written from the contract and
`docs/method.md`; what it takes from the program are the words in conf/ and, for base models, the
rules on one model (`leaderboard.bases`), which their unit tests hold to cases by hand.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from opentrace_spark.config import Config, Leaderboard
from opentrace_spark.gold.leaderboard.licenses import license_class, permissions
from opentrace_spark.leaderboard.bases import base_of
from opentrace_spark.leaderboard.words import shipped_families, shipped_words
from opentrace_spark.sizes.names import named_size

Rows = list[dict[str, Any]]

V1 = ("ARC", "HellaSwag", "MMLU", "TruthfulQA", "Winogrande", "GSM8K")
NULLS = ["", "NaN", "nan", "None", "null"]
TYPES = {
    "🟢": "pre-trained",
    "🟩": "continually pre-trained",
    "🔶": "fine-tuned",
    "💬": "chat",
    "🤝": "merge",
}


def leaderboard_tables(landing: Path, config: Config) -> dict[str, Rows]:
    """Rows of every table that a landing with v1 files (CSV) alone gives, by table id."""
    results = pd.concat(
        [read_v1(file, landing) for file in sorted((landing / "leaderboard").glob("*.csv"))]
    )
    usable = results[results["reason"].isna()]
    kept = kept_models(usable, config.leaderboard)
    rejects = results[results["reason"].notna()]
    return {
        "silver_rejects": [
            {"source_file": row.source_file, "row": row.source_row, "reason": row.reason}
            for row in rejects.itertuples()
        ],
        "silver_leaderboard": kept,
        "gold_leaderboard_quality": quality(results, kept),
        **gold_tables(kept, config.leaderboard),
    }


def read_v1(file: Path, landing: Path) -> pd.DataFrame:
    """The rows of a v1 export with their reasons; cells that parse are taken for granted."""
    read = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")
    read = read.map(lambda cell: None if cell in NULLS else cell)
    frame = pd.DataFrame(index=read.index)
    frame["source_file"] = str(file.relative_to(landing))
    frame["source_row"] = np.arange(1, len(read) + 1)
    frame["name"] = read["Model"]
    frame["type"] = [TYPES.get((cell or "")[:1], "unknown") for cell in read["Type"]]
    for name, column in {
        "architecture": "Architecture",
        "precision": "Precision",
        "license": "Hub License",
    }.items():
        frame[name] = read.get(column)
    frame.loc[frame["architecture"].isin(["?", "Unknown"]), "architecture"] = None
    benchmarks = [name for name in V1 if name in read]
    scores = read[["Average ⬆️", *benchmarks]].astype(float)
    frame["score"] = scores["Average ⬆️"]
    frame["size"] = read["#Params (B)"].astype(float)
    frame["likes"] = read["Hub ❤️"].astype(float)
    frame["day"] = pd.to_datetime(read["date"].str[:10], errors="coerce").dt.date
    for name, column in {"merged": "Merged", "flagged": "Flagged", "moe": "MoE"}.items():
        frame[name] = _booleans(read, column)
    frame["available"] = _booleans(read, "Available on the hub")
    frame["reason"] = None
    outside = ((scores < 0) | (scores > 100)).any(axis=1)
    frame.loc[outside, "reason"] = "score_out_of_range"
    frame.loc[frame["name"].isna(), "reason"] = "empty_id"
    return frame.astype(object).where(frame.notna(), None)


def _booleans(read: pd.DataFrame, column: str) -> Any:
    if column not in read:
        return None
    return read[column].map({"True": True, "False": False})


def kept_models(results: pd.DataFrame, values: Leaderboard) -> Rows:
    """One row per model: the best result, and what belongs to all of its results."""
    turned = pd.concat([_turned(of, values) for _, of in results.groupby("source_file")])
    rows = []
    for name, of in turned.groupby("name", sort=True):
        ranks = of.assign(
            by_score=of["score"].astype(float).fillna(-1),
            by_day=[day.toordinal() if day else 0 for day in of["day"]],
        )
        ordered = ranks.sort_values(
            ["by_score", "by_day", "source_file", "source_row"],
            ascending=[False, False, True, True],
            kind="stable",
        )
        rows.append(_model(str(name), ordered, values))
    return rows


def _model(name: str, ordered: pd.DataFrame, values: Leaderboard) -> dict[str, Any]:
    best = ordered.iloc[0]
    days = [day for day in ordered["day"] if day is not None]
    sizes = [size for size in ordered["size"] if size is not None]
    known = next((size for size in sizes if size > 0), None)
    types = [kind for kind in ordered["type"] if kind != "unknown"]
    available = [said for said in ordered["available"] if said is not None]
    owner, slash, _ = name.partition("/")
    row = {
        "version": "v1",
        "model_id": name,
        "author": owner if slash and owner else "(no owner)",
        "submissions": len(ordered),
        "date": min(days, default=None),
        "type": types[0] if types else "unknown",
        "architecture": _first(ordered["architecture"]),
        "license": _first(ordered["license"]),
        "precision": best["precision"],
        "score": best["score"],
        "result_date": best["day"],
        "parameters_billions": known,
        "has_invalid_size": bool(sizes) and max(sizes) <= 0,
        "is_flagged": any(said is True for said in ordered["flagged"]),
        "is_removed": bool(available) and not any(available),
        "is_merged": any(said is True for said in ordered["merged"]),
        "is_moe": any(said is True for said in ordered["moe"]),
        "inverted": best["inverted"],
        "source_file": best["source_file"],
        "source_row": int(best["source_row"]),
        "downloads": None,
        "has_dataset": None,
    }
    row["in_means"] = not row["is_flagged"] and not row["is_removed"]
    named = named_size(name, 0.81)
    asked = {**dict.fromkeys(("root_id", "base_id", "base_name", "base_root")), **row}
    asked["size"] = known or (named / 1e9 if named else None)
    base = base_of(asked, shipped_families(), shipped_words(), values.size_tolerance)
    row["base_model_id"], row["base_family"], row["base_evidence"] = base
    return row


def _first(values: pd.Series) -> Any:
    return next((value for value in values if value is not None), None)


def _turned(of: pd.DataFrame, values: Leaderboard) -> pd.DataFrame:
    """One file with its booleans the right way round."""
    of = of.copy()
    lowered = of["name"].str.lower()
    architectures = of["architecture"].fillna("").str.lower()
    is_mixture = (
        lowered.str.contains(r"(?:^|[^0-9])[0-9]{1,2}x[0-9.]+[bm](?:[^a-z]|$)")
        | lowered.str.contains(r"(?:^|[^a-z])moe(?:[^a-z]|$)")
        | architectures.str.contains("mixtral|moe")
    )
    evidence = {
        "available": of["likes"].astype(float) > 0,
        "merged": of["type"] == "merge",
        "moe": is_mixture,
    }
    wrong = []
    for name, shows in evidence.items():
        said = of[name].notna()
        yes, no = of[name][said & shows], of[name][said & ~shows]
        if (
            len(yes)
            and len(no)
            and Fraction(int(yes.sum()), len(yes)) < Fraction(int(no.sum()), len(no))
        ):
            wrong.append(name)
    flags = of["flagged"].dropna()
    few = len(flags) < values.polarity_rows
    if len(flags) and (
        bool({"merged", "moe"} & set(wrong)) if few else 2 * int(flags.sum()) > len(flags)
    ):
        wrong.append("flagged")
    for name in wrong:
        of[name] = [None if said is None else not said for said in of[name]]
    of["inverted"] = ",".join(sorted(wrong)) or None
    return of


def quality(results: pd.DataFrame, kept: Rows) -> Rows:
    """gold/leaderboard_quality."""
    rows: Rows = []
    usable, rejected = results[results["reason"].isna()], results[results["reason"].notna()]

    def add(version: str, unit: str, issue: str, count: int, total: int) -> None:
        if count:
            row = {"version": version, "unit": unit, "issue": issue, "rows": int(count)}
            rows.append(row | {"share": int(count) / total})

    sizes = usable["size"].astype(float)
    for issue, count in {
        "all": len(usable),
        "no type": (usable["type"] == "unknown").sum(),
        "no date": usable["day"].isna().sum(),
        "no size": sizes.isna().sum(),
        "size not above 0": (sizes <= 0).sum(),
        "no architecture": usable["architecture"].isna().sum(),
        "no license": usable["license"].isna().sum(),
        "no score": usable["score"].isna().sum(),
    }.items():
        add("v1", "result", issue, count, len(usable))
    for reason, count in rejected["reason"].value_counts().items():
        add("(none)", "result", f"rejected: {reason}", count, len(rejected))
    add("(none)", "result", "all", len(rejected), len(rejected))
    models = pd.DataFrame(kept)
    inverted = models["inverted"].fillna("").str.split(",")
    for issue, count in {
        "all": len(models),
        "submitted again": (models["submissions"] > 1).sum(),
        "no date": models["date"].isna().sum(),
        "no size": models["parameters_billions"].isna().sum(),
        "flagged": models["is_flagged"].sum(),
        "removed": models["is_removed"].sum(),
        "not in means": (~models["in_means"]).sum(),
        **{
            f"column turned: {name}": inverted.map(lambda names, name=name: name in names).sum()
            for name in ("available", "flagged", "merged", "moe")
        },
    }.items():
        add("v1", "model", issue, count, len(models))
    return rows


def gold_tables(kept: Rows, values: Leaderboard) -> dict[str, Rows]:
    """The tables that are made of kept submissions alone."""
    tables: dict[str, Rows] = {}
    for version in sorted({row["version"] for row in kept}):
        models = pd.DataFrame([row for row in kept if row["version"] == version])
        models = models.astype(object).where(models.notna(), None)
        made = {
            "authors_daily": _authors_daily(models),
            "authors": _authors(models),
            "metadata_weekly": _metadata(models),
            "types_weekly": _types(models, values),
            "architectures_weekly": _shares(
                models, "architecture", _named_architectures(models, values)
            ),
            "base_models_weekly": _shares(models, "base_family", _named_families(models, values)),
            "licenses": _licenses(models),
            "sizes": _sizes(models, values),
            "size_architectures": _size_architectures(models, values),
            "size_for_score": _size_for_score(models, values),
            "improvement": _improvement(models, values),
            "improvement_daily": _improvement_daily(models, values),
        }
        for name, rows in made.items():
            table = tables.setdefault(f"gold_leaderboard_{name}", [])
            table += [{"version": version, **row} for row in rows]
    return {name: _filled(rows) for name, rows in tables.items()}


def _filled(rows: Rows) -> Rows:
    """The rows with null for the columns that only others of them have."""
    columns = dict.fromkeys(column for row in rows for column in row)
    return [{column: row.get(column) for column in columns} for row in rows]


def _dated(models: pd.DataFrame) -> pd.DataFrame:
    return models[models["date"].notna()]


def _weeks(models: pd.DataFrame) -> list[date]:
    mondays = {day - timedelta(days=day.weekday()) for day in _dated(models)["date"]}
    if not mondays:
        return []
    every = pd.date_range(min(mondays), max(mondays), freq="7D")
    return [stamp.date() for stamp in every]


def _of_week(models: pd.DataFrame, week: date) -> pd.DataFrame:
    dated = _dated(models)
    return _where(dated, [week <= day < week + timedelta(days=7) for day in dated["date"]])


def _scored(models: pd.DataFrame) -> pd.DataFrame:
    return _where(models, models["in_means"].astype(bool) & models["score"].notna())


def _where(models: pd.DataFrame, flags: Any) -> pd.DataFrame:
    """The rows with a true flag, also of an empty frame."""
    return models.loc[np.array(list(flags), dtype=bool)]


def _mean(values: Any) -> float | None:
    listed = [float(value) for value in values]
    return math.fsum(listed) / len(listed) if listed else None


def _authors_daily(models: pd.DataFrame) -> Rows:
    dated = _dated(models)
    if not len(dated):
        return []
    first = dated.groupby("author")["date"].min()
    rows = []
    for stamp in pd.date_range(dated["date"].min(), dated["date"].max()):
        day = stamp.date()
        rows.append(
            {
                "day": day,
                "new_authors": int((first == day).sum()),
                "cumulative_authors": int((first <= day).sum()),
                "new_models": int((dated["date"] == day).sum()),
                "cumulative_models": int((dated["date"] <= day).sum()),
            }
        )
    return rows


def _authors(models: pd.DataFrame) -> Rows:
    counts = sorted(models["author"].value_counts().items(), key=lambda pair: (-pair[1], pair[0]))
    sizes, total = [int(count) for _, count in counts], len(models)
    rows: Rows = [
        {
            "author": author,
            "is_total": False,
            "models": int(count),
            "rank": place + 1,
            "share": int(count) / total,
            "cumulative_share": sum(sizes[: place + 1]) / total,
        }
        for place, (author, count) in enumerate(counts)
    ]
    n = len(sizes)
    few = math.ceil(math.sqrt(n))
    differences = sum(abs(a - b) for a in sizes for b in sizes)
    rows.append(
        {
            "author": "(all)",
            "is_total": True,
            "models": total,
            "authors": n,
            "gini": float(Fraction(differences, 2 * n * total)),
            "hhi": float(sum(Fraction(size, total) ** 2 for size in sizes)),
            "top_10_share": sum(sizes[:10]) / total,
            "top_200_share": sum(sizes[:200]) / total,
            "price_authors": few,
            "price_share": sum(sizes[:few]) / total,
            "price_holds": 2 * sum(sizes[:few]) >= total,
            "authors_of_half": next(k for k in range(1, n + 1) if 2 * sum(sizes[:k]) >= total),
        }
    )
    return rows


def _metadata(models: pd.DataFrame) -> Rows:
    rows = []
    for week in _weeks(models):
        new = _of_week(models, week)
        listed = new["license"].map(
            lambda name: bool(name) and name.lower() not in ("unknown", "?")
        )
        counts = {
            "license": int(listed.sum()),
            "base_model": int(new["base_evidence"].isin(["lineage", "leaderboard"]).sum()),
            "inferred_base": int(new["base_evidence"].notna().sum()),
            "size": int(new["parameters_billions"].notna().sum()),
        }
        known = new[new["has_dataset"].notna()]
        with_dataset = sum(bool(said) for said in known["has_dataset"])
        rows.append(
            {
                "week_start": week,
                "models": len(new),
                "models_on_hub": len(known),
                "with_dataset": with_dataset,
                "dataset_share": with_dataset / len(known) if len(known) else None,
                **{f"with_{name}": count for name, count in counts.items()},
                **{
                    f"{name}_share": count / len(new) if len(new) else None
                    for name, count in counts.items()
                },
            }
        )
    return rows


def _types(models: pd.DataFrame, values: Leaderboard) -> Rows:
    rows = []
    weeks, reach = _weeks(models), values.smooth_weeks // 2
    for kind in (*TYPES.values(), "unknown"):
        of = models[models["type"] == kind]
        for place, week in enumerate(weeks):
            around = weeks[max(place - reach, 0) : place + reach + 1]
            near = [score for other in around for score in _scored(_of_week(of, other))["score"]]
            scores = list(_scored(_of_week(of, week))["score"])
            before = [day for day in _dated(of)["date"] if day < week + timedelta(days=7)]
            rows.append(
                {
                    "week_start": week,
                    "type": kind,
                    "new": len(_of_week(of, week)),
                    "cumulative": len(before),
                    "scored": len(scores),
                    "mean_score": _mean(scores),
                    "smoothed_score": _mean(near),
                }
            )
    return rows


def _largest(values: pd.Series) -> list[tuple[str, int]]:
    counts = values.dropna().value_counts()
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _named_architectures(models: pd.DataFrame, values: Leaderboard) -> list[str]:
    counts = _largest(models["architecture"])
    if values.architecture_floor:
        return [name for name, n in counts if n >= values.architecture_floor * len(models)]
    return [name for name, _ in counts[: values.architectures]]


def _named_families(models: pd.DataFrame, values: Leaderboard) -> list[str]:
    listed = models["base_family"][models["base_family"] != "other"]
    return [name for name, _ in _largest(listed)[: values.families]]


def _shares(models: pd.DataFrame, column: str, named: list[str]) -> Rows:
    groups = models[column].map(
        lambda name: "unknown" if not name else name if name in named else "other"
    )
    rows = []
    for week in _weeks(models):
        new = _of_week(models, week)
        dated = _dated(models)
        before = _where(dated, [day < week + timedelta(days=7) for day in dated["date"]])
        for group in (*named, "other", "unknown"):
            members = _where(new, groups[new.index] == group)
            row = {
                "week_start": week,
                column: group,
                "models": len(members),
                "cumulative": int((groups[before.index] == group).sum()),
                "share": len(members) / len(new) if len(new) else None,
            }
            if column == "base_family":
                known = [int(n) for n in members["downloads"] if n is not None]
                row["downloads"] = sum(known) if known else None
            rows.append(row)
    return rows


def _licenses(models: pd.DataFrame) -> Rows:
    names = models["license"].map(lambda name: (name or "undocumented").lower())
    rows = []
    for place, (name, count) in enumerate(_largest(names)):
        kind = license_class(name)
        row = {"license": name, "rank": place + 1, "models": int(count), "license_class": kind}
        rows.append(row | {"share": int(count) / len(models)} | permissions(name, kind))
    return rows


def _class(size: float | None, bounds: tuple[int, ...]) -> tuple[int, str]:
    if size is None:
        return len(bounds) + 1, "unknown"
    place = sum(size >= bound for bound in bounds)
    if place == 0:
        return place, f"<{bounds[0]}B"
    if place == len(bounds):
        return place, f">={bounds[-1]}B"
    return place, f"{bounds[place - 1]}B-{bounds[place]}B"


def _sizes(models: pd.DataFrame, values: Leaderboard) -> Rows:
    bounds = values.size_bounds
    classes = [_class(size, bounds) for size in models["parameters_billions"]]
    every = [_class(size, bounds) for size in (0.5, *bounds, None)]
    known = [int(n) for n in models["downloads"] if n is not None]
    rows = []
    for place, name in every:
        of = _where(models, [found == (place, name) for found in classes])
        up_to = sum(found[0] <= place for found in classes)
        sized = sum(found[1] != "unknown" for found in classes)
        downloads = [int(n) for n in of["downloads"] if n is not None]
        best = min(
            _scored(of).to_dict("records"),
            key=lambda row: (-row["score"], row["date"] or date.max, row["model_id"]),
            default={},
        )
        rows.append(
            {
                "size_class": name,
                "class_order": place,
                "models": len(of),
                "share": len(of) / len(models),
                "cumulative_share": up_to / sized if name != "unknown" and sized else None,
                "downloads": sum(downloads) if downloads else None,
                "download_share": sum(downloads) / sum(known) if sum(known) else None,
                "best_model_id": best.get("model_id"),
                "best_score": best.get("score"),
                "best_date": best.get("result_date") or best.get("date"),
            }
        )
    return rows


def _size_architectures(models: pd.DataFrame, values: Leaderboard) -> Rows:
    frame = pd.DataFrame(
        {
            "found": [_class(size, values.size_bounds) for size in models["parameters_billions"]],
            "architecture": models["architecture"].fillna("unknown"),
        }
    )
    return [
        {"size_class": name, "class_order": place, "architecture": kind, "models": int(count)}
        for ((place, name), kind), count in frame.groupby(["found", "architecture"]).size().items()
    ]


def _size_for_score(models: pd.DataFrame, values: Leaderboard) -> Rows:
    dated = _dated(models)
    months = [day.replace(day=1) for day in dated["date"]]
    rows = []
    for month in sorted(set(months)):
        of_month = _where(dated, [found == month for found in months])
        so_far = _where(dated, [found <= month for found in months])
        judged = _scored(of_month if values.best_of == "month" else so_far).to_dict("records")
        best = max((row["score"] for row in judged), default=None)
        for percent in values.score_percents:
            reaching = [
                row
                for row in judged
                if Fraction(str(row["score"])) >= Fraction(percent, 100) * Fraction(str(best))
            ]
            sized = [row for row in reaching if row["parameters_billions"] is not None]
            sizes = [row["parameters_billions"] for row in sized]
            smallest = [row for row in sized if row["parameters_billions"] == min(sizes)]
            first = min(smallest, key=lambda row: (-row["score"], row["model_id"]), default={})
            rows.append(
                {
                    "month": month,
                    "percent": percent,
                    "submitted": len(of_month),
                    "best_score": best,
                    "reaching": len(reaching),
                    "reaching_sized": len(sized),
                    "smallest_billions": min(sizes, default=None),
                    "smallest_model_id": first.get("model_id"),
                    "mean_billions": _mean(sizes),
                }
            )
    return rows


def _is_merge(row: dict[str, Any]) -> bool:
    return row["type"] == "merge" or bool(row["is_merged"])


def _gain(score: float, base: float, unit: str) -> float | None:
    points = Fraction(str(score)) - Fraction(str(base))
    if unit == "points":
        return float(points)
    return float(100 * points / Fraction(str(base))) if base else None


def _improvement(models: pd.DataFrame, values: Leaderboard) -> Rows:
    listed = models.to_dict("records")
    rows, pairs, all_members = [], [], []
    bases = {row["base_model_id"] for row in listed} - {None}
    for base_id in sorted(bases):
        members = [
            row for row in listed if row["base_model_id"] == base_id and row["model_id"] != base_id
        ]
        if not members:
            continue
        all_members += members
        derived = [row for row in members if not _is_merge(row)]
        own = [row for row in listed if row["model_id"] == base_id and row["in_means"]]
        score = own[0]["score"] if own else None
        good = [row for row in derived if row["in_means"] and row["score"] is not None]
        best = min(
            good, key=lambda r: (-r["score"], r["date"] or date.max, r["model_id"]), default=None
        )
        gains = dict.fromkeys(("points", "percent"))
        if best is not None and score is not None:
            gains = {unit: _gain(best["score"], score, unit) for unit in gains}
        if gains[values.gain] is not None:
            pairs.append((gains[values.gain], len(derived)))
        rows.append(
            {
                "base_model_id": base_id,
                "is_total": False,
                "base_family": members[0]["base_family"],
                "base_score": score,
                "derivatives": len(derived),
                "merges": len(members) - len(derived),
                "best_model_id": best["model_id"] if best else None,
                "best_score": best["score"] if best else None,
                "gain_points": gains["points"],
                "gain_percent": gains["percent"],
            }
        )
    frame = pd.DataFrame(pairs, columns=["gain", "derivatives"])
    is_varied = (frame.nunique() > 1).all()
    ranks = frame.rank()
    rho = float(ranks["gain"].corr(ranks["derivatives"])) if is_varied else None
    total = {
        "base_model_id": "(all)",
        "is_total": True,
        "derivatives": sum(not _is_merge(row) for row in all_members),
        "merges": sum(_is_merge(row) for row in all_members),
        "bases": len(pairs),
        "rank_correlation": rho,
    }
    return [*rows, total]


def _improvement_daily(models: pd.DataFrame, values: Leaderboard) -> Rows:
    listed = models.to_dict("records")
    released = {each.model_id: each.released for each in shipped_families().releases}
    rows: Rows = []
    for base in listed:
        base_id = base["model_id"]
        begun = base["date"]
        if values.base_date == "release":
            begun = released.get(base_id, begun)
        if not base["in_means"] or base["score"] is None or begun is None:
            continue
        derived = [
            row
            for row in listed
            if row["base_model_id"] == base_id
            and row["model_id"] != base_id
            and row["date"] is not None
            and not _is_merge(row)
        ]
        rows += _days_of(base, begun, derived, values)
    return rows


def _days_of(base: dict[str, Any], begun: date, derived: Rows, values: Leaderboard) -> Rows:
    rows = []
    owner, slash, _ = base["model_id"].partition("/")
    for day in sorted({row["date"] for row in derived}):
        so_far = [row for row in derived if row["date"] <= day]
        gains = [
            _gain(row["score"], base["score"], values.gain)
            for row in so_far
            if row["in_means"] and row["score"] is not None
        ]
        gain = max((found for found in gains if found is not None), default=None)
        n = len(so_far if values.gain_derivatives == "so_far" else derived)
        scale = math.log(1 + n) / math.log(values.log_base)
        rows.append(
            {
                "base_model_id": base["model_id"],
                "developer": owner if slash and owner else "(no owner)",
                "base_date": begun,
                "day": day,
                "days": (day - begun).days,
                "new_derivatives": sum(row["date"] == day for row in derived),
                "derivatives": len(so_far),
                "gain": gain,
                "gain_per_log": None if gain is None else gain / scale,
            }
        )
    last = rows[-1]["gain"] if rows else None
    reached = None
    if last is not None and last > 0:
        part = values.gain_reached * last
        reached = min(
            row["days"] for row in rows if row["gain"] is not None and row["gain"] >= part
        )
    return [{**row, "days_to_reached": reached} for row in rows]
