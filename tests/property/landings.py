"""Small random landings full of hard cases, and random values of the method.

`landings()` draws a `Landing`: rows by folder, how they are cut into files, and in which format.
It is plain data until `write` puts it into a folder, so failing examples print and shrink well.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, settings, strategies as st

from opentrace_spark.config import Config, load_config
from opentrace_spark.sources.schemas import required_columns
from tests.reference.words import LANGUAGE

OWNERS = ("acme", "Acme", "google", "google-bert", "argilla", "δelta")
"""Of the project's own table: two accounts of one organisation, and one that moved."""
REPOSITORIES = ("one", "One", "two-7B", "t,w;o", 'q"uote', "été")
POOL = (*(f"{owner}/{name}" for owner in OWNERS for name in REPOSITORIES), "bare", "Bare")
# Owners with the names of rows that are no owners.
POOL = (*POOL, "(all)/one", "(rest)/one")
UNKNOWN = ("ghost/one", "Ghost/one", "acme/unknown", "nobody", "../../x")
LEGACY = ("old-1", "old-2", "acme/legacy", "GHOST/ONE")
FORMER = ("former/one", "former/two", "former/three")
ANCHOR = "anchor/model"
"""An unknown id with downloads in the first week: every landing has at least one count."""

FIRST_WEEKS = tuple(
    map(date.fromisoformat, ("2022-02-21", "2022-08-22", "2023-02-20", "2024-06-03", "2024-12-16"))
)
TURNS_OF_YEARS = tuple(map(date.fromisoformat, ("2024-12-02", "2022-12-05", "2023-12-04")))
COUNTS = (1, 2, 2, 3, 3, 10, 10, 100, 199, 200, 0, 0, 3_000_000_000)
COUNTRIES = ("USA", "China", "Sweden", "User", "International", "Online", "Atlantis", None)
ORG_TYPES = ("company", "classroom", "university", "guild", None)
MARKS = (
    *("gguf", "LoRA", "merge", "onnx", "license:mit", "license:cc-by-nc-4.0", "text-generation"),
    *("bert", "llama", "whisper", "dpo", "en", "fr", "dataset:squad", "conversational"),
)
LIBRARIES = (None, None, "transformers", "peft", "ctranslate2")
RELATIONS = ("finetune", "adapter", "quantized", "merge")
FORMATS = ("csv", "csv.gz", "jsonl", "jsonl.gz", "parquet")

TASKS = (None, "text-generation", "fill-mask", "text-to-image", "image-segmentation", "no-task")
GATES = (None, None, "auto", "manual", "true", "false", "ask")
CARDS: tuple[dict[str, Any], ...] = (
    {"license": "apache-2.0", "language": ["en", "swh"]},
    {"license": ["cc-by-4.0", "mit"], "datasets": ["squad"]},
    {"license": "other", "license_name": "Llama3", "extra_gated_prompt": "terms"},
    {"datasets": "proprietary", "language": "zh"},
)
SAFETENSORS = (
    {"total": 124_000_000},
    {"parameters": {"F32": 7_000_000_000}, "total": 7_000_000_000},
)
GGUFS = ({"total": 1_000_000_000, "architecture": "llama"}, {"architecture": "bert"})
FILES: tuple[list[dict[str, Any]], ...] = (
    [{"rfilename": "model.safetensors", "size": 14_000_000_000}, {"rfilename": "README.md"}],
    [{"rfilename": "model-Q4_K_M.gguf", "size": 4_000_000_000}],
)
BYTES = (None, 500_000_000, 28_000_000_000)

