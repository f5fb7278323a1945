"""gold/annotation_quality against a plain count over random sheets."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest

from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.config import Annotations, load_config
from opentrace_spark.errors import UsageError
from opentrace_spark.gold.attributes.quality import quality_rows

CHOICES = Annotations(bar=0.9, confidence=0.8)
GATES = ("N/A", "Accept to share username & email")
CELLS = {
    # column -> attribute, cells, and the category of each label that is not one itself
    "gated": (
        "gated",
        GATES,
        {GATES[0]: "Open", GATES[1]: "Accept Conditions"},
    ),
    "architecture": (
        "architecture",
        ("LSTM", "GRU", "CNN", "CNN; LSTM", "LSTM, CNN", "GRU; LSTM"),
        {"LSTM": "LSTM / GRU", "GRU": "LSTM / GRU"},
    ),
    "license": ("license_class", ("other", "open_use", "undocumented"), {}),
}
PEOPLE = ("Ada", " Ada", "Bob", None, "review:Ada", "review:Cy", "review", "machine:m", "Machine")


def random_rows(chance: random.Random) -> list[dict[str, Any]]:
    """Rows of work_annotations with the metadata's labels of their models."""
    rows = []
    for model in "abcdefgh"[: chance.randint(0, 8)]:
        derived = {
            attribute: [part for part in chance.choice(cells).replace(",", ";").split("; ") if part]
            for attribute, cells, _ in CELLS.values()
            if chance.random() < 0.6
        }
        for _ in range(chance.randint(1, 6)):
            said = {column: chance.choice((*cells, "")) for column, (_, cells, _) in CELLS.items()}
            rows.append(
                {
                    "id": model,
                    "annotator": chance.choice(PEOPLE),
                    "cells": json.dumps(said),
                    "parents": chance.choice(
                        (None, [], ["x"], ["x", "y"], ["y", "x"], ["y", "x", "y"])
                    ),
                    "source_file": chance.choice(("annotations/a", "annotations/b")),
                    "source_row": len(rows) + 1,
                    "derived_labels": json.dumps(derived),
                }
            )
    return rows


Filled = dict[tuple[str, str], list[tuple[str, str, bool, Any]]]


def filled_cells(rows: list[dict[str, Any]]) -> Filled:
    """(field, model) -> (kind, name, whether a review, set or list of labels), in order."""
    found: Filled = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["source_file"], row["source_row"])):
        role, _, name = (row["annotator"] or "").strip().rpartition(":")
        if name in ("review", "Machine"):
            role, name = name, ""
        kind = "machine" if role.lower() == "machine" else "human"
        who = (kind, name or f"nobody {role}", role == "review")
        for column, cell in json.loads(row["cells"]).items():
            if cell:
                labels = frozenset(cell.replace(";", ",").replace(" ", "").split(","))
                if column == "gated":
                    labels = frozenset((cell,))
                found[CELLS[column][0], row["id"]].append((*who, labels))
        if row["parents"] is not None:
            found["derived_from", row["id"]].append((*who, tuple(dict.fromkeys(row["parents"]))))
    return found


def pairs_of(
    cells: list[tuple[str, str, bool, Any]], derived: Any
) -> Iterator[tuple[str, str, list[Any], set[Any]]]:
    """source, reference, what is compared, by whom."""
    people: dict[Any, Any] = {}
    for is_review in (False, True):
        for kind, name, review, labels in cells:
            if kind == "human" and review == is_review:
                people.setdefault((kind, name), labels)
    if len(people) >= 2:
        yield "human", "human", list(people.values()), set(people)
    notes = [cell for cell in cells if cell[0] == "human" and not cell[2]]
    reviews = [cell for cell in cells if cell[2]]
    machines = [cell for cell in cells if cell[0] == "machine"]
    best = (reviews + notes)[:1]
    for note in notes[:1]:
        for review in [cell for cell in reviews if cell[1] != note[1]][:1]:
            yield "human", "review", [note[3], review[3]], {note[:2], review[:2]}
    for machine in machines[:1]:
        for truth, reference in ((best, "human"), (reviews[:1], "review")):
            for true in truth:
                yield "machine", reference, [machine[3], true[3]], {machine[:2], true[:2]}
    if derived:
        for truth, reference in ((best, "human"), (reviews[:1], "review")):
            for true in truth:
                yield "derived", reference, [derived, true[3]], {true[:2]}


def category(field: str, labels: Any) -> Any:
    if field == "derived_from":
        return bool(labels)
    names = {attribute: mapping for attribute, _, mapping in CELLS.values()}[field]
    return frozenset(names.get(label, label) for label in labels)


