"""From a warehouse to a sheet, through annotators' hands and a landing, back into the tables."""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from opentrace_spark.attributes.annotation import annotation_row, read_annotation
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.bronze.annotations import judged_annotations
from opentrace_spark.cli import main
from opentrace_spark.config import load_config
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.summary import print_summary
from opentrace_spark.run import RunResult
from opentrace_spark.sources.rows import read_rows
from tests.compare import exact_rows
from tests.pipeline import Rows, read_tables, run_tables


@pytest.fixture(scope="module")
def tables(built: Path) -> dict[str, Rows]:
    return read_tables(built)


def export(warehouse: Path, file: Path, *options: str) -> Path:
    arguments = ["annotate", "--warehouse", str(warehouse), "--export", str(file), "--quiet"]
    assert main([*arguments, *options]) == 0
    return file


# What tests/flow/landings.py has, worked out by hand. Ada and Bob: two models, of which they agree
# on one (input_modality: four labels of two kinds, alpha = 1 - 3 * 2 / (16 - 10) = 0), or on both
# (derived_from, two values: 1; training_methods, one value: no alpha), or one model on which they
# differ (architecture: 1 - 1 * 2 / (4 - 2) = 0). Wilson: k of n = 1 of 2 gives 0.0945 and 0.9055,
# 2 of 2 0.3424, 1 of 1 0.2065, 0 of 1 0.7935. The metadata of quant/base-GGUF tell its training
# method: its tag of a relation does, whatever parent was annotated.
LABELS = {
    # field, measure, source, reference: annotators, models, agreeing, value, low, high, below bar
    ("input_modality", "agreement", "human", "human"): (2, 2, 1, 0.0, None, None, None),
    ("input_modality", "accuracy", "human", "review"): (2, 2, 1, 0.5, 0.0945, 0.9055, True),
    ("input_modality", "agreement", "machine", "human"): (2, 1, 1, None, None, None, None),
    ("input_modality", "accuracy", "machine", "human"): (2, 1, 1, 1.0, 0.2065, 1.0, False),
    ("architecture", "agreement", "human", "human"): (2, 1, 0, 0.0, None, None, None),
    ("architecture", "accuracy", "human", "review"): (2, 1, 0, 0.0, 0.0, 0.7935, True),
    ("architecture", "agreement", "machine", "human"): (2, 1, 0, 0.0, None, None, None),
    ("architecture", "accuracy", "machine", "human"): (2, 1, 0, 0.0, 0.0, 0.7935, True),
    ("training_methods", "agreement", "human", "human"): (2, 1, 1, None, None, None, None),
    ("training_methods", "accuracy", "human", "review"): (2, 1, 1, 1.0, 0.2065, 1.0, False),
    ("training_methods", "agreement", "derived", "human"): (1, 1, 1, None, None, None, None),
    ("training_methods", "accuracy", "derived", "human"): (1, 1, 1, 1.0, 0.2065, 1.0, False),
    ("training_methods", "accuracy", "derived", "review"): (1, 1, 1, 1.0, 0.2065, 1.0, False),
    ("license_class", "agreement", "derived", "human"): (1, 1, 1, None, None, None, None),
    ("license_class", "accuracy", "derived", "human"): (1, 1, 1, 1.0, 0.2065, 1.0, False),
    ("derived_from", "agreement", "human", "human"): (2, 2, 2, 1.0, None, None, None),
    ("derived_from", "accuracy", "human", "review"): (2, 2, 2, 1.0, 0.3424, 1.0, False),
}


def test_annotation_quality_of_the_built_run(tables: dict[str, Rows]) -> None:
    key = ("attribute", "measure", "source", "reference")
    facts = ("annotators", "models", "agreeing", "value", "low", "high", "is_below_bar")
    found = {
        tuple(row[name] for name in key): tuple(row[name] for name in facts)
        for row in tables["gold_annotation_quality"]
        if row["granularity"] == "label"
    }
    assert found.keys() == LABELS.keys()
    for name, expected in LABELS.items():
        assert found[name] == pytest.approx(expected, abs=5e-5), name
    categories = [r for r in tables["gold_annotation_quality"] if r["granularity"] == "category"]
    assert len(categories) == len(LABELS)


