"""`--source hub` against a Hub that is well, and one that is not."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path

import huggingface_hub.constants
import pyarrow.parquet as pq
import pytest

import opentrace_spark
from opentrace_spark.collect import pages, parts
from opentrace_spark.collect.snapshot import collect_hub
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.sources.parquet import check_parquet, read_row_group
from opentrace_spark.sources.schemas import COLUMNS
from opentrace_spark.sources.snapshots import find_snapshots
from tests.fake_hub import FakeHub, model, place_of, serving


def silent(*_):
    pass


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    """Pages of 10 models, parts of 3 pages, row groups of 2."""
    query = pages.FIRST_QUERY.replace("limit=1000", "limit=10")
    monkeypatch.setattr(pages, "FIRST_QUERY", query)
    monkeypatch.setattr(parts, "PAGES_PER_PART", 3)
    monkeypatch.setattr(parts, "_PAGES_PER_ROW_GROUP", 2)


def models(count, **changes):
    return [model(number, **changes) for number in range(count)]


def rows_of(folder: Path) -> list[dict]:
    files = sorted(folder.glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def ids_of(folder: Path) -> list[str]:
    return [row["id"] for row in rows_of(folder)]


def test_collect_hub_lists_every_model_once(fake, client, tmp_path):
    fake.models = models(75)
    done = collect_hub(tmp_path, client(), silent)
    assert done.is_new
    assert done.folder == tmp_path / "snapshots" / "2026-11-23"
    assert ids_of(done.folder) == [row["id"] for row in fake.models]
    assert fake.page_requests() == list(range(1, 9))
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == ["2026-11-23"]


def test_collected_files_are_no_snapshot_without_their_manifest(fake, client, tmp_path):
    fake.models = models(75)
    done = collect_hub(tmp_path, client(), silent)
    (done.folder / "_manifest.json").unlink()
    found = find_snapshots(str(tmp_path))
    assert (found.snapshots, found.unfinished) == ((), ("snapshots/2026-11-23",))


def test_collect_hub_writes_a_manifest_of_what_is_there(fake, client, tmp_path):
    fake.models = models(75)
    done = collect_hub(tmp_path, client(), silent)
    manifest = json.loads((done.folder / "_manifest.json").read_text())
    files = manifest.pop("files")
    assert manifest == {
        "source": "hub",
        "endpoint": fake.url,
        "tool_version": opentrace_spark.__version__,
        "started": "2026-11-23T06:30:00.000Z",
        "finished": "2026-11-23T06:30:00.000Z",
        "pages": 8,
        "rows": 75,
        "counts": {"listed_rows": 75},
        "fields": fake.requests[0].query["expand"],
    }
    assert [(entry["name"], entry["rows"]) for entry in files] == [
        ("part-00000.parquet", 30),
        ("part-00001.parquet", 30),
        ("part-00002.parquet", 15),
    ]
    names = {entry["name"] for entry in files} | {"_manifest.json"}
    assert {path.name for path in done.folder.iterdir()} == names
    for entry in files:
        content = (done.folder / entry["name"]).read_bytes()
        assert len(content) == entry["bytes"]
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]


def test_collect_hub_keeps_every_field_of_the_contract(fake, client, tmp_path):
    card = {"license": "other", "text": "naïve 🤗 \ud83d"}  # the last is half of a pair
    fake.models = [
        model(0, gated="auto", cardData=card, gguf={"total": 7}, author=None, likes=None),
        model(1, id="no-owner", gated="manual", downloadsAllTime=2**40, tags=[]),
    ]
    first, second = rows_of(collect_hub(tmp_path, client(), silent).folder)
    assert [first["gated"], second["gated"]] == ["auto", "manual"]
    assert json.loads(first["cardData"]) == card
    assert json.loads(first["gguf"]) == {"total": 7}
    assert first["author"] is first["likes"] is None
    assert (second["id"], second["downloadsAllTime"], second["tags"]) == ("no-owner", 2**40, [])
    told = model(1)
    assert {name: second[name] for name in ("_id", "createdAt", "usedStorage", "pipeline_tag")} == {
        name: told[name] for name in ("_id", "createdAt", "usedStorage", "pipeline_tag")
    }
    for name in ("cardData", "safetensors", "siblings", "baseModels"):
        assert json.loads(second[name]) == told[name], name


def test_collect_hub_writes_what_a_landing_is_read_from(fake, client, tmp_path):
    fake.models = [*models(30), model(30, gated="manual", baseModels=None, cardData=None)]
    collect_hub(tmp_path, client(), silent)
    (read,) = find_snapshots(str(tmp_path)).snapshots
    rows = []
    for file in read.files:
        first = 1
        for group in range(check_parquet(file).num_row_groups):
            for batch in read_row_group(file, group, first):
                rows += batch.to_pylist()
                first += len(batch)
    assert [row["reason"] for row in rows] == [None] * 31
    assert {name for name in rows[0] if rows[0][name] is None} == {
        *("gguf", "other_fields", "reason", "raw_values")
    }
    last = rows[-2]
    assert last["baseModels"] == model(29)["baseModels"]
    assert (last["gated"], rows[-1]["gated"]) == ("false", "manual")
    assert last["createdAt"].isoformat() == "2025-12-31T23:31:00+00:00"
    for name in ("id", "_id", "author", "tags", "likes", "downloadsAllTime", "usedStorage"):
        assert last[name] == model(29)[name]
    assert {rule.name for rule in COLUMNS["models"]} == set(read_schema(read.files[0]))


def read_schema(file):
    return pq.read_schema(file.uri.removeprefix("file://")).names


def test_collect_hub_leaves_out_private_models(fake, client, tmp_path):
    fake.models = models(25)
    fake.models[7] = model(7, private=True)
    done = collect_hub(tmp_path, client(), silent)
    assert model(7)["id"] not in ids_of(done.folder)
    assert len(ids_of(done.folder)) == done.manifest["rows"] == 24
    assert done.manifest["counts"]["private_rows"] == 1


def test_collect_hub_sets_malformed_records_aside(fake, client, tmp_path):
    fake.models = models(450)
    odd = {3: {"likes": 1.5}, 33: {"id": ""}, 48: {"tags": ["a", 1]}, 449: {"cardData": "text"}}
    for place, change in odd.items():
        fake.models[place] = model(place, **change)
    done = collect_hub(tmp_path, client(), silent)
    assert len(ids_of(done.folder)) == done.manifest["rows"] == 446
    assert done.manifest["counts"]["malformed_rows"] == 4
    rejects = [json.loads(line) for line in (done.folder / "_rejects.jsonl").open()]
    assert [(reject["page"], reject["reason"]) for reject in rejects] == [
        (1, "unparsable_likes"),
        (4, "malformed_row"),
        (5, "unparsable_tags"),
        (45, "unparsable_cardData"),
    ]
    assert rejects[0]["record"]["id"] == model(3)["id"]
    assert done.manifest["files"][-1]["name"] == "_rejects.jsonl"


def test_collect_hub_refuses_answers_of_another_form(fake, client, tmp_path):
    fake.models = [*models(30), *models(60, likes="many")[30:]]
    with pytest.raises(ContentError, match=r"pages 4 to 6 .* 30 of 30 .* unparsable_likes"):
        collect_hub(tmp_path, client(), silent)
    assert not (tmp_path / "snapshots" / "2026-11-23").exists()


def test_collect_hub_refuses_an_empty_list(fake, client, tmp_path):
    with pytest.raises(ContentError, match="is empty"):
        collect_hub(tmp_path, client(), silent)
    fake.models = models(5)
    assert collect_hub(tmp_path, client(), silent).manifest["rows"] == 5


def test_collect_hub_is_done_once_a_day(fake, client, quiet, tmp_path):
    fake.models = models(5)
    first = collect_hub(tmp_path, client(), silent)
    asked = len(fake.requests)
    again = collect_hub(tmp_path, client(), silent)
    assert not again.is_new
    assert again.manifest == first.manifest
    assert len(fake.requests) == asked
    quiet.time += timedelta(days=1)
    assert collect_hub(tmp_path, client(), silent).folder.name == "2026-11-24"


def test_collect_hub_tells_how_far_it_is(fake, client, tmp_path, quiet):
    fake.models = models(25)
    told = []
    collect_hub(tmp_path, client(), lambda *words: told.append(words))
    assert [words[:2] for words in told] == [("models", 10), ("models", 20), ("models", 25)]
    quiet.time += timedelta(days=7)
    fake.models = models(24)
    told.clear()
    collect_hub(tmp_path, client(), lambda *words: told.append(words))
    assert told == [("models", 10, 25), ("models", 20, 25), ("models", 24, 25)]


# What happens to the list while it is read.


def test_collect_hub_while_models_vanish_and_appear(fake, client, tmp_path):
    fake.models = models(40)
    seen, gone = model(2), model(25)

    def change(hub):
        # One that was listed and one that was not are removed; one appears before and one after
        # what has been listed, of which the first can't be seen any more.
        early, late = model(0, _id="e" * 24, id="new/early"), model(30, _id="f" * 24, id="new/late")
        kept = [row for row in hub.models if row["_id"] not in (seen["_id"], gone["_id"])]
        hub.models = sorted([early, *kept, late], key=place_of)

    fake.between[3] = change
    ids = ids_of(collect_hub(tmp_path, client(), silent).folder)
    expected = {model(number)["id"] for number in range(40)} - {gone["id"]} | {"new/late"}
    assert len(ids) == len(expected)
    assert set(ids) == expected


def test_collect_hub_counts_models_created_while_it_ran(fake, client, tmp_path):
    fake.models = [model(0, createdAt="2026-11-23T07:00:00.000Z"), *models(12)[1:]]
    assert collect_hub(tmp_path, client(), silent).manifest["counts"]["appeared"] == 1


def test_collect_hub_keeps_the_first_of_a_model_that_is_listed_twice(fake, client, tmp_path):
    fake.models = models(50)

    def rename_and_move(hub):
        hub.models[44] = model(44, _id=model(4)["_id"], id="new-owner/renamed")

    fake.between[4] = rename_and_move
    done = collect_hub(tmp_path, client(), silent)
    assert model(4)["id"] in ids_of(done.folder)
    assert "new-owner/renamed" not in ids_of(done.folder)
    assert len(ids_of(done.folder)) == done.manifest["rows"] == 49
    assert done.manifest["counts"]["repeated_rows"] == 1


def test_collect_hub_follows_no_link_to_another_host(fake, client, tmp_path):
    fake.models = models(25)
    fake.link_host = "http://elsewhere.invalid"
    assert collect_hub(tmp_path, client(), silent).manifest["rows"] == 25


# What goes wrong on the way.


@pytest.mark.parametrize(
    ("mood", "kind", "waits"),
    [
        ("429", "rate_limited", [0.75]),
        (("429", 7), "rate_limited", [7.5]),
        (("429 reset", 55), "rate_limited", [55.5]),
        (("503", 20), "server_errors", [20.5]),
        ("500", "server_errors", [0.75]),
        ("refuse", "connection_errors", [0.75]),
        ("cut", "truncated_bodies", [0.75]),
        ("close", "invalid_json", [0.75]),
        ("invalid", "invalid_json", [0.75]),
        ("object", "invalid_json", [0.75]),
        ("repeat", "repeated_pages", [0.75]),
        (("drip", 10), "timeouts", [0.75]),
        ("silent", "timeouts", [0.75]),
    ],
)
def test_collect_hub_survives(fake, client, quiet, tmp_path, mood, kind, waits):
    fake.models = models(25)
    fake.moods[2] = [mood]
    done = collect_hub(tmp_path, client(silence=0.2, body=0.2), silent)
    assert ids_of(done.folder) == [row["id"] for row in fake.models]
    assert done.manifest["counts"] == {"listed_rows": 25, kind: 1}
    assert quiet.waits == waits
    assert fake.page_requests() == [1, 2, 2, 3]


def test_collect_hub_waits_until_the_date_that_the_hub_names(fake, client, quiet, tmp_path):
    fake.models = models(5)
    quiet.time = quiet.time.now(quiet.time.tzinfo)
    fake.moods[1] = [("429 date", 30)]
    collect_hub(tmp_path, client(), silent)
    assert 25 < quiet.waits[0] < 31


def test_collect_hub_waits_longer_each_time(fake, client, quiet, tmp_path):
    fake.models = models(5)
    fake.moods[1] = ["500"] * 6
    collect_hub(tmp_path, client(longest_wait=10), silent)
    assert quiet.waits == [0.75, 1.5, 3, 6, 7.5, 7.5]


def test_collect_hub_gives_up_and_goes_on_later(fake, client, tmp_path):
    fake.models = models(75)
    fake.moods[5] = ["500", "cut", "invalid", "502"]
    told = r"^page 5 of the list of models at \S+: status 502, 4 times in a row; .* run the same"
    with pytest.raises(ContentError, match=told):
        collect_hub(tmp_path, client(attempts=4), silent)
    assert not (tmp_path / "snapshots" / "2026-11-23").exists()
    fake.requests.clear()
    done = collect_hub(tmp_path, client(), silent)
    assert fake.page_requests() == [5, 6, 7, 8]
    assert ids_of(done.folder) == [row["id"] for row in fake.models]


def test_collect_hub_remembers_what_it_has_seen_when_it_goes_on(fake, client, tmp_path):
    fake.models = models(75)
    fake.models[72] = model(72, _id=model(12)["_id"], id="new-owner/renamed")
    fake.moods[6] = ["500"]
    with pytest.raises(ContentError):
        collect_hub(tmp_path, client(attempts=1), silent)
    fake.moods[6] = ["repeat"]  # page 5, which is in no part yet
    fake.moods[7] = ["500", "500"]
    with pytest.raises(ContentError):
        collect_hub(tmp_path, client(attempts=2, first_wait=0), silent)
    fake.moods[7] = ["repeat"]  # page 6, which is in a part
    done = collect_hub(tmp_path, client(), silent)
    assert ids_of(done.folder) == [row["id"] for row in models(75) if row["id"] != model(72)["id"]]
    assert done.manifest["counts"] == {"listed_rows": 75, "repeated_pages": 2, "repeated_rows": 1}


def test_collect_hub_does_not_wait_for_hours(fake, client, quiet, tmp_path):
    fake.models = models(5)
    fake.moods[1] = [("429", 90_000)]
    with pytest.raises(ContentError, match=r"page 1 .* asks to wait 90000 s"):
        collect_hub(tmp_path, client(), silent)
    assert quiet.waits == []


@pytest.mark.parametrize(
    ("mood", "message"),
    [("401", "refused with status 401; renew the token"), ("400", "status 400, which no further")],
)
def test_collect_hub_does_not_repeat_what_is_refused(fake, client, tmp_path, mood, message):
    fake.models = models(5)
    fake.moods[1] = [mood]
    with pytest.raises(ContentError, match=f"page 1 .* {message}"):
        collect_hub(tmp_path, client(), silent)
    assert len(fake.requests) == 1


def test_collect_hub_asks_for_less_where_a_page_takes_too_long(fake, client, tmp_path):
    fake.models = models(75)
    fake.moods[3] = ["504"] * 6
    done = collect_hub(tmp_path, client(attempts=3), silent)
    assert ids_of(done.folder) == [row["id"] for row in fake.models]
    limits = [request.query["limit"] for request in fake.requests]
    assert [int(limit) for (limit,) in limits] == [*[10] * 5, *[5] * 3, 2, *[10] * 6]
    assert done.manifest["counts"] == {"listed_rows": 75, "timeouts": 6}


def test_collect_hub_stops_where_even_a_short_page_takes_too_long(fake, client, quiet, tmp_path):
    fake.models = models(75)
    fake.moods[1] = ["504"] * 8
    with pytest.raises(ContentError, match=r"page 1 .* status 504, 2 times in a row"):
        collect_hub(tmp_path, client(attempts=2), silent)
    assert len(fake.requests) == 8


def test_collect_hub_stops_where_pages_go_in_a_circle(fake, client, tmp_path):
    fake.models = models(40)
    fake.moods[3] = ["repeat"] * 5
    with pytest.raises(ContentError, match=r"page 3 .* models of an earlier page, 5 times"):
        collect_hub(tmp_path, client(attempts=5), silent)


def test_collect_hub_refuses_a_list_that_was_cut_short(fake, client, quiet, tmp_path):
    fake.models = models(60)
    first = collect_hub(tmp_path, client(), silent)
    quiet.time += timedelta(days=7)
    fake.moods[5] = ["last"]  # 50 of 60 models
    with pytest.raises(ContentError, match=rf"ended after 50 models, and {first.folder} has 60"):
        collect_hub(tmp_path, client(), silent)
    assert collect_hub(tmp_path, client(), silent).manifest["rows"] == 60
    quiet.time += timedelta(days=7)
    fake.models = models(54)
    assert collect_hub(tmp_path, client(), silent).manifest["rows"] == 54


def test_collect_hub_stops_where_a_page_leads_to_itself(fake, client, tmp_path):
    fake.models = models(40)
    fake.moods[3] = ["itself"]
    with pytest.raises(ContentError, match=r"page 3 of the list of models at \S+ leads to itself"):
        collect_hub(tmp_path, client(), silent)
    assert collect_hub(tmp_path, client(), silent).manifest["rows"] == 40


# What is on disk.


class Killed(BaseException):
    """Nothing runs after it, as after SIGKILL."""


def test_collect_hub_can_be_killed_between_any_two_steps(fake, client, tmp_path, monkeypatch):
    fake.models = [*models(44), model(44, likes="x")]
    expected = collect_hub(tmp_path / "expected", client(), silent)
    steps = {"rename": Path.rename, "unlink": Path.unlink, "mkdir": Path.mkdir}
    left = 0

    def step(name):
        def run(path, *arguments, **options):
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return steps[name](path, *arguments, **options)

        return run

    for name in steps:
        monkeypatch.setattr(Path, name, step(name))
    kills = 0
    for at in range(1, 1000):
        left = at
        out = tmp_path / str(at)
        fake.requests.clear()
        try:
            collect_hub(out, client(), silent)
            break
        except Killed:
            kills += 1
        left = -1
        done = collect_hub(out, client(), silent)
        assert len(fake.requests) <= 6
        assert done.manifest == expected.manifest
        assert {path.name: path.read_bytes() for path in done.folder.iterdir()} == {
            path.name: path.read_bytes() for path in expected.folder.iterdir()
        }
        assert [path.name for path in (out / "snapshots").iterdir()] == ["2026-11-23"]
    assert kills > 20


def test_collect_hub_gives_up_an_old_beginning(fake, client, quiet, tmp_path):
    fake.models = models(40)
    fake.moods[3] = ["500"]
    with pytest.raises(ContentError):
        collect_hub(tmp_path, client(attempts=1), silent)
    quiet.time += timedelta(days=1)  # tomorrow is near enough: it is yesterday's snapshot
    fake.moods[4] = ["500"]
    with pytest.raises(ContentError):
        collect_hub(tmp_path, client(attempts=1), silent)
    assert fake.page_requests() == [1, 2, 3, 3, 4]
    quiet.time += timedelta(days=2)
    fake.requests.clear()
    done = collect_hub(tmp_path, client(), silent)
    assert done.folder.name == "2026-11-26"
    assert fake.page_requests() == [1, 2, 3, 4]
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == ["2026-11-26"]


def test_collect_hub_does_not_go_on_with_what_another_version_began(
    fake, client, tmp_path, monkeypatch
):
    fake.models = models(40)
    fake.moods[3] = ["500"]
    with pytest.raises(ContentError):
        collect_hub(tmp_path, client(attempts=1), silent)
    monkeypatch.setattr(opentrace_spark, "__version__", "9.9.9")
    done = collect_hub(tmp_path, client(), silent)
    assert fake.page_requests() == [1, 2, 3, 1, 2, 3, 4]
    assert done.manifest["tool_version"] == "9.9.9"


def test_collect_hub_does_not_go_on_with_what_it_has_of_another_hub(
    fake, client, tmp_path, monkeypatch
):
    fake.models = models(40)
    fake.moods[3] = ["500"]
    with pytest.raises(ContentError):
        collect_hub(tmp_path, client(attempts=1), silent)
    with serving(FakeHub(models(50)[20:])) as mirror:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", mirror.url)
        done = collect_hub(tmp_path, client(), silent)
        assert mirror.page_requests() == [1, 2, 3]
    assert ids_of(done.folder) == [row["id"] for row in models(50)[20:]]


def test_collect_hub_leaves_what_another_source_has_given_meanwhile(fake, client, quiet, tmp_path):
    fake.models = models(40)
    fake.moods[3] = ["500"]
    with pytest.raises(ContentError):
        collect_hub(tmp_path, client(attempts=1), silent)
    other = tmp_path / "snapshots" / "2026-11-23"
    other.mkdir()
    (other / "_manifest.json").write_text('{"finished": "x", "files": []}')
    quiet.time += timedelta(days=1)
    done = collect_hub(tmp_path, client(), silent)
    assert (done.folder.name, done.is_new) == ("2026-11-24", True)
    assert {path.name for path in other.parent.iterdir()} == {"2026-11-23", "2026-11-24"}


@pytest.mark.parametrize(
    ("number", "kind", "told"),
    [
        (errno.ENOSPC, ContentError, "the disk is full; what has arrived is kept"),
        (errno.EACCES, UsageError, "Permission denied.*see whether it can be written"),
    ],
)
def test_collect_hub_says_why_it_cant_write(
    fake, client, tmp_path, monkeypatch, number, kind, told
):
    fake.models = models(40)

    def fail(descriptor):
        if len(fake.requests) == 3:
            raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(kind, match=told):
            collect_hub(tmp_path, client(), silent)
    assert collect_hub(tmp_path, client(), silent).manifest["rows"] == 40
    assert fake.page_requests() == [1, 2, 3, 3, 4]


def test_collect_hub_touches_no_folder_that_is_not_its_own(fake, client, tmp_path):
    fake.models = models(5)
    mine = tmp_path / "snapshots" / "2026-11-23" / "mine.parquet"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(ContentError, match="2026-11-23 is there without _manifest"):
        collect_hub(tmp_path, client(), silent)
    assert mine.read_text() == "mine"


def test_collect_hub_refuses_a_second_collection(fake, client, tmp_path):
    fake.models = models(25)
    refused = []

    def second(_):
        with pytest.raises(UsageError, match="another collection writes there"):
            collect_hub(tmp_path, client(), silent)
        refused.append(True)

    fake.between[2] = second
    assert collect_hub(tmp_path, client(), silent).manifest["rows"] == 25
    assert refused


def test_collect_hub_refuses_an_out_that_is_a_file(fake, client, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"--out .*file: "):
        collect_hub(tmp_path / "file", client(), silent)


def test_collect_hub_counts_pages_from_which_a_model_vanished(fake, client, tmp_path):
    fake.models = models(75)
    fake.moods[5] = ["short"]
    done = collect_hub(tmp_path, client(), silent)
    assert done.manifest["counts"] == {"listed_rows": 74, "short_pages": 1}
    assert model(40)["id"] not in ids_of(done.folder)
