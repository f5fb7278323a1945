"""When a kept table holds: every reason why it does not, on steps that need no Spark."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import cloudpickle
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark import reuse
from opentrace_spark.config import Config, load_config
from opentrace_spark.io import StoredFile, Warehouse
from opentrace_spark.reuse import Reuse, traced
from opentrace_spark.scratch import Scratch
from opentrace_spark.sources.landing import MANIFEST, Landing
from opentrace_spark.sources.snapshots import Snapshot
from opentrace_spark.steps import Step

CONFIG = load_config()
RUN = "20260105T000000Z-00000000"


def values_read(read: Callable[[Config], Any]) -> set[str]:
    values: set[str] = set()
    read(traced(CONFIG, values))
    return values


def test_values_that_are_read_are_noted() -> None:
    assert values_read(lambda config: config.sizes) == set()
    assert values_read(lambda config: config.sizes.band) == {"sizes.band"}
    assert values_read(lambda config: config.window_days) == {"windows.recency"}
    assert values_read(lambda config: config.periods) == {"periods"}
    assert "parameters" in values_read(lambda config: config.parameters)
    sizes = {f"sizes.{each.name}" for each in dataclasses.fields(CONFIG.sizes)}
    assert values_read(lambda config: dataclasses.asdict(config.sizes)) == sizes


@pytest.mark.parametrize("pickled", [pickle.dumps, cloudpickle.dumps])
def test_what_is_sent_to_workers_counts_as_read_and_arrives_as_it_is(
    pickled: Callable[[Any], bytes],
) -> None:
    values: set[str] = set()
    section = pickle.loads(pickled(traced(CONFIG, values).sizes))
    assert section == CONFIG.sizes
    assert type(section) is type(CONFIG.sizes)
    assert values == {f"sizes.{each.name}" for each in dataclasses.fields(CONFIG.sizes)}
    config = pickle.loads(pickled(traced(CONFIG, values)))
    assert config == CONFIG
    assert {"regions", "periods", "windows.recency"} <= values


def build_a(inputs: Any, context: Any) -> Any: ...


def build_b(inputs: Any, context: Any) -> Any: ...


A = Step("work_a", (), "work_a", build_a, folders=("downloads/", "models/"))
B = Step("work_b", ("work_a",), "work_b", build_b)
WRITER = Step("work_writer", ("work_a",), "work_writer", build_a)
FOLLOWER = Step("follower", ("work_writer",), "work_follower", build_b, files_of="work_writer")
STEPS = (A, B, WRITER, FOLLOWER)
PRINTS = {
    "downloads/1.csv": {"bytes": 1, "sha256": "1"},
    "models/1.csv": {"bytes": 1, "sha256": "2"},
    "aliases/1.csv": {"bytes": 1, "sha256": "3"},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def reuse_of(place: Path, **changes: Any) -> Reuse:
    given: dict[str, Any] = {
        "warehouse": Warehouse(str(place)),
        "landing": Landing("file:///landing", ()),
        "prints": PRINTS,
        "config": CONFIG,
        "runs": {RUN},
        "steps": STEPS,
    }
    return Reuse(**(given | changes))


def built(
    decide: Reuse, step: Step, values: tuple[str, ...] = (), name: str | None = None
) -> reuse.Kept:
    """Store a table of two rows as a run does, and keep it."""
    folder = Scratch(decide.warehouse).new_folder(step.name)
    writer = next((other for other in STEPS if other.writes == step.files_of), None)
    of = ""
    if writer is not None:
        kept = decide.kept(writer)
        assert kept
        of = kept.folder
    relative = f"{of}/{reuse.SCRATCH}" if of else f"{folder}/{reuse.TABLE}"
    path = Path(decide.warehouse.path) / relative
    path.mkdir(parents=True)
    pq.write_table(pa.table({"n": [1, 2]}), path / (name or "part-0.parquet"))
    size = (path / "part-0.parquet").stat().st_size
    files = [StoredFile("part-0.parquet", size, 0, 2)]
    kept = decide.keep(step, folder, of, "{}", files, values, RUN)
    decide.keys[step.writes] = kept.key
    return kept


def whys(decide: Reuse) -> list[str]:
    """The reasons of all steps in order; a table that is built anew has another content."""
    found = []
    for step in decide.steps:
        why, kept = decide.why(step), decide.kept(step)
        decide.keys[step.writes] = f"new {step.name}" if why or kept is None else kept.key
        found.append(why)
    return found


@pytest.fixture
def kept(place: Path) -> Path:
    """A warehouse in which all steps are kept; A has read a value, B another."""
    decide = reuse_of(place)
    assert whys(reuse_of(place)) == ["not built yet"] * 4
    built(decide, A, ("windows.recency",))
    built(decide, B, ("sizes.band",))
    built(decide, WRITER)
    built(decide, FOLLOWER)
    return place


def test_nothing_has_changed(kept: Path) -> None:
    assert whys(reuse_of(kept)) == ["", "", "", ""]
    # What no step sees may change, as may values that none has read.
    other = replace(CONFIG, weeks=replace(CONFIG.weeks, precedence="snapshots"))
    prints = {path: what for path, what in PRINTS.items() if not path.startswith("aliases")}
    assert whys(reuse_of(kept, config=other, prints=prints)) == ["", "", "", ""]


def test_force_builds_everything(kept: Path) -> None:
    assert whys(reuse_of(kept, is_forced=True)) == ["--force"] * 4


@pytest.mark.parametrize("change", ["changed", "new", "gone"])
def test_files_that_a_step_sees(kept: Path, change: str) -> None:
    prints = dict(PRINTS)
    if change == "gone":
        del prints["models/1.csv"]
    else:
        path = "models/1.csv" if change == "changed" else "models/2.csv"
        prints[path] = {"bytes": 9, "sha256": "9"}
    assert whys(reuse_of(kept, prints=prints)) == [
        "models/ has changed",
        "reads work_a, which has changed",
        "reads work_a, which has changed",
        "reads work_writer, which has changed",
    ]


def test_a_table_that_the_landing_no_longer_allows(kept: Path) -> None:
    """B was made from A's table; without the folders of A it would be another."""
    alone = replace(B, reads=())
    assert whys(reuse_of(kept, steps=(alone,))) == ["work_a is no longer there"]


