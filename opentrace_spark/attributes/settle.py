"""The labels of a model from all its sources: annotations go before metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opentrace_spark.attributes.annotation import Annotation
from opentrace_spark.attributes.derive import SOURCE, Derived
from opentrace_spark.attributes.modality import modality
from opentrace_spark.attributes.taxonomy import ATTRIBUTES
from opentrace_spark.attributes.vocabulary import Vocabulary

_SUREST_FIRST = ("human", "machine", SOURCE)


@dataclass(frozen=True)
class Settled:
    """One attribute of a model: labels, their categories, and where they are from.

    Without labels the only category is the attribute's word for absent, and the source is None.
    """

    attribute: str
    labels: tuple[str, ...]
    categories: tuple[str, ...]
    source: str | None


def settle(
    annotations: Sequence[Annotation], derived: Derived, words: Vocabulary
) -> tuple[Settled, ...]:
    """Every attribute once, in the order of the taxonomy.

    The first annotation with a filled cell holds; where all are empty, or refused, the metadata do.
    modality and osi_data_criterion follow from what was settled, and are no surer than it: a
    machine's as soon as one of the labels they follow from is, and `derived` as soon as one is.
    """
    labels = dict(derived.labels)
    source = dict.fromkeys(ATTRIBUTES, SOURCE)
    for annotation in reversed(annotations):
        labels |= annotation.labels
        source |= dict.fromkeys(annotation.labels, annotation.annotator.source)
    one = modality(labels["input_modality"], labels["output_modality"])
    labels["modality"] = (one,) if one else ()
    labels["osi_data_criterion"] = labels["data_availability"]
    source["osi_data_criterion"] = source["data_availability"]
    sides = [source[name] for name in ("input_modality", "output_modality") if labels[name]]
    source["modality"] = max(sides, key=_SUREST_FIRST.index, default=SOURCE)
    return tuple(
        Settled(
            name,
            labels[name],
            words.attributes[name].categories_of(labels[name]),
            source[name] if labels[name] else None,
        )
        for name in ATTRIBUTES
    )
