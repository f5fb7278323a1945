"""All words that attributes are read from and written with: taxonomy.toml and the lists of conf/.

Every list is checked against the taxonomy when it is read, so that the rules need no check of
their own. A mistake is a UsageError that names the file, the line and what to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from opentrace_spark.attributes.listed import read_list
from opentrace_spark.attributes.taxonomy import Attribute, read_taxonomy
from opentrace_spark.config import CONF_DIR

if TYPE_CHECKING:
    from opentrace_spark.config import Traversable

LANGUAGE_EVIDENCE = ("plain", "support", "card")
"""What makes a tag a language: the tag alone, other languages beside it, only the card."""
DATASET_MEANINGS = ("loader", "withheld", "unavailable")
"""What a word in place of a data set's name tells."""


@dataclass(frozen=True)
class License:
    """A license of the Hub: its SPDX identifier where there is one, its class, OSI's verdict."""

    hub_id: str
    spdx: str | None
    license_class: str
    is_osi_approved: bool


@dataclass(frozen=True)
class Modes:
    """What goes in and what comes out, as labels."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelType:
    """A family of models: its architecture, and how the family is pretrained where that is one."""

    architecture: tuple[str, ...]
    training_methods: tuple[str, ...]


@dataclass(frozen=True)
class LanguageCode:
    """What a code stands for, and what it takes to believe a tag of that spelling."""

    canonical: str
    evidence: str


@dataclass(frozen=True)
class Vocabulary:
    """Every word that the rules know; plain dictionaries, so that it travels to a task."""

    attributes: dict[str, Attribute]
    licenses: dict[str, License]
    pipeline_tags: dict[str, Modes]
    model_types: dict[str, ModelType]
    languages: dict[str, LanguageCode]
    dataset_names: dict[str, str]


@cache
def shipped_vocabulary() -> Vocabulary:
    """The vocabulary of the shipped conf/, read once per process."""
    return load_vocabulary(CONF_DIR)


def load_vocabulary(directory: Traversable) -> Vocabulary:
    """The vocabulary of a directory like conf/. Raises UsageError for any mistake in it."""
    attributes = read_taxonomy(directory / "taxonomy.toml")
    return Vocabulary(
        attributes=attributes,
        licenses=_licenses(directory, attributes["license_class"]),
        pipeline_tags=_pipeline_tags(directory, attributes),
        model_types=_model_types(directory, attributes),
        languages=_languages(directory),
        dataset_names=_dataset_names(directory),
    )


def _licenses(directory: Traversable, classes: Attribute) -> dict[str, License]:
    header = ("hub_id", "spdx", "license_class", "is_osi_approved", "note")
    licenses = {}
    for row in read_list(directory / "licenses.csv", header):
        if row["hub_id"] != row["hub_id"].lower():
            row.refuse("hub_id has capitals; write it in lower case, names are compared so")
        licenses[row["hub_id"]] = License(
            row["hub_id"],
            row["spdx"] or None,
            row.word("license_class", (*classes.categories, classes.absent)),
            row.word("is_osi_approved", ("true", "false")) == "true",
        )
    return licenses


def _pipeline_tags(directory: Traversable, attributes: dict[str, Attribute]) -> dict[str, Modes]:
    header = ("pipeline_tag", "input_labels", "output_labels", "note")
    inputs, outputs = (attributes[f"{way}_modality"].category_of for way in ("input", "output"))
    return {
        row["pipeline_tag"]: Modes(
            row.labels("input_labels", inputs), row.labels("output_labels", outputs)
        )
        for row in read_list(directory / "pipeline_tags.csv", header)
    }


def _model_types(directory: Traversable, attributes: dict[str, Attribute]) -> dict[str, ModelType]:
    header = ("model_type", "architecture", "training_method", "note")
    types = {}
    for row in read_list(directory / "model_types.csv", header):
        architecture = row.labels("architecture", attributes["architecture"].category_of)
        if not architecture:
            row.refuse("architecture is empty; name at least one label or delete the row")
        methods = row.labels("training_method", attributes["training_methods"].category_of)
        types[row["model_type"]] = ModelType(architecture, methods)
    return types


def _languages(directory: Traversable) -> dict[str, LanguageCode]:
    rows = list(
        read_list(directory / "languages.csv", ("code", "canonical", "name", "evidence", "note"))
    )
    codes = {row["code"] for row in rows}
    languages = {}
    for row in rows:
        evidence = row.word("evidence", LANGUAGE_EVIDENCE)
        if row["code"] != row["code"].lower():
            row.refuse("code has capitals; write it in lower case, names are compared so")
        # A programming language is called by its name, which is no code.
        if evidence != "card" and row["canonical"] not in codes:
            row.refuse(f"canonical {row['canonical']!r} has no row of its own; add it")
        languages[row["code"]] = LanguageCode(row["canonical"], evidence)
    return languages


def _dataset_names(directory: Traversable) -> dict[str, str]:
    return {
        row["name"].lower(): row.word("meaning", DATASET_MEANINGS)
        for row in read_list(directory / "dataset_names.csv", ("name", "meaning", "note"))
    }