def test_days_and_sources_of_snapshots_count(place: Path) -> None:
    step = replace(A, folders=("snapshots/",))
    snapshot = Snapshot(date(2026, 1, 5), "hub", ())
    landing = Landing("file:///landing", (), snapshots=(snapshot,))
    built(reuse_of(place, landing=landing, steps=(step,)), step)
    assert whys(reuse_of(place, landing=landing, steps=(step,))) == [""]
    other = replace(landing, snapshots=(replace(snapshot, source="folder"),))
    assert whys(reuse_of(place, landing=other, steps=(step,))) == ["snapshots/ has changed"]


def test_values_that_a_step_has_read(kept: Path) -> None:
    other = replace(CONFIG, sizes=replace(CONFIG.sizes, band=0.5))
    assert whys(reuse_of(kept, config=other)) == ["", "other method values: sizes.band", "", ""]


def test_values_and_folders_of_another_version_of_the_program(kept: Path) -> None:
    """What a step read then is gone now, and what it sees now it did not see then."""
    decide = reuse_of(kept)
    found = decide.kept(B)
    assert found
    values = {"sizes.gone": "1", "gone": "2"}
    decide.put(B, replace(found, depends={**found.depends, "values": values}))
    told = "other method values: gone, sizes.gone"
    assert whys(reuse_of(kept))[1] == told
    sees_more = replace(A, folders=(*A.folders, "aliases/"))
    assert whys(reuse_of(kept, steps=(sees_more,))) == ["aliases/ has changed"]


def test_a_column_of_all_values_depends_on_all(place: Path) -> None:
    step = Step("weeks", (), "gold_weeks", build_a)
    built(reuse_of(place, steps=(step,)), step)
    assert whys(reuse_of(place, steps=(step,))) == [""]
    other = replace(CONFIG, sizes=replace(CONFIG.sizes, band=0.5))
    found = whys(reuse_of(place, steps=(step,), config=other))
    assert found == ["other method values"]


def test_rows_of_a_run_that_did_not_end(place: Path) -> None:
    """Their run_id is in no row of gold/runs, unless that run is finished."""
    step = Step("rejects", (), "silver_resolutions", build_a)
    built(reuse_of(place, steps=(step,)), step)
    built(reuse_of(place, steps=(A,)), A)
    assert whys(reuse_of(place, steps=(step, A), runs=set())) == ["of a run that did not end", ""]


