"""From a landing to every table, step by step."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from opentrace_spark.config import Config
from tests.reference.annotations import Said, settle_annotations
from tests.reference.attributes import describe, metadata_labels, size_evidence
from tests.reference.derivation import derivation_flows_table
from tests.reference.descriptions import read_described
from tests.reference.hashing import model_key
from tests.reference.labelled import (
    attribute_shares_table,
    field_coverage_table,
    modality_flows_table,
    model_sizes_table,
    osi_crossover_table,
    size_distribution_table,
)
from tests.reference.lineage import (
    Documented,
    documented_parents,
    kind_as_written,
    lineage_rows,
    parents_as_written,
)
from tests.reference.names import NO_OWNER, Names, owner, settle_names
from tests.reference.pooled import (
    developer_trends_table,
    families_table,
    intermediaries_table,
    leaderboards_table,
    org_type_by_country_table,
    period_summary_table,
)
from tests.reference.quality import annotation_quality_table
from tests.reference.reading import COLUMNS, Record, has_files, read_kind
from tests.reference.shifts import attribute_shifts_table
from tests.reference.snapshots import Counted, Snapshots, read_snapshots
from tests.reference.usage import (
    Facts,
    Week,
    concentration_table,
    samples_table,
    usage_shares_table,
    weeks_table,
)

ROOT = Path(__file__).parents[2]
FLOORED = ("2022-03-02T23:29:04", "2022-03-02T23:29:05")

Rows = list[dict[str, Any]]


@dataclass
class Hub:
    """What a landing says, settled: before any table of downloads by unit."""

    facts: Facts
    names: Names
    said: list[Said]
    documented: Documented
    annotated: Counter[str]
    rejects: Rows
    snapshots: Rows
    history: Rows


def reference_tables(landing: Path, config: Config) -> dict[str, Rows]:
    """Rows of every table but gold/runs, by table id.

    Left out are the columns parameters, run_id and processed_at, and the raw values of rejects.
    """
    hub = read_hub(landing, config)
    facts = hub.facts
    return {
        **_attribute_truth(hub),
        "silver_model_weeks": _model_week_rows(facts.weeks, facts.labels),
        "silver_snapshots": hub.snapshots,
        "silver_model_history": [
            {**span, "model_key": model_key(span["model_id"])} for span in hub.history
        ],
        "silver_lineage": list(facts.lineage.values()),
        "silver_rejects": hub.rejects,
        "silver_resolutions": _resolution_rows(facts.weeks, hub.documented, hub.annotated),
        "gold_weeks": weeks_table(facts),
        "gold_samples": samples_table(facts),
        "gold_usage_shares": usage_shares_table(facts),
        "gold_concentration": concentration_table(facts),
        "gold_leaderboards": leaderboards_table(facts),
        "gold_developer_trends": developer_trends_table(facts),
        "gold_period_summary": period_summary_table(facts),
        "gold_intermediaries": intermediaries_table(facts),
        "gold_families": families_table(facts),
        "gold_org_type_by_country": org_type_by_country_table(facts),
    }


def attribute_truth(landing: Path, config: Config) -> dict[str, Rows]:
    """Rows of silver/models, and of the tables on what the models are: a part of all."""
    return _attribute_truth(read_hub(landing, config))


def _attribute_truth(hub: Hub) -> dict[str, Rows]:
    facts = hub.facts
    without = documented_parents(hub.names, [])
    evidence = size_evidence(hub.names.models, without, facts.config)
    describe(facts, hub.names.models, hub.documented, evidence, hub.said)
    own = _own_labels(hub)
    return {
        "silver_models": list(facts.models.values()),
        **attribute_tables(facts),
        "gold_model_sizes": model_sizes_table(facts, evidence),
        "gold_annotation_quality": annotation_quality_table(hub.said, own, hub.names, facts.config),
    }


def attribute_tables(facts: Facts) -> dict[str, Rows]:
    """The tables that count models and downloads by what the models are."""
    return {
        "gold_attribute_shares": attribute_shares_table(facts),
        "gold_attribute_shifts": attribute_shifts_table(facts),
        "gold_field_coverage": field_coverage_table(facts),
        "gold_modality_flows": modality_flows_table(facts),
        "gold_derivation_flows": derivation_flows_table(facts),
        "gold_osi_crossover": osi_crossover_table(facts),
        "gold_size_distribution": size_distribution_table(facts),
    }


def _own_labels(hub: Hub) -> dict[str, dict[str, tuple[str, ...]]]:
    """What the metadata of each annotated model give, without any annotated parent."""
    labels = {}
    with_parents = {row.model_id for row in hub.said if row.parents}
    for model_id in {row.model_id for row in hub.said}:
        record = hub.names.models[model_id]
        kind = hub.facts.lineage[model_id]["kind"]
        if model_id in with_parents:
            kind = kind_as_written(record)
        org_type = hub.facts.models[model_id]["org_type"]
        derived = metadata_labels(record, org_type, kind, is_documented_root=False)
        labels[model_id] = derived.labels
    return labels


def read_hub(landing: Path, config: Config) -> Hub:
    """Everything that the tables are made of."""
    rejects: Rows = []
    read: dict[str, list[Record]] = {}
    for kind in COLUMNS:
        read[kind], bad = read_kind(landing, kind)
        rejects += bad
    own, _ = settle_names(read["models"], read["aliases"])
    described = read_described(landing, own)
    models = [*described.newer(read["models"]), *described.last_rows()]
    names, bad = settle_names(models, read["aliases"], read["models"])
    names.former = described.former(names) | names.former
    rejects += bad
    counts, labels, reports, bad = _settle_counts(read["downloads"], names)
    rejects += bad
    counters = read_snapshots(landing, read["snapshots"], names, own, config)
    rejects += counters.rejects
    weeks = _settle_sources(counts, reports, counters, config)
    organizations: dict[str, Record] = {}
    for record in read["organizations"]:
        if organizations.setdefault(record.get("org"), record) is not record:
            rejects.append(record.rejected("duplicate_row"))
    choice = config.organizations.curated
    if choice == "fill" or (choice == "only_if_absent" and not has_files(landing, "organizations")):
        organizations = _curated(config.organizations.as_of) | organizations

    known = {model_id for week in weeks.values() for model_id in week.rows}
    unknown = known - set(names.models)
    said, bad = settle_annotations(read["annotations"], names)
    rejects += bad
    refused = {(row["source_file"], row["row"]) for row in bad}
    usable = [row for row in read["annotations"] if (row.file, row.row) not in refused]
    annotated = Counter(names.resolve(row.get("id"))[1] for row in usable)
    documented = documented_parents(names, said)
    lineage = lineage_rows(names, unknown, documented, config)
    models = _model_rows(names, unknown, counts, organizations, config)
    history = described.history(names, _state)
    last_seen = dict(counters.last_seen)
    for span in history:
        model_id, day = span["model_id"], span["last_seen"]
        last_seen[model_id] = max(last_seen.get(model_id, day), day)
    for row in models:
        row["last_seen"] = last_seen.get(row["model_id"])
    facts = Facts(
        config=config,
        models={row["model_id"]: row for row in models},
        lineage={row["model_id"]: row for row in lineage},
        counts=counts,
        labels=labels,
        weeks=weeks,
        last_complete=_last_complete(landing, config),
        organization_of={row["developer"]: (row["country"], row["org_type"]) for row in models},
    )
    return Hub(facts, names, said, documented, annotated, rejects, counters.table, history)


def monday(day: date) -> date:
    """The Monday of the ISO week that contains the day."""
    return day - timedelta(days=day.weekday())


def _settle_counts(
    records: list[Record], names: Names
) -> tuple[
    dict[date, dict[str, int]],
    dict[date, date],
    dict[tuple[date, str], dict[str, str]],
    Rows,
]:
    """Downloads by week and model; labels of weeks; (week, model) -> name -> how it was found."""
    same: dict[tuple[date, str], list[Record]] = {}
    for record in records:
        same.setdefault((record.get("week"), record.get("id")), []).append(record)
    if len({day.weekday() for day, _ in same}) > 1:
        raise ValueError("dates of downloads/ fall on different weekdays")
    counts: dict[date, dict[str, int]] = {}
    labels: dict[date, date] = {}
    reports: dict[tuple[date, str], dict[str, str]] = {}
    rejects: Rows = []
    for (day, name), group in same.items():
        if len({record.get("count") for record in group}) > 1:
            rejects += [record.rejected("conflicting_counts") for record in group]
            continue
        rejects += [record.rejected("duplicate_row") for record in group[1:]]
        target, how = names.resolve(name)
        model_id, week = target or name, monday(day)
        labels[week] = day
        models = counts.setdefault(week, {})
        models[model_id] = models.get(model_id, 0) + group[0].get("count")
        reports.setdefault((week, model_id), {})[name] = how
    return counts, labels, reports, rejects


def _settle_sources(
    counts: dict[date, dict[str, int]],
    reports: dict[tuple[date, str], dict[str, str]],
    counters: Snapshots,
    config: Config,
) -> dict[date, Week]:
    """The weeks of both sources, one of them for each; `counts` follow."""
    weeks: dict[date, Week] = {}
    by_source: dict[str, dict[date, dict[str, Counted]]] = {
        "downloads": {
            week: {
                m: Counted(count, None, set(), [*reports[week, m]], [*reports[week, m].values()])
                for m, count in models.items()
            }
            for week, models in counts.items()
        },
        "snapshots": counters.weeks,
    }
    for week in sorted({*counts, *counters.weeks}):
        there = {name: said[week] for name, said in by_source.items() if week in said}
        counting = [n for n in there if any(row.count is not None for row in there[n].values())]
        sources = counting or list(there)
        preferred = config.weeks.precedence
        source = preferred if preferred in sources else sources[0]
        other = next((there[name] for name in there if name != source), None)
        weeks[week] = Week(source, there[source])
        if source == "snapshots":
            weeks[week].covered_days = counters.covered.get(week)
        if other is not None:
            _compare(weeks[week], other)
        counts[week] = {m: r.count for m, r in there[source].items() if r.count is not None}
        if not counts[week]:
            del counts[week]
    return weeks


def _compare(week: Week, other: dict[str, Counted]) -> None:
    """What the source that is passed over says otherwise."""
    week.other_downloads = sum(row.count or 0 for row in other.values())
    nothing = Counted(0)
    pairs = [
        (week.rows.get(m, nothing).count, other.get(m, nothing).count) for m in {*week.rows, *other}
    ]
    week.differing_models = sum(x != y for x, y in pairs if x is not None and y is not None)


def _model_week_rows(weeks: dict[date, Week], labels: dict[date, date]) -> Rows:
    """silver/model_weeks."""
    rows = []
    for start, week in sorted(weeks.items()):
        for model_id, said in week.rows.items():
            flags = said.flags | (set(said.ways) - {"exact"})
            if len(said.names) > 1:
                flags.add("summed")
            is_own = set(said.ways) == {"exact"}
            rows.append(
                {
                    "model_key": model_key(model_id),
                    "week_start": start,
                    "download_count": said.count,
                    "flags": ",".join(sorted(flags)) or None,
                    "week_label": labels[start] if week.source == "downloads" else None,
                    "reported_as": None if is_own else sorted(set(said.names)),
                    "raw_difference": said.difference,
                }
            )
    return rows


def _resolution_rows(
    weeks: dict[date, Week], documented: Documented, annotated: Counter[str]
) -> Rows:
    """silver/resolutions."""
    ways = Counter(
        ("downloads", how)
        for week in weeks.values()
        for said in week.rows.values()
        for how in set(said.ways) - {"exact"} or {"exact"}
    )
    ways.update(("parents", parent.how) for _, listed in documented.values() for parent in listed)
    ways.update({("annotations", how): rows for how, rows in annotated.items()})
    return [
        {
            "source": source,
            "resolution": "unknown" if how == "no_metadata" else how,
            "rows": rows,
        }
        for (source, how), rows in ways.items()
    ]


def _last_complete(landing: Path, config: Config) -> date | None:
    text = config.weeks.last_complete_week
    manifest = landing / "manifest.json"
    if not text and manifest.exists():
        text = json.loads(manifest.read_text(encoding="utf-8")).get("last_complete_week") or ""
    return monday(date.fromisoformat(text)) if text else None


def _model_rows(
    names: Names,
    unknown: set[str],
    counts: dict[date, dict[str, int]],
    organizations: dict[str, Record],
    config: Config,
) -> Rows:
    """silver/models."""
    total: dict[str, int] = {}
    first_seen: dict[str, date] = {}
    for week in sorted(counts):
        for model_id, count in counts[week].items():
            total[model_id] = total.get(model_id, 0) + count
            if count > 0:
                first_seen.setdefault(model_id, week)
    population = {m for m, count in total.items() if count >= config.population.min_downloads}
    head: set[str] = set()
    for models in counts.values():
        leaders = sorted(
            (m for m, count in models.items() if m in population and count > 0),
            key=lambda m: (-models[m], m),
        )
        head.update(leaders[: config.population.head_size])
    rows = []
    for model_id in sorted(unknown | set(names.models)):
        record = names.models.get(model_id) or Record("", 0, {})
        rows.append(
            {
                "model_id": model_id,
                "model_key": model_key(model_id),
                "developer": owner(model_id),
                **_organization(owner(model_id), organizations, config),
                "is_in_models": model_id not in unknown,
                **_dates(record, first_seen.get(model_id), config),
                "total_downloads": total.get(model_id, 0),
                "in_population": model_id in population,
                "in_head_sample": model_id in head,
                **_metadata(record),
            }
        )
    return rows


def _curated(as_of: str) -> dict[str, Record]:
    """The project's own table by account; of two rows for one, that of the later date by then."""
    accounts: dict[str, tuple[str, Record]] = {}
    with (ROOT / "conf" / "organizations.csv").open(encoding="utf-8", newline="") as file:
        for place, row in enumerate(csv.DictReader(file), start=1):
            if as_of and row["since"] > as_of:
                continue
            if row["org"] not in accounts or row["since"] > accounts[row["org"]][0]:
                cells = {name: cell for name, cell in row.items() if cell}
                record = Record("conf/organizations.csv", place, cells)
                accounts[row["org"]] = (row["since"], record)
    return {account: record for account, (_, record) in accounts.items()}