def expected_rows(rows: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    metadata = {row["id"]: json.loads(row["derived_labels"]) for row in rows}
    groups: dict[Any, list[tuple[list[Any], set[Any]]]] = defaultdict(list)
    for (field, model), cells in filled_cells(rows).items():
        derived = frozenset(metadata[model].get(field, ()))
        for source, reference, labels, who in pairs_of(cells, derived):
            groups[field, "label", source, reference].append((labels, who))
            counted = [category(field, one) for one in labels]
            groups[field, "category", source, reference].append((counted, who))
    found = {}
    for (field, granularity, source, reference), group in groups.items():
        units = [labels for labels, _ in group]
        same = sum(len(set(unit)) == 1 for unit in units)
        counts = {
            "annotators": len(set().union(*(who for _, who in group))),
            "models": len(units),
            "agreeing": same,
        }
        key = (field, granularity, source, reference)
        if reference == "human":
            found[(*key, "agreement")] = counts | {"value": alpha(units)}
        if source != "human" or reference != "human":
            found[(*key, "accuracy")] = counts | accuracy(same, len(units))
    return found


def alpha(units: list[list[Any]]) -> float | None:
    totals = Counter(value for unit in units for value in unit)
    n = totals.total()
    expected = n**2 - sum(count**2 for count in totals.values())
    observed = sum(
        Fraction(len(unit) ** 2 - sum(c**2 for c in Counter(unit).values()), len(unit) - 1)
        for unit in units
    )
    return float(1 - (n - 1) * observed / expected) if expected else None


def accuracy(same: int, n: int) -> dict[str, Any]:
    z = NormalDist().inv_cdf(0.5 + CHOICES.confidence / 2)
    p, scale = same / n, 1 + z * z / n
    middle = (p + z * z / (2 * n)) / scale
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    return {
        "value": p,
        "low": max(0.0, middle - half),
        "high": min(1.0, middle + half),
        "is_below_bar": Fraction(same, n) < Fraction(9, 10),
    }


def test_quality_rows_agree_with_a_plain_count() -> None:
    chance, words = random.Random(3), shipped_vocabulary()
    seen: Counter[str] = Counter()
    for _ in range(60):
        rows = random_rows(chance)
        found = list(quality_rows(rows, words, CHOICES))
        shuffled = chance.sample(rows, len(rows))
        assert list(quality_rows(shuffled, words, CHOICES)) == found
        expected = expected_rows(rows)
        by_key = {
            tuple(
                row[name] for name in ("attribute", "granularity", "source", "reference", "measure")
            ): row
            for row in found
        }
        assert len(by_key) == len(found)
        assert set(by_key) == set(expected)
        for key, facts in expected.items():
            seen[" ".join(key[2:])] += 1
            for name, value in facts.items():
                is_float = isinstance(value, float)
                right = pytest.approx(value, rel=1e-9, abs=1e-12) if is_float else value
                assert by_key[key][name] == right, (key, name)
            if key[4] == "agreement":
                assert not {"low", "high", "is_below_bar"} & by_key[key].keys()
    assert len(seen) == 8
    assert min(seen.values()) > 50


def test_nothing_annotated_gives_no_row() -> None:
    assert list(quality_rows([], shipped_vocabulary(), CHOICES)) == []


def test_nine_of_ten_is_not_below_the_bar() -> None:
    rows = [
        {
            "id": f"m{number}",
            "annotator": who,
            "cells": json.dumps({"gated": GATES[who == "Ada" and number == 0]}),
            "parents": None,
            "source_file": "annotations/a",
            "source_row": number,
            "derived_labels": None,
        }
        for number in range(10)
        for who in ("Ada", "review:Bob")
    ]
    (found,) = (
        row
        for row in quality_rows(rows, shipped_vocabulary(), CHOICES)
        if row["measure"] == "accuracy" and row["granularity"] == "label"
    )
    assert (found["value"], found["is_below_bar"]) == (0.9, False)


def test_the_bar_is_that_of_the_paper() -> None:
    assert load_config().annotations == Annotations(bar=0.9, confidence=0.95)


@pytest.mark.parametrize("wrong", ["bar = 0", "bar = 1.01", "confidence = 0", "confidence = 1"])
def test_values_that_make_no_sense_are_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "own.toml").write_text(f"[annotations]\n{wrong}\n")
    with pytest.raises(UsageError, match=f"configuration annotations.{wrong.split()[0]}: not "):
        load_config(tmp_path / "own.toml")