def test_other_code_and_other_libraries(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = reuse.code_digest
    with monkeypatch.context() as patched:
        patched.setattr(
            reuse, "code_digest", lambda build: "new" if build is build_b else digest(build)
        )
        assert whys(reuse_of(kept)) == [
            *("", "other code"),
            *("its files of work_follower are not kept", "other code"),
        ]
        assert reuse.of_other_code(Warehouse(str(kept)), STEPS) == ["work_b", "follower"]
    monkeypatch.setattr(reuse, "libraries", lambda: {"pyspark": "9"})
    assert whys(reuse_of(kept))[0] == "other libraries"


def test_a_warehouse_that_was_moved(kept: Path) -> None:
    """Rows of scratch name files by their whole paths."""
    kept.rename(kept.parent / "elsewhere")
    assert whys(reuse_of(kept.parent / "elsewhere"))[0] == "the warehouse was moved"


@pytest.mark.parametrize("harm", ["removed", "cut short"])
def test_files_that_are_not_as_they_were_stored(kept: Path, harm: str) -> None:
    folder = Scratch(Warehouse(str(kept)))
    decide = reuse_of(kept)
    found = decide.kept(A)
    assert found
    assert folder.sizes_below(found.stored_in)
    path = kept / found.stored_in / "part-0.parquet"
    path.unlink() if harm == "removed" else path.write_bytes(b"")
    assert whys(decide)[0] == "its files are not there"


def test_a_step_that_wrote_files_is_kept_with_them_or_not_at_all(kept: Path) -> None:
    decide = reuse_of(kept)
    follower = decide.kept(FOLLOWER)
    assert follower
    # The writer ran again without the other, as with --only: the files of its rows are new ones.
    whys(decide)
    built(decide, WRITER)
    assert whys(reuse_of(kept))[2:] == [
        "its files of work_follower are not kept",
        "reads work_writer, which has changed",
    ]


def test_notes_that_are_cut_short_or_of_another_version_keep_nothing(kept: Path) -> None:
    notes = kept / "_work" / "notes"
    (notes / "work_a.json").write_text("{")
    (notes / "work_b.json").write_text('{"files": [], "of_another": "version"}')
    assert whys(reuse_of(kept))[:2] == ["not built yet", "not built yet"]


def test_tidy_removes_what_no_step_keeps(kept: Path) -> None:
    decide = reuse_of(kept)
    stays = {each.folder for step in STEPS if (each := decide.kept(step))}
    (kept / "_work" / "built" / "work_a-half").mkdir()
    (kept / "_work" / "20250101T000000Z-of-older-programs").mkdir()
    decide.tidy()
    have = {f"_work/built/{path.name}" for path in (kept / "_work" / "built").iterdir()}
    assert have == {folder for folder in stays if (kept / folder).exists()}
    assert sorted(path.name for path in (kept / "_work").iterdir()) == ["built", "notes"]
    assert whys(reuse_of(kept)) == ["", "", "", ""]
    Scratch(Warehouse(str(kept))).clear()
    assert list((kept / "_work").iterdir()) == []


def test_tidy_removes_notes_that_were_cut_off(kept: Path) -> None:
    (kept / "_work/notes/work_a.0123456789ab").write_text("{")
    reuse_of(kept).tidy()
    assert {path.suffix for path in (kept / "_work/notes").iterdir()} == {".json"}
    assert whys(reuse_of(kept)) == ["", "", "", ""]


def test_checks_that_held_for_the_same_tables(kept: Path) -> None:
    decide = reuse_of(kept)
    whys(decide)
    assert not decide.has_held("rule", "code", ("work_a", "work_b"))
    decide.note_held("rule", "code", ("work_a", "work_b"))
    decide.note_checks()
    later = reuse_of(kept)
    whys(later)
    assert later.has_held("rule", "code", ("work_a", "work_b"))
    assert not later.has_held("rule", "other code", ("work_a", "work_b"))
    assert not later.has_held("rule", "code", ("work_a",))
    changed = reuse_of(kept, prints={})
    whys(changed)
    assert not changed.has_held("rule", "code", ("work_a", "work_b"))


def test_a_landing_shows_the_folders_that_a_step_names() -> None:
    landing = Landing(
        "file:///landing", (), date(2026, 1, 5), (Snapshot(date(2026, 1, 5), "hub", ()),)
    )
    assert landing.only(()) == Landing("file:///landing", ())
    assert landing.only((MANIFEST,)).last_complete_week == date(2026, 1, 5)
    assert landing.only(("snapshots/",)).snapshots == landing.snapshots
