"""Every reason to reject a row, and what is kept."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone

import pyarrow as pa
import pytest

from opentrace_spark.bronze.models import judged_models, superseded_rows
from opentrace_spark.bronze.weekdays import check_weekdays
from opentrace_spark.check import JUDGES
from opentrace_spark.errors import ContentError
from opentrace_spark.sources.rows import read_rows

HEADER = "week,id,count\n"


@pytest.fixture
def build(spark, make_landing):
    """A bronze frame of a landing with the given files."""

    def frame(kind, files):
        return JUDGES[kind](read_rows(spark, make_landing(files), kind))

    return frame


@pytest.fixture
def bronze(build):
    """The rows of a bronze frame by (file, row)."""

    def rows(kind, files):
        found = build(kind, files).collect()
        by_place = {(row["source_file"].split("/")[1], row["source_row"]): row for row in found}
        assert len(by_place) == len(found)
        assert all((row["reason"] is None) == (row["raw_values"] is None) for row in found)
        return by_place

    return rows


ID_REASONS = {
    "../../x": None,
    "a'; drop table": None,
    " é/日本語 ": None,
    "x" * 300: None,
    "😀" * 300: None,
    "": "empty_id",
    "x" * 301: "invalid_id",
    "a\tb": "invalid_id",
    "a\nb": "invalid_id",
    "a\0b": "invalid_id",
    "a\x7fb": "invalid_id",
    "a\x85b": "invalid_id",
}


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_ids_are_kept_or_rejected_whatever_the_format(bronze, format_):
    names = list(ID_REASONS)
    content = {
        "csv": HEADER + "".join(f'2024-07-08,"{name}",1\n' for name in names),
        "jsonl": "".join(
            json.dumps({"week": "2024-07-08", "id": name, "count": 1}) + "\n" for name in names
        ),
        "parquet": pa.table(
            {"week": [date(2024, 7, 8)] * len(names), "id": names, "count": [1] * len(names)}
        ),
    }
    rows = bronze("downloads", {f"downloads/x.{format_}": content[format_]})
    for number, (name, reason) in enumerate(ID_REASONS.items(), start=1):
        row = rows[f"x.{format_}", number]
        assert (row["reason"], row["id"] or "") == (reason, name)


def test_build_downloads_gives_the_first_reason_that_applies(bronze):
    lines = {
        "2024-07-10,a/b,0": None,
        "2024-07-08,a/b": "malformed_row",
        "08.07.2024,a/b,x": "unparsable_week",
        "2024-07-08,,1.5": "unparsable_count",
        ",a/b,": "missing_week",
        "2024-07-08,a/b,": "missing_count",
        "2024-07-08,,-1": "negative_count",
        "2024-07-08,,1": "empty_id",
    }
    rows = bronze("downloads", {"downloads/x.csv": HEADER + "\n".join(lines)})
    assert [row["reason"] for _, row in sorted(rows.items())] == list(lines.values())
    kept = rows["x.csv", 1]
    assert (kept["week"], kept["week_start"]) == (date(2024, 7, 10), date(2024, 7, 8))
    assert json.loads(rows["x.csv", 5]["raw_values"]) == {"id": "a/b"}
    assert json.loads(rows["x.csv", 7]["raw_values"]) == {"week": "2024-07-08", "count": -1}


def test_build_downloads_settles_repeated_counts(bronze):
    week = date(2024, 7, 8)
    parquet = pa.table({"week": [week] * 3, "id": ["same", "differ", "Same"], "count": [1, 2, 9]})
    text = (
        HEADER + "2024-07-08,same,1\n2024-07-08,differ,3\n2024-07-08,same,-1\n2024-07-15,same,1\n"
    )
    rows = bronze("downloads", {"downloads/b.parquet": parquet, "downloads/a.csv": text})
    assert {place: row["reason"] for place, row in rows.items()} == {
        ("a.csv", 1): None,
        ("a.csv", 2): "conflicting_counts",
        ("a.csv", 3): "negative_count",
        ("a.csv", 4): None,
        ("b.parquet", 1): "duplicate_row",
        ("b.parquet", 2): "conflicting_counts",
        ("b.parquet", 3): None,
    }
    said = json.loads(rows["b.parquet", 2]["raw_values"])
    assert said == {"week": "2024-07-08", "id": "differ", "count": 2}


def test_build_models_keeps_the_latest_row_of_a_repository_and_of_an_id(
    spark, make_landing, bronze
):
    def row(name, hub_id, day):
        modified = day and datetime(2024, 1, day, tzinfo=timezone.utc)
        return {"id": name, "_id": hub_id, "lastModified": modified}

    first = [
        row("renamed/old", "1", 2),
        row("twice/in-one", None, None),
        row("twice/in-one", None, None),
        row("Twice/in-one", None, None),
        row("reborn/x", "2", 5),
        row("", "1", 9),
    ]
    second = [
        row("renamed/new", "1", 3),
        row("twice/in-one", "", 1),
        row("reborn/x", "3", 6),
        row("moved/x", "2", 7),
    ]
    tables = {
        f"models/{n}.parquet": pa.Table.from_pylist(t) for n, t in (("1", first), ("2", second))
    }
    rows = bronze("models", tables)
    assert {place: row["reason"] for place, row in rows.items() if row["reason"]} == {
        ("1.parquet", 1): "duplicate_row",
        ("1.parquet", 2): "duplicate_row",
        ("1.parquet", 3): "duplicate_row",
        ("1.parquet", 5): "duplicate_row",
        ("1.parquet", 6): "empty_id",
    }
    models = judged_models(read_rows(spark, make_landing(tables), "models"))
    superseded = superseded_rows(models).where("former_of is not null")
    assert {tuple(row) for row in superseded.select("id", "former_of").collect()} == {
        ("renamed/old", "renamed/new"),
        ("reborn/x", "moved/x"),
    }


def test_build_models_keeps_the_first_of_equal_rows(bronze):
    files = {"models/b.csv": "id,likes\nx,1\n", "models/a.csv": "id,likes\nx,2\nx,y\n"}
    rows = bronze("models", files)
    assert rows["a.csv", 1]["reason"] is None
    assert rows["b.csv", 1]["reason"] == "duplicate_row"
    assert rows["a.csv", 2]["reason"] == "unparsable_likes"


def test_build_aliases_keeps_the_first_row_of_a_legacy_name(bronze):
    text = "legacy_id,current_id\na,x/a\na,y/a\na,x/a\nb,\nc\td,x\nx/a,a\n"
    rows = bronze("aliases", {"aliases/a.csv": text})
    assert [row["reason"] for _, row in sorted(rows.items())] == [
        None,
        "ambiguous_alias",
        "ambiguous_alias",
        "empty_id",
        "invalid_id",
        None,
    ]


def test_build_organizations_keeps_the_first_row_of_an_account(bronze):
    text = "org,country,org_type,as_of\na,USA,company,2024\nA,China,,\na,France,company,\n,UK,x,\n"
    rows = bronze("organizations", {"organizations/o.csv": text})
    assert [row["reason"] for _, row in sorted(rows.items())] == [
        None,
        None,
        "duplicate_row",
        "empty_id",
    ]
    assert (rows["o.csv", 2]["country"], rows["o.csv", 2]["org_type"]) == ("China", None)


def test_build_annotations_keeps_every_label(bronze):
    text = "id,derived_from,annotator,license\na/b,No,me,mit\na/b,x/y,you,\n"
    rows = bronze("annotations", {"annotations/a.csv": text})
    assert rows["a.csv", 1]["other_fields"] == '{"license":"mit"}'
    assert (rows["a.csv", 2]["derived_from"], rows["a.csv", 2]["other_fields"]) == ("x/y", None)


@pytest.mark.parametrize("kind", ["aliases", "organizations", "annotations"])
def test_absent_folders_are_empty_frames(bronze, kind):
    assert bronze(kind, {}) == {}


def test_builders_start_no_job(spark, build):
    week = pa.table({"week": [date(2024, 7, 8)], "id": ["a"], "count": [1]})
    files = {f"downloads/{number}.parquet": week for number in range(40)}
    spark.sparkContext.setJobGroup("no-jobs", "builders")
    try:
        for kind in JUDGES:
            build(kind, files)
        assert spark.sparkContext.statusTracker().getJobIdsForGroup("no-jobs") == []
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)


def test_check_weekdays_names_two_rows(build):
    good = HEADER + "2024-07-10,a,1\n2024-07-17,a,1\n"
    bad = HEADER + "2024-07-08,,1\n2024-07-11,a,1\n"
    check_weekdays(build("downloads", {"downloads/a.csv": good}))
    mixed = build("downloads", {"downloads/a.csv": good, "downloads/b.csv": bad})
    with pytest.raises(ContentError) as caught:
        check_weekdays(mixed)
    assert str(caught.value) == (
        "downloads/ mixes weekdays (downloads/a.csv row 1: 2024-07-10 is a Wednesday; "
        "downloads/b.csv row 2: 2024-07-11 is a Thursday); "
        "date all weeks by the same weekday, or put the other files aside"
    )
