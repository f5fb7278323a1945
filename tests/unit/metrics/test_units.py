"""Units, windows, eligibility and ranks of a small population, worked out by hand."""

import dataclasses

import numpy as np
import pytest

from opentrace_spark.metrics.groups import measure_week
from opentrace_spark.metrics.units import (
    UNKNOWN_DAY,
    Population,
    cells,
    in_window,
    is_eligible,
    largest,
)


def ints(*values):
    return np.array(values, dtype=np.int32)


@pytest.fixture
def population():
    """Models 0-3 of developers 0, 0, 1, 2; 1 and 3 rest on 2; developers 1 and 2 are one
    organisation; countries: nation 0, no nation 1."""
    return Population(
        created=ints(100, 107, UNKNOWN_DAY, 200),
        window_day=ints(100, 107, UNKNOWN_DAY, 200),
        root=ints(0, 2, 2, 2),
        developer=ints(0, 0, 1, 2),
        organization=ints(0, 1, 1),
        country=ints(0, 1, 0),
        org_type=ints(0, 0, 1),
        is_nation=np.array([True, False]),
        served=ints(-1, 1, -1, 1),
        kind=ints(-1, 0, -1, 2),
    )


def test_is_eligible_from_the_day_of_creation_within_the_window_of_the_root(population):
    """Windows may start on another day than the model's own: that of its root."""
    older = dataclasses.replace(population, window_day=ints(90, 90, 90, 90))
    assert is_eligible(older, 100, None).tolist() == [True, False, False, False]
    assert is_eligible(older, 101, 12).tolist() == [True, True, False, False]
    assert is_eligible(older, 102, 12).tolist() == [False] * 4


def test_in_window_is_exact_on_the_day(population):
    assert in_window(population, 106, 7).tolist() == [True, True, False, True]
    assert in_window(population, 107, 7).tolist() == [False, True, False, True]
    assert in_window(population, 10**6, None).tolist() == [True] * 4


def test_is_eligible_from_the_week_of_creation_on(population):
    assert is_eligible(population, 100, 7).tolist() == [True, False, False, False]
    assert is_eligible(population, 101, 7).tolist() == [True, True, False, False]
    assert is_eligible(population, 194, None).tolist() == [True, True, False, True]


def test_cells_add_up_units_and_leave_zeros_out(population):
    counts = np.array([5, 0, 7, 2], dtype=np.int64)
    eligible = {"none": np.array([True, True, False, False])}
    found = {
        (cell.level, cell.scope, cell.attribution): cell
        for cell in cells(population, ints(0, 1, 2, 3), {"none": counts}, eligible)
    }
    model = found["model", "all", "none"]
    assert (model.units.tolist(), model.counts.tolist(), model.eligible) == (
        [0, 2, 3],
        [5, 7, 2],
        4,
    )
    organization = found["organization", "all", "none"]
    assert (organization.units.tolist(), organization.counts.tolist(), organization.eligible) == (
        [0, 1],
        [5, 9],
        2,
    )
    root = found["model", "all", "root"]
    assert (root.units.tolist(), root.counts.tolist(), root.eligible) == ([0, 2], [5, 9], 2)
    national = found["country", "national", "none"]
    assert (national.units.tolist(), national.counts.tolist()) == ([0], [7])
    assert national.eligible == 1


def test_largest_breaks_ties_by_code_at_the_cut():
    units, counts = largest(ints(4, 3, 2, 1), np.array([5, 5, 9, 5], dtype=np.int64), 2)
    assert (units.tolist(), counts.tolist()) == ([2, 1], [9, 5])


def test_measure_week_of_a_week_without_the_population(population):
    rows = measure_week(
        population,
        103,
        ints(),
        np.array([], dtype=np.int64),
        {"none": None, "7d": 7},
        top=10,
        head_size=2,
        kinds=5,
    ).to_pylist()
    measured = [row for row in rows if row["part"] == "measured"]
    assert len(measured) == 2 * 2 * 6
    assert {(row["units"], row["downloads"], row["hhi"]) for row in measured} == {(0, 0, None)}
    assert not [row for row in rows if row["part"] in ("ranked", "head")]


def test_measure_week_rest_flow_and_head(population):
    rows = measure_week(
        population,
        103,
        ints(3, 2, 1, 0),
        np.array([1, 2, 3, 4], dtype=np.int64),
        {"none": None},
        top=2,
        head_size=2,
        kinds=5,
    ).to_pylist()
    models = [
        r for r in rows if (r["part"], r["level"], r["attribution"]) == ("ranked", "model", "none")
    ]
    assert [(r["code"], r["rank"], r["downloads"], r["member_count"]) for r in models] == [
        (0, 1, 4, None),
        (1, 2, 3, None),
        (None, None, 3, 2),
    ]
    assert sum(r["share"] for r in models) == pytest.approx(1, abs=1e-15)
    assert sorted(r["code"] for r in rows if r["part"] == "head") == [0, 1]
    (flow,) = (r for r in rows if r["part"] == "flow")
    assert (flow["downloads"], flow["others_downloads"]) == (10, 4)
    assert (flow["kind_downloads"], flow["root_developers_served"]) == ([3, 0, 1, 0, 0], 1)


def test_measure_week_refuses_more_than_64_bits(population):
    with pytest.raises(OverflowError, match="64 bits"):
        measure_week(
            population,
            103,
            ints(0, 1),
            np.array([2**62, 2**62], dtype=np.int64),
            {"none": None},
            top=2,
            head_size=2,
            kinds=5,
        )
