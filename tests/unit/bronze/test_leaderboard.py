"""Files of leaderboard/ and contributors/ to typed rows, whatever their format."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pytest

from opentrace_spark.bronze.contributors import count_contributors, judged_contributors
from opentrace_spark.bronze.leaderboard import judged_leaderboard
from opentrace_spark.errors import ContentError
from opentrace_spark.sources.rows import check_files, read_rows

V1 = (
    "Model,Average ⬆️,ARC,#Params (B),date\n"
    "a/one,50,50,7,2024-01-02\n"
    "a/two,101,50,7,2024-01-02\n"
    ",50,50,7,2024-01-02\n"
    "a/three,50\n"
    "a\x07b,50,50,7,2024-01-02\n"
)
V2_LINES = (
    '{"Model": "<a href=\\"x\\">b/one</a>", "Average": 20.5, "BBH": 20.5, "Flagged": false}\n'
    '{"Model": "b/two", "Average": null, "BBH": "x"}\n'
)
V2_PARQUET = pa.table(
    {
        "fullname": ["c/one", "c/two"],
        "Average ⬆️": [30.5, float("nan")],
        "MMLU-PRO": pa.array([30.5, None]),
        "MoE": [True, False],
        "Submission Date": pa.array([datetime(2024, 7, 1), None], pa.timestamp("us")),
        "Upload To Hub Date": ["", "2024-06-30"],
    }
)


def test_rows_of_all_formats_and_versions(spark, make_landing):
    landing = make_landing(
        {
            "leaderboard/a.csv": V1,
            "leaderboard/b.jsonl": V2_LINES,
            "leaderboard/c.parquet": V2_PARQUET,
        }
    )
    check_files(landing)
    rows = judged_leaderboard(read_rows(spark, landing, "leaderboard")).collect()
    said = {(row.source_file[-5:], row.source_row): row for row in rows}
    reasons = {place: row.reason for place, row in said.items() if row.reason}
    assert reasons == {
        ("a.csv", 2): "score_out_of_range",
        ("a.csv", 3): "empty_id",
        ("a.csv", 4): "malformed_row",
        ("a.csv", 5): "invalid_id",
        ("jsonl", 2): "unparsable_BBH",
    }
    assert all((row.raw_values is not None) == (row.reason is not None) for row in rows)
    assert '"Average ⬆️":"101"' in said["a.csv", 2].raw_values
    one, link = said["a.csv", 1], said["jsonl", 1]
    assert (one.version, one.score, one.size, one.submitted) == ("v1", 50, 7, date(2024, 1, 2))
    assert (link.version, link.name, link.score, link.flagged) == ("v2", "b/one", 20.5, False)
    first, second = said["rquet", 1], said["rquet", 2]
    assert (first.version, first.name, first.moe) == ("v2", "c/one", True)
    assert (first.submitted, first.uploaded) == (date(2024, 7, 1), None)
    assert (second.score, second.submitted, second.uploaded) == (None, None, date(2024, 6, 30))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "name_of_it,score\na/b,1\n", "the header has no column Model and Average"),
        ("a.csv", "Model,Type\na/b,chat\n", "the header has no column Average"),
        ("a.jsonl", '{"id": "a/b", "Average": 1}\n', "the first record has no key Model"),
        ("a.parquet", pa.table({"Average": [1.0]}), "no column Model"),
    ],
)
def test_a_file_of_other_columns_stops_the_run(make_landing, name, content, message):
    with pytest.raises(ContentError, match=message):
        check_files(make_landing({f"leaderboard/{name}": content}))


@pytest.mark.parametrize(
    ("cells", "count"),
    [
        ('{"contributors": ["a", "b", "a", " a "]}', 2),
        ('{"contributors": "a;b;b"}', 2),
        ('{"contributors": 3}', 3),
        ('{"contributors": "3"}', 3),
        ('{"contributors": 0}', 0),
        ('{"contributors": []}', 0),
        ('{"contributors": -1}', None),
        ('{"contributors": 1.5}', None),
        ('{"other": 1}', None),
        (None, None),
    ],
)
def test_contributors_are_names_or_a_number(cells, count):
    assert count_contributors(cells) == count


def test_the_first_row_of_a_repository_counts(spark, make_landing):
    text = "id,contributors\na/b,2\na/b,3\nc/d,\n,1\n"
    rows = read_rows(spark, make_landing({"contributors/c.csv": text}), "contributors")
    found = sorted(judged_contributors(rows).collect(), key=lambda row: row.source_row)
    assert [(row.contributors, row.reason) for row in found] == [
        (2, None),
        (3, "duplicate_row"),
        (None, "unparsable_contributors"),
        (1, "empty_id"),
    ]
