"""What every model is: the columns of silver/models on attributes and sizes.

What the metadata of one model give is asked of the pure rules `derive`, `sizes` and `modality`,
which tests/unit/attributes and tests/unit/sizes hold to cases by hand. Which metadata those are,
and everything around, is told here.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import Any

from opentrace_spark.attributes.derive import Derived, Metadata, derive
from opentrace_spark.attributes.modality import modality
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.config import Config
from opentrace_spark.sizes.estimate import Size, fit, sizes
from opentrace_spark.sizes.metadata import repository_of
from opentrace_spark.sizes.repository import Evidence, evidence_of
from opentrace_spark.sizes.settings import SizeSettings
from tests.reference.annotations import Said, by_model
from tests.reference.lineage import Documented
from tests.reference.reading import Record
from tests.reference.usage import Facts
from tests.reference.words import ATTRIBUTES, COLUMN, TAXONOMY, categories

ONE = ("modality", "data_availability", "osi_data_criterion", "license_class", "size_class")
"""Attributes with one category per model; org_type is told with the owner."""
MANY = tuple(a for a in ATTRIBUTES if a not in (*ONE, "org_type"))
NOTHING: dict[str, Any] = dict.fromkeys(
    (
        *("license_spdx", "is_osi_approved", "model_family", "method"),
        *(COLUMN[attribute] for attribute in (*ONE, *MANY)),
        *("annotated", "machine_annotated", "annotation_source"),
        *("parameter_count", "parameter_source", "parameter_count_low", "parameter_count_high"),
        *("parameter_flag", "published_parameter_count"),
    )
)
"""The columns of a model that is known from downloads alone."""


def metadata_labels(
    record: Record,
    org_type: str,
    kind: str | None,
    is_documented_root: bool,
) -> Derived:
    """What the metadata of one row of models/ give."""
    gguf, card = record.get("gguf"), record.get("cardData")
    said = gguf.get("architecture") if isinstance(gguf, dict) else None
    model = Metadata(
        name=record.get("id"),
        tags=tuple(record.get("tags") or ()),
        pipeline_tag=record.get("pipeline_tag"),
        library=record.get("library_name"),
        card=card if isinstance(card, dict) else {},
        gated=record.get("gated"),
        kind=kind,
        is_documented_root=is_documented_root,
        gguf_architecture=said if isinstance(said, str) else None,
        org_type=org_type,
    )
    return derive(model, shipped_vocabulary())


def evidence_of_model(record: Record, parents: list[str], config: Config) -> Evidence:
    """What the rules on sizes look at: the row, and the first parent that its metadata name."""
    row = {name: record.get(name) for name in ("id", "tags", "pipeline_tag", "library_name")}
    row["usedStorage"] = record.get("usedStorage")
    for name in ("siblings", "safetensors", "gguf"):
        cell = record.get(name)
        row[name] = None if cell is None else json.dumps(cell)
    return evidence_of(repository_of(row, parents[:1]), SizeSettings.of(config.sizes))


def size_evidence(
    models: dict[str, Record], metadata_parents: Documented, config: Config
) -> dict[str, Evidence]:
    """Evidence of every model of models/."""
    return {
        model_id: evidence_of_model(
            record, [parent.name for parent in metadata_parents[model_id][1]], config
        )
        for model_id, record in models.items()
    }


def sized(evidence: dict[str, Evidence], config: Config) -> dict[str, Size]:
    """The size of every model, by a fit on those whose size is published."""
    settings = SizeSettings.of(config.sizes)
    fitted = fit(evidence.values(), settings)
    found = sizes(fitted, list(evidence.values()), settings)
    return dict(zip(evidence, found, strict=True))


def size_columns(size: Size) -> dict[str, Any]:
    """The columns on a model's size."""
    return {
        "parameter_count": size.parameter_count,
        "parameter_source": size.parameter_source,
        "parameter_count_low": size.low,
        "parameter_count_high": size.high,
        "parameter_flag": size.parameter_flag,
        "published_parameter_count": size.published_count,
    }


def attribute_columns(derived: Derived, said: list[Said], size: Size) -> dict[str, Any]:
    """The columns of one model: annotated labels where somebody filled the cell, else derived."""
    labels: dict[str, list[str]] = {}
    source: dict[str, str] = {}
    for attribute in ATTRIBUTES:
        filled = next((row for row in said if attribute in row.labels), None)
        if filled:
            labels[attribute] = list(filled.labels[attribute])
            source[attribute] = filled.annotator.source
        elif own := list(derived.labels.get(attribute, ())):
            labels[attribute] = own
            source[attribute] = "derived"
    labels.pop("size_class", None)
    if size.parameter_count:
        section = TAXONOMY["size_class"]
        place = bisect_right(section["bounds"], size.parameter_count)
        labels["size_class"] = [section["categories"][place]]
    sides = [side for side in ("input_modality", "output_modality") if side in labels]
    if one := modality(labels.get("input_modality", ()), labels.get("output_modality", ())):
        labels["modality"] = [one]
        # No surer than the less sure of the two that it follows from.
        source["modality"] = max(
            (source[s] for s in sides), key=("human", "machine", "derived").index
        )
    if "data_availability" in labels:
        labels["osi_data_criterion"] = labels["data_availability"]
        source["osi_data_criterion"] = source["data_availability"]
    annotated = [a for a in ATTRIBUTES if source.get(a) in ("human", "machine")]
    machine = [a for a in annotated if source[a] == "machine"]
    return {
        "license_spdx": derived.license.spdx,
        "is_osi_approved": derived.license.is_osi_approved,
        "model_family": derived.family,
        "method": derived.method,
        **{a: categories(a, labels[a])[0] if a in labels else None for a in ONE},
        **{COLUMN[a]: labels.get(a, []) for a in MANY},
        "annotated": annotated,
        "machine_annotated": machine,
        "annotation_source": "human" if annotated != machine else "machine" if machine else None,
        **size_columns(size),
    }


def describe(
    facts: Facts,
    records: dict[str, Record],
    documented: Documented,
    evidence: dict[str, Evidence],
    said: list[Said],
) -> None:
    """Fill the columns of every row of silver/models in."""
    size_of = sized(evidence, facts.config)
    rows_of = by_model(said)
    for model_id, row in facts.models.items():
        row["base_relation"] = facts.lineage[model_id]["relation"]
        row.update(NOTHING)
        if model_id in records:
            size = size_of[model_id]
            derived = metadata_labels(
                records[model_id],
                row["org_type"],
                facts.lineage[model_id]["kind"],
                documented[model_id] == ("annotation", []),
            )
            row.update(attribute_columns(derived, rows_of.get(model_id, []), size))
