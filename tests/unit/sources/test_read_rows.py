"""Rows as Spark gets them from Parquet and text files."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date, datetime, timezone
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark.errors import ContentError
from opentrace_spark.sources.failures import content_error_from
from opentrace_spark.sources.parquet import check_parquet
from opentrace_spark.sources.rows import read_rows
from opentrace_spark.sources.schemas import row_schema

MOMENT = datetime(2024, 7, 8, 1, 2, 3, 456789)
UTC_MOMENT = MOMENT.replace(tzinfo=timezone.utc)
WEEK = date(2024, 7, 8)


@pytest.fixture
def collected(spark, make_landing):
    """Rows of a kind by their source file, then in order."""

    def collect(kind, files):
        landing = make_landing({f"{kind}/{name}": content for name, content in files.items()})
        frame = read_rows(spark, landing, kind)
        assert frame.schema.simpleString() == row_schema(kind).simpleString()
        rows: dict[str, list] = {}
        for row in frame.orderBy("source_file", "source_row").collect():
            rows.setdefault(row["source_file"].removeprefix(f"{kind}/"), []).append(row)
        return rows

    return collect


def test_read_rows_accepts_parquet_integers_texts_and_dates(collected):
    def table(count, name=None, week=None):
        return pa.table(
            {
                "week": pa.array([WEEK]) if week is None else week,
                "id": pa.array(["a/b"]) if name is None else name,
                "count": count,
                "unused": [1.5],
            }
        )

    integers = [pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16(), pa.uint32()]
    files = {f"{type_}.parquet": table(pa.array([5], type_)) for type_ in integers}
    files |= {
        "odd [1] %20+é.parquet": table([5], pa.array(["a/b"]).dictionary_encode()),
        "sub folder/x.parquet": table([5], pa.array(["a/b"], pa.large_string())),
        "date64.parquet": table([5], week=pa.array([WEEK], pa.date64())),
        "uint64.parquet": table(pa.array([2**64 - 1], pa.uint64())),
        "null.parquet": table(pa.nulls(1)),
    }
    rows = collected("downloads", files)
    assert rows.keys() == files.keys()
    (too_large,), (absent,) = rows.pop("uint64.parquet"), rows.pop("null.parquet")
    for (row,) in rows.values():
        assert (row["week"], row["id"], row["count"], row["source_row"]) == (WEEK, "a/b", 5, 1)
        assert row["reason"] is None
    assert too_large["reason"] == "unparsable_count"
    assert json.loads(too_large["raw_values"])["count"] == 2**64 - 1
    assert (absent["count"], absent["reason"]) == (None, None)


@pytest.mark.parametrize("zone", [None, "Europe/Paris"])
def test_read_rows_accepts_parquet_timestamps(collected, zone, tmp_path):
    files = {}
    for unit in ("s", "ms", "us", "ns"):
        moments = pa.array([UTC_MOMENT.replace(microsecond=0), None], pa.timestamp(unit, zone))
        files[f"{unit}.parquet"] = pa.table({"id": ["a", "b"], "createdAt": moments})
    pandas = pd.DataFrame({"id": ["a", "b"], "createdAt": [pd.Timestamp(MOMENT), pd.NaT]})
    pandas.to_parquet(tmp_path / "p")
    files["pandas.parquet"] = (tmp_path / "p").read_bytes()
    moment = pa.table({"id": ["a", "b"], "createdAt": pa.array([MOMENT, None])})
    pq.write_table(moment, tmp_path / "o", use_deprecated_int96_timestamps=True)
    files["int96.parquet"] = (tmp_path / "o").read_bytes()
    before = pa.array([-1, None], pa.timestamp("ns"))
    files["before 1970.parquet"] = pa.table({"id": ["a", "b"], "createdAt": before})
    rows = collected("models", files)
    found = {name: row["createdAt"] for name, (row, _) in rows.items()}
    spoken = {name: when.astimezone(timezone.utc) for name, when in found.items()}
    assert spoken.pop("before 1970.parquet") == datetime(
        1969, 12, 31, 23, 59, 59, 999999, timezone.utc
    )
    assert spoken.pop("pandas.parquet") == spoken.pop("int96.parquet") == UTC_MOMENT
    assert set(spoken.values()) == {UTC_MOMENT.replace(microsecond=0)}
    assert all(second["createdAt"] is None for _, second in rows.values())


def test_read_rows_parses_text_in_parquet(collected):
    good = {
        "id": "a",
        "createdAt": "2024-07-08T01:02:03.456789123Z",
        "cardData": '{"base_model": "x/y", "n": 1e9}',
        "baseModels": '{"models": [{"_id": "1", "id": "x/y", "z": 0}], "relation": "merge"}',
        "siblings": "[]",
    }
    bad = {
        "createdAt": "8 July 2024",
        "cardData": "{",
        "baseModels": '["x/y"]',
        "siblings": "{",
    }
    rows = [good, *({**good, column: text} for column, text in bad.items())]
    rows.append({"id": "b", "createdAt": None, "cardData": "null", "baseModels": ""})
    found = collected("models", {"x.parquet": pa.Table.from_pylist(rows)})["x.parquet"]
    assert found[0]["createdAt"].astimezone(timezone.utc) == UTC_MOMENT
    assert found[0]["baseModels"].asDict(recursive=True) == {
        "relation": "merge",
        "models": [{"_id": "1", "id": "x/y"}],
    }
    reasons = [row["reason"] for row in found]
    assert reasons == [None, *(f"unparsable_{column}" for column in bad), None]
    assert json.loads(found[1]["raw_values"])["createdAt"] == "8 July 2024"
    assert (found[-1]["cardData"], found[-1]["baseModels"]) == (None, None)


CELLS = {
    "cardData": [
        *('{"base_model":"a/b"}', ' {"a":[1,{"b":null}]} ', "{}", "", "null", '{"a":"\\u00e9\\n"}'),
        *('{"a":1} trailing', "{'a':1}", '{"a":NaN}', "[1]", "5", '"t"', '{"a":1}{"b":2}', "{"),
        *('{"a":01}', '{"a":1,}', "{a:1}", '{"a":"x\ty"}', "nope"),
    ],
    "safetensors": [
        *('{"total":5}', "[1]", "5", '"t"', "true", "", "null"),
        *("{'a':1}", "[1] x", "5 5", "NaN", "[1", "-Infinity", "x"),
    ],
    "baseModels": [
        *('{"models":[{"id":"a/b"}]}', '{"relation":"merge"}', "{}", "", "null"),
        *('{"models":null,"relation":null}', '{"models":[{"_id":null,"id":"x","y":{}}]}'),
        *('{"models":[null]}', '{"relation":1}', '{"models":["a"]}', '{"models":{}}', "[]"),
        *('{"models":[{"id":1}]}', '{"models":[]} x', "{'models':[]}", "5"),
    ],
}


@pytest.mark.parametrize("column", CELLS)
def test_read_rows_judges_json_alike_in_text_and_parquet(collected, column):
    rows = [{"id": f"m/{i}", column: cell} for i, cell in enumerate(CELLS[column])]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", column])
    writer.writeheader()
    writer.writerows(rows)
    found = collected("models", {"x.csv": text.getvalue(), "x.parquet": pa.Table.from_pylist(rows)})
    judged = {
        name: [(row["reason"], None if row["reason"] else row[column]) for row in rows]
        for name, rows in found.items()
    }
    assert judged["x.parquet"] == judged["x.csv"]
    assert {reason for reason, _ in judged["x.csv"]} == {None, f"unparsable_{column}"}


def test_read_rows_rejects_bytes_that_are_no_text(collected):
    def words(*texts):
        return pa.array(texts, pa.binary()).cast(pa.string(), safe=False)

    table = pa.table({"id": words(b"a/caf\xe9", "a/é".encode()), "tags": [["x"], ["y"]]})
    bad, good = collected("models", {"x.parquet": table})["x.parquet"]
    assert (bad["reason"], good["reason"]) == ("unparsable_id", None)
    assert json.loads(bad["raw_values"])["id"] == "a/caf\ufffd"


def test_read_rows_keeps_what_has_no_column_of_its_own(collected):
    """Types that JSON lacks, maps, and bytes that are no UTF-8 deep inside."""
    bad = pa.array([b"caf\xe9"], pa.binary()).cast(pa.string(), safe=False)
    table = pa.table(
        {
            "id": ["a/b"],
            "safetensors": pa.array(
                [[("F32", 7), ("F16", None)]], pa.map_(pa.string(), pa.int64())
            ),
            "gguf": pa.StructArray.from_arrays([bad, pa.array([1])], ["name", "total"]),
            "when": pa.array([UTC_MOMENT], pa.timestamp("us", "Europe/Paris")),
            "blob": pa.array([b"\xff\x00"], pa.binary()),
            "score": [float("nan")],
            "price": pa.array([Decimal("1.50")]),
            "text": bad,
            "cardData": pa.array([[]], pa.map_(pa.string(), pa.string())),
        }
    )
    (row,) = collected("models", {"x.parquet": table})["x.parquet"]
    assert (row["reason"], row["cardData"]) == (None, "{}")
    assert json.loads(row["safetensors"])["F32"] == 7
    assert json.loads(row["gguf"])["total"] == 1
    assert json.loads(row["other_fields"]) == {
        "when": "2024-07-08T01:02:03.456789Z",
        "blob": "/wA=",
        "score": "NaN",
        "price": 1.5,
        "text": "caf\ufffd",
    }


def test_read_rows_rejects_cells_beyond_their_type(collected):
    """Lists with bytes that are no text, moments beyond 64 bits of microseconds."""
    words = pa.array([b"fine", b"caf\xe9"], pa.binary()).cast(pa.string(), safe=False)
    tags = pa.ListArray.from_arrays([0, 1, 2, 2], words)
    moments = pa.array([0, 0, 2**62], pa.int64()).cast(pa.timestamp("ms"))
    table = pa.table({"id": ["a", "b", "c"], "tags": tags, "lastModified": moments})
    found = collected("models", {"x.parquet": table})["x.parquet"]
    reasons = [row["reason"] for row in found]
    assert reasons == [None, "unparsable_tags", "unparsable_lastModified"]
    assert [row["tags"] for row in found] == [["fine"], None, []]


def test_read_rows_writes_gates_alike(collected):
    cells = {"True": "true", "False": "false", "auto": "auto", "manual": "manual", "TRUE": "TRUE"}
    names = [f"m/{n}" for n in range(len(cells))]
    parquet = pa.table({"id": names, "gated": list(cells)})
    text = "id,gated\n" + "".join(f"{name},{c}\n" for name, c in zip(names, cells, strict=True))
    found = collected("models", {"x.parquet": parquet, "x.csv": text})
    for rows in found.values():
        assert [row["gated"] for row in rows] == list(cells.values())


def test_read_rows_rejects_weeks_of_other_centuries(collected):
    days = [date(1999, 12, 31), date(2000, 1, 1), date(2099, 12, 31), date(2100, 1, 1)]
    table = pa.table({"week": days, "id": ["a"] * 4, "count": [1] * 4})
    text = "week,id,count\n" + "".join(f"{day},a,1\n" for day in (*days, "0204-01-03"))
    found = collected("downloads", {"x.parquet": table, "x.csv": text})
    reasons = {name: [row["reason"] for row in rows] for name, rows in found.items()}
    outside = "unparsable_week"
    assert reasons["x.parquet"] == [outside, None, None, outside]
    assert reasons["x.csv"] == [outside, None, None, outside, outside]


def test_read_rows_reads_structs_and_differing_schemas(collected):
    hub = {
        "id": "a/b",
        "tags": ["x", None, "y"],
        "gated": False,
        "likes": 3,
        "cardData": {"base_model": ["x/y"], "Base_model": 1, "license": None},
        "siblings": [{"rfilename": "f"}],
        "safetensors": {"total": 7, "parameters": {"F32": 7}},
        "baseModels": {"models": [{"id": "x/y"}]},
        "snapshot_date": WEEK,
        "a`b.c": 1.5,
        "ID": "another column",
    }
    nothing = pa.table({"id": ["a/b"], "tags": pa.array([[]], pa.list_(pa.null()))})
    twice = pa.concat_tables([pa.Table.from_pylist([hub]).drop(["tags"])] * 2)
    files = {
        "1.parquet": pa.Table.from_pylist([hub]),
        "2.parquet": nothing,
        "3.parquet": twice,
        "4.jsonl": json.dumps({**hub, "snapshot_date": "2024-07-08"}) + "\n",
    }
    rows = collected("models", files)
    (full,), (text,) = rows["1.parquet"], rows["4.jsonl"]
    assert full["tags"] == ["x", "y"]
    assert (full["gated"], full["likes"]) == ("false", 3)
    assert json.loads(full["cardData"]) == {"base_model": ["x/y"], "Base_model": 1}
    assert full["baseModels"].models[0].asDict() == {"_id": None, "id": "x/y"}
    assert json.loads(full["other_fields"]) == {
        "snapshot_date": "2024-07-08",
        "a`b.c": 1.5,
        "ID": "another column",
    }
    assert json.loads(full["safetensors"]) == {"total": 7, "parameters": {"F32": 7}}
    same = ("id", "tags", "gated", "likes", "siblings", "safetensors", "baseModels")
    assert [full[name] for name in same] == [text[name] for name in same]
    assert json.loads(text["other_fields"]) == json.loads(full["other_fields"])
    assert rows["2.parquet"][0]["other_fields"] is None
    assert [row["source_row"] for row in rows["3.parquet"]] == [1, 2]


def test_read_rows_reads_what_duckdb_writes(collected, tmp_path):
    duckdb.sql(
        "COPY (SELECT 'a/b' AS id, TIMESTAMPTZ '2024-07-08 01:02:03.456789Z' AS createdAt, "
        "['x'] AS tags, 3::UINTEGER AS likes, '{\"k\": 1}'::JSON AS cardData) "
        f"TO '{tmp_path / 'd'}' (FORMAT parquet)"
    )
    (row,) = collected("models", {"d.parquet": (tmp_path / "d").read_bytes()})["d.parquet"]
    assert row["createdAt"].astimezone(timezone.utc) == UTC_MOMENT
    assert (row["tags"], row["likes"], row["cardData"]) == (["x"], 3, '{"k": 1}')


@pytest.mark.parametrize(
    ("kind", "columns", "message"),
    [
        ("downloads", {"week": ["2024-07-08"]}, "column week is string, expected a date"),
        ("downloads", {"week": pa.array([MOMENT])}, r"column week is timestamp\[us\], expected"),
        ("downloads", {"count": [1.0]}, "column count is double, expected a whole number"),
        ("downloads", {"id": [7]}, "column id is int64, expected text; write it as that"),
        ("downloads", {"id": None}, r"no column id \(it has week, count\); write week, id, count"),
        ("models", {"tags": ["x"]}, r"column tags is string, expected a list of texts"),
        ("models", {"createdAt": [WEEK]}, "column createdAt is date32.* expected a timestamp"),
        ("models", {"baseModels": [{"models": ["x"]}]}, "column baseModels is struct"),
    ],
)
def test_check_parquet_names_file_column_and_type(make_landing, kind, columns, message):
    good = {"downloads": {"week": [WEEK], "id": ["a"], "count": [1]}, "models": {"id": ["a"]}}
    cells = {name: cell for name, cell in {**good[kind], **columns}.items() if cell is not None}
    landing = make_landing({f"{kind}/x.parquet": pa.table(cells)})
    with pytest.raises(ContentError, match=rf"^{kind}/x\.parquet: {message}"):
        check_parquet(landing.of_kind(kind)[0])


def test_content_error_from_names_a_damaged_parquet_file(spark, make_landing, tmp_path):
    table = pa.table(
        {"week": [WEEK] * 5000, "id": [str(n) for n in range(5000)], "count": [1] * 5000}
    )
    pq.write_table(table, tmp_path / "x", compression="snappy", use_dictionary=False)
    data = bytearray((tmp_path / "x").read_bytes())
    data[5000:9000] = b"\xff" * 4000
    landing = make_landing({"downloads/a b.parquet": bytes(data)})
    with pytest.raises(Exception) as caught:  # noqa: PT011
        read_rows(spark, landing, "downloads").agg({"id": "max"}).collect()
    error = content_error_from(caught.value)
    assert error is not None
    assert str(error).startswith("downloads/a b.parquet: a part of the file can't be read (it is")


def test_content_error_from_brings_back_what_a_task_said(spark, make_landing):
    text = gzip.compress("week,id,count\n2024-07-08,caf\xe9,1\n".encode("latin-1"))
    landing = make_landing({"downloads/é.csv.gz": text})
    with pytest.raises(Exception) as caught:  # noqa: PT011
        read_rows(spark, landing, "downloads").collect()
    error = content_error_from(caught.value)
    message = "downloads/é.csv.gz: not UTF-8 (byte 29 is 0xE9); save it as UTF-8"
    assert str(error) == message


def test_content_error_from_leaves_other_failures_alone(spark):
    assert content_error_from(ValueError("else")) is None
    assert content_error_from(same := ContentError("said")) is same
