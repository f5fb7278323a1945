"""The attributes of a model from its own metadata, for models that nobody annotated.

Nothing is inherited from a parent: the paper labels a derivative by what its own derivation used.
Every rule is in the module of its attribute; this one calls them in order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentrace_spark.attributes.architecture import architecture_labels, family_of
from opentrace_spark.attributes.data import data_labels
from opentrace_spark.attributes.gating import gating_labels
from opentrace_spark.attributes.language import language_labels
from opentrace_spark.attributes.license import LicenseFacts, license_facts
from opentrace_spark.attributes.method import method_of, pretraining_of, training_labels
from opentrace_spark.attributes.modality import modes_of
from opentrace_spark.attributes.taxonomy import Attribute
from opentrace_spark.attributes.vocabulary import Vocabulary

SOURCE = "derived"


@dataclass(frozen=True)
class Metadata:
    """What a landing knows of a model; every field but the name may be missing.

    `card` is the parsed `cardData`; `kind` how the model was derived from its parents (silver's
    lineage: the documented relation, else by tags) and None for a model without one;
    `is_documented_root` whether somebody annotated that it has no parent.
    """

    name: str
    tags: tuple[str, ...] = ()
    pipeline_tag: str | None = None
    library: str | None = None
    card: Mapping[str, Any] = field(default_factory=dict)
    gated: bool | str | None = None
    kind: str | None = None
    is_documented_root: bool = False
    gguf_architecture: str | None = None
    parameter_count: int | None = None
    org_type: str | None = None


@dataclass(frozen=True)
class Derived:
    """Labels by attribute (empty: not known), how the model was made, and its licenses.

    The attributes that follow from others, modality and osi_data_criterion, are left to `settle`,
    which sees the annotations, too.
    """

    labels: dict[str, tuple[str, ...]]
    family: str | None
    method: str | None
    license: LicenseFacts


def derive(model: Metadata, words: Vocabulary) -> Derived:
    """The labels of a model by attribute, all of them `derived`."""
    tags, card = model.tags, model.card
    family = family_of(model.name, tags, model.library, model.gguf_architecture, words)
    architecture = architecture_labels(family, tags, words)
    pretraining = pretraining_of(family, words)
    method = method_of(
        model.kind, tags, model.library, model.pipeline_tag, pretraining, model.is_documented_root
    )
    modes = modes_of(model.pipeline_tag, tags, architecture, words)
    license_class = words.attributes["license_class"]
    license_ = license_facts(tags, card, words)
    labels = {
        "org_type": _known(model.org_type, words.attributes["org_type"]),
        "data_availability": data_labels(tags, card, words),
        "gated": gating_labels(model.gated, card),
        "license_class": _known(license_.license_class, license_class),
        "input_modality": modes.inputs,
        "output_modality": modes.outputs,
        "architecture": architecture,
        "training_methods": training_labels(method, tags, model.library, pretraining),
        "language": language_labels(tags, card, words),
        "size_class": size_labels(model.parameter_count, words),
    }
    return Derived(labels, family, method, license_)


def size_labels(parameter_count: int | None, words: Vocabulary) -> tuple[str, ...]:
    """The size class of a number of parameters; none where it is not known or not positive."""
    if parameter_count is None or parameter_count <= 0:
        return ()
    sizes = words.attributes["size_class"]
    return (sizes.categories[bisect_right(sizes.bounds, parameter_count)],)


def _known(label: str | None, attribute: Attribute) -> tuple[str, ...]:
    return (label,) if label in attribute.category_of else ()
