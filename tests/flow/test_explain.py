"""`opentrace explain` on the built warehouse, held against its tables and its landing."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from opentrace_spark import cli
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.explain.counts import Counts
from opentrace_spark.publish.explain.figures import COLUMN
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import GOLD_RUNS, GOLD_USAGE_SHARES, GOLD_WEEKS, REST, SILVER_MODELS
from tests.pipeline import read_tables, rewrite

MONDAY = date(2024, 6, 17)


def explained(capsys: pytest.CaptureFixture[str], warehouse: Path, *arguments: object) -> str:
    status = cli.main(["explain", "--warehouse", str(warehouse), *map(str, arguments)])
    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    return printed.out


def refused(capsys: pytest.CaptureFixture[str], warehouse: Path, *arguments: object) -> str:
    status = cli.main(["explain", "--warehouse", str(warehouse), *map(str, arguments)])
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert len(printed.err.splitlines()) == 1
    return printed.err


def table_of(printed: str, title: str) -> list[list[str]]:
    """The cells of the rows of a table, which stand at least two spaces apart."""
    lines = printed[printed.index(title) :].splitlines()[2:]
    rows = lines[: lines.index("")] if "" in lines else lines
    return [re.split(r" {2,}", line.strip()) for line in rows]


def assert_adds_up(warehouse: Path) -> None:
    """Every unit of every week has the downloads of gold/usage_shares, and is in no other week."""
    rows = read_tables(warehouse)[GOLD_USAGE_SHARES.id]
    published: dict[Any, dict[Any, int]] = {}
    for row in rows:
        if row["entity"] != REST:
            unit = (COLUMN[row["level"]], row["entity"], row["attribution"])
            published.setdefault(unit, {})[row["week_start"], row["recency_window"]] = row[
                "downloads"
            ]
    counts = Counts(Source(Warehouse(str(warehouse))))
    assert len(published) > 20
    assert counts.by_week({unit: counts.members(unit) for unit in published}) == published


def test_counts_of_every_unit_are_those_of_gold(built: Path) -> None:
    assert_adds_up(built)


def test_windows_can_start_from_the_roots_date(built: Path, tmp_path: Path) -> None:
    """lab/base is out of the window of 182d in June 2024 from here on, and what derives from it."""
    warehouse = tmp_path / "warehouse"
    shutil.copytree(built, warehouse)
    tables = read_tables(warehouse)
    for row in tables[SILVER_MODELS.id]:
        if row["model_id"] == "lab/base":
            row["created_date"] = date(2023, 12, 10)
    rewrite(warehouse, SILVER_MODELS, tables[SILVER_MODELS.id])
    runs = Warehouse(str(warehouse)).read(GOLD_RUNS).to_pylist()
    parameters = json.loads(runs[0]["parameters"])
    parameters["windows"]["date"] = "root"
    rewrite(warehouse, GOLD_RUNS, [{**runs[0], "parameters": json.dumps(parameters)}])
    counts = Counts(Source(Warehouse(str(warehouse))))
    unit = ("model_id", "quant/base-GGUF", "none")
    found = counts.by_week({unit: counts.members(unit)})[unit]
    first, last = date(2024, 6, 3), MONDAY
    assert found == {
        (first, "none"): 400,
        (first, "365d"): 400,
        (first, "182d"): 400,
        (last, "none"): 700,
        (last, "365d"): 700,
    }
    assert counts.by_week({unit: counts.members(unit)}, last)[unit] == {
        (last, "none"): 700,
        (last, "365d"): 700,
    }


@pytest.mark.parametrize(
    ("name", "first_line"),
    [
        ("old-base", "model      corp/base"),
        ("LAB/Base", "model      lab/base"),
        ("gone/model", "model      gone/model"),
        ("lab", "developer  lab"),
        ("uSeR", "country    User"),
        ("France", "country    France"),
        ("france", "country    France"),
    ],
)
def test_names_are_found_as_everywhere(
    built: Path, capsys: pytest.CaptureFixture[str], name: str, first_line: str
) -> None:
    options = ("--level", "country") if name == "uSeR" else ()
    printed = explained(capsys, built, name, *options).splitlines()
    assert printed[0] == first_line
    as_is = first_line.endswith(f" {name}")
    assert printed[1].startswith(f"           {name} ") != as_is


def test_a_name_of_several_things_is_asked_back(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An organisation of one account is one thing with it; of two it is not."""
    warehouse = tmp_path / "warehouse"
    shutil.copytree(built, warehouse)
    rows = read_tables(warehouse)[SILVER_MODELS.id]
    for row in rows:
        if row["developer"] == "corp":
            row["organization"] = "lab"
        if row["developer"] == "quant":
            row["country"] = "corp"
    rewrite(warehouse, SILVER_MODELS, rows)
    assert "--level developer or --level organization" in refused(capsys, warehouse, "lab")
    assert "--level developer or --level country" in refused(capsys, warehouse, "corp")
    of_both = explained(capsys, warehouse, "lab", "--level", "organization")
    assert [row[0] for row in table_of(of_both, "The most downloaded of its accounts")] == [
        "corp",
        "lab",
    ]
    assert explained(capsys, warehouse, "corp", "--level", "country").startswith("country    corp")


