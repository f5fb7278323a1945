"""scripts/table1: the paper's Table 1 beside that of a warehouse."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from opentrace_spark.errors import ContentError
from opentrace_spark.io import Warehouse
from opentrace_spark.tables import SILVER_MODELS

HEADER = "attribute,category,to_2022,y2023,y2024,from_2025,multiplier"
MADE_UP = [
    "Organization,User,0.1,0.2,0.25,0.4,2.5",
    "Organization,Company,0.5,0.5,0.5,0.5,1.0",
    "Model Size,mean parameters,215e6,827e6,1.76e9,20.8e9,17.0",
    "License,Open Use,0.8,0.8,0.2,0.5,0.9",
    "Methods,RLHF,0.1,0.1,0.1,0.1,0.1",
]


def _load() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "table1.py"
    spec = importlib.util.spec_from_file_location("table1_script", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look there for their annotations
    spec.loader.exec_module(module)
    return module


script = _load()


def write(folder: Path, *lines: str) -> Path:
    (folder / "paper_table1.csv").write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
    return folder


def printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str | Path
) -> tuple[int, list[str], str]:
    """Exit status, the cells of each line, and what was said of mistakes."""
    monkeypatch.setattr(sys, "argv", ["table1", *map(str, options)])
    status = script.main()
    said = capsys.readouterr()
    return status, said.out.splitlines(), said.err


def test_both_tables_side_by_side(
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of 2,800 downloads corp/base has 600, those of user 450, and quant/base-GGUF 1,100; the two
    with an open license are lab/base with 400 and user/merge with 250."""
    options = ("--warehouse", built, "--data", write(tmp_path, *MADE_UP))
    aside = ("--without", "quant/base-GGUF")
    status, lines, _ = printed(monkeypatch, capsys, *options, *aside)
    assert status == 0
    assert lines[0] == (
        "| attribute | category | paper 2024 | ours 2024 | difference | ours 2024 * "
        "| difference * |"
    )
    assert lines[2:6] == [
        "| Organization | User | 0.250 | 0.161 | -0.089 | 0.265 | +0.015 |",
        "| Organization | Company | 0.500 | 0.214 | -0.286 | 0.353 | -0.147 |",
        "| Organization | unknown |  | 0.482 |  | 0.147 |  |",
        "| Organization | Non-profit |  | 0.143 |  | 0.235 |  |",
    ]
    assert "| License | Open Use | 0.200 | 0.232 | +0.032 | 0.382 | +0.182 |" in lines
    assert "| Methods | RLHF | 0.100 | 0.000 | -0.100 | 0.000 | -0.100 |" in lines
    assert "| Methods | Quantization |  | 0.393 |  | 0.000 |  |" in lines
    # Of known size are lab/base, 400 times its published 7 billion, and quant/base-GGUF.
    models = Warehouse(str(built)).read(SILVER_MODELS).to_pylist()
    (quantized,) = (m["parameter_count"] for m in models if m["model_id"] == "quant/base-GGUF")
    mean = (400 * 7 + 1100 * quantized / 1e9) / 1500
    assert lines[-4:-2] == [
        f"| Model Size | mean parameters | 1.76B | {mean:.2f}B | {mean - 1.76:+.2f}B "
        "| 7.00B | +5.24B |",
        "| Model Size | share of downloads whose size is known |  | 0.536 |  | 0.235 |  |",
    ]
    assert lines[-1] == "`*`: without `quant/base-GGUF`"


def test_all_bins_and_multipliers_where_there_are_some() -> None:
    company, user = ("org_type", "company"), ("org_type", "a|b")
    paper = {
        company: {"<=2022": 0.5, "2023": 0.5, "2024": 0.5, ">=2025": 0.25, "multiplier": 0.5},
        script.SIZE_CELL: {"2024": 1.76e9, ">=2025": 20.8e9, "multiplier": 17.0},
    }
    ours = script.Ours(
        "head",
        {"2024": {company: 3, user: 1}, ">=2025": {company: 1}},
        {"2024": 4, ">=2025": 4},
        {company: 1 / 3, script.SIZE_CELL: 2.0},
        {"2024": script.Sized().plus(2, 1e8).plus(1, 4e8)},
    )
    assert list(script.lines_of(paper, ours, None)) == [
        "| attribute | category | paper 2024 | ours 2024 | difference | paper >=2025 | ours >=2025 "
        "| difference | paper multiplier | ours |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| Organization | Company | 0.500 | 0.750 | +0.250 | 0.250 | 0.250 | +0.000 | 0.5 | 0.3 |",
        "| Organization | a\\|b |  | 0.250 |  |  | 0.000 |  |  |  |",
        "| Model Size | mean parameters | 1.76B | 200M | -1.56B | 20.80B |  |  | 17.0 | 2.0 |",
        "| Model Size | share of downloads whose size is known |  | 0.750 |  |  | 0.000 |  |  |  |",
    ]


def test_years_of_one_bin_share_one_mean_by_their_downloads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """2021 and 2022 are one bin; a year's measures stand in each of its bins of sizes."""
    rows = [
        {"year": year, "weight": weight, "mean": mean}
        for year, weight, mean in (
            *((2021, 1, 100.0), (2022, 3, 500.0), (2021, 1, 100.0), (2022, 3, 500.0)),
            (2026, 2, 7.0),
        )
    ]
    monkeypatch.setattr(script, "_rows", lambda *_: rows)
    found = script.read_sized(None, "head")
    assert found == {"<=2022": script.Sized(4, 1600.0), ">=2025": script.Sized(2, 14.0)}


@pytest.mark.parametrize(
    ("year", "bin_"), [(2020, "<=2022"), (2022, "<=2022"), (2023, "2023"), (2026, ">=2025")]
)
def test_bin_of_a_year(year: int, bin_: str) -> None:
    assert script.bin_of(year) == bin_


def test_the_papers_sizes_are_read_as_parameters(tmp_path: Path) -> None:
    paper = script.read_paper(write(tmp_path, *MADE_UP) / script.FILE)
    assert paper["model_size", "mean_parameters"] == {
        **{"<=2022": 215e6, "2023": 827e6, "2024": 1.76e9, ">=2025": 20.8e9},
        "multiplier": 17.0,
    }
    assert len(paper) == len(MADE_UP)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Organization,Guild,0,0,0,0,1", "row 1: .*Guild.* no in_paper or paper_names"),
        ("Organization,User,0,0,some,0,1", "row 1: could not convert"),
        ("Organization,User,0,0", "row 1"),
        ("Model Size,median parameters,0,0,0,0,1", "row 1: .*median parameters"),
    ],
)
def test_a_row_that_is_not_understood_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, line) / script.FILE
    with pytest.raises(ContentError, match=message):
        script.read_paper(path)


def test_mistakes_of_the_call_are_said_in_a_sentence(
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = write(tmp_path, *MADE_UP)
    for warehouse, folder, more, words in (
        (built, tmp_path / "none", (), "name its folder with --data"),
        (tmp_path / "none", data, (), "gold/attribute_shares is not in"),
        (built, data, ("--without", "no/body"), "no model of the sample head"),
        (built, data, ("--without", "user/b"), "no model of the sample head"),
    ):
        options = ("--warehouse", warehouse, "--data", folder, *more)
        status, lines, said = printed(monkeypatch, capsys, *options)
        assert (status, lines) == (2, [])
        assert words in said
