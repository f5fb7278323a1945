"""Data inside the page: nothing is lost, and nothing of it can end a script element."""

from __future__ import annotations

import base64
import gzip
import json

import pandas as pd
import pytest

from opentrace_spark.publish.report.encode import encoded, number, packed, script_json


def decoded(frame: dict) -> list[dict]:
    def value(column: dict, row: int) -> object:
        if "numbers" in column:
            return column["numbers"][row]
        place = column["places"][row]
        return None if place < 0 else column["words"][place]

    return [
        {name: value(column, row) for name, column in frame["columns"].items()}
        for row in range(frame["rows"])
    ]


def test_columns_come_back_as_they_were() -> None:
    rows = [
        {"who": "b", "count": 12_345_678_901, "share": 0.25, "note": None},
        {"who": "a", "count": 0, "share": None, "note": "x"},
        {"who": "b", "count": 3, "share": 1.0, "note": None},
    ]
    assert decoded(json.loads(json.dumps(encoded(pd.DataFrame(rows))))) == rows


def test_an_empty_frame_has_its_columns() -> None:
    empty = encoded(pd.DataFrame({"who": pd.Series([], dtype=object)}))
    assert empty == {"rows": 0, "columns": {"who": {"words": [], "places": []}}}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.1234567891, 0.12346),
        (float("nan"), None),
        (float("inf"), None),
        (7.0, 7),
        (2**53, 2**53),
    ],
)
def test_numbers_are_short_and_counts_whole(value: float, written: float | None) -> None:
    assert number(value) == written


def test_text_can_not_leave_its_script_element() -> None:
    evil = {"name": "</script><!--<script>alert('&')</script>\u2028"}
    text = script_json(evil)
    assert not {"<", ">", "&", "\u2028"} & set(text)
    assert json.loads(text) == evil
    blob = packed(evil)
    assert "<" not in blob
    assert json.loads(gzip.decompress(base64.b64decode(blob))) == evil
    assert blob == packed(evil)
