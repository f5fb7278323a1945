"""Which labels of a model are held to which: to tell how good annotations are.

Of one field, a person's or machine's label of a model is their first filled cell by file and row. A
person who annotated and reviewed a model has one label, the annotation's: the review knew it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opentrace_spark.attributes.annotation import COLUMNS, Annotator
from opentrace_spark.attributes.taxonomy import Attribute

Labels = tuple[str, ...]

PARENTS = "derived_from"
FIELDS = (*COLUMNS.values(), PARENTS)
"""The attributes that the sheet asks for, and the models that it was derived from."""
NOT_DERIVED: Labels = ("No",)
"""What stands for the parents of a documented root."""


@dataclass(frozen=True)
class Given:
    """A filled cell: who filled it, and the labels in it."""

    annotator: Annotator
    labels: Labels


@dataclass(frozen=True)
class Comparison:
    """Labels of one field of one model that are held to each other.

    `source` says whose they are, `reference` to whose they are held; `labels` has those of both (in
    this order), or of all people where both are human. `annotators` are the identities of the
    people and machines among them.
    """

    source: str
    reference: str
    labels: tuple[Labels, ...]
    annotators: frozenset[tuple[str, str]]


def comparisons(given: Sequence[Given], derived: Labels) -> Iterator[Comparison]:
    """Every comparison that the labels of one field of one model allow.

    `given` are its filled cells by file and row, `derived` the labels of its metadata, empty where
    they tell nothing. People are compared with each other (review included); machines and metadata
    with the label of people that holds, which is a reviewer's where there is one; and all with the
    reviewer, people only where the reviewer is another one.
    """
    own = [one for one in given if one.annotator.precedence == 1]
    reviews = [one for one in given if one.annotator.is_review]
    by_person: dict[tuple[str, str], Labels] = {}
    for one in (*own, *reviews):
        by_person.setdefault(one.annotator.identity, one.labels)
    if len(by_person) > 1:
        yield Comparison("human", "human", tuple(by_person.values()), frozenset(by_person))
    if own:
        others = [r for r in reviews if r.annotator.identity != own[0].annotator.identity]
        yield from _held(own[0].labels, own[0].annotator, "review", others)
    for machine in [one for one in given if one.annotator.source == "machine"][:1]:
        yield from _held(machine.labels, machine.annotator, "human", (*reviews, *own))
        yield from _held(machine.labels, machine.annotator, "review", reviews)
    if derived:
        yield from _held(derived, None, "human", (*reviews, *own))
        yield from _held(derived, None, "review", reviews)


def _held(
    labels: Labels, annotator: Annotator | None, reference: str, truths: Sequence[Given]
) -> Iterator[Comparison]:
    """The labels (of metadata, where nobody gave them) held to the first truth, if there is one."""
    for truth in truths[:1]:
        people = {who.identity for who in (annotator, truth.annotator) if who}
        source = annotator.source if annotator else "derived"
        yield Comparison(source, reference, (labels, truth.labels), frozenset(people))


def label_value(labels: Labels, attribute: Attribute | None) -> Labels:
    """A set of labels as one value, whatever their order; parents (no attribute) in theirs, since
    the first decides."""
    return labels if attribute is None else tuple(sorted(labels))


def category_value(labels: Labels, attribute: Attribute | None) -> Labels:
    """The categories that labels count in; of parents whether there are any."""
    if attribute is None:
        return ("not derived" if labels == NOT_DERIVED else "derived",)
    return attribute.categories_of(labels)
