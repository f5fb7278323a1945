import json
from datetime import date

import pytest

from opentrace_spark.errors import ContentError
from opentrace_spark.sources.snapshots import list_snapshots

ROW = "id\na/b\n"


def manifest(*files: tuple[str, int], source: str = "hub") -> str:
    return json.dumps(
        {"source": source, "files": [{"name": name, "bytes": size} for name, size in files]}
    )


def test_list_snapshots_reads_complete_ones_by_day(write_files):
    root = write_files(
        {
            "snapshots/2026-11-30/part-00001.csv": ROW,
            "snapshots/2026-11-30/part-00000.csv": ROW,
            "snapshots/2026-11-30/_rejects.jsonl": "{}\n",
            "snapshots/2026-11-30/_manifest.json": manifest(
                ("part-00000.csv", 7), ("part-00001.csv", 7), ("_rejects.jsonl", 3)
            ),
            "snapshots/2026-11-23/models.csv": ROW,
            "snapshots/2026-11-23/_manifest.json": manifest(("models.csv", 7), source="hub-stats"),
        }
    )
    first, second = list_snapshots(str(root))
    assert (first.day, first.source) == (date(2026, 11, 23), "hub-stats")
    assert (second.day, second.source) == (date(2026, 11, 30), "hub")
    assert [file.relative_path for file in second.files] == [
        "snapshots/2026-11-30/part-00000.csv",
        "snapshots/2026-11-30/part-00001.csv",
    ]
    assert {file.kind for file in second.files} == {"models"}
    assert {file.format for file in second.files} == {"csv"}


def test_list_snapshots_reads_none_without_a_manifest(write_files):
    root = write_files(
        {
            "snapshots/2026-11-23/models.csv": ROW,
            "snapshots/_2026-11-30.unfinished/models.csv": ROW,
            "snapshots/_2026-11-30.unfinished/_manifest.json": manifest(("models.csv", 7)),
            "snapshots/notes.txt": "mine",
        }
    )
    assert list_snapshots(str(root)) == ()


def test_list_snapshots_of_a_landing_without_any(write_files):
    assert list_snapshots(str(write_files({"models/m.csv": ROW}))) == ()
    assert list_snapshots(str(write_files({"snapshots": ROW}))) == ()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"source": "hub"}', '{"files": []}'])
def test_list_snapshots_refuses_a_bad_manifest(write_files, text):
    root = write_files({"snapshots/2026-11-23/_manifest.json": text})
    with pytest.raises(ContentError, match=r"^snapshots/2026-11-23/_manifest\.json: can't be"):
        list_snapshots(str(root))


def test_list_snapshots_refuses_a_complete_folder_that_is_no_date(write_files):
    root = write_files({"snapshots/today/_manifest.json": manifest()})
    with pytest.raises(ContentError, match=r"^snapshots/today/_manifest\.json: can't be"):
        list_snapshots(str(root))


@pytest.mark.parametrize("size", [6, None])
def test_list_snapshots_refuses_files_that_are_not_as_the_manifest_says(write_files, size):
    name = "models.csv" if size else "other.csv"
    root = write_files(
        {
            "snapshots/2026-11-23/models.csv": ROW,
            "snapshots/2026-11-23/_manifest.json": manifest((name, size or 7)),
        }
    )
    with pytest.raises(ContentError, match=rf"^snapshots/2026-11-23/{name}: not as its snapshot"):
        list_snapshots(str(root))
