"""Where every model comes from: documented parents, the walk to the root, families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opentrace_spark.config import Config
from tests.reference.annotations import Said, by_model
from tests.reference.hashing import model_key
from tests.reference.names import Names
from tests.reference.reading import Record

RELATIONS = ("finetune", "adapter", "quantized", "merge")
QUANTIZED = {
    *("gguf", "gptq", "awq", "exl2", "hqq", "aqlm", "eetq", "fp8"),
    *("2-bit", "3-bit", "4-bit", "5-bit", "6-bit", "8-bit"),
    *("bitsandbytes", "ctranslate2", "quantized"),
}
ADAPTER = {"peft", "lora", "adapter-transformers", "adapters"}
REPACKAGED = {
    *("onnx", "openvino", "coreml", "mlx", "tflite", "tensorrt", "rknn"),
    *("transformers.js", "litert"),
}


@dataclass(frozen=True)
class Parent:
    """A listed parent: the name as written and the model it means (None: not in models/)."""

    name: str
    target: str | None
    how: str

    @property
    def identity(self) -> tuple[bool, str]:
        """What makes two entries the same parent."""
        return (True, self.target) if self.target else (False, self.name)


Documented = dict[str, tuple[str | None, list[Parent]]]
"""Model -> the source that decides, and its whole list."""


def documented_parents(names: Names, annotations: list[Said]) -> Documented:
    """What every model of models/ lists as its parents, itself included."""
    derived_from: dict[str, str] = {}
    for model_id, rows in by_model(annotations).items():
        if filled := [row.parents for row in rows if row.parents]:
            derived_from[model_id] = filled[0]
    return {
        model_id: _documented(record, derived_from.get(model_id), names)
        for model_id, record in names.models.items()
    }


def annotated_parents(text: str, names: Names) -> list[Parent] | None:
    """The parents in a cell `derived_from`, each once: none of them for `No`; None: no name."""
    if text.strip(" ").lower() == "no":
        return []
    written = [x.strip(" ") for x in text.replace(";", ",").split(",")]
    return _distinct([_named(name, names) for name in written if name]) or None


@dataclass
class AsWritten(Names):
    """Names of which only one is known, in any case: the model's own."""

    own: str = ""

    def resolve(self, name: str) -> tuple[str | None, str]:
        """The model itself, else nothing."""
        return (self.own if name.lower() == self.own.lower() else None), "as written"


def kind_as_written(record: Record) -> str | None:
    """How a model was derived by its own metadata alone, other names taken as they are written."""
    names = AsWritten(own=record.get("id"))
    _, listed = _documented(record, None, names)
    others = [parent for parent in listed if parent.target is None]
    if not others:
        return None
    return _relation(record, others[0], names) or _kind(record, len(others))


def parents_as_written(record: Record) -> list[str]:
    """The names that a model's own metadata list, whoever they mean."""
    return [parent.name for parent in _documented(record, None, Names())[1]]


def lineage_rows(
    names: Names, unknown: set[str], documented: Documented, config: Config
) -> list[dict[str, Any]]:
    """The rows of silver/lineage, first the models, then the ids that only downloads know."""
    rows: dict[str, dict[str, Any]] = {}
    links: dict[str, set[str]] = {model_id: set() for model_id in names.models}
    for model_id, (source, listed) in documented.items():
        others = [p for p in listed if p.target != model_id]
        rows[model_id] = {
            "source": source,
            "selves": len(listed) - len(others),
            "others": others,
            "first": _first(others, config),
        }
        for parent in others:
            if parent.target:
                links[model_id].add(parent.target)
                links[parent.target].add(model_id)
    families = _families(links)
    return [
        _row(model_id, names.models[model_id], rows, names, families[model_id], config)
        for model_id in sorted(names.models)
    ] + [_unknown_row(model_id) for model_id in sorted(unknown)]


def _documented(
    record: Record, derived_from: str | None, names: Names
) -> tuple[str | None, list[Parent]]:
    """The source that decides and its whole list, every parent once."""
    card = record.get("cardData") or {}
    base = record.get("baseModels") or {}
    annotated = annotated_parents(derived_from, names) if derived_from else None
    if annotated is not None:
        return "annotation", annotated
    value = card.get("base_model")
    in_card = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    in_base = [
        Parent(m.get("id") or "", names.by_hub_id[m["_id"]], "hub_id")
        if m.get("_id") in names.by_hub_id
        else _named(m.get("id") or "", names)
        for m in base.get("models") or []
    ]
    for source, listed in (
        ("card", [_named(name, names) for name in in_card if isinstance(name, str)]),
        ("baseModels", in_base),
        ("tags", [_named(name, names) for name, _ in _tagged(record)]),
    ):
        if parents := _distinct([parent for parent in listed if parent.name]):
            return source, parents
    return None, []


