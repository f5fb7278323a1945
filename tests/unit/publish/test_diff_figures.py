"""Headline figures and shares side by side."""

from __future__ import annotations

from typing import Any

import pytest

from opentrace_spark.publish.diff.choice import Choice
from opentrace_spark.publish.diff.figures import headline, moves
from opentrace_spark.publish.diff.page import digits_for, number, plain, signed

BOTH = (("none", "none"), ("root", "root"))
ALL_AGES = (("none", "none"),)
CHOICE = Choice(("developer",), (("none", "none"),), ALL_AGES)


def summary(when: str, hhi: float | None, **cells: Any) -> dict[str, Any]:
    """A row of period_summary; measures that are not given are the same everywhere."""
    return {
        "when": when,
        "attribution": "none",
        "recency_window": "none",
        "hhi": hhi,
        "effective_units": 4.0,
        "top_10_share": 1.0,
        "leader_share": 0.5,
        "leader": "x",
    } | cells


def unit(entity: str, rank: int | None, share: float, **cells: Any) -> dict[str, Any]:
    return {
        "attribution": "none",
        "recency_window": "none",
        "entity": entity,
        "rank": rank,
        "share": share,
        "is_rest": rank is None,
    } | cells


def test_figures_that_differ_come_largest_relative_change_first() -> None:
    a = [summary("p", 0.5), summary("q", 0.2), summary("r", 0.1), summary("s", None)]
    b = [summary("s", 0.3), summary("r", 0.1), summary("q", 0.1), summary("p", 0.51)]
    found = headline(a, b, CHOICE)
    assert [(f.when, f.measure, f.a, f.b) for f in found.figures] == [
        ("s", "hhi", None, 0.3),
        ("q", "hhi", 0.2, 0.1),
        ("p", "hhi", 0.5, 0.51),
    ]
    assert [f.change for f in found.figures] == [None, -0.1, 0.51 - 0.5]
    assert [f.relative for f in found.figures] == [None, -0.5, (0.51 - 0.5) / 0.5]
    assert found.compared == 16


def test_a_change_from_zero_has_no_relative_size() -> None:
    (figure,) = headline([summary("p", 0.0)], [summary("p", 0.5)], CHOICE).figures
    assert (figure.change, figure.relative) == (0.5, None)


def test_periods_of_one_side_and_other_leaders_are_named() -> None:
    a = [summary("p", 0.5), summary("old", 0.5)]
    b = [summary("p", 0.5, leader="y"), summary("new", 0.5), summary("newer", 0.5)]
    found = headline(a, b, CHOICE)
    assert (found.only_a, found.only_b) == (["old"], ["new", "newer"])
    assert found.leaders == ["p (none, none): x, in B y"]
    assert (found.figures, found.compared) == ([], 4)


def test_cells_that_are_not_chosen_stay_out() -> None:
    a = [summary("p", 0.5), summary("p", 0.5, attribution="root")]
    b = [summary("p", 0.5), summary("p", 0.6, attribution="root")]
    assert headline(a, b, CHOICE).figures == []
    (figure,) = headline(a, b, Choice((), BOTH, ALL_AGES)).figures
    assert figure.cell == "root, none"


def test_one_cell_of_a_is_compared_with_another_of_b() -> None:
    rows = [summary("p", 0.5), summary("p", 0.6, attribution="root", recency_window="90d")]
    choice = Choice((), (("none", "root"),), (("none", "90d"),))
    (figure,) = headline(rows, rows, choice).figures
    assert (figure.cell, figure.a, figure.b) == ("none:root, none:90d", 0.5, 0.6)


def test_moves_are_ordered_by_the_share_that_moved() -> None:
    a = [unit("x", 1, 0.5), unit("y", 2, 0.3), unit("same", 3, 0.15), unit("gone", 4, 0.05)]
    b = [unit("y", 1, 0.45), unit("x", 2, 0.3), unit("same", 3, 0.15), unit("new", 4, 0.1)]
    found = moves(a, b, CHOICE)
    assert [m.entity for m in found] == ["x", "y", "new", "gone"]
    assert [(m.rank_a, m.rank_b) for m in found] == [(1, 2), (2, 1), (None, 4), (4, None)]
    assert [(m.entered, m.left) for m in found] == [
        (False, False),
        (False, False),
        (True, False),
        (False, True),
    ]


def test_a_rank_moves_without_its_share_and_ties_go_by_name() -> None:
    a = [unit("b", 1, 0.5), unit("a", 2, 0.5)]
    b = [unit("a", 1, 0.5), unit("b", 2, 0.5)]
    assert [(m.entity, m.rank_a, m.rank_b) for m in moves(a, b, CHOICE)] == [
        ("a", 2, 1),
        ("b", 1, 2),
    ]


def test_the_rest_is_no_unit_of_that_name() -> None:
    a = [unit("(rest)", None, 0.5), unit("(rest)", 1, 0.5)]
    b = [unit("(rest)", 1, 0.75), unit("(rest)", None, 0.25)]
    assert [(m.rank_a, m.share_a, m.is_rest) for m in moves(a, b, CHOICE)] == [
        (1, 0.5, False),
        (None, 0.5, True),
    ]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (number(None), "-"),
        (number(1234567), "1,234,567"),
        (number(0.123456, 5), "0.12346"),
        (signed(None), "-"),
        (signed(-1234), "-1,234"),
        (signed(0.0, 2), "+0.00"),
        (signed(0.004, 2, "%"), "+4e-03%"),
        (signed(-0.005001, 2), "-0.01"),
        (plain("a\x1b[31m\n\u202e|[bold]é漢:smile:"), "a\\x1b[31m\\n\\u202e|[bold]é漢:smile:"),
    ],
)
def test_numbers_and_names_as_they_are_shown(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize(
    ("change", "digits"),
    [(None, 3), (0.0, 3), (12.0, 3), (0.01, 3), (0.0099, 4), (-4e-7, 8), (4e-12, 9)],
)
def test_decimals_are_as_many_as_it_takes_to_see_a_change(
    change: float | None, digits: int
) -> None:
    assert digits_for(change, 3) == digits
