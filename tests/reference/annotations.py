"""Rows of annotations/: who filled them, which labels they give, or why they are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.reference.names import Names
from tests.reference.reading import Record
from tests.reference.words import STRICTEST_FIRST, TAXONOMY, label_of

ATTRIBUTE = {
    **{name: name for name in ("gated", "input_modality", "output_modality", "architecture")},
    **{name: name for name in ("training_methods", "data_availability")},
    "languages": "language",
    "license": "license_class",
}
"""Column of the sheet -> attribute."""
REASONS = (
    *("unknown_label", "several_labels", "contradicting_labels"),
    *("other_without_note", "available_without_note"),
)
ORDER = ("review", "human", "machine")
"""Whose cell goes before whose."""


@dataclass(frozen=True)
class Annotator:
    """Who filled a row; no name is one name, too."""

    role: str
    name: str

    @property
    def source(self) -> str:
        """Whose the labels are: a reviewer is human."""
        return "machine" if self.role == "machine" else "human"

    @property
    def identity(self) -> tuple[str, str]:
        """The same for one person's rows; all unnamed reviewers are one, other people another."""
        return self.source, self.name or f"nameless {self.role}"


@dataclass(frozen=True)
class Said:
    """A usable row under its model's resolved name: attribute -> labels, filled cells only.

    `parents` is the cell `derived_from` where it has something.
    """

    model_id: str
    annotator: Annotator
    labels: dict[str, tuple[str, ...]]
    parents: str | None
    place: tuple[str, int]


def read_annotator(cell: str | None) -> Annotator:
    """`review`, `review:name`, `machine`, `machine:name`, `machine name`; else a person's name."""
    name = (cell or "").strip()
    head, _, rest = name.partition(":")
    is_review = head.strip().lower() == "review"
    if is_review:
        name = rest.strip()
    first, *more = re.split(r"[:\s]", name, maxsplit=1)
    if first.lower() == "machine":
        return Annotator("machine", "".join(more).strip())
    return Annotator("review" if is_review else "human", name)


def settle_annotations(
    records: list[Record], names: Names
) -> tuple[list[Said], list[dict[str, Any]]]:
    """Usable rows of models that are in models/, by file and row; and the refused rows."""
    said, rejects = [], []
    for record in records:
        labels, reasons = _read(record)
        if reasons:
            rejects.append(record.rejected(min(reasons, key=REASONS.index)))
            continue
        model_id, _ = names.resolve(record.get("id"))
        if model_id is None:
            continue
        parents = (record.get("derived_from") or "").strip(" ") or None
        annotator = read_annotator(record.get("annotator"))
        said.append(Said(model_id, annotator, labels, parents, (record.file, record.row)))
    return said, rejects


def by_model(said: list[Said]) -> dict[str, list[Said]]:
    """Rows of each model: reviewers', other people's, machines'; each by file and row."""
    found: dict[str, list[Said]] = {}
    for row in sorted(said, key=lambda row: (ORDER.index(row.annotator.role), row.place)):
        found.setdefault(row.model_id, []).append(row)
    return found


def _read(record: Record) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    note = str(record.get("note") or "").strip()
    labels: dict[str, tuple[str, ...]] = {}
    reasons: set[str] = set()
    for column, attribute in ATTRIBUTE.items():
        words = list(_words(record.get(column)))
        found = [label_of(attribute, word) for word in words]
        known = tuple(dict.fromkeys(label for label in found if label))
        section = TAXONOMY[attribute]
        if None in found:
            reasons.add("unknown_label")
        if attribute == "data_availability" and len(known) > 1:
            reasons.add("several_labels")
        if len(known) > 1 and {*section.get("alone", ())} & {*known}:
            reasons.add("contradicting_labels")
        if not note and "Other" in known and "Other" in section.get("needs_note", ()):
            reasons.add("other_without_note")
        if not note and "Disclosed: available" in known:
            reasons.add("available_without_note")
        if attribute == "license_class":
            known = tuple(name for name in STRICTEST_FIRST if name in known)[:1]
        if attribute == "language" and len(known) > section["several"]:
            known = (section["many"],)
        if known:
            labels[attribute] = known
    return labels, reasons


def _words(cell: Any) -> Iterator[str]:
    """The parts of a cell; a list is one with commas between."""
    text = ",".join(map(str, cell)) if isinstance(cell, list) else str(cell or "")
    for part in text.replace(";", ",").split(","):
        if part.strip():
            yield part.strip()
