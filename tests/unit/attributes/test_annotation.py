"""Rows of the annotation sheet: what is taken, what is refused and why."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.annotation import (
    Annotator,
    annotation_row,
    misnamed_columns,
    read_annotation,
    read_annotator,
)
from opentrace_spark.attributes.vocabulary import Vocabulary

TAKEN = [
    # row, labels
    ({}, {}),
    ({"gated": "", "license": " ", "architecture": None, "note": "x"}, {}),
    ({"gated": "N/A"}, {"gated": ("N/A",)}),
    ({"gated": "Accept to share username & email; Other agreement/info requirements"},
     {"gated": ("Accept to share username & email", "Other agreement/info requirements")}),
    ({"input_modality": "Text, Image;Text"}, {"input_modality": ("Text", "Image")}),
    ({"input_modality": "Text;;,"}, {"input_modality": ("Text",)}),
    ({"architecture": "Unsure"}, {"architecture": ("Unsure",)}),
    ({"training_methods": "Undisclosed"}, {"training_methods": ("Undisclosed",)}),
    ({"training_methods": "Unsure"}, {"training_methods": ("Unsure",)}),
    ({"data_availability": "Not disclosed"}, {"data_availability": ("Not disclosed",)}),
    ({"data_availability": "Disclosed: available", "note": "hf.co/datasets/x"},
     {"data_availability": ("Disclosed: available",)}),
    ({"output_modality": "Other", "note": "shapes"}, {"output_modality": ("Other",)}),
    ({"license": "apache-2.0"}, {"license_class": ("open_use",)}),
    ({"license": "acceptable_use_policy"}, {"license_class": ("acceptable_use_policy",)}),
    ({"license": "mit; cc-by-nc-4.0"}, {"license_class": ("non_commercial",)}),
    ({"license": "undocumented"}, {"license_class": ("undocumented",)}),
    ({"license": "other"}, {"license_class": ("other",)}),
    ({"languages": "en, zh-Hant; Python"}, {"language": ("en", "zh", "Python")}),
    ({"languages": "sd"}, {"language": ("sd",)}),  # nobody annotates Stable Diffusion as a language
    ({"derived_from": "any/thing", "id": "a/b"}, {}),  # lineage reads it
]  # fmt: skip


@pytest.mark.parametrize(("row", "labels"), TAKEN)
def test_read_annotation_takes(words: Vocabulary, row, labels) -> None:
    found = read_annotation(row, words)
    assert (found.labels, found.problems, found.reason) == (labels, (), None)


REFUSED = [
    # row, reasons, part of the first message
    ({"architecture": "Transformers"}, ["unknown_label"], "unknown label 'Transformers'"),
    ({"input_modality": "text"}, ["unknown_label"], "did you mean 'Text'"),
    ({"input_modality": "Text Image"}, ["unknown_label"], "'Text Image'"),
    ({"training_methods": "RLHF"}, ["unknown_label"], "'RLHF'"),  # a category and no label
    ({"gated": "Undisclosed"}, ["unknown_label"], "'Undisclosed'"),
    ({"license": "my own"}, ["unknown_label"], "'my own'"),
    ({"languages": "English"}, ["unknown_label"], "'English'"),
    ({"architecture": "Other"}, ["other_without_note"], "needs a note"),
    ({"architecture": "CNN;Other", "note": "  "}, ["other_without_note"], "needs a note"),
    ({"data_availability": "Disclosed: available"}, ["available_without_note"], "needs a note"),
    ({"data_availability": "Not disclosed; Disclosed: unavailable"}, ["several_labels"], "has 2"),
    ({"gated": "N/A; Accept to share username & email"}, ["contradicting_labels"], "'N/A'"),
    ({"gated": "x", "architecture": "Other", "input_modality": "y"},
     ["unknown_label", "unknown_label", "other_without_note"], "'x'"),
    ({"input_modality": "Other", "architecture": "x"},
     ["other_without_note", "unknown_label"], "needs a note"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "reasons", "message"), REFUSED)
def test_read_annotation_refuses(words: Vocabulary, row, reasons, message) -> None:
    found = read_annotation(row, words)
    assert [problem.reason for problem in found.problems] == reasons
    assert message in found.problems[0].message
    assert found.labels == {}
    # An unknown label is told before a missing note, whatever the columns.
    assert found.reason == ("unknown_label" if "unknown_label" in reasons else reasons[0])


def test_read_annotation_joins_many_languages(words: Vocabulary) -> None:
    codes = sorted({each.canonical for each in words.languages.values()})
    found = read_annotation({"languages": ",".join(codes[:60])}, words)
    assert found.labels == {"language": ("multilingual",)}


WRITTEN = [
    # annotator, source, name, is_review, precedence
    (None, "human", "", False, 1),
    ("", "human", "", False, 1),
    (" Ada ", "human", "Ada", False, 1),
    ("machine", "machine", "", False, 2),
    ("Machine: labeller 2", "machine", "labeller 2", False, 2),
    ("machine x", "machine", "x", False, 2),
    ("machinist", "human", "machinist", False, 1),
    ("review", "human", "", True, 0),
    ("review:Ada", "human", "Ada", True, 0),
    (" Review : Ada ", "human", "Ada", True, 0),
    ("reviewer", "human", "reviewer", False, 1),
    ("Review Team", "human", "Review Team", False, 1),
    ("review:machine:x", "machine", "x", False, 2),  # a machine's review is no review
]


@pytest.mark.parametrize(("cell", "source", "name", "is_review", "precedence"), WRITTEN)
def test_read_annotator_expected(cell, source, name, is_review, precedence) -> None:
    found = read_annotator(cell)
    assert found == Annotator(source, name, is_review)
    assert found.precedence == precedence


def test_a_reviewer_is_the_person_of_that_name() -> None:
    assert read_annotator("review:Ada").identity == read_annotator("Ada ").identity
    assert read_annotator("ada").identity != read_annotator("Ada").identity
    assert read_annotator("machine:Ada").identity != read_annotator("Ada").identity
    # Nobody says that an unnamed reviewer is the unnamed annotator.
    assert read_annotator("review").identity != read_annotator("").identity


def test_misnamed_columns_are_told() -> None:
    names = ["language", "Languages ", "training_method", "licence", "notes", "Gated"]
    near = ["languages", "languages", "training_methods", "license", "note", "gated"]
    assert list(misnamed_columns([*names, "note", "gated"])) == sorted(
        f"annotations/: column {name!r} is not read; did you mean {column!r}?"
        for name, column in zip(names, near, strict=True)
    )
    assert list(misnamed_columns(["id", "comment", "reviewed", "languages"])) == []


def test_annotation_row_of_cells_that_python_cannot_read_has_none() -> None:
    """The reader may have read them: how deep JSON may be depends on the calls around it."""
    cells = '{"note": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert annotation_row(cells, "Ann") == {"annotator": "Ann"}
    assert annotation_row('{"gated": ["N/A", null], "note": 5}', None) == {
        "gated": "N/A",
        "note": "5",
        "annotator": None,
    }
