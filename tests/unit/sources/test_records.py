"""Records of CSV and JSON Lines files, and files that can't be used."""

from __future__ import annotations

import bz2
import gzip

import pyarrow as pa
import pytest

from opentrace_spark.errors import ContentError
from opentrace_spark.sources.records import read_records
from opentrace_spark.sources.rows import check_files
from opentrace_spark.sources.text import read_text

HEADER = "week,id,count\n"
ROW = "2024-07-08,a/b,5\n"


@pytest.fixture
def records(make_landing):
    def read(name, content):
        (file,) = make_landing({f"downloads/{name}": content}).of_kind("downloads")
        return list(read_records(file, ("week", "id", "count")))

    return read


def test_csv_records(records):
    text = (
        "\ufeff" + 'week,id,"count"\r\n'
        "\r\n"
        '2024-07-08,"two\nlines, ""quoted""",5\r\n'
        "2024-07-08,,\r\n"
        "ragged,row\r\n"
        "\n"
        '2024-07-08,"a"b,5\r\n'
        "2024-07-08,nul\0,5"
    )
    assert records("x.csv", text) == [
        {"week": "2024-07-08", "id": 'two\nlines, "quoted"', "count": "5"},
        {"week": "2024-07-08"},
        "ragged,row",
        '2024-07-08,"a"b,5',
        {"week": "2024-07-08", "id": "nul\0", "count": "5"},
    ]


def test_csv_takes_long_cells_and_old_line_ends(records):
    (row,) = records("x.csv", f"week,id,count\r2024-07-08,{'x' * 1_000_000},5\r")
    assert len(row["id"]) == 1_000_000


def test_json_records(records):
    text = (
        '\ufeff{"week": "2024-07-08", "id": "a\u2028b", "count": 5, "more": {"x": [1]}}\r\n'
        "\n"
        "[1]\n"
        "{broken\n"
        '{"id": null}'
    )
    assert records("x.jsonl", text) == [
        {"week": "2024-07-08", "id": "a\u2028b", "count": 5, "more": {"x": [1]}},
        "[1]",
        "{broken",
        {"id": None},
    ]


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("x.csv", bytes),
        ("x.csv.gz", gzip.compress),
        ("x.csv.bz2", bz2.compress),
        ("x.csv.zst", lambda data: pa.compress(data, codec="zstd", asbytes=True)),
    ],
)
def test_records_of_each_compression_in_several_parts(records, name, compress):
    parts = compress((HEADER + ROW).encode()) + compress((ROW * 100_000).encode())
    assert len(records(name, parts)) == 100_001


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", r"the file is empty \(0 bytes\)"),
        ("x.parquet", b"", r"the file is empty \(0 bytes\)"),
        ("x.parquet", b"PAR1 no PAR2", "not a readable Parquet file .* write or download it again"),
        ("x.csv", "\n\n", "no header"),
        ("x.csv", "week,id\n", "the header has no column count .* name the columns week, id"),
        (
            "x.csv",
            "week;id;count\n",
            "the header has no column week and id and count .* separate the cells by commas",
        ),
        ("x.csv", "week,id,count,id\n", "column 'id' is there more than once"),
        ("x.csv", "week,id,co\xfbnt\n".encode("latin-1"), r"not UTF-8 \(byte 11 is 0xFB\)"),
        ("x.csv", HEADER.encode("utf-16"), "not UTF-8"),
        ("x.csv.gz", HEADER, "can't be read as gzip"),
        ("x.csv.gz", gzip.compress(HEADER.encode(), mtime=0)[:-9], "can't be read as gzip"),
        (
            "x.json",
            '[{"id": "a/b"}]',
            "a JSON array, not JSON Lines; write one object per line .jq",
        ),
        ("x.json", '[\n{"id": "a/b"}\n]', "a JSON array, not JSON Lines"),
    ],
)
def test_check_files_stops_at_bad_files(make_landing, name, content, message):
    landing = make_landing({f"downloads/{name}": content})
    with pytest.raises(ContentError, match=rf"^downloads/{name}: {message}"):
        check_files(landing)


LATE = [
    ("x.csv", (HEADER + ROW * 9999).encode() + b"caf\xe9", "not UTF-8 .byte 170001 is 0xE9"),
    ("x.jsonl", b'{"id": "caf\xe9"}\n', "not UTF-8 .byte 12 is 0xE9"),
    ("x.csv", HEADER + ROW + '2024-07-08,"a/b,5\n' + ROW, "a quote in record 2 is never closed"),
    ("x.csv.gz", gzip.compress((HEADER + ROW * 99_999).encode())[:-99], "can't be read as gzip"),
    ("x.jsonl", '{"Id": "a/b", "week": null}\n', "no record has count and id; write one JSON"),
    ("x.json", '{\n"id": "a/b"\n}\n', "no record has count and id and week"),
    ("x.jsonl.gz", gzip.compress(b"", mtime=0), "no record has"),
]


@pytest.mark.parametrize(("name", "content", "message"), LATE)
def test_reading_stops_at_files_that_are_bad_further_on(records, name, content, message):
    with pytest.raises(ContentError, match=rf"^downloads/{name}: {message}"):
        records(name, content)


def test_read_batches_types_rows_and_says_what_is_wrong(make_landing):
    text = HEADER + ROW + "2024-13-08,a/b,x\n" + "2024-07-08,a/b,5.0\n" + "a,b\n" + ",,\n"
    (file,) = make_landing({"downloads/x.csv": text}).of_kind("downloads")
    (batch,) = read_text(file)
    rows = batch.to_pylist()
    assert [(row["reason"], row["raw_values"]) for row in rows] == [
        (None, None),
        ("unparsable_week", '{"week":"2024-13-08","id":"a/b","count":"x"}'),
        ("unparsable_count", '{"week":"2024-07-08","id":"a/b","count":"5.0"}'),
        ("malformed_row", "a,b"),
        (None, None),
    ]
    assert [row["source_row"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0]["count"] == 5


def test_read_batches_keeps_other_fields(make_landing):
    line = '{"id": "a/b", "sha": "1", "cardData": {"base_model": "x/y"}, "spaces": null}\n'
    (file,) = make_landing({"models/x.jsonl": line}).of_kind("models")
    (row,) = next(read_text(file)).to_pylist()
    assert (row["other_fields"], row["cardData"]) == ('{"sha":"1"}', '{"base_model":"x/y"}')
