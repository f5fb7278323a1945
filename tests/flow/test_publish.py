"""A release of real tables: the folder against the tables, and its way to a Hub."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import mlcroissant
import nbformat
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from deltalake import DeltaTable
from huggingface_hub import constants
from nbclient import NotebookClient

from opentrace_spark.cli import main
from opentrace_spark.publish.release.tables import _refuse_personal
from opentrace_spark.tables import SILVER_MODELS, TABLES
from tests.fake_repositories import FakeRepositories
from tests.pipeline import call

SPECS = {spec.name: spec for spec in TABLES}
FROM_RUNS = {"parameters", "processed_at"}
TOKEN = "hf_may_write"
NOTEBOOK = Path(__file__).parents[2] / "docs" / "example.ipynb"
Capture = pytest.CaptureFixture[str]


def arguments(warehouse: Path, *more: object) -> list[str]:
    return ["publish", "--warehouse", str(warehouse), *map(str, more)]


@pytest.fixture(scope="module")
def release(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset's folder, built without a token."""
    out = tmp_path_factory.mktemp("release") / "out"
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("HF_TOKEN", raising=False)
        call = arguments(built, "--repo-id", "acme/open-models", "--dry-run", "--out", out)
        assert main([*call, "--quiet"]) == 0
    return out / "dataset"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRepositories]:
    fake = FakeRepositories(TOKEN)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "ENDPOINT", fake.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    yield fake
    fake.close()


def head_of(card: Path) -> Any:
    found = re.match(r"---\n(.*?)\n---\n", card.read_text(), re.DOTALL)
    assert found
    return yaml.safe_load(found[1])


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_every_row_of_the_tables_is_there_once(release: Path, built: Path) -> None:
    published = {path.name for path in (release / "data").iterdir()}
    assert {"concentration", "usage_shares", "models", "model_weeks", "lineage", "runs"} < published
    assert not published & {"rejects", "resolutions", "snapshots"}
    for name in published:
        rows = pa.concat_tables(
            pq.read_table(path) for path in sorted((release / "data" / name).glob("*.parquet"))
        ).to_pylist()
        table = DeltaTable(built / SPECS[name].path).to_pyarrow_table()
        expected = table.select(list(rows[0])).to_pylist()
        assert sorted(map(repr, rows)) == sorted(map(repr, expected))
        left = set(table.column_names) - set(rows[0])
        if name == "models":
            assert left - FROM_RUNS >= {"card_data", "siblings", "other_fields", "source_file"}
        else:
            assert left == (set() if name == "runs" else FROM_RUNS & set(table.column_names))


def test_rows_are_sorted_and_weeks_have_a_file_for_each_year(release: Path) -> None:
    for path in release.glob("data/*/*.parquet"):
        spec = SPECS[path.parent.name]
        rows = pq.read_table(path).to_pylist()
        keys = [tuple((row[name] is None, row[name]) for name in spec.key) for row in rows]
        assert keys == sorted(keys)
        if spec.key[0] == "week_start":
            assert {str(row["week_start"].year) for row in rows} == {path.stem}
        else:
            assert path.stem == "all"


