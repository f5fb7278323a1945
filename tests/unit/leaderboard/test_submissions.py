"""Inverted columns, and from several results of a model to one."""

from __future__ import annotations

from datetime import date

import pytest

from opentrace_spark.leaderboard.polarity import inverted_columns
from opentrace_spark.leaderboard.submissions import first_date, kept_submissions, upright


def result(name="a/m", **values):
    row = {
        **dict.fromkeys(("available", "flagged", "merged", "moe", "architecture", "size", "score")),
        **dict.fromkeys(("submitted", "uploaded", "created", "likes", "license", "weight_type")),
        **dict.fromkeys(("base_id", "base_name", "type_written")),
        **{"version": "v1", "name": name, "model_id": name, "type": "chat", "inverted": None},
        **{"source_file": "leaderboard/a.csv", "source_row": 1},
    }
    return {**row, **values}


def test_merged_is_inverted_where_merges_are_said_to_be_none():
    rows = [result(type="merge", merged=False), result(merged=True), result(merged=True)]
    assert inverted_columns(rows, 30) == {"merged"}
    assert inverted_columns([{**row, "merged": not row["merged"]} for row in rows], 30) == set()


def test_a_column_with_nothing_to_compare_is_taken_at_its_word():
    assert inverted_columns([result(merged=True), result(merged=True)], 30) == set()
    assert inverted_columns([result(type="merge", merged=True), result(merged=True)], 30) == set()
    assert inverted_columns([result(type="merge"), result()], 30) == set()
    assert inverted_columns([], 30) == set()


@pytest.mark.parametrize("name", ["a/Beyonder-4x7B", "a/x-moe", "a/8x220m"])
def test_moe_is_inverted_where_mixtures_are_said_to_be_none(name):
    assert inverted_columns([result(name, moe=False), result(moe=True)], 30) == {"moe"}


def test_available_is_inverted_where_liked_models_are_said_to_be_gone():
    rows = [result(likes=5, available=False), result(likes=0, available=True)]
    assert inverted_columns(rows, 30) == {"available"}


def test_flagged_is_inverted_where_most_of_enough_rows_are():
    rows = [result(flagged=True)] * 3 + [result(flagged=False)] * 2
    assert inverted_columns(rows, 5) == {"flagged"}
    assert inverted_columns(rows, 6) == set()
    assert inverted_columns(rows[:2] + rows[-2:], 4) == set()  # half is not most


def test_flagged_of_a_short_file_follows_the_other_columns():
    rows = [result(type="merge", merged=False, flagged=True), result(merged=True, flagged=False)]
    assert inverted_columns(rows, 30) == {"merged", "flagged"}


def test_upright_judges_each_file_by_itself_and_leaves_nulls():
    normal = [result(merged=False), result(type="merge", merged=True)]
    other = {"source_file": "leaderboard/b.csv"}
    turned = [result(merged=True, **other), result(type="merge", merged=False, **other)]
    rows = upright([*normal, *turned, result(merged=None, **other)], 30)
    assert [row["merged"] for row in rows] == [False, True, False, True, None]
    assert [row["inverted"] for row in rows] == [None, None, "merged", "merged", "merged"]


MAY, JUNE, JULY = date(2024, 5, 1), date(2024, 6, 1), date(2024, 7, 1)
RESULTS = [
    result(score=50.0, submitted=MAY, precision="float16", source_row=1),
    result(score=60.0, submitted=JUNE, precision="8bit", source_row=2),
    result(score=60.0, submitted=JULY, precision="4bit", source_row=3),
    result(score=None, submitted=None, precision="GPTQ", source_row=4),
]


@pytest.mark.parametrize(
    ("rule", "precision"), [("best", "4bit"), ("first", "float16"), ("latest", "4bit")]
)
def test_one_result_is_kept_and_all_are_counted(rule, precision):
    for rows in (RESULTS, RESULTS[::-1]):
        (kept,) = kept_submissions(rows, rule)
        assert (kept["precision"], kept["submissions"]) == (precision, 4)
        assert (kept["date"], kept["date_source"]) == (MAY, "submission")


def test_equal_results_are_settled_by_their_place():
    same = [result(score=1.0, precision=str(n), source_row=n) for n in (2, 1, 3)]
    assert kept_submissions(same, "best")[0]["precision"] == "1"


def test_what_the_kept_result_does_not_say_others_do():
    best = result(score=9.0, type="unknown", size=-1.0)
    other = result(score=8.0, type="merge", size=7.0, license="mit", source_row=2)
    (kept,) = kept_submissions([other, best], "best")
    assert (kept["score"], kept["type"], kept["size"], kept["license"]) == (
        9.0,
        "merge",
        7.0,
        "mit",
    )
    assert kept["has_invalid_size"] is False


@pytest.mark.parametrize("size", [0.0, -1.0])
def test_sizes_not_above_zero_become_null_and_are_told(size):
    (kept,) = kept_submissions([result(size=size)], "best")
    assert (kept["size"], kept["has_invalid_size"]) == (None, True)


def test_flagged_in_one_result_is_flagged_and_there_in_one_is_there():
    rows = [result(flagged=True, available=False), result(flagged=False, available=True)]
    (kept,) = kept_submissions(rows, "best")
    assert (kept["is_flagged"], kept["is_removed"]) == (True, False)
    (gone,) = kept_submissions([result(available=False)], "best")
    assert gone["is_removed"] is True
    (unsaid,) = kept_submissions([result()], "best")
    assert (unsaid["is_flagged"], unsaid["is_removed"]) == (False, False)


def test_versions_are_never_one():
    kept = kept_submissions([result(score=5.0), result(version="v2", score=50.0)], "best")
    assert [(row["version"], row["score"]) for row in kept] == [("v1", 5.0), ("v2", 50.0)]


def test_first_date_is_of_the_best_kind_that_there_is():
    rows = [result(uploaded=MAY, created=MAY), result(submitted=JULY), result(submitted=JUNE)]
    assert first_date(rows) == (JUNE, "submission")
    assert first_date(rows[:1]) == (MAY, "upload")
    assert first_date([result(created=JULY)]) == (JULY, "creation")
    assert first_date([result()]) == (None, None)
