"""Landings as `opentrace generate` shapes them, with everything in them that can be wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from opentrace_spark.generator.landing import generate_landing
from tests.property.landings import TYPES, Landing

Row = dict[str, Any]

_SIZES = pa.struct([(name, pa.int64()) for name in ("F32", "F16", "BF16", "I8", "U8")])
_MODELS = {
    "_id": pa.string(),
    "id": pa.string(),
    "author": pa.string(),
    "createdAt": pa.timestamp("us", "UTC"),
    "lastModified": pa.timestamp("us", "UTC"),
    "tags": pa.list_(pa.string()),
    "pipeline_tag": pa.string(),
    "library_name": pa.string(),
    "likes": pa.int64(),
    "downloads": pa.int64(),
    "downloadsAllTime": pa.int64(),
    "cardData": pa.string(),
    "safetensors": pa.struct([("parameters", _SIZES), ("total", pa.int64())]),
    "gguf": pa.struct([("total", pa.int64()), ("architecture", pa.string())]),
    "usedStorage": pa.int64(),
    "gated": pa.string(),
    "baseModels": TYPES["models"]["baseModels"],
}
"""The columns of a generated models/ file."""

_LATER = timedelta(days=2)
"""The dirty landing dates its weeks by Wednesdays."""


def write_as_generated(landing: Landing, folder: Path) -> Path:
    """Write a random landing in the formats and with the columns of a generated one."""
    for file in landing.files:
        name = f"{file.kind}/{file.name}"
        (folder / file.kind).mkdir(parents=True, exist_ok=True)
        if file.kind == "models":
            _write_models(folder / f"{name}.parquet", [_with_card_text(row) for row in file.rows])
        elif file.kind == "downloads":
            _write_downloads(folder / f"{name}.parquet", file.rows)
        else:
            header = [*TYPES[file.kind], *(["source"] if file.kind == "organizations" else [])]
            if file.kind == "annotations":  # the program knows parents, no labels or annotators
                header = ["id", "derived_from"]
            _write_csv(folder / f"{name}.csv", header, _cells(file.rows, header))
    if landing.last_complete_week:
        manifest = {"last_complete_week": landing.last_complete_week.isoformat()}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def write_dirty_landing(folder: Path, *, models: int, weeks: int, seed: int) -> Path:
    """Generate a Hub and spoil it, the same way for the same numbers; returns its folder."""
    generate_landing(folder, models=models, weeks=weeks, seed=seed)
    ids = _spoil_models(folder / "models")
    _spoil_downloads(folder / "downloads", ids)
    _spoil_aliases(folder / "aliases" / "aliases.csv", ids)
    _spoil_organizations(folder / "organizations" / "organizations.csv", ids)
    (folder / "annotations").mkdir()
    _write_csv(folder / "annotations/a.csv", ["id", "derived_from"], _annotations(ids))
    _write_csv(folder / "annotations/b.csv", ["id", "derived_from"], [[ids[100], ids[101]]])
    manifest = json.dumps({"last_complete_week": _last_week(folder).isoformat()})
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    return folder


def _spoil_models(folder: Path) -> list[str]:
    """Spoil the rows of models/; returns their ids as they were."""
    first, *others = sorted(folder.iterdir())
    rows = pq.read_table(first).to_pylist()
    ids = [row["id"] for row in rows]
    kept = [row for path in others for row in pq.read_table(path).to_pylist()]
    ids += [row["id"] for row in kept]
    by_id = {row["id"]: row for row in [*rows, *kept]}

    def changed(number: int, **values: Any) -> Row:
        return {**by_id[ids[number]], **values}

    for number, values in _parents(ids):
        by_id[ids[number]].update(values)
    moment = by_id[ids[0]]["lastModified"]
    again = [
        # the same repository under former names, the latest row in this file or in another one
        changed(20, id="former/one", lastModified=moment - timedelta(days=3000)),
        changed(21, id="former/two", lastModified=None),
        changed(22, id=ids[22].upper(), lastModified=moment + timedelta(days=3000)),
        changed(23, id=ids[24]),  # a former name that another repository has now
        changed(25, id="former/one", lastModified=None),  # a second reading of a former name
        # the same id in several repositories or without one
        changed(30, _id=None, lastModified=None),
        changed(31, _id="", lastModified=moment + timedelta(days=3000), library_name="peft"),
        changed(32, _id=None),
        changed(33, _id="other", tags=["merge", None, f"base_model:{ids[3]}"]),
        # rows that say nothing usable
        changed(40, _id="bad-1", id=None),
        changed(41, _id="bad-2", id="", tags=[None, "a"]),
        changed(42, _id="bad-3", id="a/" + "x" * 299),
        changed(43, _id="bad-4", id="a/tab\there"),
        changed(44, _id="bad-5", id="a/next\u0085line", cardData='"text"'),
        changed(45, _id="bad-6", id="a/just-right/" + "y" * 287, cardData="null"),
        changed(46, _id="bad-7", id="a/empty-card", cardData=""),
        *(
            changed(47, _id=f"card-{number}", id=f"card/{number}", cardData=card)
            for number, card in enumerate(_CARDS)
        ),
    ]
    _write_models(first, [*again[::2], *rows])
    _write_models(folder / "another.parquet", again[1::2])
    for path, count in zip(others, _shares(len(kept), len(others)), strict=True):
        _write_models(path, kept[:count])
        kept = kept[count:]
    return ids


_CARDS = (
    '{"base_model": NaN}',
    '{"note": "NaN, inf: all within a text", "base_model": "former/one"}',
    '{"base_model": [1, "former/two", null, {"a": "b"}, "FORMER/TWO"]}',
    '{"base\\u005fmodel": "former/one", "base_model_relation": "merge"}',
    '{"base_model": ["a/b",], "license": "mit"}',
    '{"a": "quote \\" ,]", "b": -Infinity}',
    '["base_model"]',
    "{'base_model': 'a/b'}",
    '{"base_model": "a/b"} and more',
    '  {"base_model": {"a": "b"}}\n',
    '{"base_model": ["", ""], "tags": ["base_model"]}',
    "{",
)


def _parents(ids: list[str]) -> Iterator[tuple[int, Row]]:
    """What some models say of their parents: number of the model, its cells."""

    def card(*names: Any, **more: Any) -> Row:
        return {"cardData": json.dumps({"base_model": list(names), **more}), "baseModels": None}

    def hub(*members: tuple[str | None, str | None], relation: str | None = None) -> Row:
        models = [{"_id": hub_id, "id": name} for hub_id, name in members]
        return {"cardData": None, "baseModels": {"relation": relation, "models": models}}

    def tags(*texts: str, library: str | None = None) -> Row:
        only = {"cardData": None, "baseModels": None, "library_name": library}
        return {"tags": list(texts), **only}

    yield 1, card(ids[2])  # two cycles, one of them with a tail
    yield 2, card(ids[1])
    yield 3, card(ids[4], ids[9])
    yield 4, card(ids[5])
    yield 5, card(ids[3], "nowhere/at-all")
    yield 6, card(ids[3], ids[60])
    yield 7, card(ids[7])  # only itself, itself first, itself in another case
    yield 8, card(ids[8], ids[50])
    yield 9, card(ids[9].upper(), ids[9], ids[51], base_model_relation="quantized")
    yield 10, card("nowhere/at-all", ids[52])
    yield 11, card(ids[10])  # its chain ends where a parent is missing
    yield 12, card("former/one", ids[20], ids[20].upper())  # three names of one model
    yield 13, card(ids[53], ids[54], base_model_relation="unheard-of")
    yield 14, hub(("nobody", ids[55]), (None, "nowhere/else"), ("", ids[56]), relation="merge")
    yield 15, hub((None, ""), (None, None))
    yield 16, tags(f"base_model:{ids[57]}", f"base_model:adapter:{ids[57].upper()}", "GGUF")
    yield 17, tags(f"base_model:finetune:{ids[58]}", "base_model:", "base_model:merge:")
    yield 18, tags("base_model:odd:name", f"base_model:{ids[59]}", "LoRA", library="ONNX")
    yield 19, tags(f"base_model:{ids[59]}", library="openvino")
    yield 34, tags(f"base_model:{ids[34]}", f"base_model:quantized:{ids[61]}", "mergekit")
    yield 35, hub((None, ids[62]), relation="elsewhere") | {"tags": ["base_model:merge:x/y"]}
    yield 36, hub((None, ids[62])) | {"tags": [f"base_model:merge:{ids[62]}", "gptq"]}


def _annotations(ids: list[str]) -> Iterator[list[str]]:
    yield from ([ids[70], ""], [ids[70], " "], [ids[70], " no "], [ids[70], ids[71]])
    yield [ids[72].upper(), f" {ids[73]} , nowhere/at-all;{ids[74]};"]
    yield ["former/one", f"{ids[75]},{ids[20]}"]
    yield [ids[76], ",;"]
    yield [ids[16], f"{ids[57]}; {ids[58]}"]
    yield from ([ids[77], ids[77]], ["nowhere/at-all", ids[1]], ["", "x"], ["a\tb", "x"])
    yield [ids[100], "No"]
    yield [ids[1].swapcase(), "NO"]  # opens a cycle


def _spoil_downloads(folder: Path, ids: list[str]) -> None:
    for path in sorted(folder.iterdir()):
        rows = pq.read_table(path).to_pylist()
        _write_downloads(path, [{**row, "week": row["week"] + _LATER} for row in rows])
    *earlier, path = sorted(folder.iterdir())
    rows = pq.read_table(path).to_pylist()
    week = rows[0]["week"]
    known = [row["id"] for row in rows if row["id"] in set(ids)]
    counts = {row["id"]: row["count"] for row in rows}

    def report(name: str | None, count: int | None, day: date | None = week) -> Row:
        return {"week": day, "id": name, "count": count}

    spoilt = [
        *(report(name, counts[name]) for name in (known[0], known[0], known[1])),
        *(report(name, counts[name] + 1) for name in (known[2], known[2], known[3])),
        # other names of models, of which one says the same twice and one contradicts itself
        *(report(name, 40) for name in (known[4].upper(), "former/one", "former/one")),
        *(report("former/two", count) for count in (300, 301)),
        *(report(name, 0) for name in (known[5].swapcase(), "new/unknown", "New/Unknown")),
        *(report("ghost/in-doubt", count) for count in (1, 2)),
        *(report("ghost/known-to-all", 5000) for _ in range(3)),
        report(known[2].upper(), 7),
        report(ids[20], 11),
        report("LEGACY/of-one", 3),
        report("legacy/of-one", 3),
        report("legacy/of-former", 3),
        # rows that say nothing usable, some of another weekday or in several ways
        report(known[6], -1),
        report(known[6], None),
        report(known[6], 5, None),
        report(None, 5),
        report("", 5, week + timedelta(days=1)),
        report("a/" + "z" * 299, 5),
        report("a\x7fb", 5),
        report("a\x7fb", -5),
        report(known[6], 5, date(1999, 12, 29)),
        report(known[6], -5, date(2100, 1, 6)),
        report(None, None, None),
    ]
    _write_downloads(path, [*spoilt[::2], *rows])
    _write_downloads(folder / "0000-corrections.parquet", spoilt[1::2])
    if earlier:  # a whole week is there again
        _write_downloads(folder / "again.parquet", pq.read_table(earlier[0]).to_pylist()[:50])


def _spoil_aliases(path: Path, ids: list[str]) -> None:
    rows = [
        ["legacy/of-one", ids[80]],
        ["legacy/of-one", ids[81]],
        ["legacy/of-one", ids[80]],
        ["legacy/of-former", "former/one"],  # one hop only
        ["former/one", ids[82]],  # a former name goes first
        [ids[83], ids[84]],  # is in models/
        ["legacy/nowhere", "nowhere/at-all"],
        ["", ids[85]],
        ["legacy/to-nothing", ""],
        ["legacy/\x01", ids[86]],
        ["legacy/" + "l" * 300, ""],
    ]
    _write_csv(path, *_extended(path, rows))


def _spoil_organizations(path: Path, ids: list[str]) -> None:
    owners = list(dict.fromkeys(name.partition("/")[0] for name in ids if "/" in name))
    words = [
        ("International", "classroom"),
        ("Online", "guild"),
        ("", ""),
        ("User", ""),
        ("Atlantis", "user"),
        ("International/Online", "company"),
    ]
    names = ("", "Group", owners[0], "")
    rows = [
        [owners[n % 200], *words[n % len(words)], names[n % len(names)], "by hand"]
        for n in range(0, 300, 7)
    ]
    header, listed = _extended(path, [["", "USA", "company", "", ""], ["a\tb", "USA", "", "", "x"]])
    _write_csv(path, header, [*rows, *listed])


def _extended(path: Path, rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as lines:
        header, *listed = csv.reader(lines)
    return header, [*listed, *rows]


def _last_week(folder: Path) -> date:
    weeks: Iterable[date] = pq.read_table(sorted((folder / "downloads").iterdir())[-3])["week"]
    return max(week for week in weeks.to_pylist() if week)  # type: ignore[attr-defined]


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (number < total % parts) for number in range(parts)]


def _with_card_text(row: Row) -> Row:
    card = row.get("cardData")
    return {**row, "cardData": None if card is None else json.dumps(card, ensure_ascii=False)}


def _write_models(path: Path, rows: Iterable[Row]) -> None:
    listed = list(rows)
    columns = {
        name: pa.array([row.get(name) for row in listed], type_) for name, type_ in _MODELS.items()
    }
    pq.write_table(pa.table(columns), path, row_group_size=100)


def _write_downloads(path: Path, rows: Iterable[Row]) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows), pa.schema(TYPES["downloads"])), path)


def _cells(rows: Iterable[Row], header: list[str]) -> Iterator[list[Any]]:
    for row in rows:
        yield [row.get(name) for name in header]


def _write_csv(path: Path, header: list[str], rows: Iterable[list[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
