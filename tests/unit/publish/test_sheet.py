"""Sheets for annotators: what is in them, who is drawn, and that ids come back byte for byte."""

from __future__ import annotations

import csv
import io
import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from opentrace_spark.attributes.annotation import annotation_row, misnamed_columns, read_annotation
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.cli import main
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.sheet import SHEET, Draw, drawn
from opentrace_spark.sources.parts import parts_of, read_part
from opentrace_spark.tables import SILVER_LINEAGE, SILVER_MODELS

ODD = [
    "a/é日本",
    "a/co,mma",
    'a/"quo"ted',
    " a/space ",
    "a/se;mi",
    "a/it's",
    "=a/f",
    "@a/b",
    "-a",
    "+1",
]
PLAIN = [name for name in ODD if name[0] not in "=@-+"]
EMPTY = {"string": "", "bigint": 0, "int": 0, "boolean": False}
MODEL = {
    "is_in_models": True,
    "in_head_sample": True,
    "total_downloads": 300,
    "annotated": [],
    "machine_annotated": [],
}
LINEAGE = {"parent_count": 0, "parent_source": None, "parent_name": None}


@pytest.fixture
def warehouse(tmp_path: Path) -> Any:
    """Makes a warehouse of models, each a dictionary of columns of silver/models and lineage."""

    def make(models: list[dict[str, Any]]) -> Path:
        place = Warehouse(str(tmp_path / "warehouse"))
        for spec, told in ((SILVER_MODELS, MODEL), (SILVER_LINEAGE, LINEAGE)):
            common = {c.name: EMPTY[c.type] for c in spec.columns if not c.nullable} | told
            files = [
                place.store_row(spec, f"_work/{spec.id}", {**common, **model, "run_id": number})
                for number, model in enumerate(models)
            ]
            place.commit(spec, f"_work/{spec.id}", files, "run")
        return tmp_path / "warehouse"

    return make


def export(warehouse: Path, file: Path, *options: str) -> int:
    return main(["annotate", "--warehouse", str(warehouse), "--export", str(file), *options])


