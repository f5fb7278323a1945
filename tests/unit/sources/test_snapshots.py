"""Which folders of snapshots/ are read: whole ones, whoever laid them there."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark.errors import ContentError
from opentrace_spark.locations import COLLECTED
from opentrace_spark.sources.landing import lacking_folders, open_landing
from opentrace_spark.sources.snapshots import PLAIN, find_snapshots

ROW = "id,downloadsAllTime\na/b,1\n"
MODELS = {"models/m.csv": "id\na/b\n"}


def manifest(*names: str, size: int = len(ROW)) -> str:
    files = [{"name": name, "bytes": size} for name in names]
    return json.dumps({"source": "hub", "files": files})


def test_find_snapshots_reads_plain_folders_and_what_a_manifest_names(write_files):
    root = write_files(
        {
            "snapshots/2026-11-30/part-00000.csv": ROW,
            "snapshots/2026-11-30/left-over.csv": ROW,
            "snapshots/2026-11-30/_rejects.jsonl": "{}\n",
            "snapshots/2026-11-30/_manifest.json": manifest("part-00000.csv"),
            "snapshots/2026-11-23/b.csv": ROW,
            "snapshots/2026-11-23/a/z.csv": ROW,
            "snapshots/2026-11-23/_SUCCESS": "",
            "snapshots/_2026-12-07.hub.unfinished/part-00000.csv": ROW,
        }
    )
    found = find_snapshots(str(root))
    assert found.unfinished == ()
    plain, collected = found.snapshots
    assert (plain.day, plain.source) == (date(2026, 11, 23), PLAIN)
    assert [file.relative_path for file in plain.files] == [
        "snapshots/2026-11-23/a/z.csv",
        "snapshots/2026-11-23/b.csv",
    ]
    assert (collected.day, collected.source) == (date(2026, 11, 30), "hub")
    assert [file.relative_path for file in collected.files] == [
        "snapshots/2026-11-30/part-00000.csv"
    ]


@pytest.mark.parametrize("left", ["_page-000001.json", "_part-00000.parquet.json", "_ab.part"])
def test_find_snapshots_leaves_out_what_a_collection_left(write_files, left):
    root = write_files(
        {
            **MODELS,
            "snapshots/2026-11-23/a.csv": ROW,
            "snapshots/2026-11-30/a.csv": ROW,
            f"snapshots/2026-11-30/{left}": "",
        }
    )
    assert find_snapshots(str(root)).unfinished == ("snapshots/2026-11-30",)
    landing = open_landing(str(root))
    assert [file.relative_path for file in landing.of_kind("snapshots")] == [
        "snapshots/2026-11-23/a.csv"
    ]
    assert any("snapshots/2026-11-30 is not read" in note for note in lacking_folders(landing))


@pytest.mark.parametrize("is_collected", [True, False])
def test_find_snapshots_knows_collected_files_by_their_footers(tmp_path, is_collected):
    folder = tmp_path / "snapshots/2026-11-30"
    folder.mkdir(parents=True)
    table = pa.table({"id": ["a/b"], "downloadsAllTime": [1]})
    metadata = {COLLECTED: b"hub"} if is_collected else {}
    pq.write_table(table.replace_schema_metadata(metadata), folder / "part-00000.parquet")
    found = find_snapshots(str(tmp_path))
    assert len(found.unfinished) == is_collected
    assert len(found.snapshots) == (not is_collected)


@pytest.mark.parametrize("name", ["today", "2026-02-30", "20261130", "notes.txt", "2026-11-30"])
def test_find_snapshots_refuses_what_is_no_dated_folder(write_files, name):
    path = f"snapshots/{name}" if name in ("notes.txt", "2026-11-30") else f"snapshots/{name}/a.csv"
    root = write_files({path: ROW})
    with pytest.raises(ContentError, match=rf"^snapshots/{name}: not a folder named by its date"):
        find_snapshots(str(root))


def test_find_snapshots_passes_over_an_empty_folder(write_files):
    root = write_files({"snapshots/2026-11-30/.keep": ""})
    assert find_snapshots(str(root)).snapshots == ()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"source": "hub"}', '{"files": []}'])
def test_find_snapshots_refuses_a_bad_manifest(write_files, text):
    root = write_files({"snapshots/2026-11-23/_manifest.json": text})
    with pytest.raises(ContentError, match=r"^snapshots/2026-11-23/_manifest\.json: can't be"):
        find_snapshots(str(root))


def test_find_snapshots_refuses_a_complete_folder_that_is_no_date(write_files):
    root = write_files({"snapshots/today/_manifest.json": manifest()})
    with pytest.raises(ContentError, match=r"^snapshots/today/_manifest\.json: can't be"):
        find_snapshots(str(root))


@pytest.mark.parametrize("size", [6, None])
def test_find_snapshots_refuses_files_that_are_not_as_the_manifest_says(write_files, size):
    name = "models.csv" if size else "other.csv"
    root = write_files(
        {
            "snapshots/2026-11-23/models.csv": ROW,
            "snapshots/2026-11-23/_manifest.json": manifest(name, size=size or len(ROW)),
        }
    )
    with pytest.raises(ContentError, match=rf"^snapshots/2026-11-23/{name}: not as its snapshot"):
        find_snapshots(str(root))


def test_find_snapshots_of_a_landing_without_any(write_files):
    assert find_snapshots(str(write_files(MODELS))).snapshots == ()
    assert find_snapshots(str(write_files({"snapshots": ROW}))).snapshots == ()
