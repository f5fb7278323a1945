"""Cells of text files: what parses, as what, and what does not."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pyarrow as pa
import pytest

from opentrace_spark.sources.cells import PARSERS, UnparsableError
from opentrace_spark.sources.schemas import FORMS


def micros(*parts: int) -> int:
    moment = datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


@pytest.mark.parametrize(
    ("form", "cell", "value"),
    [
        ("text", " a'; drop table ", " a'; drop table "),
        ("text", 123, "123"),
        ("gate", False, "false"),
        ("gate", "True", "true"),
        ("gate", "auto", "auto"),
        ("integer", "+12", 12),
        ("integer", "-3", -3),
        ("integer", 9223372036854775807, 9223372036854775807),
        ("date", "2024-07-08", date(2024, 7, 8)),
        ("timestamp", "2024-07-08", micros(2024, 7, 8)),
        ("timestamp", "2024-07-08T01:02:03.123456789Z", micros(2024, 7, 8, 1, 2, 3, 123456)),
        ("timestamp", "2024-07-08 01:02:03.5+02:30", micros(2024, 7, 7, 22, 32, 3, 500000)),
        ("timestamp", "2024-07-08T01:02-0500", micros(2024, 7, 8, 6, 2)),
        ("timestamp", "1969-12-31T23:59:59.999999", -1),
        ("texts", '["a", null, "b;c"]', ["a", "b;c"]),
        ("texts", "['a', 'b']", ["a", "b"]),
        ("texts", "a;b", ["a", "b"]),
        ("texts", ["a"], ["a"]),
        ("object", {"a": "é"}, '{"a":"é"}'),
        ("object", "null", None),
        ("object", {"a": "\ud800"}, '{"a":"\\ud800"}'),
        ("json", [{"rfilename": "x"}], '[{"rfilename":"x"}]'),
        ("json", "", None),
        (
            "parents",
            '{"models": [{"id": "a/b", "x": 1}]}',
            {"relation": None, "models": [{"_id": None, "id": "a/b"}]},
        ),
        ("parents", {"relation": "merge"}, {"relation": "merge", "models": None}),
    ],
)
def test_parser_reads(form, cell, value):
    parsed = PARSERS[form](cell)
    assert parsed == value
    pa.array([parsed], FORMS[form].arrow)  # Arrow takes it


@pytest.mark.parametrize(
    ("form", "cells"),
    [
        ("text", ["\ud800", ["a"], {}]),
        ("integer", ["12.0", "1e3", "1,000", " 1", "1_0", "٣", "", 12.0, True, 2**63, "9" * 25]),
        (
            "date",
            ["2024-7-8", "2024-02-30", "20240708", "2024-07-08T00:00:00", 20240708, "0204-07-08"],
        ),
        ("timestamp", ["yesterday", "2024-07-08T24:00", "2024-07-08T01:02:03+19:00", 0]),
        ("timestamp", ["0000-01-01", "2024-07-08T01:02:03+01:99", "2024-02-30", ""]),
        ("texts", ["[", '["a", 1]', {"a": 1}, "[x()]"]),
        ("object", ["[1]", "{", "text", [1], '{"a": NaN}', '{"a": -Infinity}']),
        ("json", ["{", "text"]),
        ("parents", ["[]", '{"models": {}}', '{"models": ["a/b"]}', {"relation": 1}]),
    ],
)
def test_parser_refuses(form, cells):
    for cell in cells:
        with pytest.raises(UnparsableError):
            PARSERS[form](cell)


def test_every_form_has_a_parser():
    assert PARSERS.keys() == FORMS.keys()
