"""When one share overtakes the other, on periods written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from opentrace_spark.gold.attributes.crossover import Tally, crossover


def periods(*pairs: tuple[int, int] | None) -> list[Tally]:
    """A period per pair of meets and lacks, of 100 downloads of which 10 are between; None is a
    period without downloads."""
    return [
        Tally(f"2024-Q{number}", 13, *pair, sum(pair) + 10, 100)
        if pair
        else Tally(f"2024-Q{number}", 13, 0, 0, 0, 0)
        for number, pair in enumerate(pairs, start=1)
    ]


@pytest.mark.parametrize(
    ("given", "first", "lasting", "is_overtaking", "changes"),
    [
        ([(50, 10), (20, 30), (10, 40)], "2024-Q2", "2024-Q2", True, 1),
        ([(50, 10), (20, 30), (30, 10), (10, 40)], "2024-Q2", "2024-Q4", True, 3),
        ([(50, 10), (20, 30), (30, 10)], "2024-Q2", None, True, 2),
        ([(50, 10), (20, 10)], None, None, None, 0),
        # Ahead from the start: nobody was overtaken.
        ([(10, 20), (10, 30)], "2024-Q1", "2024-Q1", False, 0),
        ([(10, 20), (30, 10), (10, 20)], "2024-Q1", "2024-Q3", False, 2),
        # A tie is nobody's lead, and changes no order by itself.
        ([(30, 30), (20, 20)], None, None, None, 0),
        ([(40, 10), (20, 20), (10, 40)], "2024-Q3", "2024-Q3", True, 1),
        ([(10, 40), (20, 20), (10, 40)], "2024-Q1", "2024-Q3", False, 0),
        ([(40, 10), (10, 40), (20, 20)], "2024-Q2", None, True, 1),
        ([(20, 20), (10, 40)], "2024-Q2", "2024-Q2", False, 0),
        # Nothing documented, then something: likewise a tie before.
        ([(0, 0), (0, 1)], "2024-Q2", "2024-Q2", False, 0),
        # A period without downloads neither ends a lead nor begins one.
        ([(40, 10), None, (10, 40), None], "2024-Q3", "2024-Q3", True, 1),
        ([(10, 40)], "2024-Q1", "2024-Q1", False, 0),
    ],
)
def test_first_and_lasting_period(
    given: list[Any],
    first: str | None,
    lasting: str | None,
    is_overtaking: bool | None,
    changes: int,
) -> None:
    found = crossover(periods(*given))
    assert found.get("first_period") == first
    assert found.get("lasting_period") == lasting
    assert found["is_overtaking"] is is_overtaking
    assert found["order_changes"] == changes


def test_shares_are_those_of_the_period_and_of_all_periods() -> None:
    found = crossover([Tally("2023", 50, 60, 20, 90, 100), Tally("2024", 2, 10, 30, 50, 300)])
    assert found == {
        "periods": 2,
        "first_observed": "2023",
        "last_observed": "2024",
        "meets_share": 70 / 400,
        "lacks_share": 50 / 400,
        "documented_share": 140 / 400,
        "first_period": "2024",
        "first_weeks": 2,
        "first_meets_share": 10 / 300,
        "first_lacks_share": 30 / 300,
        "first_documented_share": 50 / 300,
        "lasting_period": "2024",
        "lasting_weeks": 2,
        "lasting_meets_share": 10 / 300,
        "lasting_lacks_share": 30 / 300,
        "lasting_documented_share": 50 / 300,
        "is_overtaking": True,
        "order_changes": 1,
    }


@pytest.mark.parametrize("given", [[], [None, None]])
def test_without_downloads_nothing_is_said(given: list[Any]) -> None:
    found = crossover(periods(*given))
    assert (found.pop("periods"), found.pop("order_changes")) == (0, 0)
    assert set(found.values()) == {None}
