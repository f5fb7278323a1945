"""Which files a landing has, and what is wrong with one that can't be used."""

from __future__ import annotations

from datetime import date

import pytest

from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.sources.landing import filesystem_of, open_landing

ROW = "id\na/b\n"
NEEDED = {"models/m.csv": ROW, "downloads/d.csv": "week,id,count\n"}


def test_open_landing_lists_files_in_byte_order(write_files):
    names = ["downloads/b.csv", "downloads/a/z.csv", "downloads/é.csv", "downloads/B.CSV.GZ"]
    hidden = ["downloads/_a.csv", "downloads/.b", "downloads/_c/d.csv", "elsewhere/e.txt"]
    root = write_files({**NEEDED, **dict.fromkeys(names + hidden, ROW)})
    downloads = open_landing(str(root)).of_kind("downloads")
    assert [file.relative_path for file in downloads] == [
        "downloads/B.CSV.GZ",
        "downloads/a/z.csv",
        "downloads/b.csv",
        "downloads/d.csv",
        "downloads/é.csv",
    ]
    assert (downloads[0].format, downloads[0].compression) == ("csv", "gzip")
    assert downloads[0].size == len(ROW)


@pytest.mark.parametrize(
    ("name", "format_", "compression"),
    [
        ("x.parquet", "parquet", None),
        ("x.jsonl", "jsonl", None),
        ("x.ndjson.zst", "jsonl", "zstd"),
        ("x.json.bz2", "jsonl", "bz2"),
    ],
)
def test_open_landing_knows_formats(write_files, name, format_, compression):
    landing = open_landing(str(write_files({**NEEDED, f"aliases/{name}": ROW})))
    (file,) = landing.of_kind("aliases")
    assert (file.format, file.compression) == (format_, compression)


@pytest.mark.parametrize("form", ["{}", "{}/", "file://{}", "file:{}"])
def test_open_landing_takes_paths_and_uris(write_files, form):
    root = write_files(NEEDED)
    landing = open_landing(form.format(root))
    assert landing.uri == f"file://{root}"
    filesystem, path = filesystem_of(landing.files[0].uri)
    assert filesystem.get_file_info(path).is_file


def test_open_landing_takes_relative_paths_with_odd_characters(write_files, monkeypatch):
    root = write_files(NEEDED)
    odd = root.rename(root.parent / "a b%20[c]+é")
    monkeypatch.chdir(root.parent)
    assert open_landing(odd.name).uri == f"file://{odd}"


@pytest.mark.parametrize(
    ("manifest", "monday"),
    [
        ('{"last_complete_week": "2025-08-13"}', date(2025, 8, 11)),
        ('{"last_complete_week": null}', None),
        ("{}", None),
    ],
)
def test_open_landing_reads_manifest(write_files, manifest, monday):
    root = write_files({**NEEDED, "manifest.json": manifest})
    assert open_landing(str(root)).last_complete_week == monday


@pytest.mark.parametrize("manifest", ["", "[]", '{"last_complete_week": 3}', "\xff"])
def test_open_landing_refuses_bad_manifest(write_files, manifest):
    root = write_files({**NEEDED, "manifest.json": manifest.encode("latin-1")})
    with pytest.raises(ContentError, match=r"^manifest\.json: not of the form"):
        open_landing(str(root))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"models/m.csv": ROW}, r"no data file in downloads/ or snapshots/; put Parquet"),
        ({"downloads/d.csv": ROW}, r"no data file in models/"),
        ({**NEEDED, "models/m.csv": ROW, "downloads": ROW}, r"no data file in downloads/"),
        ({"models/m.csv": ROW, "downloads/_SUCCESS": ""}, r"no data file in downloads/"),
        (
            {"models/m.csv": ROW, "snapshots/_2024-01-01.hub.unfinished/a.csv": ROW},
            r"no data file in downloads/ or snapshots/; put Parquet",
        ),
        ({"contributors/c.csv": ROW}, r"no data file in models/ or snapshots/; put Parquet"),
    ],
)
def test_open_landing_misses_folders(write_files, files, message):
    files = {
        name: text
        for name, text in files.items()
        if not ("downloads" in files and name.startswith("downloads/"))
    }
    with pytest.raises(UsageError, match=message):
        open_landing(str(write_files(files)))


def test_open_landing_needs_snapshots_alone(write_files):
    landing = open_landing(str(write_files({"snapshots/2024-01-01/a.csv": ROW})))
    assert [snapshot.day.isoformat() for snapshot in landing.snapshots] == ["2024-01-01"]


def test_open_landing_misses_the_landing_itself(tmp_path):
    with pytest.raises(UsageError, match="nowhere is not there"):
        open_landing(str(tmp_path / "nowhere"))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file; name the folder"):
        open_landing(str(tmp_path / "file"))
    with pytest.raises(UsageError, match="can't be opened"):
        open_landing("nosuch://bucket/landing")


@pytest.mark.parametrize("name", ["x.txt", "x.parquet.gz", "x.gz", "x", "x.csv.zip"])
def test_open_landing_refuses_unknown_files(write_files, name):
    root = write_files({**NEEDED, f"models/{name}": ROW})
    with pytest.raises(ContentError, match=rf"^models/{name}: not a kind of file"):
        open_landing(str(root))


def test_open_landing_refuses_a_link_to_nothing(write_files):
    root = write_files({**NEEDED, "models/m.csv": ROW, "downloads/d.csv": ROW})
    (root / "downloads" / "_hidden.csv").symlink_to("/nowhere/x.csv")
    open_landing(str(root))
    (root / "downloads" / "2024-01-08.csv").symlink_to("/nowhere/x.csv")
    with pytest.raises(ContentError, match=r"^downloads/2024-01-08\.csv: a link to a file that is"):
        open_landing(str(root))