ANNOTATORS = (
    *(None, "Ada", "Ada", "Bob", " Ada ", "machine", " machine:m ", "machine m", "machinist"),
    *("review:Bob", "review : Ada", "review:Ada", "Review", "reviewer", "review:machine:m"),
)
LABELS = {
    "gated": ("N/A", "Accept to share username & email", "Other agreement/info requirements"),
    "input_modality": ("Text", "Image", "Speech", "Other"),
    "output_modality": (
        *("Text Generation", "Image Generation", "Image Classification", "Image Segmentation"),
        *("Image Bounding Boxes", "Text Embedding", "Other"),
    ),
    "languages": ("en", "EN", "zh-Hant", "swh", "Python", "multilingual", "English"),
    "architecture": ("LSTM", "GRU", "Transformer: Image Encoder-only", "CNN", "Unsure", "Other"),
    "training_methods": (
        *("Pretraining: Causal Language Modeling (CLM)", "Pretraining: Supervised"),
        *("Pretraining: Denoising Autoencoder", "Pretraining: Contrastive Learning"),
        *("Finetuning: Supervised", "Quantization", "Undisclosed"),
        *("Reinforcement learning from feedback", "Other"),
    ),
    "data_availability": (
        *("Not disclosed", "Disclosed: unavailable", "Partially disclosed: unavailable"),
        "Disclosed: available",
    ),
    "license": ("open_use", "MIT", "llama3", "undocumented", "unknown", "my own"),
}
"""Column of the sheet -> labels. The last one is seldom right: it is none, or needs a note."""
LANGUAGE_CODES = sorted(code for code, canonical in LANGUAGE.items() if code == canonical)
NOTES = (None, None, "a note", "a note", " ")

Row = dict[str, Any]

TYPES = {
    "downloads": {"week": pa.date32(), "id": pa.string(), "count": pa.int64()},
    "models": {
        "_id": pa.string(),
        "id": pa.string(),
        "createdAt": pa.timestamp("us"),
        "lastModified": pa.timestamp("ms", tz="UTC"),
        "likes": pa.int32(),
        "library_name": pa.string(),
        "tags": pa.list_(pa.string()),
        "cardData": pa.string(),
        "pipeline_tag": pa.string(),
        "gated": pa.string(),
        "safetensors": pa.string(),
        "gguf": pa.string(),
        "siblings": pa.string(),
        "usedStorage": pa.int64(),
        "baseModels": pa.struct(
            {
                "relation": pa.string(),
                "models": pa.list_(pa.struct({"_id": pa.string(), "id": pa.string()})),
            }
        ),
    },
    "aliases": {"legacy_id": pa.string(), "current_id": pa.string()},
    "organizations": {
        "org": pa.string(),
        "country": pa.string(),
        "org_type": pa.string(),
        "organization": pa.string(),
    },
    "snapshots": {},
    "annotations": dict.fromkeys(("id", "derived_from", "annotator", *LABELS, "note"), pa.string()),
}


TYPES["snapshots"] = TYPES["models"] | {"downloadsAllTime": pa.int64()}

JSON_TEXTS = ("cardData", "safetensors", "gguf", "siblings")
"""Columns of models/ that Parquet files hold as JSON text."""


@dataclass(frozen=True)
class File:
    """A file of a landing: its folder, its name without ending, its format and rows."""

    kind: str
    name: str
    format: str
    rows: tuple[Row, ...]
    malformed: bool = False
    """Whether a record that is none ends the file (texts only)."""