def test_the_same_tables_give_the_same_bytes(
    release: Path, built: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "again"
    where = ["--repo-id", "acme/open-models", "--dry-run", "--out", out]
    status, said, errors = call(capsys, *arguments(built, *where))
    assert status == 0, errors
    assert "nothing sent" in said
    assert files_of(out / "dataset") == files_of(release)
    status, _, errors = call(capsys, *arguments(built, *where))
    assert (status, "is not empty" in errors) == (2, True)


def test_checksums_are_those_of_the_files(release: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=release, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    named = {line.split()[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    assert named == set(files_of(release)) - {"SHA256SUMS"}


def test_the_card_names_every_file_for_the_viewer_and_says_what_is_counted(release: Path) -> None:
    head = head_of(release / "README.md")
    files = [path for path in files_of(release) if path.endswith(".parquet")]
    patterns = [config["data_files"] for config in head["configs"]]
    assert all(sum(fnmatch(path, pattern) for pattern in patterns) == 1 for path in files)
    assert [c["config_name"] for c in head["configs"] if c.get("default")] == ["concentration"]
    assert head["license"] == "cc-by-4.0"
    card = (release / "README.md").read_text()
    assert "what they count as one download is not stated" in card
    for config in head["configs"]:
        rows = sum(pq.read_metadata(path).num_rows for path in release.glob(config["data_files"]))
        assert f"| {rows:,} |" in card.split(f"| `{config['config_name']}` |")[1].split("\n")[0]


def test_croissant_is_valid_and_has_the_columns_of_the_files(release: Path) -> None:
    dataset = mlcroissant.Dataset(jsonld=release / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    found = {
        each.name: [field.name.partition("/")[2] for field in each.fields]
        for each in dataset.metadata.record_sets
    }
    assert found == {
        path.name: pq.read_schema(next(path.glob("*.parquet"))).names
        for path in (release / "data").iterdir()
    }


def test_nothing_tells_where_a_person_lives(release: Path) -> None:
    models = pq.read_table(release / "data/models/all.parquet")
    people = [row for row in models.to_pylist() if row["org_type"] == "user"]
    assert people
    assert {row["country"] for row in people} == {"User"}
    wrong = pa.table({"country": ["User", "France"], "org_type": ["user", "user"]})
    with pytest.raises(Exception, match="1 rows give a country to individual accounts"):
        _refuse_personal(SILVER_MODELS, wrong)


def test_one_commit_replaces_the_release_before(
    built: Path, release: Path, hub: FakeRepositories, capsys: Capture
) -> None:
    where = arguments(built, "--repo-id", "acme/open-models", "--space", "acme/page", "--private")
    status, said, errors = call(capsys, *where)
    assert status == 0, errors
    assert TOKEN not in said + errors
    repository = hub.repositories["datasets/acme/open-models"]
    sent = {path: data for path, data in repository.files.items() if path != ".gitattributes"}
    assert {path for path in sent if path.startswith("data/")} == {
        path for path in files_of(release) if path.startswith("data/")
    }
    assert (
        sent["data/concentration/2024.parquet"]
        == (release / "data/concentration/2024.parquet").read_bytes()
    )
    assert all(TOKEN.encode() not in data for data in repository.files.values())
    assert len(repository.commits) == 1
    assert repository.private
    page = hub.repositories["spaces/acme/page"]
    assert page.sdk == "static"
    assert b"</html>" in page.files["index.html"]
    repository.files["data/gone/all.parquet"] = b"of an earlier release"
    repository.files["README.md"] = b"edited"
    assert call(capsys, *where)[0] == 0
    assert len(repository.commits) == 2
    assert repository.files == {**sent, ".gitattributes": repository.files[".gitattributes"]}


@pytest.mark.parametrize(
    ("path", "statuses", "status", "words"),
    [
        ("/commit/", [500] * 9, 1, "nothing there has changed, run the same again"),
        ("/lfs/", [400] * 9, 1, "nothing there has changed"),
        ("/create", [403], 2, "may not write there (status 403)"),
    ],
)
def test_a_release_that_fails_changes_nothing(
    built: Path,
    hub: FakeRepositories,
    capsys: Capture,
    path: str,
    statuses: list[int],
    status: int,
    words: str,
) -> None:
    hub.refuse[path] = statuses
    got, _, errors = call(capsys, *arguments(built, "--repo-id", "acme/open-models"))
    assert got == status
    assert words in errors.splitlines()[-1]
    assert TOKEN not in errors
    assert all(not each.commits for each in hub.repositories.values())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--repo-id", "acme/open-models"], "environment variable HF_TOKEN"),
        (["--repo-id", "acme/open-models", "--dry-run"], "needs --out DIR"),
        (["--repo-id", "open-models"], "is named ORG/NAME"),
        (["--repo-id", "../x/y", "--dry-run"], "is named ORG/NAME"),
    ],
)
def test_wrong_calls_say_what_to_do(
    built: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, more: list[str], words: str
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    status, _, errors = call(capsys, *arguments(built, *more))
    assert status == 2
    assert words in errors.splitlines()[-1]


def test_tables_of_two_runs_are_refused(built: Path, tmp_path: Path, capsys: Capture) -> None:
    other = shutil.copytree(built, tmp_path / "other")
    table = DeltaTable(other / SPECS["concentration"].path)
    table.delete("level = 'country'")
    where = ["--repo-id", "acme/open-models", "--dry-run", "--out", tmp_path / "out"]
    status, _, errors = call(capsys, *arguments(other, *where))
    assert status == 1
    assert "gold/concentration is not as the last run left it" in errors.splitlines()[-1]
    shutil.rmtree(other / SPECS["concentration"].path)
    where[-1] = tmp_path / "without"
    status, said, errors = call(capsys, *arguments(other, *where))
    assert status == 0, errors
    assert "left out: gold/concentration (not in the warehouse)" in said


def test_a_release_of_a_run_with_a_stated_definition_says_it(built: Path) -> None:
    from opentrace_spark.publish.counting import what_is_counted

    row = DeltaTable(built / "gold/runs").to_pyarrow_table().to_pylist()[-1]
    values = json.loads(row["parameters"])
    assert values["weeks"]["download_definition"] == "unstated"
    values["weeks"]["download_definition"] = "user_model_day"
    (sentence,) = what_is_counted(values, ["downloads/a.csv", "models/a.parquet"])
    assert "one user, one model, one day" in sentence
    both = what_is_counted(values, ["downloads/a.csv", "snapshots/2026-01-05/a.parquet"])
    assert both[0] == sentence
    assert "downloadsAllTime" in both[1]


def pictures(notebook: Any) -> list[int]:
    """Bytes (in base64) of the PNG that each cell of code shows; 0 without one."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [
        [len(out.data["image/png"]) for out in cell.outputs if "image/png" in out.get("data", {})]
        for cell in cells
    ]
    return [sum(sizes) for sizes in shown]


def test_the_notebook_draws_three_figures_of_a_release(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert sum(1 for line in code.splitlines() if line.strip()) < 30
    kept = pictures(notebook)
    assert (kept[0], sum(size > 10_000 for size in kept)) == (0, 3)
    monkeypatch.setenv("OPENTRACE_DATASET", str(release))
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert sum(size > 5_000 for size in pictures(notebook)) == 3
