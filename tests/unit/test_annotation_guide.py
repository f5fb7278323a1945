"""docs/annotation_guide.md explains every word of the sheet, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opentrace_spark.attributes import annotation
from opentrace_spark.attributes.annotation import COLUMNS, read_annotation
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.publish.sheet import SHEET

GUIDE = (Path(__file__).parents[2] / "docs" / "annotation_guide.md").read_text(encoding="utf-8")
SECTIONS = {
    name: text
    for name, _, text in (part.partition("\n") for part in re.split(r"^#+ ", GUIDE, flags=re.M))
}


def table_of(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "languages"])
def test_every_label_is_explained_and_no_other(column: str) -> None:
    attribute = shipped_vocabulary().attributes[COLUMNS[column]]
    rows = table_of(column)
    labels = [re.fullmatch("`(.*)`", label).group(1) for label, _, _ in rows]  # type: ignore[union-attr]
    assert len(labels) == len(set(labels))
    # Only a license may be said to be absent: of all else, absence is an empty cell.
    absent = {attribute.absent} if column == "license" else set()
    assert set(labels) == set(attribute.category_of) | absent
    assert all(when for _, when, _ in rows)


def test_every_label_of_the_guide_is_taken() -> None:
    for column in COLUMNS:
        for label, *_ in table_of(column) if column != "languages" else ():
            found = read_annotation({column: label.strip("`"), "note": "x"}, shipped_vocabulary())
            assert found.labels, label


def test_every_column_has_its_section_in_order() -> None:
    assert [name for name in SECTIONS if name in SHEET] == list(SHEET[1:])


def test_every_reason_is_explained() -> None:
    reasons = {
        value
        for name, value in vars(annotation).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch("[a-z_]+", value)
    }
    assert reasons == {
        "unknown_label",
        "several_labels",
        "contradicting_labels",
        "other_without_note",
        "available_without_note",
    }
    told = set(re.findall("`([a-z_]+)`", " ".join(row[0] for row in table_of("Hand it back"))))
    assert told == reasons | {"empty_id", "invalid_id", "malformed_row"}


def test_examples_of_languages_and_licenses_are_taken() -> None:
    words = shipped_vocabulary()
    for column, cell in {
        "languages": "en; zh; sw; zh-Hant; Python; C++; multilingual",
        "license": "apache-2.0; mit; gpl-3.0; cc-by-4.0; llama3; gemma; creativeml-openrail-m",
    }.items():
        assert not read_annotation({column: cell}, words).problems
    assert read_annotation({"languages": "English"}, words).reason == "unknown_label"
    classes = {row[0].strip("`"): row[2] for row in table_of("license")}
    for name, examples in classes.items():
        for license_ in re.findall("`([^`]+)`", examples):
            labels = read_annotation({"license": license_}, words).labels
            assert labels == {"license_class": (name,)}, license_
