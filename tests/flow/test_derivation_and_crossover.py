"""gold/derivation_flows and gold/osi_crossover on all sorts of chains, by reference and by hand."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession, functions as F

from opentrace_spark.checks import CHECKS, hold
from opentrace_spark.config import Period, load_config
from opentrace_spark.errors import ContentError
from tests.compare import assert_same_tables
from tests.pipeline import Rows, run_tables
from tests.reference.pipeline import attribute_truth

Tables = dict[str, Rows]
SHIPPED = load_config()
PARENTS: dict[str, list[str]] = {
    "lab/base": [],
    "lab/tuned": ["finetune:lab/base"],
    "q/tuned-GGUF": ["quantized:lab/tuned"],
    "u/lora": ["adapter:q/tuned-GGUF"],
    "u/more": ["finetune:u/lora"],
    "u/last": ["quantized:u/more"],
    "u/merge": ["merge:lab/tuned", "merge:lab/base"],
    "cyc/a": ["finetune:cyc/b"],
    "cyc/b": ["finetune:cyc/a"],
    "cyc/into": ["quantized:cyc/a"],
    "lost/child": ["finetune:gone/parent"],
    "lost/grandchild": ["quantized:lost/child"],
    "only/self": ["finetune:only/self"],
    "small/mid": ["finetune:lab/base"],
    "big/from-mid": ["quantized:small/mid"],
    "onnx/base": [":lab/base"],
    'o\'dd/na,me "é"': ["adapter:small/mid"],
    "ann/several": [],
}
TAGS = {
    "lab/base": ["bert"],
    "lab/tuned": ["dpo", "instruct"],
    "u/merge": ["merge"],
    "onnx/base": ["onnx"],
}
DATA = ["Not disclosed", "Disclosed: unavailable", "Disclosed: available"]
UNUSED = "small/mid"
"""Below the population, with derivatives in it."""
BY_HAND = {
    "deep": (date(2025, 9, 15), {"u/last": 700}),
    "odd": (
        date(2025, 9, 22),
        {"lost/grandchild": 400, "cyc/a": 300, "only/self": 200, "ghost/unknown": 100},
    ),
    "annotated": (date(2025, 9, 29), {"ann/several": 1}),
}
"""Period of one week -> that week, and all that is downloaded in it."""
LAST = date(2025, 9, 29)
CONFIG = replace(
    SHIPPED,
    population=replace(SHIPPED.population, head_size=7),
    periods=(*SHIPPED.periods, *(Period(name, w, w) for name, (w, _) in BY_HAND.items())),
)


def write_landing(folder: Path) -> Path:
    """Models on all sorts of chains; weeks over four years, many of them missing."""
    randoms = random.Random(5)
    models = [
        {
            "id": name,
            "createdAt": f"202{randoms.choice('2345')}-03-04T00:00:00Z",
            "tags": TAGS.get(name, [])
            + [f"base_model:{p}" for p in parents if p[0] != ":"]
            + [f"base_model:{p.partition(':')[2]}" for p in parents],
        }
        for name, parents in PARENTS.items()
    ]
    sheet = ["id,derived_from,training_methods,data_availability,annotator,note"]
    for name in PARENTS:
        sheet.append(f'{_cell(name)},,,{randoms.choice(DATA)},ann,"a set"')
    labels = (
        "Pretraining: Causal Language Modeling (CLM); Pretraining: Denoising Autoencoder; "
        "Quantization; Reinforcement learning from feedback"
    )
    sheet.append(f"ann/several,lab/base,{labels},,bob,")
    weeks = [date(2022, 1, 3) + timedelta(days=7 * n) for n in range(0, 190, 5)]
    counts = ["week,id,count"]
    for week in weeks:
        names = [name for name in (*PARENTS, "ghost/unknown") if name != UNUSED]
        for name in randoms.sample(names, 9):
            counts.append(f"{week},{_cell(name)},{randoms.choice([0, 150, 700, 9_999_999_999])}")
    counts.append(f"{weeks[0]},{UNUSED},199")
    for week, downloads in BY_HAND.values():
        counts += [f"{week},{_cell(name)},{count}" for name, count in downloads.items()]
    partial = LAST + timedelta(days=7)
    counts.append(f"{partial},lab/base,12345")
    files = {
        "models/models.jsonl": [json.dumps(model) for model in models],
        "annotations/sheet.csv": sheet,
        "downloads/counts.csv": counts,
        "manifest.json": [json.dumps({"last_complete_week": str(LAST)})],
    }
    for name, lines in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _cell(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_landing(tmp_path_factory.mktemp("chains"))


@pytest.fixture(scope="module")
def tables(spark: SparkSession, chains: Path, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    wanted = ("derivation_flows", "osi_crossover", "attribute_shares", "modality_flows")
    return run_tables(spark, chains, tmp_path_factory.mktemp("warehouse"), CONFIG, wanted)


def found_flows(tables: Tables) -> dict[tuple[str, ...], tuple[float, float]]:
    names = ("sample", "period", "recency_window", "step", "previous_method", "method")
    return {
        tuple(row[name] for name in names): (row["downloads"], row["share"])
        for row in tables["gold_derivation_flows"]
    }


def test_chains_and_lasting_leads_are_those_of_the_reference(tables: Tables, chains: Path) -> None:
    expected = attribute_truth(chains, CONFIG)
    assert_same_tables(tables, {name: rows for name, rows in expected.items() if name in tables})
    assert {"gold_derivation_flows", "gold_osi_crossover", "gold_modality_flows"} <= set(tables)
    assert len(expected["gold_derivation_flows"]) > 300
    names = {row["model_id"]: row["in_population"] for row in tables["silver_models"]}
    assert not names.pop(UNUSED)
    assert all(names.values())
    crossed = expected["gold_osi_crossover"]
    assert {row["is_overtaking"] for row in crossed} == {True, False}
    assert any(row["first_period"] and not row["lasting_period"] for row in crossed)
    assert any(row["lasting_period"] not in (None, row["first_period"]) for row in crossed)


MLM, NSP = (
    "Pretraining: Masked Language Modeling (MLM)",
    "Pretraining: Next Sentence Prediction (NSP)",
)
INSTRUCTED, RLHF, QUANTIZED = "Instruction finetuning", "RLHF", "Quantization"
TUNED, ADAPTED = "Finetuning: Supervised", "Parameter-efficient finetuning"
UNDOCUMENTED, ENDED, NOT_DERIVED = "Undocumented", "ended", "not derived"


def shares_of(tables: Tables, period: str, step: str) -> dict[tuple[str, str], Any]:
    cell = ("population", period, "none", step)
    found = {key[4:]: share for key, (_, share) in found_flows(tables).items() if key[:4] == cell}
    return {pair: pytest.approx(share, rel=1e-15) for pair, share in found.items()}


def test_a_chain_of_five_derivations_by_hand(tables: Tables) -> None:
    assert shares_of(tables, "deep", "1") == {
        (before, after): 1 / 4 for before in (MLM, NSP) for after in (INSTRUCTED, RLHF)
    }
    assert shares_of(tables, "deep", "2") == {
        (INSTRUCTED, QUANTIZED): 1 / 2,
        (RLHF, QUANTIZED): 1 / 2,
    }
    assert shares_of(tables, "deep", "3+") == {
        (QUANTIZED, ADAPTED): 1 / 3,
        (ADAPTED, TUNED): 1 / 3,
        (TUNED, QUANTIZED): 1 / 3,
    }


def test_chains_without_a_known_root_by_hand(tables: Tables) -> None:
    """Of 100 downloads: 40 of a model whose parent's parent is missing, 30 on a cycle, 20 that
    name themselves, 10 that only the downloads know."""
    assert shares_of(tables, "odd", "1") == {
        (UNDOCUMENTED, TUNED): 0.4 + 0.3,
        (UNDOCUMENTED, NOT_DERIVED): 0.2 + 0.1,
    }
    assert shares_of(tables, "odd", "2") == {
        (TUNED, QUANTIZED): 0.4,
        (TUNED, ENDED): 0.3,
        (NOT_DERIVED, NOT_DERIVED): 0.3,
    }
    assert shares_of(tables, "odd", "3+") == {
        (QUANTIZED, ENDED): 0.4,
        (ENDED, ENDED): 0.3,
        (NOT_DERIVED, NOT_DERIVED): 0.3,
    }


def test_pretraining_of_a_derived_model_is_one_method_beside_others(tables: Tables) -> None:
    assert shares_of(tables, "annotated", "1") == {
        (before, after): pytest.approx(1 / 6)
        for before in (MLM, NSP)
        for after in ("continued pretraining", QUANTIZED, RLHF)
    }


def test_checks_see_lost_downloads_and_steps(spark: SparkSession, built: Path) -> None:
    names = ("gold_derivation_flows", "gold_modality_flows", "gold_osi_crossover")
    stored = {
        name: spark.read.parquet(*DeltaTable(built / name.replace("_", "/", 1)).file_uris())
        for name in (*names, "gold_attribute_shares")
    }
    checks = [check for check in CHECKS if check.table in (names[0], names[2])]
    for check in checks:
        hold(check, stored)
    flows = stored[names[0]]
    spoiled = {
        "shares of a step sum": [
            flows.where("step <> '2'"),
            flows.withColumn("share", F.col("share") * 0.9),
        ],
        "downloads of a step": [
            flows.withColumn("downloads", F.col("downloads") * 0.9),
            flows.where("sample = 'head'"),
        ],
    }
    for rule, frames in spoiled.items():
        (check,) = (check for check in checks if check.rule.startswith(rule))
        for frame in frames:
            with pytest.raises(ContentError, match=rule):
                hold(check, {**stored, names[0]: frame})
