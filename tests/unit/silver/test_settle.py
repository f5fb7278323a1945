"""Repeats, contradictions, renames and unknown names within one week."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from opentrace_spark.silver.settle import SCHEMA, settle_week

MONDAY = date(2024, 7, 8)
FOUND = pa.schema([("model_key", pa.int64()), ("count", pa.int64())])
OTHERS = pa.schema(
    [*FOUND, ("name", pa.string()), ("model_id", pa.string()), ("resolution", pa.string())]
)


def settled(found=(), others=()):
    """model_key -> (downloads, flags, reported_as), and how many reports were used."""
    rows, used = settle_week(
        pa.Table.from_pylist([dict(zip(FOUND.names, r, strict=True)) for r in found], FOUND),
        pa.Table.from_pylist([dict(zip(OTHERS.names, r, strict=True)) for r in others], OTHERS),
        MONDAY,
    )
    assert rows.schema == SCHEMA
    keys = rows["model_key"].to_pylist()
    assert keys == sorted(set(keys))
    assert set(rows["week_label"].to_pylist()) <= {MONDAY}
    said = zip(
        keys,
        rows["download_count"].to_pylist(),
        rows["flags"].to_pylist(),
        rows["reported_as"].to_pylist(),
        strict=True,
    )
    return {key: (count, flags, names) for key, count, flags, names in said}, used


def test_reports_come_back_in_the_order_of_their_keys():
    rows, used = settled([(5, 1), (-3, 0), (2, 7)])
    assert rows == {-3: (0, None, None), 2: (7, None, None), 5: (1, None, None)}
    assert used == 3


def test_a_week_without_reports():
    assert settled() == ({}, 0)


def test_an_id_that_is_there_twice_counts_once_where_it_agrees_and_not_where_it_differs():
    rows, used = settled([(1, 4), (2, 9), (1, 4), (2, 8), (1, 4), (3, 0)])
    assert rows == {1: (4, None, None), 3: (0, None, None)}
    assert used == 2


def test_a_renamed_model_has_its_old_name():
    rows, used = settled(others=[(1, 4, "old", "new", "alias")])
    assert rows == {1: (4, "renamed", ["old"])}
    assert used == 1


def test_names_of_a_model_add_up_with_its_id():
    others = [(1, 4, "old", "new", "alias"), (1, 2, "NEW", "new", "recased")]
    rows, used = settled([(1, 10), (7, 1)], others)
    assert rows == {1: (16, "recased,renamed,summed", ["NEW", "new", "old"]), 7: (1, None, None)}
    assert used == 4


def test_other_names_are_settled_before_they_add_up():
    others = [
        (1, 4, "old", "new", "former"),
        (1, 4, "old", "new", "former"),
        (1, 5, "NEW", "new", "recased"),
        (1, 6, "NEW", "new", "recased"),
    ]
    rows, used = settled([(1, 10)], others)
    assert rows == {1: (14, "renamed,summed", ["new", "old"])}
    assert used == 2


def test_a_model_whose_own_reports_differ_keeps_its_other_names():
    rows, used = settled([(1, 10), (1, 11)], [(1, 4, "old", "new", "alias")])
    assert rows == {1: (4, "renamed", ["old"])}
    assert used == 1


def test_unknown_names_are_models_of_their_own():
    others = [
        (9, 4, "z", None, "unknown"),
        (8, 1, "y", None, "unknown"),
        (8, 1, "y", None, "unknown"),
        (6, 1, "x", None, "unknown"),
        (6, 2, "x", None, "unknown"),
    ]
    rows, used = settled([(5, 3)], others)
    assert rows == {
        5: (3, None, None),
        8: (1, "no_metadata", ["y"]),
        9: (4, "no_metadata", ["z"]),
    }
    assert used == 3


def test_unknown_names_under_one_key_stop_the_run():
    with pytest.raises(ValueError, match="share a model_key"):
        settled(others=[(9, 4, "z", None, "unknown"), (9, 4, "y", None, "unknown")])


def test_counts_of_a_model_must_fit_64_bits():
    with pytest.raises(OverflowError):
        settled([(1, 2**63 - 1)], [(1, 1, "old", "new", "alias")])


def test_random_weeks_are_those_of_a_plain_count():
    """Any order of the reports, against a count in plain Python."""
    random = np.random.default_rng(5)
    for _ in range(50):
        found = [(int(k), int(c)) for k, c in random.integers(0, 6, (int(random.integers(9)), 2))]
        names = {
            "old": ("new", 1, "alias"),
            "OLD": ("new", 1, "recased"),
            "?": (None, 9, "unknown"),
        }
        others = [
            (names[name][1], int(random.integers(3)), name, names[name][0], names[name][2])
            for name in random.choice(list(names), int(random.integers(6)))
        ]
        said = {}
        for key, count in found:
            said.setdefault((key, None), set()).add(count)
        for key, count, name, _, _ in others:
            said.setdefault((key, name), set()).add(count)
        agreed = {place: counts for place, counts in said.items() if len(counts) == 1}
        expected = {}
        for (key, _), (count,) in agreed.items():
            expected[key] = expected.get(key, 0) + count
        rows, used = settled(found, others)
        assert {key: row[0] for key, row in rows.items()} == expected
        assert used == len(agreed)