def read_csv(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")))


def test_a_sheet_has_the_columns_of_the_contract_first(warehouse: Any, tmp_path: Path) -> None:
    made = warehouse([{"model_id": "a/b"}])
    assert export(made, tmp_path / "sheet.csv", "--annotator", "Ada") == 0
    assert (tmp_path / "sheet.csv").read_bytes().startswith(b"\xef\xbb\xbfid,gated,")
    (row,) = read_csv(tmp_path / "sheet.csv")
    assert tuple(row)[: len(SHEET)] == SHEET
    # What is further there must not be read: these are names that a landing knows.
    assert not {"languages", "derived_from", "license", "gated"} & set(tuple(row)[len(SHEET) :])
    assert list(misnamed_columns(row)) == []  # nor taken for misspelt ones
    filled = {name: row[name] for name in SHEET if row[name]}
    assert filled == {"id": "a/b", "annotator": "Ada"}
    assert row["hub_page"] == "https://huggingface.co/a/b"


def test_rows_are_ordered_by_downloads_then_by_id(warehouse: Any, tmp_path: Path) -> None:
    models = [("b/low", 1), ("b/tie", 50), ("B/tie", 50), ("é/top", 90), ("a/tie", 50)]
    made = warehouse([{"model_id": name, "total_downloads": n} for name, n in models])
    export(made, tmp_path / "s.csv")
    names = [row["id"] for row in read_csv(tmp_path / "s.csv")]
    assert names == ["é/top", "B/tie", "a/tie", "b/tie", "b/low"]


def test_only_models_that_annotations_can_reach(
    warehouse: Any, tmp_path: Path, capsys: Any
) -> None:
    made = warehouse(
        [
            {"model_id": "a/b"},
            {"model_id": "gone/x", "is_in_models": False, "annotated": None},
            {"model_id": "a/tail", "in_head_sample": False},
        ]
    )
    assert export(made, tmp_path / "s.csv") == 0
    assert [row["id"] for row in read_csv(tmp_path / "s.csv")] == ["a/b"]
    assert "left out: 1 known from downloads alone" in capsys.readouterr().out


def test_suggestions_are_for_fields_that_nobody_filled(warehouse: Any, tmp_path: Path) -> None:
    told = {
        "architecture": ["CNN", "LSTM"],
        "gating": ["N/A"],
        "license_class": "open_use",
        "languages": ["en"],
        "annotated": ["architecture", "license_class"],
        "annotation_source": "human",
    }
    made = warehouse(
        [
            {"model_id": "a/one", **told},
            {"model_id": "b/card", "parent_count": 1, "parent_source": "card", "parent_name": "X"},
            {"model_id": "c/note", "parent_count": 1, "parent_source": "annotation",
             "parent_name": "X"},
            {"model_id": "d/two", "parent_count": 2, "parent_source": "card", "parent_name": "X"},
        ]
    )  # fmt: skip
    export(made, tmp_path / "s.csv")
    one, card, note, two = read_csv(tmp_path / "s.csv")
    assert one["annotated_fields"] == "architecture; license"
    assert (one["suggested_architecture"], one["suggested_license"]) == ("", "")
    assert (one["suggested_gated"], one["suggested_languages"]) == ("N/A", "en")
    suggested = [row["suggested_derived_from"] for row in (one, card, note, two)]
    assert suggested == ["", "X", "", ""]
    assert note["annotated_fields"] == "derived_from"


def test_formulas_are_not_run_and_ids_come_back(
    warehouse: Any, tmp_path: Path, capsys: Any
) -> None:
    models = [{"model_id": name, "license": "=HYPERLINK(1)", "library": "a\nb"} for name in ODD]
    made = warehouse(models)
    for file in ("s.csv", "s.jsonl", "s.parquet"):
        assert export(made, tmp_path / file) == 0
    out = capsys.readouterr().out
    assert out.count("left out: 4 whose id a spreadsheet takes for a formula") == 1
    rows = read_csv(tmp_path / "s.csv")
    assert sorted(row["id"] for row in rows) == sorted(PLAIN)
    assert {(row["card_license"], row["hub_library"]) for row in rows} == {
        ("'=HYPERLINK(1)", "a b")
    }
    lines = (tmp_path / "s.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == sorted(ODD)
    table = pq.read_table(tmp_path / "s.parquet")
    assert sorted(table["id"].to_pylist()) == sorted(ODD)
    assert table["total_downloads"].to_pylist() == [300] * len(ODD)


@pytest.mark.parametrize(("name", "ids"), [("s.csv", PLAIN), ("s.jsonl", ODD), ("s.parquet", ODD)])
def test_a_landing_reads_the_ids_as_they_are(
    warehouse: Any, make_landing: Any, tmp_path: Path, name: str, ids: list[str]
) -> None:
    made = warehouse([{"model_id": name} for name in ODD])
    export(made, tmp_path / name, "--annotator", "Ada")
    (tmp_path / "landing" / "annotations").mkdir(parents=True)
    shutil.move(tmp_path / name, tmp_path / "landing" / "annotations" / name)
    landing = make_landing({})
    rows = [row for part in parts_of(landing, "annotations") for b in read_part(part)
            for row in b.to_pylist()]  # fmt: skip
    assert sorted(row["id"] for row in rows) == sorted(ids)
    for row in rows:
        assert (row["reason"], row["derived_from"], row["annotator"]) == (None, None, "Ada")
        cells = annotation_row(row["other_fields"], row["annotator"])
        assert read_annotation(cells, shipped_vocabulary()).labels == {}


def test_a_review_tells_no_label(warehouse: Any, tmp_path: Path) -> None:
    labelled = {
        "architecture": ["CNN"],
        "annotated": ["architecture"],
        "annotation_source": "human",
    }
    machine = labelled | {"annotation_source": "machine", "in_head_sample": False}
    made = warehouse(
        [
            {"model_id": "a/human", **labelled},
            {"model_id": "a/machine", **machine},
            {"model_id": "a/parent", "parent_source": "annotation"},
            {"model_id": "a/nobody", "architecture": ["CNN"]},
        ]
    )
    assert export(made, tmp_path / "r.csv", "--review-sample", "1", "--annotator", "Bob ") == 0
    rows = read_csv(tmp_path / "r.csv")
    assert [row["id"] for row in rows] == ["a/human", "a/machine", "a/parent"]
    assert {row["annotator"] for row in rows} == {"review:Bob"}
    assert "CNN" not in (tmp_path / "r.csv").read_text(encoding="utf-8")
    assert not [name for name in rows[0] if name.startswith(("suggested", "annotated"))]


NAMES = [f"owner{number}/model" for number in range(30)]


def test_drawn_depends_on_the_seed_alone() -> None:
    one = drawn(NAMES, Draw(Fraction("0.1"), 1))
    assert drawn(reversed(NAMES), Draw(Fraction("0.1"), 1)) == one
    assert len({tuple(drawn(NAMES, Draw(Fraction("0.1"), seed))) for seed in range(20)}) > 15
    assert set(one) < set(drawn(NAMES, Draw(Fraction("0.3"), 1)))
    # for i in $(seq 0 29); do printf '1\\nowner%s/model' $i | sha256sum; done | sort
    assert one == ["owner27/model", "owner7/model", "owner3/model"]


@pytest.mark.parametrize(
    ("share", "models", "size"),
    [
        ("0.1", 1, 1),
        ("0.001", 30, 1),
        ("0.1", 11, 2),
        ("1", 30, 30),
        ("1/3", 30, 10),
        ("0.07", 100, 7),
    ],
)
def test_drawn_is_the_share_rounded_up(share, models, size) -> None:
    names = [f"a/{number}" for number in range(models)]
    # Exactly: 0.07 * 100 in floating point is more than 7.
    assert len(drawn(names, Draw(Fraction(share), 5))) == size


def test_every_model_is_drawn_as_often() -> None:
    times = dict.fromkeys(NAMES, 0)
    for seed in range(2000):
        for name in drawn(NAMES, Draw(Fraction("0.1"), seed)):
            times[name] += 1
    # 200 each, with a standard deviation of 13.4
    assert all(abs(count - 200) < 60 for count in times.values())


WRONG = [
    # options, what the last line says
    (["--export", "{}/there.csv"], "there.csv is there already; name another file"),
    (["--export", "{}/link.csv"], "link.csv is there already; name another file"),
    (["--export", "{}/s.xlsx"], "name a file that ends with .csv or .jsonl or .parquet"),
    (["--export", "{}/no/s.csv"], "there is no folder"),
    (["--export", "{}/s.csv", "--seed", "3"], "--seed is of --review-sample"),
    (["--export", "{}/s.csv", "--review-sample", "0"], "0 is not above 0 and up to 1"),
    (["--export", "{}/s.csv", "--review-sample", "1.1"], "1.1 is not above 0 and up to 1"),
    (["--export", "{}/s.csv", "--review-sample", "1/0"], "1/0 is not above 0 and up to 1"),
    (["--export", "{}/s.csv", "--review-sample", "10%"], "write 0.1 for 10%"),
    (["--export", "{}/s.csv", "--annotator", "=Ada"], "begin the name with a letter"),
    (["--export", "{}/s.csv", "--annotator", "A\nda"], "begin the name with a letter"),
    (["--export", "{}/s.csv", "--annotator", "review:Ada"], "name the person alone"),
    (["--export", "{}/s.csv", "--annotator", "machine:x", "--review-sample", "1"],
     "name the person alone"),
    (["--export", "{}/s.csv", "--warehouse", "{}/nothing"], "silver/models is not in"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_use_is_told(
    warehouse: Any, tmp_path: Path, capsys: Any, options: list[str], message: str
) -> None:
    made = warehouse([{"model_id": "a/b"}])
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.iterdir())
    try:
        status = main(
            ["annotate", "--warehouse", str(made), *(o.format(tmp_path) for o in options)]
        )
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.csv").read_text() == "mine"


NOTHING = [
    # models, options, what the last line says
    ([{"model_id": "a/b", "in_head_sample": False}], [], "the head sample is empty"),
    ([{"model_id": "gone/x", "is_in_models": False}], [], "none of the models"),
    ([{"model_id": "=a/b"}], [], "try a .jsonl file"),
    ([{"model_id": "a/b"}], ["--review-sample", "0.1"], "no model is annotated yet"),
]


@pytest.mark.parametrize(("models", "options", "message"), NOTHING)
def test_nothing_to_annotate_is_told(
    warehouse: Any, tmp_path: Path, capsys: Any, models: Any, options: list[str], message: str
) -> None:
    assert export(warehouse(models), tmp_path / "s.csv", *options) == 1
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "s.csv").exists()
