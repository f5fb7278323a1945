"""`--source hub-stats | weekly-snapshots | model-cards`, and `opentrace collect` as a command."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark.collect import datasets
from opentrace_spark.collect.datasets import REPOSITORIES, collect_dataset
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.sources.snapshots import find_snapshots
from tests.fake_hub import Dataset

WEEKLY, STATS, CARDS = (
    REPOSITORIES[source] for source in ("weekly-snapshots", "hub-stats", "model-cards")
)


def parquet(*ids: str, column: str = "id") -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({column: list(ids)}), buffer)
    return buffer.getvalue()


def weekly(*days: str) -> dict[str, bytes]:
    files = {f"models/{day}/models.parquet": parquet(f"a/{day}") for day in days}
    others = {"README.md": b"# weekly", f"datasets/{days[0]}/datasets.parquet": parquet("d/d")}
    return {**files, **others}


def bring(out: Path, source: str, client, since: date | None = None):
    return collect_dataset(out, source, since, client(attempts=4), lambda *_: None)


def manifest(folder: Path) -> dict:
    return json.loads((folder / "_manifest.json").read_text())


def downloads(fake) -> list[str]:
    return [request.path for request in fake.requests if "/resolve/" in request.path]


def test_weekly_snapshots_become_snapshots(fake, client, tmp_path):
    fake.datasets[WEEKLY] = Dataset(weekly("2026-11-11", "2026-11-18"))
    done = bring(tmp_path, "weekly-snapshots", client)
    assert [path.name for path in done.folders] == ["2026-11-11", "2026-11-18"]
    read = find_snapshots(str(tmp_path)).snapshots
    assert [(snapshot.day, snapshot.source) for snapshot in read] == [
        (date(2026, 11, 11), "weekly-snapshots"),
        (date(2026, 11, 18), "weekly-snapshots"),
    ]
    told = manifest(done.folders[0])
    content = fake.datasets[WEEKLY].files["models/2026-11-11/models.parquet"]
    assert (tmp_path / "snapshots" / "2026-11-11" / "models.parquet").read_bytes() == content
    sha256 = hashlib.sha256(content).hexdigest()
    assert told["files"] == [
        {
            "name": "models.parquet",
            "bytes": len(content),
            "sha256": sha256,
            "rows": 1,
            "hub_path": "models/2026-11-11/models.parquet",
            "hub_checksum": sha256,
        }
    ]
    assert (told["repository"], told["revision"], told["rows"]) == (WEEKLY, "c" * 40, 1)
    assert {path.name for path in (tmp_path / "snapshots").iterdir()} == {
        "2026-11-11",
        "2026-11-18",
    }


def test_weekly_snapshots_brings_only_what_is_new(fake, client, tmp_path):
    fake.datasets[WEEKLY] = Dataset(weekly("2026-11-11", "2026-11-18"))
    bring(tmp_path, "weekly-snapshots", client)
    fake.datasets[WEEKLY] = Dataset(
        weekly("2026-11-11", "2026-11-18", "2026-11-25"), commit="e" * 40
    )
    fake.requests.clear()
    done = bring(tmp_path, "weekly-snapshots", client)
    assert ([path.name for path in done.folders], done.unchanged) == (["2026-11-25"], 2)
    assert len(downloads(fake)) == 1
    done = bring(tmp_path, "weekly-snapshots", client)
    assert (done.folders, done.unchanged, done.size) == ((), 3, 0)
    assert len(downloads(fake)) == 1


def test_weekly_snapshots_replaces_a_file_that_was_corrected(fake, client, tmp_path):
    fake.datasets[WEEKLY] = Dataset(weekly("2026-11-11", "2026-11-18"))
    bring(tmp_path, "weekly-snapshots", client)
    fake.datasets[WEEKLY].files["models/2026-11-11/models.parquet"] = new = parquet("a/b", "a/c")
    done = bring(tmp_path, "weekly-snapshots", client)
    assert [path.name for path in done.folders] == ["2026-11-11"]
    assert (done.folders[0] / "models.parquet").read_bytes() == new
    assert manifest(done.folders[0])["rows"] == 2
    assert {path.name for path in (tmp_path / "snapshots").iterdir()} == {
        "2026-11-11",
        "2026-11-18",
    }


def test_weekly_snapshots_since_a_date(fake, client, tmp_path):
    fake.datasets[WEEKLY] = Dataset(weekly("2026-11-11", "2026-11-18", "2026-13-01"))
    done = bring(tmp_path, "weekly-snapshots", client, date(2026, 11, 18))
    assert [path.name for path in done.folders] == ["2026-11-18"]
    with pytest.raises(ContentError, match=r"no file of the names that we know from 2027-01-01 on"):
        bring(tmp_path, "weekly-snapshots", client, date(2027, 1, 1))


def test_a_day_that_another_source_has_stays_as_it_is(fake, client, tmp_path):
    fake.datasets[WEEKLY] = Dataset(weekly("2026-11-11"))
    fake.datasets[STATS] = Dataset(
        {"models.parquet": parquet("a/stats")}, {"models.parquet": "2026-11-11T01:00:00.000Z"}
    )
    bring(tmp_path, "weekly-snapshots", client)
    assert bring(tmp_path, "hub-stats", client).unchanged == 1
    assert manifest(tmp_path / "snapshots" / "2026-11-11")["source"] == "weekly-snapshots"


def test_hub_stats_is_the_snapshot_of_its_last_commit(fake, client, tmp_path):
    stats = Dataset(
        {"models.parquet": parquet("a/b"), "datasets.parquet": parquet("d/d"), "README.md": b"#"},
        {"models.parquet": "2026-11-22T23:30:00.000Z", "README.md": "2020-01-01T00:00:00.000Z"},
    )
    fake.datasets[STATS] = stats
    done = bring(tmp_path, "hub-stats", client)
    assert [path.name for path in done.folders] == ["2026-11-22"]
    assert [path.name for path in sorted(done.folders[0].iterdir())] == [
        "_manifest.json",
        "models.parquet",
    ]
    stats.dates["models.parquet"] = "2026-11-23T01:00:00.000Z"
    assert [path.name for path in bring(tmp_path, "hub-stats", client).folders] == ["2026-11-23"]


def test_model_cards_take_the_place_of_older_ones(fake, client, tmp_path):
    same, old, new = (parquet(name, column="modelId") for name in ("same", "old", "new"))
    fake.datasets[CARDS] = Dataset(
        {"data/train-0.parquet": same, "data/train-1.parquet": old, "README.md": b"# cards"}
    )
    done = bring(tmp_path, "model-cards", client)
    assert done.folders == (tmp_path / "model_cards",)
    fake.datasets[CARDS].files = {"data/train-0.parquet": same, "data/train-2.parquet": new}
    fake.requests.clear()
    bring(tmp_path, "model-cards", client)
    assert downloads(fake) == [f"/datasets/{CARDS}/resolve/{'c' * 40}/data/train-2.parquet"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "model_cards").glob("[!_]*")} == {
        "train-0.parquet": same,
        "train-2.parquet": new,
    }
    assert [entry["name"] for entry in manifest(tmp_path / "model_cards")["files"]] == [
        "train-0.parquet",
        "train-2.parquet",
    ]
    assert [path.name for path in tmp_path.glob("_*")] == ["_collect.lock"]


# What goes wrong on the way.


@pytest.fixture
def one_week(fake):
    fake.datasets[WEEKLY] = Dataset(
        {"models/2026-11-11/models.parquet": parquet(*(f"a/{n}" for n in range(20_000)))}
    )
    return f"/datasets/{WEEKLY}/resolve/{'c' * 40}/models/2026-11-11/models.parquet"


def test_download_goes_on_after_the_bytes_that_are_there(fake, client, one_week, tmp_path):
    fake.moods[one_week] = ["cut", ("429", 5), "503", "cut", "cut"]
    done = bring(tmp_path, "weekly-snapshots", client)
    (content,) = fake.datasets[WEEKLY].files.values()
    assert (done.folders[0] / "models.parquet").read_bytes() == content
    asked = [request.headers.get("range") for request in fake.requests if request.path == one_week]
    assert asked[0] is None
    assert len(asked) == 6
    starts = [int(text.removeprefix("bytes=").removesuffix("-")) for text in asked[1:]]
    assert starts == sorted(starts)
    assert 0 < starts[0] < starts[-1] < len(content)


def test_download_starts_again_where_the_hub_gives_no_ranges(fake, client, one_week, tmp_path):
    fake.moods[one_week] = ["cut", "whole"]
    done = bring(tmp_path, "weekly-snapshots", client)
    (content,) = fake.datasets[WEEKLY].files.values()
    assert (done.folders[0] / "models.parquet").read_bytes() == content
    assert len(downloads(fake)) == 2


def test_download_gives_up_and_goes_on_later(fake, client, one_week, tmp_path):
    fake.moods[one_week] = ["cut", "500", "500", "500"]
    with pytest.raises(ContentError, match=r"models.parquet of the dataset .* 500, 4 times in a"):
        bring(tmp_path, "weekly-snapshots", client)
    assert find_snapshots(str(tmp_path)).snapshots == ()
    fake.requests.clear()
    bring(tmp_path, "weekly-snapshots", client)
    (asked,) = [request for request in fake.requests if request.path == one_week]
    assert int(asked.headers["range"].removeprefix("bytes=").removesuffix("-")) > 0


def test_download_starts_again_where_the_content_is_damaged(fake, client, one_week, tmp_path):
    (content,) = fake.datasets[WEEKLY].files.values()
    bodies = [b"!" * len(content)]
    fake.damage = lambda body: bodies.pop() if bodies else body
    done = bring(tmp_path, "weekly-snapshots", client)
    assert (done.folders[0] / "models.parquet").read_bytes() == content
    asked = [request.headers.get("range") for request in fake.requests if request.path == one_week]
    assert asked == [None, None]


def test_download_refuses_content_that_stays_damaged(fake, client, one_week, tmp_path):
    content = fake.datasets[WEEKLY].files["models/2026-11-11/models.parquet"]
    fake.damage = lambda body: body[:-1] + b"!"
    with pytest.raises(ContentError, match=r"3 times not as the Hub's own checksum says"):
        bring(tmp_path, "weekly-snapshots", client)
    fake.damage = None
    done = bring(tmp_path, "weekly-snapshots", client)
    assert (done.folders[0] / "models.parquet").read_bytes() == content


def test_download_refuses_what_is_no_parquet_file(fake, client, tmp_path):
    fake.datasets[STATS] = Dataset({"models.parquet": b"no parquet"})
    with pytest.raises(ContentError, match=r"models.parquet of the dataset .* is no Parquet file"):
        bring(tmp_path, "hub-stats", client)
    assert find_snapshots(str(tmp_path)).snapshots == ()


def test_download_needs_room(fake, client, one_week, tmp_path, monkeypatch):
    usage = datasets.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(datasets.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ContentError, match=r"0\.1 GB|are to come, and 0\.0 GB are free"):
        bring(tmp_path, "weekly-snapshots", client)
    assert downloads(fake) == []


def test_list_of_files_is_asked_again(fake, client, quiet, one_week, tmp_path):
    fake.moods[f"/api/datasets/{WEEKLY}"] = ["503", ("429", 9), "refuse"]
    assert len(bring(tmp_path, "weekly-snapshots", client).folders) == 1
    assert quiet.waits == [0.75, 9.5, 3.0]


@pytest.mark.parametrize(("mood", "told"), [("401", "refused with status 401"), (None, "moved or")])
def test_list_of_files_that_is_refused(fake, client, tmp_path, mood, told):
    if mood:
        fake.moods[f"/api/datasets/{WEEKLY}"] = [mood]
    with pytest.raises(ContentError, match=told):
        bring(tmp_path, "weekly-snapshots", client)


def test_offline_mode_is_wrong_use(fake, client, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="HF_HUB_OFFLINE is set"):
        bring(tmp_path, "weekly-snapshots", client)


def test_folder_that_is_not_ours_stays(fake, client, one_week, tmp_path):
    mine = tmp_path / "snapshots" / "2026-11-11" / "mine.parquet"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(ContentError, match="2026-11-11 is there without _manifest"):
        bring(tmp_path, "weekly-snapshots", client)
    assert mine.read_text() == "mine"
