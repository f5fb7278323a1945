"""What a bad call or bad content does: the message, the exit status, and the tables untouched."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from opentrace_spark.cli import main
from opentrace_spark.tables import TABLES
from tests.flow.landings import write_small_landing
from tests.pipeline import call, read_tables


@pytest.fixture(scope="module")
def good(spark, tmp_path_factory):
    """A small landing, and a warehouse that a good run built from it."""
    folder = tmp_path_factory.mktemp("good")
    write_small_landing(folder / "landing")
    call = ["run", "--landing", str(folder / "landing"), "--warehouse", str(folder / "warehouse")]
    assert main([*call, "--quiet"]) == 0
    return folder


@pytest.fixture
def place(good, tmp_path):
    """A copy of both to spoil: `landing` and `warehouse` below the folder."""
    shutil.copytree(good / "landing", tmp_path / "landing")
    shutil.copytree(good / "warehouse", tmp_path / "warehouse")
    return tmp_path


def run_arguments(place):
    return ["run", "--landing", place / "landing", "--warehouse", place / "warehouse"]


def versions(place):
    there = {spec.id: place / "warehouse" / spec.path for spec in TABLES}
    return {table: DeltaTable(path).version() for table, path in there.items() if path.is_dir()}


def built_folders(place):
    return {f"_work/built/{path.name}" for path in (place / "warehouse/_work/built").iterdir()}


def kept_folders(place):
    """Where the tables are that later runs may use again."""
    notes = [json.loads(path.read_text()) for path in (place / "warehouse/_work/notes").iterdir()]
    return {note["folder"] for note in notes if "folder" in note}


def downloads(place):
    return place / "landing" / "downloads" / "2024-06-03.csv"


def replace_downloads_with_parquet(place, **columns):
    downloads(place).unlink()
    pq.write_table(pa.table(columns), place / "landing" / "downloads" / "week.parquet")


def no_landing(place):
    shutil.rmtree(place / "landing")


def landing_is_file(place):
    shutil.rmtree(place / "landing")
    (place / "landing").write_text("no folder")


def no_models(place):
    shutil.rmtree(place / "landing" / "models")


def empty_downloads_folder(place):
    shutil.rmtree(place / "landing" / "downloads")
    (place / "landing" / "downloads").mkdir()


def empty_file(place):
    downloads(place).write_bytes(b"")


def truncated_parquet(place):
    weeks = pa.array([], pa.date32())
    replace_downloads_with_parquet(place, week=weeks, id=pa.array([], pa.string()))
    path = place / "landing" / "downloads" / "week.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def wrong_type(place):
    week = pa.array([19877], pa.int32()).cast(pa.date32())
    replace_downloads_with_parquet(place, week=week, id=["lab/base"], count=["many"])


def missing_column(place):
    replace_downloads_with_parquet(place, week=["2024-06-03"], id=["lab/base"])


def missing_csv_column(place):
    downloads(place).write_text("week,id,downloads\n2024-06-03,lab/base,1\n")


def latin_1(place):
    downloads(place).write_bytes("week,id,count\n2024-06-03,caf\xe9/base,1\n".encode("latin-1"))


def broken_gzip(place):
    (place / "landing" / "downloads" / "more.csv.gz").write_bytes(b"\x1f\x8b\x08\x00 no gzip")


def mixed_weekdays(place):
    with downloads(place).open("a") as file:
        file.write("2024-06-05,user/b,10\n")


def unknown_extension(place):
    (place / "landing" / "models" / "models.xlsx").write_bytes(b"PK")


def json_array(place):
    (place / "landing" / "models" / "more.json").write_text('[{"id": "a/b"}]')


def too_many_downloads(place):
    with downloads(place).open("a") as file:
        file.write(f"2024-06-03,user/b,{2**63 - 1}\n")


# name -> (what spoils it, exit status, what the last line must name)
BAD_LANDINGS = {
    "landing is not there": (no_landing, 2, ["landing", "is not there"]),
    "landing is a file": (landing_is_file, 2, ["landing", "is a file"]),
    "models/ is missing": (no_models, 2, ["models/"]),
    "downloads/ is empty": (empty_downloads_folder, 2, ["downloads/"]),
    "file of 0 bytes": (empty_file, 1, ["downloads/2024-06-03.csv", "empty"]),
    "truncated Parquet": (truncated_parquet, 1, ["downloads/week.parquet"]),
    "wrong column type": (wrong_type, 1, ["downloads/week.parquet", "count", "string"]),
    "missing Parquet column": (missing_column, 1, ["downloads/week.parquet"]),
    "missing CSV column": (missing_csv_column, 1, ["downloads/2024-06-03.csv", "count"]),
    "Latin-1 CSV": (latin_1, 1, ["downloads/2024-06-03.csv", "UTF-8"]),
    "broken gzip": (broken_gzip, 1, ["downloads/more.csv.gz"]),
    "mixed weekdays": (mixed_weekdays, 1, ["downloads/2024-06-03.csv", "Wednesday", "Monday"]),
    "unknown kind of file": (unknown_extension, 1, ["models/models.xlsx"]),
    "JSON array": (json_array, 1, ["models/more.json", "array"]),
    "more than 64 bits": (too_many_downloads, 1, ["64 bits"]),
}


@pytest.mark.parametrize("name", BAD_LANDINGS)
def test_bad_landing_stops_the_run(name, place, capsys):
    spoil, status, words = BAD_LANDINGS[name]
    before = versions(place)
    spoil(place)
    got, out, err = call(capsys, *run_arguments(place))
    last = err.splitlines()[-1]
    assert got == status, err
    assert all(word in last for word in words), last
    assert "Traceback" not in out + err
    assert versions(place) == before
    assert built_folders(place) <= kept_folders(place), "half-built tables were left"


CONFIGURATIONS = {
    "unknown value": ("[population]\nmin_download = 5\n", "did you mean min_downloads?"),
    "unknown section": ("[populations]\nmin_downloads = 5\n", "did you mean population?"),
    "wrong kind": ('[population]\nmin_downloads = "many"\n', "is not a whole number"),
    "out of range": ("[population]\nmin_downloads = 0\n", "below 1"),
    "unknown choice": ('[windows]\ncreation = "hubb"\n', "is not hub or first_seen or"),
    "no TOML": ("population: 5\n", "is not valid TOML"),
    "bad window": ('[windows]\nrecency = ["none", "1y"]\n', '"1y"'),
    "period ends before it begins": (
        '[[period]]\nname = "x"\nfirst = 2024-01-01\nlast = 2023-01-01\n',
        "first is after last",
    ),
    "headline window that is not there": (
        '[windows]\nrecency = ["none", "90d"]\n',
        "is not some of windows.recency; write one or more of none, 90d",
    ),
    "floors as text": ('[sensitivity]\nmin_downloads = ["0"]\n', "list of whole numbers"),
    "bad date": ('[weeks]\nlast_complete_week = "June"\n', "not a date like"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_bad_configuration_is_refused(name, place, capsys):
    text, words = CONFIGURATIONS[name]
    (place / "conf.toml").write_text(text)
    status, _, err = call(capsys, *run_arguments(place), "--conf", place / "conf.toml")
    last = err.splitlines()[-1].replace("'", '"')
    assert (status, words in last) == (2, True), last


def broken_log(place):
    (log,) = (place / "warehouse" / "gold" / "weeks" / "_delta_log").glob("*.json")
    log.write_bytes(log.read_bytes()[:50])


def file_for_a_table(place):
    shutil.rmtree(place / "warehouse" / "gold" / "weeks")
    (place / "warehouse" / "gold" / "weeks").write_text("no folder")


@pytest.mark.parametrize("spoil", [broken_log, file_for_a_table])
def test_broken_table_in_the_warehouse_stops_the_run(spoil, place, capsys):
    spoil(place)
    status, _, err = call(capsys, *run_arguments(place))
    assert (status, "gold/weeks is no Delta table" in err.splitlines()[-1]) == (1, True), err


CALLS = {
    "unknown option": (["--windowss", "1"], "--windowss"),
    "unknown step": (["--only", "usage_share"], "usage_share"),
    "no configuration file": (["--conf", "/nowhere/conf.toml"], "/nowhere/conf.toml"),
    "bad memory": (["--memory", "lots"], "lots"),
    "too little memory": (["--memory", "100m"], "100m is below 512m"),
    "bad threads": (["--threads", "0"], "threads"),
    "scratch is a file": (["--scratch", __file__], "test_bad_inputs.py: File exists"),
    "empty warehouse": (["--warehouse", ""], "empty path"),
    "warehouse of another host": (["--warehouse", "file://host/tables"], "three slashes"),
    "warehouse that Delta can't take": (["--warehouse", "odd[1]"], "["),
}


@pytest.mark.parametrize("name", CALLS)
def test_bad_call_is_refused(name, place, capsys):
    arguments, words = CALLS[name]
    before = versions(place)
    status, out, err = call(capsys, *run_arguments(place), *arguments)
    assert (status, words in err.splitlines()[-1]) == (2, True), err
    assert "Traceback" not in out + err
    assert versions(place) == before


def test_warehouse_that_is_a_file(place, capsys):
    (place / "file").write_text("no folder")
    arguments = ["run", "--landing", place / "landing", "--warehouse", place / "file"]
    status, _, err = call(capsys, *arguments)
    assert (status, "is a file" in err.splitlines()[-1]) == (2, True), err
    assert (place / "file").read_text() == "no folder"


def test_warehouse_below_a_file(place, capsys):
    (place / "file").write_text("no folder")
    arguments = ["run", "--landing", place / "landing", "--warehouse", place / "file" / "below"]
    status, _, err = call(capsys, *arguments)
    assert (status, "warehouse" in err.splitlines()[-1]) == (2, True), err


def test_warehouse_with_an_odd_name(place, capsys):
    """Spaces, marks of URIs and patterns, in the name of a folder where GraphFrames runs, too."""
    warehouse = place / "a {b} #é*?"
    arguments = ["run", "--landing", place / "landing", "--warehouse", f"file://{warehouse}"]
    status, _, err = call(capsys, *arguments, "--only", "lineage")
    assert status == 0, err
    families = {row["family_size"] for row in read_tables(warehouse)["silver_lineage"]}
    assert families == {1, 2, 4}
    assert [path.name for path in place.glob("a*")] == [warehouse.name]


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 300 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a small file system here")
    yield folder
    # At once, also while a worker that was cut off still holds a file there.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_stops_the_run(place, full_disk, capsys):
    arguments = ["run", "--landing", place / "landing", "--warehouse", full_disk / "warehouse"]
    status, out, err = call(capsys, *arguments)
    assert (status, "disk is full" in err.splitlines()[-1]) == (1, True), err
    assert "Traceback" not in out + err
    assert not list(Path(full_disk / "warehouse").glob("*/*/_delta_log"))


def test_odd_ids_and_bad_cells_do_not_stop_the_run(place, capsys):
    odd = ["../../x", "a'; drop table models; --", "ünï/cödé 🤗", "x" * 300, "a//b", "${jndi}/%s"]
    landing = place / "landing"
    lines = [f'2024-06-03,"{name}",{1000 + place_}' for place_, name in enumerate(odd)]
    bad = [
        "2024-06-03,lab/base,many",
        "2024-06-32,lab/base,5",
        "2024-06-03,lab/base,-5",
        "2024-06-03,,5",
        "2024-06-03,lab/base,",
        f"2024-06-03,{'y' * 301},5",
        "2024-06-03,lab/base,5,6",
    ]
    (landing / "downloads" / "odd.csv").write_text("\n".join(["week,id,count", *lines, *bad]))
    (landing / "models" / "odd.csv").write_text('id,likes\n"../../x",1\nlab/bad,many\n')
    status, out, err = call(capsys, *run_arguments(place), "--only", "models", "rejects")
    assert status == 0, err
    tables = read_tables(place / "warehouse")
    totals = {row["model_id"]: row["total_downloads"] for row in tables["silver_models"]}
    assert {name: totals.get(name) for name in odd} == {
        name: 1000 + place_ for place_, name in enumerate(odd)
    }
    rejects = [
        (row["source_file"], row["row"], row["reason"])
        for row in sorted(tables["silver_rejects"], key=lambda r: (r["source_file"], r["row"]))
    ]
    reasons = [
        "unparsable_count",
        "unparsable_week",
        "negative_count",
        "empty_id",
        "missing_count",
        "invalid_id",
        "malformed_row",
    ]
    assert rejects == [
        *(("downloads/odd.csv", len(odd) + 1 + i, reason) for i, reason in enumerate(reasons)),
        ("models/odd.csv", 2, "unparsable_likes"),
    ]
    assert "rejects" in out
    assert "8 rows" in out
    assert not (place / "x").exists()
    assert not (place.parent / "x").exists()
