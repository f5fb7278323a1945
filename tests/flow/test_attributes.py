"""What silver/models says of a model: from its annotations, else from its metadata."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession

from opentrace_spark.config import load_config
from tests.flow.landings import write_small_landing
from tests.pipeline import Rows, run_tables

CARD = {
    "license": "other",
    "license_name": "Llama3",
    "language": ["en", "swh"],
    "datasets": ["squad"],
    "extra_gated_prompt": "terms",
}
MODELS: list[dict[str, Any]] = [
    {
        "id": "lab/bert",
        "pipeline_tag": "fill-mask",
        "library_name": "transformers",
        "tags": ["bert", "en", "license:apache-2.0"],
        "gated": False,
    },
    {
        "id": "lab/bert-squad",
        "pipeline_tag": "question-answering",
        "tags": ["bert", "base_model:finetune:lab/bert", "base_model:lab/bert"],
        "cardData": json.dumps(CARD),
        "gated": "manual",
    },
    {"id": "lab/bert-odd", "tags": ["bert", "base_model:finetune:lab/bert", "base_model:lab/bert"]},
    {"id": "lab/quiet", "tags": []},
    {
        "id": "lab/machine",
        "tags": ["license:cc-by-nc-4.0"],
        "pipeline_tag": "text-to-image",
        "cardData": '{"license": []}',
    },
]
HEADER = "id,input_modality,license,data_availability,training_methods,note,annotator,gated"
ANNOTATIONS = [
    # Later rows fill what earlier ones leave empty; a person goes before a machine.
    "lab/machine,Text,mit,,,,machine:x,",
    "lab/machine,Image,,,,,ann,N/A",
    "lab/machine,Text,,Not disclosed,,,bob,",
    "lab/quiet,Sound,,,,,ann,",
    "lab/quiet,,,,Other,,ann,",
    "lab/quiet,,,Disclosed: available,,,ann,",
    'lab/quiet,,,,,,ann,"N/A, Accept to share username & email"',
    "LAB/Quiet,,,,Model Merging; Other,by hand,ann,",
    "nobody/knows,Text,,,,,ann,",
]
ROOTS = "id,derived_from,training_methods\nlab/bert-odd,No,Finetuning: Supervised\n"


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    landing = write_small_landing(tmp_path_factory.mktemp("landing"))
    lines = "".join(json.dumps(model) + "\n" for model in MODELS)
    (landing / "models" / "others.jsonl").write_text(lines, encoding="utf-8")
    (landing / "annotations").mkdir()
    text = "\n".join([HEADER, *ANNOTATIONS]) + "\n"
    (landing / "annotations" / "sheet.csv").write_text(text, encoding="utf-8")
    (landing / "annotations" / "roots.csv").write_text(ROOTS, encoding="utf-8")
    warehouse = tmp_path_factory.mktemp("warehouse")
    wanted = ("models", "rejects", "resolutions", "annotation_quality")
    return run_tables(spark, landing, warehouse, load_config(), wanted)


def facts(tables: dict[str, Rows], model: str, *names: str) -> tuple[Any, ...]:
    (row,) = (row for row in tables["silver_models"] if row["model_id"] == model)
    return tuple(row[name] for name in names)


def test_metadata_tell_license_gate_modality_architecture_and_method(
    tables: dict[str, Rows],
) -> None:
    license_ = ("license_spdx", "license_class", "is_osi_approved")
    assert facts(tables, "lab/bert", *license_) == ("Apache-2.0", "open_use", True)
    assert facts(tables, "lab/bert", "gated", "gating") == ("false", ["N/A"])
    assert facts(tables, "lab/bert", "method", "training_methods") == (
        "pre-trained",
        [
            "Pretraining: Masked Language Modeling (MLM)",
            "Pretraining: Next Sentence Prediction (NSP)",
        ],
    )
    names = ("input_modality", "output_modality", "modality", "architecture", "model_family")
    assert facts(tables, "lab/bert", *names) == (
        ["Text"],
        ["Text Embedding"],
        "Text Embed/Class",
        ["Transformer: Text Encoder-only"],
        "bert",
    )


def test_a_card_tells_more_and_nothing_is_inherited(tables: dict[str, Rows]) -> None:
    assert facts(tables, "lab/bert-squad", "license", "license_class") == (
        "other",
        "acceptable_use_policy",
    )
    names = ("languages", "data_availability", "osi_data_criterion", "gating")
    assert facts(tables, "lab/bert-squad", *names) == (
        ["en", "sw"],
        "Disclosed: available",
        "meets",
        ["Other agreement/info requirements"],
    )
    assert facts(tables, "lab/bert-squad", "method", "base_relation", "training_methods") == (
        "finetune",
        "finetune",
        ["Finetuning: Supervised"],
    )


def test_annotations_go_before_metadata_people_before_machines(tables: dict[str, Rows]) -> None:
    names = ("input_modality", "license_class", "license_spdx", "data_availability", "gating")
    assert facts(tables, "lab/machine", *names) == (
        ["Image"],
        "open_use",
        "CC-BY-NC-4.0",
        "Not disclosed",
        ["N/A"],
    )
    assert facts(tables, "lab/machine", "license") == ("cc-by-nc-4.0",)
    assert facts(tables, "lab/machine", "output_modality", "annotated") == (
        ["Image Generation"],
        ["data_availability", "osi_data_criterion", "gated", "license_class", "input_modality"],
    )
    assert facts(tables, "lab/machine", "machine_annotated") == (["license_class"],)


def test_an_annotated_parent_has_no_part_in_what_quality_takes_for_derived(
    tables: dict[str, Rows],
) -> None:
    """By the annotation it is a root, so pretrained; its own tags say that it was finetuned."""
    assert facts(tables, "lab/bert-odd", "method") == ("pre-trained",)
    found = {
        row["agreeing"]
        for row in tables["gold_annotation_quality"]
        if (row["attribute"], row["source"]) == ("training_methods", "derived")
    }
    assert found == {1}


def test_refused_annotations_are_rejects_and_change_nothing(tables: dict[str, Rows]) -> None:
    reasons = {
        row["row"]: row["reason"]
        for row in tables["silver_rejects"]
        if row["source_file"] == "annotations/sheet.csv"
    }
    assert reasons == {
        4: "unknown_label",
        5: "other_without_note",
        6: "available_without_note",
        7: "contradicting_labels",
    }
    names = ("training_methods", "input_modality", "data_availability", "annotated", "license")
    assert facts(tables, "lab/quiet", *names) == (
        ["Model Merging", "Other"],
        [],
        None,
        ["training_methods"],
        None,
    )
    assert facts(tables, "lab/quiet", "annotation_source") == ("human",)


def test_the_names_of_annotations_are_counted_by_how_they_were_found(
    tables: dict[str, Rows],
) -> None:
    found = {
        row["resolution"]: row["rows"]
        for row in tables["silver_resolutions"]
        if row["source"] == "annotations"
    }
    assert found == {"exact": 4, "recased": 1, "unknown": 1}  # refused rows left out


def test_an_id_known_from_downloads_alone_has_no_attributes(tables: dict[str, Rows]) -> None:
    names = ("license_class", "method", "architecture", "annotated", "gated")
    assert facts(tables, "gone/model", *names) == (None,) * len(names)