@pytest.mark.parametrize(
    "name", ["nobody", "' or 1=1 --", "../silver", "*", "%", "lab/*", "", " lab", "lab/base/"]
)
def test_other_names_are_nothing(
    built: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert f"opentrace: {' '.join(name.split())}" in refused(capsys, built, name)


def test_an_unknown_name_is_told_what_it_could_be(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is it the model lab/base" in refused(capsys, built, "lab/bas")
    assert "the developer quant" in refused(capsys, built, "qant")
    assert "no developer" in refused(capsys, built, "lab/base", "--level", "developer")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--week", "2024-06-12"), "the week of 2024-06-10 is missing in the tables"),
        (("--week", "2019-01-01"), "weeks from 2024-06-03 to 2024-06-17"),
        (("--top", "0"), "show 1 row or more"),
    ],
)
def test_wrong_options_are_refused(
    built: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, built, "lab/base", *options)


def test_a_folder_without_tables_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "run opentrace run first" in refused(capsys, tmp_path, "lab/base")


def test_the_way_to_the_root_has_its_evidence(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    title = "From the model to its root"
    assert table_of(explained(capsys, built, "user/merge"), title) == [
        ["0", "user/merge", "merge (told by tags)", "corp/base", "tags, the first of 2 parents"],
        ["1", "corp/base"],
    ]
    of_quantised = explained(capsys, built, "quant/base-GGUF")
    assert "root       lab/base, 1 step up; it names no parent" in of_quantised
    cycle = explained(capsys, built, "user/a")
    assert "on a cycle of parents" in cycle
    assert [row[1] for row in table_of(cycle, title)] == ["user/a", "user/b"]
    assert "known from its downloads alone" in explained(capsys, built, "gone/model")


def test_shares_are_those_of_the_week(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = explained(capsys, built, "quant/base-GGUF", "--week", "2024-06-20")
    shown = table_of(printed, "Shares and ranks in the week of 2024-06-17")
    published = {
        (row["level"], row["entity"], row["attribution"], row["recency_window"]): row
        for row in read_tables(built)[GOLD_USAGE_SHARES.id]
        if row["week_start"] == MONDAY
    }
    model = next(
        row for row in read_tables(built)[SILVER_MODELS.id] if row["model_id"] == "quant/base-GGUF"
    )
    root = {"model_id": "lab/base", "developer": "lab", "organization": "lab"}
    root |= {"country": "France", "org_type": "non-profit"}
    windows = sorted({key[3] for key in published}, reverse=True)
    assert {tuple(row[:4]) for row in shown} == {
        (level, of[column], attribution, window)
        for attribution, of in (("none", model), ("root", root))
        for level, column in COLUMN.items()
        for window in windows
    }
    for level, unit, attribution, window, rank, downloads, share in shown:
        row = published.get((level, unit, attribution, window))
        if row is None:
            assert (rank, downloads) == ("-", "0")
        else:
            counted = (f"{row['rank']:,}", f"{row['downloads']:,}", f"{100 * row['share']:.4f}%")
            assert (rank, downloads, share) == counted


def test_units_below_the_ranks_have_their_share(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = tmp_path / "warehouse"
    shutil.copytree(built, warehouse)
    rows = read_tables(warehouse)[GOLD_USAGE_SHARES.id]
    kept = [row for row in rows if row["rank"] == 1]
    rewrite(warehouse, GOLD_USAGE_SHARES, kept)
    title = "Shares and ranks"
    whole = table_of(explained(capsys, built, "lab/base"), title)
    cut = table_of(explained(capsys, warehouse, "lab/base"), title)
    assert [row[:4] + row[5:] for row in cut] == [row[:4] + row[5:] for row in whole]
    assert [row[4] for row in cut] == ["1" if row[4] == "1" else "below" for row in whole]


def test_counts_lead_to_files_and_rows(
    built: Path, landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--week", "2024-06-03", "--landing", landing)
    printed = explained(capsys, built, "corp/base", *options)
    file = "downloads/2024-06-03.csv"
    assert f"{file} ({(landing / file).stat().st_size} bytes" in printed
    assert table_of(printed, "Rows of the landing") == [
        [file, "2", "2024-06-03", "old-base", "500"]
    ]
    assert "as old-base" in table_of(printed, "Weeks up to")[0][-1]
    assert "names      old-base: 1 weeks of counts" in printed
    shutil.copytree(landing, tmp_path / "landing")
    with (tmp_path / "landing" / file).open("a") as changed:
        changed.write("2024-06-03,corp/base,1\n")
    again = explained(capsys, built, "corp/base", *options[:3], tmp_path / "landing")
    assert f"{file} has changed since the run" in again


def test_a_table_of_another_run_is_told(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = tmp_path / "warehouse"
    shutil.copytree(built, warehouse)
    rewrite(warehouse, GOLD_WEEKS, read_tables(warehouse)[GOLD_WEEKS.id])
    assert "gold/weeks was written after the last run" in explained(capsys, warehouse, "lab")
    assert "was written after" not in explained(capsys, built, "lab")