def _organization(
    developer: str, organizations: dict[str, Record], config: Config
) -> dict[str, str]:
    unlisted = config.organizations.unlisted_owner
    row = organizations.get(developer) if developer != NO_OWNER else None
    if row is None:
        kind = "user" if unlisted == "User" else "unknown"
        return {"organization": developer, "country": unlisted, "org_type": kind}
    country = row.get("country") or "Unknown"
    written = row.get("org_type") or ("user" if country == "User" else "unknown")
    kind = config.organizations.org_types.get(written, written)
    return {
        "organization": row.get("organization") or developer,
        "country": "User" if kind == "user" else country,
        "org_type": kind,
    }


def _dates(record: Record, first_seen: date | None, config: Config) -> dict[str, Any]:
    created_at = record.get("createdAt")
    censored = created_at is not None and created_at.strftime("%Y-%m-%dT%H:%M:%S") in FLOORED
    created = created_at.date() if created_at else None
    if config.windows.creation == "drop_censored" and censored:
        created = None
    if config.windows.creation == "first_seen" and record.file:
        created = min((day for day in (created, first_seen) if day), default=None)
    return {
        "created_at": created_at,
        "created_date": created,
        "created_censored": censored,
        "first_seen": first_seen,
    }


def _metadata(record: Record) -> dict[str, Any]:
    """What the landing says of the model, under the tables' names."""
    card = record.get("cardData") or {}
    licenses = card.get("license")
    in_card = licenses[0] if isinstance(licenses, list) else licenses
    gated = record.get("gated")
    tagged = [t.removeprefix("license:") for t in record.get("tags") or [] if _is_license(t)]
    further = {k: v for k, v in record.cells.items() if k not in COLUMNS["models"]}
    return {
        "license": in_card or (tagged[0] if tagged else None),
        "gated": gated.lower() if gated in ("True", "False") else gated,
        "pipeline_tag": record.get("pipeline_tag"),
        "library": record.get("library_name"),
        "hub_id": record.get("_id"),
        "author": record.get("author"),
        "last_modified": record.get("lastModified"),
        "likes": record.get("likes"),
        "downloads_30d": record.get("downloads"),
        "downloads_all_time": record.get("downloadsAllTime"),
        "used_storage": record.get("usedStorage"),
        "tags": record.get("tags"),
        "card_data": _json(record.get("cardData")),
        "safetensors": _json(record.get("safetensors")),
        "gguf": _json(record.get("gguf")),
        "siblings": _json(record.get("siblings")),
        "base_models": _json(record.get("baseModels")),
        "other_fields": _json(further or None),
        "source_file": record.file or None,
        "source_row": record.row or None,
    }


def _state(record: Record) -> dict[str, Any]:
    """What silver/model_history keeps of a row, as written."""
    said = _metadata(record)
    parents = parents_as_written(record) or None
    return {"license": said["license"], "gated": said["gated"], "parents": parents}


def _is_license(tag: str) -> bool:
    return tag.startswith("license:")


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, default=str)