@dataclass(frozen=True)
class Landing:
    """A landing before it is written."""

    files: tuple[File, ...]
    last_complete_week: date | None

    def rows(self, kind: str) -> list[Row]:
        """All rows of a folder."""
        return [row for file in self.files if file.kind == kind for row in file.rows]

    def with_rows(self, kind: str, rows: list[Row]) -> Landing:
        """The same landing with these rows in one file of the folder."""
        others = [file for file in self.files if file.kind != kind]
        return dataclasses.replace(self, files=(*others, File(kind, "a", "csv", tuple(rows))))

    def in_format(self, format_: str) -> Landing:
        """The same landing in another format, files without rows as CSV."""
        files = [
            dataclasses.replace(f, format=format_ if f.rows else "csv", malformed=False)
            for f in self.files
        ]
        return dataclasses.replace(self, files=tuple(files))

    def write(self, folder: Path) -> Path:
        """Write every file below the folder, which is returned."""
        for file in self.files:
            path = folder / file.kind / f"{file.name}.{file.format}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.format == "parquet":
                pq.write_table(_arrow(file), path)
                continue
            text = _csv(file) if file.format.startswith("csv") else _jsonl(file)
            data = text.encode("utf-8")
            path.write_bytes(gzip.compress(data) if file.format.endswith(".gz") else data)
        if self.last_complete_week:
            manifest = {"last_complete_week": self.last_complete_week.isoformat()}
            (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return folder


@st.composite
def landings(draw: st.DrawFn, is_rich: bool = False) -> Landing:
    """A landing of 3 to 25 models and 1 to 8 weeks, with gaps.

    A rich one has 20 to 30 models, 4 to 8 weeks around the turn of a year, and always annotations.
    """
    size = draw(st.integers(20, 30) if is_rich else st.integers(3, 25))
    ids = draw(st.lists(st.sampled_from(POOL), min_size=size, max_size=size, unique=True))
    weeks = draw(_weeks(TURNS_OF_YEARS, 4) if is_rich else _weeks(FIRST_WEEKS, 1))
    others = [*map(str.upper, ids[:5]), *UNKNOWN, *LEGACY, *FORMER]
    names = st.sampled_from(ids) | st.sampled_from(ids) | st.sampled_from(others)
    rows = {
        "models": draw(_models(ids, weeks, names)),
        "downloads": draw(_downloads(weeks, names, 12 if is_rich else 1)),
        "aliases": draw(_aliases(ids, names)),
        "organizations": draw(_organizations()),
        "annotations": draw(_annotations(ids, names, is_rich)),
    }
    files = []
    for kind, entries in rows.items():
        if kind == "annotations" and not entries:
            continue
        cut = draw(st.integers(0, len(entries))) if draw(st.booleans()) else len(entries)
        for name, part in (("a", entries[:cut]), ("b", entries[cut:])):
            if name == "b" and not part:
                continue
            kinds = FORMATS if part else ("csv", "parquet")  # JSON Lines without rows are 0 bytes
            format_ = draw(st.sampled_from(kinds))
            malformed = format_ != "parquet" and draw(st.integers(0, 9)) == 0
            files.append(File(kind, name, format_, tuple(part), malformed))
    last = draw(st.none() | st.sampled_from(weeks))
    return Landing(tuple(files), last)


@st.composite
def counter_cases(draw: st.DrawFn) -> tuple[Landing, Config]:
    """A landing with snapshots of counters, and with weekly counts or without; and values."""
    landing, config = draw(landings()), draw(configs())
    weeks = config.weeks
    if draw(st.booleans()):
        files = [file for file in landing.files if file.kind != "downloads"]
        landing = dataclasses.replace(landing, files=tuple(files))
    precedence = draw(st.sampled_from(("downloads", "snapshots")))
    config = dataclasses.replace(
        config,
        weeks=dataclasses.replace(weeks, precedence=precedence),
        counters=dataclasses.replace(
            config.counters, stall_share=draw(st.sampled_from((0.99, 0.6)))
        ),
        population=dataclasses.replace(config.population, min_downloads=1),
    )
    days = sorted(row["week"] for row in landing.rows("downloads") if row["week"])
    first = days[0] if days else FIRST_WEEKS[3]
    snapshots = draw(_snapshots(landing.rows("models"), first))
    return dataclasses.replace(landing, files=(*landing.files, *snapshots)), config


@st.composite
def _snapshots(draw: st.DrawFn, models: list[Row], first: date) -> list[File]:
    """Files of 2 to 8 snapshots of the rows of models/, and of a few that it does not know."""
    steps = draw(st.sampled_from(((7,), (7,), (7, 14), (1, 3, 7, 9, 30))))
    days = [first + timedelta(days=draw(st.integers(0, 6)))]
    for _ in range(draw(st.integers(1, 7))):
        days.append(days[-1] + timedelta(days=draw(st.sampled_from(steps))))
    tracks = [{"_id": row["_id"], "id": row["id"], "at": row.get("createdAt")} for row in models]
    tracks = [track for track in tracks if track["id"]] + [
        {"_id": "h-lost", "id": models[0]["id"] or "acme/one", "at": None},  # a name taken over
        {"_id": "h-other", "id": "ghost/one", "at": None},
        {"_id": "h-third", "id": "ghost/one", "at": None},
        {"_id": None, "id": "ghost/two", "at": None},
    ]
    is_described = draw(st.booleans())
    names = st.sampled_from([*(track["id"] for track in tracks), *UNKNOWN, *FORMER])
    still = {day for day in days[2:] if draw(st.integers(0, 4)) == 0}
    rows: dict[date, list[Row]] = {day: [] for day in days}
    for track in tracks:
        counter = draw(st.sampled_from((0, 10, 1000)))
        name, said = track["id"], draw(_metadata(days, names)) if is_described else {}
        for day in days:
            event = draw(st.integers(0, 19))
            if day not in still:
                counter += draw(st.sampled_from((0, 1, 5, 300)))
                counter = {0: counter // 2, 1: 0}.get(event, counter)
            name = draw(st.sampled_from((*POOL, *FORMER))) if event == 2 else name
            if said and draw(st.integers(0, 4)) == 0:
                said = draw(_metadata(days, names))
            row = {**said, "_id": track["_id"], "id": name, "createdAt": track["at"]}
            row["downloadsAllTime"] = None if event == 3 else counter
            if event > 5:
                rows[day].append(row)
            if event == 4:  # twice, and alike or not
                more = draw(st.integers(0, 1))
                rows[day] += [row, {**row, "downloadsAllTime": counter + more}]
    files = []
    for day in days:
        shuffled = list(draw(st.permutations(rows[day])))
        format_ = draw(st.sampled_from(FORMATS if shuffled else ("csv", "parquet")))
        files.append(File("snapshots", f"{day}/a", format_, tuple(shuffled)))
    return files


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Values of the method, each of its choices now and then."""
    config = load_config()

    def changed(section: str, **choices: tuple[Any, ...]) -> Any:
        drawn = {name: draw(st.sampled_from(values)) for name, values in choices.items()}
        return dataclasses.replace(getattr(config, section), **drawn)

    return dataclasses.replace(
        config,
        population=changed("population", min_downloads=(1, 5, 200), head_size=(200, 1, 3)),
        windows=changed(
            "windows", date=("own", "root"), creation=("hub", "first_seen", "drop_censored")
        ),
        attribution=changed(
            "attribution",
            missing_ancestor=("nearest", "self"),
            parent=("first", "first_available"),
        ),
        organizations=changed(
            "organizations",
            curated=("only_if_absent", "fill", "never"),
            as_of=("", "2020-01-01"),
            unlisted_owner=("Unknown", "User"),
            online_unit=("merged", "separate"),
        ),
        attributes=changed(
            "attributes",
            pivot=("2025-01-01", "2024-06-24", "2023-03-06", "2022-03-14"),
            shift_period=("first_head_week", "created"),
            significance=(0.05, 0.9),
        ),
        annotations=changed("annotations", bar=(0.9, 0.5), confidence=(0.95, 0.5)),
        publication=changed("publication", top_entities=(1000, 1, 2), trend_entities=(20, 1)),
        sensitivity=changed(
            "sensitivity",
            attribution=("root", "root", "none"),
            recency=(("365d", "none"), ("182d",)),
            min_downloads=((0, 200, 1000), (3,)),
            largest=(5, 1),
        ),
        anomalies=changed(
            "anomalies",
            robust_z=(3.5, 1.0),
            per_like_z=(5.5, 1.0),
            per_like_peers=(30, 3),
            surge_weeks=(8, 2),
            surge_ratio=(5.0, 1.5),
            surge_longest=(52, 1),
        ),
    )


@st.composite
def attribute_cases(draw: st.DrawFn) -> tuple[Landing, Config]:
    """A rich landing, and values with the pivot inside of it and a low floor of the population."""
    landing, config = draw(landings(is_rich=True)), draw(configs())
    days = sorted({row["week"] for row in landing.rows("downloads") if row["week"]})
    pivot = draw(st.sampled_from(days[1:-1]))
    pivot -= timedelta(days=pivot.weekday())
    return landing, dataclasses.replace(
        config,
        attributes=dataclasses.replace(config.attributes, pivot=pivot.isoformat()),
        population=dataclasses.replace(
            config.population, min_downloads=draw(st.sampled_from((5, 100)))
        ),
    )


@st.composite
def _weeks(draw: st.DrawFn, firsts: tuple[date, ...], least: int) -> list[date]:
    """Dates of the weeks: one weekday, some weeks missing."""
    first = draw(st.sampled_from(firsts)) + timedelta(days=draw(st.sampled_from((0, 2, 6))))
    size = draw(st.integers(least, 8))
    offsets = draw(st.lists(st.integers(0, 12), min_size=size, max_size=size, unique=True))
    return [first + timedelta(weeks=offset) for offset in sorted(offsets)]


@st.composite
def _models(
    draw: st.DrawFn, ids: list[str], weeks: list[date], names: st.SearchStrategy[str]
) -> list[Row]:
    rows = []
    for number, model_id in enumerate(ids):
        parents = names | st.sampled_from(ids[:number] or ids)  # chains, not only cycles
        row = {"_id": f"h{number}", "id": model_id, **draw(_metadata(weeks, parents))}
        if draw(st.integers(0, 3)) == 0:
            row["_id"] = None
        rows.append(row)
    for former in FORMER[: draw(st.integers(0, len(FORMER)))]:
        number = FORMER.index(former)  # each repository has one former name at most
        rows.append({"_id": f"h{number}", "id": former, **draw(_metadata(weeks, names))})
    if draw(st.booleans()):
        rows.append({"_id": None, "id": ids[-1], **draw(_metadata(weeks, names))})
    if draw(st.booleans()):
        rows.append({"_id": None, "id": None, "likes": 1})
    return list(draw(st.permutations(rows)))


@st.composite
def _metadata(draw: st.DrawFn, weeks: list[date], names: st.SearchStrategy[str]) -> Row:
    """Dates, parents and signs of one row of models/."""
    row: Row = {
        "createdAt": draw(_created(weeks)),
        "lastModified": draw(
            st.none() | st.sampled_from([datetime(2024, m, 1, tzinfo=timezone.utc) for m in (1, 2)])
        ),
        "likes": draw(st.integers(0, 3)),
        "library_name": draw(st.sampled_from(LIBRARIES)),
        "tags": draw(st.lists(st.sampled_from(MARKS), max_size=3, unique=True)),
        "pipeline_tag": draw(st.sampled_from(TASKS)),
        "gated": draw(st.sampled_from(GATES)),
        "usedStorage": draw(st.sampled_from(BYTES)),
        "cardData": dict(draw(st.sampled_from(({}, {}, *CARDS)))) or None,
    }
    for column, values in (("safetensors", SAFETENSORS), ("gguf", GGUFS), ("siblings", FILES)):
        row[column] = draw(st.sampled_from((None, None, *values)))
    parents = st.lists(names, min_size=1, max_size=3)
    sources = draw(st.sampled_from(("", "", "t", "t", "c", "b", "ct", "cb", "bt", "cbt")))
    if "t" in sources:
        for parent in draw(parents):
            row["tags"].append(f"base_model:{parent}")
            if draw(st.integers(0, 2)) == 0:
                row["tags"].append(f"base_model:{draw(st.sampled_from(RELATIONS))}:{parent}")
        if draw(st.integers(0, 4)) == 0:
            row["tags"].append(f"base_model:{draw(st.sampled_from(RELATIONS))}:{draw(names)}")
    if "c" in sources:
        listed = draw(parents)
        named = draw(st.sampled_from((listed, listed[0], ["", *listed])))
        row["cardData"] = {**(row["cardData"] or {}), "base_model": named}
        if draw(st.integers(0, 2)) == 0:
            relation = draw(st.sampled_from((*RELATIONS, "unheard-of")))
            row["cardData"]["base_model_relation"] = relation
    if "b" in sources:
        members = [
            {"_id": draw(st.sampled_from(("h0", "h1", "h2", "elsewhere"))), "id": name}
            for name in draw(parents)
        ]
        row["baseModels"] = {
            "relation": draw(st.sampled_from((*RELATIONS, *[None] * 5))),
            "models": members,
        }
    return row


@st.composite
def _created(draw: st.DrawFn, weeks: list[date]) -> datetime | None:
    """Creation: unknown, floored, or on the edges of windows and weeks."""
    choice = draw(st.integers(0, 9))
    if choice == 0:
        return None
    if choice <= 2:
        return datetime(2022, 3, 2, 23, 29, 3 + choice, tzinfo=timezone.utc)
    if choice == 3:
        return datetime(2021, 5, 5, tzinfo=timezone.utc)
    week = draw(st.sampled_from(weeks))
    day = week - timedelta(days=week.weekday()) - timedelta(days=draw(st.sampled_from((182, 365))))
    if choice >= 7:
        day = week
    day += timedelta(days=draw(st.integers(-1, 7)))
    moment = draw(st.sampled_from((timedelta(0), timedelta(hours=23, minutes=59, seconds=59))))
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc) + moment


@st.composite
def _downloads(
    draw: st.DrawFn, weeks: list[date], names: st.SearchStrategy[str], least: int
) -> list[Row]:
    counts = st.sampled_from(COUNTS)
    rows: list[Row] = [{"week": weeks[0], "id": ANCHOR, "count": 7}]
    for week in weeks:
        size = draw(st.integers(least, 20))
        reported = list(dict.fromkeys(draw(st.lists(names, min_size=size, max_size=size))))
        if draw(st.booleans()):  # a conflict, or a duplicate
            reported.append(draw(st.sampled_from(reported)))
        rows += [{"week": week, "id": name, "count": draw(counts)} for name in reported]
    if draw(st.booleans()):  # a repeated row
        rows.append(dict(draw(st.sampled_from(rows))))
    if draw(st.booleans()):  # rows that say nothing usable
        rows.append({"week": weeks[-1], "id": "acme/one", "count": -1})
        rows.append({"week": weeks[-1], "id": None, "count": 5})
        rows.append({"week": weeks[-1], "id": "acme/one", "count": None})
        rows.append({"week": None, "id": "acme/one", "count": 5})
        rows.append({"week": weeks[-1], "id": "a/" + "x" * 299, "count": 5})
    return list(draw(st.permutations(rows)))


@st.composite
def _aliases(draw: st.DrawFn, ids: list[str], names: st.SearchStrategy[str]) -> list[Row]:
    legacy = st.sampled_from([*LEGACY, *FORMER, *ids[:2]])
    size = draw(st.integers(0, 6))
    pairs = draw(st.lists(st.tuples(legacy, names), min_size=size, max_size=size))
    return [{"legacy_id": old, "current_id": new} for old, new in pairs]


@st.composite
def _organizations(draw: st.DrawFn) -> list[Row]:
    owners = draw(st.lists(st.sampled_from((*OWNERS, "former", "ghost")), max_size=7))
    return [
        {
            "org": owner,
            "country": draw(st.sampled_from(COUNTRIES)),
            "org_type": draw(st.sampled_from(ORG_TYPES)),
            # One may be called like another account, which then belongs to it.
            "organization": draw(st.sampled_from((None, "", "Group", *OWNERS[:2]))),
        }
        for owner in owners
    ]


@st.composite
def _annotations(
    draw: st.DrawFn, ids: list[str], names: st.SearchStrategy[str], is_rich: bool
) -> list[Row]:
    if not is_rich and not draw(st.booleans()):
        return []
    plain = names.filter(lambda name: "," not in name and ";" not in name)
    written = st.one_of(
        st.none(),
        st.sampled_from(("No", "no ", " ", ";")),
        plain,
        st.tuples(plain, plain).map(" , ".join),
        st.tuples(plain, plain).map("; ".join),
    )
    # Several rows of the same few models, so that annotators meet; and some of others.
    few = draw(st.lists(st.sampled_from(ids), min_size=2, max_size=5))
    least, most = (20, 30) if is_rich else (1, 14)
    named = st.sampled_from(few) | st.sampled_from(few) | names
    annotated = draw(st.lists(named, min_size=least, max_size=most))
    rows = [
        {
            "id": name,
            "derived_from": draw(written),
            "annotator": draw(st.sampled_from(ANNOTATORS)),
            "note": draw(st.sampled_from(NOTES)),
            **draw(_labels()),
        }
        for name in annotated
    ]
    return list(draw(st.permutations(rows + _sure_annotations(ids)))) if is_rich else rows


def _sure_annotations(ids: list[str]) -> list[Row]:
    """Rows for what chance brings too seldom."""
    one, two, three, four, five = [i for i in ids if not {",", ";"} & {*i}][:5]
    pretraining = [m for m in LABELS["training_methods"] if m.startswith("Pretraining")]
    return [
        # Two people name the same parents, in another order and case; of the model's several ways
        # of pretraining, which is derived, all go on with another's.
        {
            "id": one,
            "derived_from": f"{two}, {three}",
            "training_methods": ["Quantization", *pretraining],
            "annotator": "review:Ada",
        },
        {"id": one, "derived_from": f"{three} ; {two.upper()}", "annotator": "review:Bob"},
        {"id": one.upper(), "derived_from": f"{two},{three}", "annotator": "review:Cleo"},
        # A cell of spaces says nothing, even a reviewer's.
        {"id": four, "derived_from": "  ", "annotator": "review"},
        {"id": four, "derived_from": one, "annotator": "machine"},
        # As many languages as are named one by one; one more is another word.
        {"id": two, "languages": LANGUAGE_CODES[:50], "annotator": "review:Bob"},
        {"id": three, "languages": LANGUAGE_CODES[:51], "annotator": "review:Bob"},
        # Two spellings of one parent agree.
        {"id": two, "derived_from": four, "annotator": "review:Ada"},
        {"id": two, "derived_from": four.upper(), "annotator": "review:Bob"},
        # Nobody's name is one person's, and another reviewer's.
        {"id": two, "architecture": ["CNN"], "annotator": None},
        {"id": two, "architecture": ["LSTM"], "annotator": "review"},
        # Of what a person wrote and reviewed the first counts among people.
        {"id": three, "training_methods": ["Quantization"], "annotator": "Ada"},
        {"id": three, "training_methods": ["Quantization"], "annotator": "Bob"},
        {"id": three, "training_methods": ["Undisclosed"], "annotator": "review:Ada"},
        # Who is said to be derived from itself is no documented root.
        {"id": five, "derived_from": five, "annotator": "review:Ada"},
    ]


@st.composite
def _labels(draw: st.DrawFn) -> Row:
    """Cells of one row of the sheet: most of them empty or with a right label."""
    row: Row = {}
    for column, labels in LABELS.items():
        cell = draw(st.none() | st.lists(st.sampled_from(labels), min_size=1, max_size=3))
        if cell and draw(st.integers(0, 4)):  # else the row is likely to be refused
            cell = [label for label in cell if label != labels[-1]] or [labels[0]]
            cell = cell[:1] if column in ("gated", "data_availability") else cell
        row[column] = cell and draw(st.sampled_from((cell, ";".join(cell), " , ".join(cell))))
    return row


def _columns(file: File) -> list[str]:
    return list(TYPES[file.kind])


def _arrow(file: File) -> pa.Table:
    arrays = {}
    for name, type_ in TYPES[file.kind].items():
        values = [row.get(name) for row in file.rows]
        if name in JSON_TEXTS:
            values = [None if value is None else json.dumps(value) for value in values]
        if name == "createdAt":  # without a zone: UTC
            values = [None if value is None else value.replace(tzinfo=None) for value in values]
        if file.kind == "annotations":
            values = [_joined(value) for value in values]
        arrays[name] = pa.array(values, type_)
    return pa.table(arrays)


def _csv(file: File) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_columns(file))
    for row in file.rows:
        cells = [row.get(column) for column in _columns(file)]
        if file.kind == "annotations":
            cells = [_joined(cell) for cell in cells]
        writer.writerow([_cell(cell) for cell in cells])
    return text.getvalue() + ("one,cell,too,many,or,few,in,all,of,these,here\n" * file.malformed)


def _joined(value: Any) -> Any:
    """A list of labels as one cell."""
    return "; ".join(value) if isinstance(value, list) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _jsonl(file: File) -> str:
    lines = []
    for row in file.rows:
        # A file in which nothing has a needed column is refused.
        needed = required_columns(file.kind)
        cells = {k: _json_value(v) for k, v in row.items() if v is not None or k in needed}
        lines.append(json.dumps(cells, ensure_ascii=False))
    return "".join(f"{line}\n" for line in [*lines, *(["[1, 2]"] * file.malformed)])


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(timezone(timedelta(hours=2))).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def random_examples(count: int) -> settings:
    """The same examples in every run; `OPENTRACE_EXAMPLES` asks for another number of them, and
    failing ones are then made smaller."""
    asked = os.environ.get("OPENTRACE_EXAMPLES")
    return settings(
        max_examples=int(asked or count),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if asked else [])],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