def _named(name: str, names: Names) -> Parent:
    return Parent(name, *names.resolve(name))


def _distinct(listed: list[Parent]) -> list[Parent]:
    first: dict[tuple[bool, str], Parent] = {}
    for parent in listed:
        first.setdefault(parent.identity, parent)
    return list(first.values())


def _tagged(record: Record) -> list[tuple[str, str | None]]:
    """Names and relations of the tags `base_model:…`, in their order."""
    tagged = []
    for tag in record.get("tags") or []:
        if tag.startswith("base_model:"):
            rest = tag.removeprefix("base_model:")
            relation, colon, name = rest.partition(":")
            if colon and relation in RELATIONS:
                tagged.append((name, relation))
            else:
                tagged.append((rest, None))
    return tagged


def _first(others: list[Parent], config: Config) -> Parent | None:
    if config.attribution.parent == "first_available":
        for parent in others:
            if parent.target:
                return parent
    return others[0] if others else None


def _families(links: dict[str, set[str]]) -> dict[str, tuple[str, int]]:
    """For each model the member of its family with the smallest key, and the family's size."""
    family: dict[str, tuple[str, int]] = {}
    for start in links:
        if start in family:
            continue
        members, seen = [start], {start}
        for member in members:  # grows while it is walked
            news = links[member] - seen
            seen |= news
            members += news
        eldest = min(members, key=model_key)
        for member in members:
            family[member] = (eldest, len(members))
    return family


def _row(
    model_id: str,
    record: Record,
    rows: dict[str, dict[str, Any]],
    names: Names,
    family: tuple[str, int],
    config: Config,
) -> dict[str, Any]:
    mine = rows[model_id]
    first: Parent | None = mine["first"]
    root, depth, cycle = _walk(model_id, rows)
    if cycle:
        status = "cycle"
    elif first is None:
        status = "self" if mine["selves"] else "root"
    elif first.target is None:
        status = "parent_missing"
    else:
        status = "attributed"
        end = rows[root]["first"]
        if end is not None and config.attribution.missing_ancestor == "self":
            root, depth, status = model_id, 0, "parent_missing"
    relation = _relation(record, first, names)
    eldest, size = family
    return {
        "model_id": model_id,
        "model_key": model_key(model_id),
        "parent_id": first.target if first else None,
        "parent_name": first.name if first else None,
        "parent_source": mine["source"],
        "relation": relation,
        "kind": (relation or _kind(record, len(mine["others"]))) if first else None,
        "root_id": root,
        "root_key": model_key(root),
        "depth": depth,
        "status": status,
        "family_id": eldest,
        "family_key": model_key(eldest),
        "family_size": size,
        "cycle_length": cycle,
        "parent_count": len(mine["others"]),
        "self_parent_count": mine["selves"],
    }


def _walk(model_id: str, rows: dict[str, dict[str, Any]]) -> tuple[str, int, int | None]:
    """Root, depth and cycle length: first parent after first parent."""
    path, at = {model_id: 0}, model_id
    while (first := rows[at]["first"]) is not None and first.target is not None:
        at = first.target
        if at in path:
            return model_id, 0, len(path) - path[at]
        path[at] = len(path)
    return at, path[at], None


def _relation(record: Record, first: Parent | None, names: Names) -> str | None:
    if first is None:
        return None
    card, base = record.get("cardData") or {}, record.get("baseModels") or {}
    tagged = [
        relation
        for name, relation in _tagged(record)
        if _named(name, names).identity == first.identity
    ]
    for relation in (card.get("base_model_relation"), base.get("relation"), *tagged):
        if relation in RELATIONS:
            return relation
    return None


def _kind(record: Record, parents: int) -> str:
    signs = {tag.lower() for tag in record.get("tags") or []}
    if parents >= 2 or signs & {"merge", "mergekit"}:
        return "merge"
    signs.add((record.get("library_name") or "").lower())
    for kind, marks in (
        ("quantized", QUANTIZED),
        ("adapter", ADAPTER),
        ("repackaged", REPACKAGED),
    ):
        if signs & marks:
            return kind
    return "finetune"


def _unknown_row(model_id: str) -> dict[str, Any]:
    key = model_key(model_id)
    return {
        "model_id": model_id,
        "model_key": key,
        "parent_id": None,
        "parent_name": None,
        "parent_source": None,
        "relation": None,
        "kind": None,
        "root_id": model_id,
        "root_key": key,
        "depth": 0,
        "status": "no_metadata",
        "family_id": model_id,
        "family_key": key,
        "family_size": 1,
        "cycle_length": None,
        "parent_count": 0,
        "self_parent_count": 0,
    }
