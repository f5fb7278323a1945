"""One row of annotations/: labels of the annotation sheet, or why the row can't be used.

The sheet is appendix E of the paper. A cell holds labels, separated by `,` or `;`, exactly as
conf/taxonomy.toml spells them; spaces around them don't count. An empty cell says nothing and is
never filled with a label: `Unsure`, `Undisclosed`, `Not disclosed` and `N/A` are answers.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentrace_spark.attributes.card import read_card
from opentrace_spark.attributes.language import language_label
from opentrace_spark.attributes.license import STRICTEST_FIRST, license_by_name
from opentrace_spark.attributes.listed import hint
from opentrace_spark.attributes.taxonomy import Attribute
from opentrace_spark.attributes.vocabulary import Vocabulary

COLUMNS = {
    "gated": "gated",
    "input_modality": "input_modality",
    "output_modality": "output_modality",
    "languages": "language",
    "architecture": "architecture",
    "training_methods": "training_methods",
    "data_availability": "data_availability",
    "license": "license_class",
}
"""The columns of the sheet that hold labels, with the attribute of each."""

_ALL_COLUMNS = ("id", *COLUMNS, "derived_from", "note", "annotator")
_NEAR = 0.85
"""How alike a name must be to one of them; `suggested_languages` and `card_license` are not."""

UNKNOWN_LABEL = "unknown_label"
SEVERAL_LABELS = "several_labels"
CONTRADICTING_LABELS = "contradicting_labels"
OTHER_WITHOUT_NOTE = "other_without_note"
AVAILABLE_WITHOUT_NOTE = "available_without_note"
REASONS = (
    UNKNOWN_LABEL,
    SEVERAL_LABELS,
    CONTRADICTING_LABELS,
    OTHER_WITHOUT_NOTE,
    AVAILABLE_WITHOUT_NOTE,
)
"""Why a row is refused: of several reasons the first of these is told, whatever the columns."""

_REVIEW = re.compile(r"review(?:\s*:(.*))?", re.IGNORECASE | re.DOTALL)
_MACHINE = re.compile(r"machine(?:[:\s](.*))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Annotator:
    """Who filled a row: `source` is human or machine; `name` without prefix and spaces around it.

    The name is empty where nobody is named: all such rows are one annotator's, all such reviews one
    reviewer's.
    """

    source: str
    name: str = ""
    is_review: bool = False

    @property
    def identity(self) -> tuple[str, str]:
        """What two rows of the same annotator share; a reviewer is the person of that name."""
        unnamed = "(reviewer)" if self.is_review else "(unnamed)"
        return self.source, self.name or unnamed

    @property
    def precedence(self) -> int:
        """Whose filled cell holds where several are filled: the smallest."""
        return 0 if self.is_review else 1 if self.source == "human" else 2


@dataclass(frozen=True)
class Problem:
    """Why a row is refused: a word for the table of rejects, the column, and what to do."""

    reason: str
    column: str
    message: str


@dataclass(frozen=True)
class Annotation:
    """The labels of a row by attribute, filled cells only; none where there are `problems`."""

    annotator: Annotator
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def reason(self) -> str | None:
        """The first of REASONS that a problem has, None for a row that can be used."""
        return min((each.reason for each in self.problems), key=REASONS.index, default=None)


def misnamed_columns(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each column that is not read and is named nearly as one that is."""
    for name in sorted({*names}.difference(_ALL_COLUMNS)):
        near = difflib.get_close_matches(name.strip().lower(), _ALL_COLUMNS, n=1, cutoff=_NEAR)
        if near:
            yield f"annotations/: column {name!r} is not read; did you mean {near[0]!r}?"


def annotation_row(cells: str | None, annotator: str | None) -> dict[str, str | None]:
    """A row for `read_annotation` from JSON of its further columns; lists are joined by commas."""
    row = {name: _text(cell) for name, cell in read_card(cells).items()}
    return {**row, "annotator": annotator}


def _text(cell: Any) -> str | None:
    if isinstance(cell, list):
        return ", ".join(str(part) for part in cell if part is not None)
    return None if cell is None else str(cell)


def read_annotation(row: Mapping[str, str | None], words: Vocabulary) -> Annotation:
    """Judge one row, by column name. All its problems are told, in the order of the columns."""
    has_note = bool((row.get("note") or "").strip())
    labels: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for column, name in COLUMNS.items():
        parts = _parts(row.get(column))
        attribute = words.attributes[name]
        found = [_label(part, attribute, words) for part in parts]
        unknown = [part for part, label in zip(parts, found, strict=True) if label is None]
        known = tuple(dict.fromkeys(label for label in found if label is not None))
        problems += _problems(column, unknown, known, attribute, has_note)
        if known:
            labels[name] = _whole(known, attribute)
    annotator = read_annotator(row.get("annotator"))
    if problems:
        return Annotation(annotator, problems=tuple(problems))
    return Annotation(annotator, labels)


def read_annotator(cell: str | None) -> Annotator:
    """A cell of the column `annotator`: `<name>`, `review:<name>` or `machine:<name>`.

    The words alone are an unnamed reviewer and machine. A machine's review is no review.
    """
    name = (cell or "").strip()
    review = _REVIEW.fullmatch(name)
    if review:
        name = (review.group(1) or "").strip()
    machine = _MACHINE.fullmatch(name)
    if machine:
        return Annotator("machine", (machine.group(1) or "").strip())
    return Annotator("human", name, is_review=review is not None)


def _parts(cell: str | None) -> list[str]:
    parts = (part.strip() for part in re.split("[,;]", cell or ""))
    return [part for part in parts if part]


def _label(part: str, attribute: Attribute, words: Vocabulary) -> str | None:
    if attribute.name == "language":
        return language_label(part, words)
    if part in attribute.category_of:
        return part
    if attribute.name == "license_class":
        named = license_by_name(part, words)
        return (
            named.license_class if named else attribute.absent if part == "undocumented" else None
        )
    return None


def _whole(labels: tuple[str, ...], attribute: Attribute) -> tuple[str, ...]:
    """Several licenses count by the strictest, many languages are one word; else as they are."""
    if attribute.name == "license_class":
        return (min(labels, key=STRICTEST_FIRST.index),)
    if attribute.many and attribute.several is not None and len(labels) > attribute.several:
        return (attribute.many,)
    return labels


def _problems(
    column: str,
    unknown: list[str],
    known: tuple[str, ...],
    attribute: Attribute,
    has_note: bool,
) -> Iterator[Problem]:
    for part in unknown:
        near = hint(part, attribute.category_of) if attribute.category_of else "not in the lists"
        yield Problem(UNKNOWN_LABEL, column, f"unknown label {part!r}; {near}")
    # The sheet's licenses are named one by one; their class is one all the same.
    if attribute.exclusive and attribute.name != "license_class" and len(known) > 1:
        yield Problem(SEVERAL_LABELS, column, f"takes one label, has {len(known)}")
    for label in attribute.alone:
        if label in known and len(known) > 1:
            yield Problem(CONTRADICTING_LABELS, column, f"{label!r} goes with no other label")
    for label in attribute.needs_note:
        if label in known and not has_note:
            reason = OTHER_WITHOUT_NOTE if label == "Other" else AVAILABLE_WITHOUT_NOTE
            yield Problem(reason, column, f"{label!r} needs a note that says more")