def test_a_reviewer_and_a_machine_are_heard_in_their_turn(tables: dict[str, Rows]) -> None:
    said = {row["model_id"]: row for row in tables["silver_models"]}
    assert said["lab/base"]["architecture"] == ["Transformer: Text Encoder-only"]
    assert said["quant/base-GGUF"]["input_modality"] == ["Image", "Text"]
    assert said["user/a"]["input_modality"] == ["Video"]  # her own review corrects all the same
    assert said["corp/base"]["architecture"] == ["CNN"]
    merge = said["user/merge"]
    assert (merge["annotated"], merge["machine_annotated"]) == (
        ["license_class", "architecture"],
        ["license_class"],
    )
    assert merge["annotation_source"] == "human"
    assert said["user/b"]["annotation_source"] is None
    known = {
        (row["attribute"], row["source"]): row["models"]
        for row in tables["gold_field_coverage"]
        if row["sample"] == "all" and row["attribute"] in ("license_class", "architecture")
    }
    assert known["license_class", "machine"] == known["license_class", "human"] == 1
    assert known["architecture", "human"] == 3
    assert ("architecture", "machine") not in known


def test_the_summary_names_fields_below_the_bar(built: Path) -> None:
    out = io.StringIO()
    result = RunResult("run", datetime(2024, 7, 8), rows={"gold_annotation_quality": 1})
    print_summary(Console(file=out, width=60), Warehouse(str(built)), result)
    assert (
        "reviewed   4 fields of annotations, below annotations.bar: architecture (0 of 1 right), "
        "input_modality (1 of 2 right)"
    ) in out.getvalue().splitlines()


def test_the_sheet_holds_the_head_sample(built: Path, tmp_path: Path) -> None:
    with export(built, tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    # By downloads, 1,100, 600, 400, 250, 200; gone/model has 250 and is not in models/.
    assert list(rows) == ["quant/base-GGUF", "corp/base", "lab/base", "user/merge", "user/a"]
    quant = rows["quant/base-GGUF"]
    assert quant["annotated_fields"] == "input_modality; training_methods; derived_from"
    assert quant["suggested_training_methods"] == ""
    assert rows["user/merge"]["suggested_training_methods"] == "Model Merging"
    assert rows["user/a"]["suggested_derived_from"] == "user/b"


def as_a_spreadsheet_saves(rows: list[dict[str, str]]) -> bytes:
    """Everything quoted, a byte order mark, and the line ends of Windows."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_filled_sheet_is_read(
    spark: SparkSession, built: Path, make_landing: Any, tmp_path: Path, ending: str
) -> None:
    sheet = export(built, tmp_path / f"s.{ending}", "--annotator", "Ada").read_text("utf-8-sig")
    if ending == "csv":
        rows = list(csv.DictReader(io.StringIO(sheet, newline="")))
    else:
        rows = [json.loads(line) for line in sheet.splitlines()]
    rows[0] |= {"architecture": "CNN; LSTM", "languages": "en, zh-Hant", "license": " mit "}
    rows[1] |= {"training_methods": "Other", "note": 'says "by hand",\nand more'}
    rows[2] |= {"training_methods": "Other"}  # without a note
    rows[3] |= {"derived_from": "lab/base; corp/base"}
    filled = (
        as_a_spreadsheet_saves(rows)
        if ending == "csv"
        else "".join(json.dumps(row) + "\n" for row in rows)
    )
    landing = make_landing({f"annotations/s.{ending}": filled})
    found = judged_annotations(read_rows(spark, landing, "annotations"))
    read = sorted(found.collect(), key=lambda row: row["source_row"])
    assert [row["id"] for row in read] == [row["id"] for row in rows]
    assert [row["reason"] for row in read] == [None, None, "other_without_note", None, None]
    assert {row["annotator"] for row in read} == {"Ada"}
    assert read[3]["derived_from"] == "lab/base; corp/base"
    words = shipped_vocabulary()
    labels = [
        read_annotation(annotation_row(row["other_fields"], row["annotator"]), words).labels
        for row in read
    ]
    assert labels == [
        {
            "architecture": ("CNN", "LSTM"),
            "language": ("en", "zh"),
            "license_class": ("open_use",),
        },
        {"training_methods": ("Other",)},
        {},
        {},
        {},
    ]


def test_unfilled_sheets_change_no_table(
    spark: SparkSession,
    built: Path,
    landing: Path,
    tables: dict[str, Rows],
    tmp_path: Path,
) -> None:
    """All tables that annotations reach are the same, bit for bit."""
    with_sheets = shutil.copytree(landing, tmp_path / "landing")
    folder = with_sheets / "annotations"
    export(built, folder / "0_eve.csv", "--annotator", "Eve")
    export(built, folder / "0_machine.jsonl", "--annotator", "machine:z")
    export(built, folder / "0_review.parquet", "--review-sample", "1", "--annotator", "Zoe")
    wanted = ("annotation_quality", "rejects", "models", "lineage")
    found = run_tables(spark, with_sheets, tmp_path / "warehouse", load_config(), wanted)
    names = {f"{layer}_{name}" for layer in ("silver", "gold") for name in wanted}
    assert found.keys() & names == tables.keys() & names
    assert exact_rows(found) == exact_rows({name: tables[name] for name in found})
