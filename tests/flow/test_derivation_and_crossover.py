"""gold/derivation_flows and gold/osi_crossover against a walk and a count over silver."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession, functions as F

from opentrace_spark.checks import CHECKS, hold
from opentrace_spark.config import Config, Period, load_config
from opentrace_spark.errors import ContentError
from tests.flow.test_attribute_tables import categories_of, in_window, labels_of, samples_of
from tests.pipeline import Rows, read_tables, run_tables

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
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    landing = write_landing(tmp_path_factory.mktemp("chains"))
    wanted = ("derivation_flows", "osi_crossover", "attribute_shares", "modality_flows")
    return run_tables(spark, landing, tmp_path_factory.mktemp("warehouse"), CONFIG, wanted)


def counts_in_weeks(tables: Tables, config: Config) -> Iterator[tuple[Any, date, str, str, int]]:
    """Model, week, sample, window, downloads > 0, of complete weeks."""
    models = {row["model_key"]: row for row in tables["silver_models"]}
    complete = {row["week_start"] for row in tables["gold_weeks"] if row["is_complete"]}
    for row in tables["silver_model_weeks"]:
        model, week = models[row["model_key"]], row["week_start"]
        if week in complete and row["download_count"]:
            for window, days in config.window_days.items():
                if in_window(model, week, days):
                    for sample in samples_of(model):
                        yield model, week, sample, window, row["download_count"]


def methods_of(model: dict[str, Any] | None, is_derived: bool) -> set[str]:
    if model is None:
        return {"Undocumented"}
    found = categories_of(labels_of(model, "training_methods"), "training_methods")
    if not is_derived:
        return found
    return {"continued pretraining" if name.startswith("Pretraining") else name for name in found}


def pairs_of(tables: Tables) -> dict[str, dict[tuple[str, str, str], Fraction]]:
    """Model -> (step, method before, method) -> its part of the model's downloads."""
    models = {row["model_id"]: row for row in tables["silver_models"]}
    lineage = {row["model_id"]: row for row in tables["silver_lineage"]}
    return {name: _pairs(models, lineage, name) for name in models}


def _pairs(models: Any, lineage: Any, name: str) -> dict[tuple[str, str, str], Fraction]:
    chain = [name]
    while lineage[chain[0]]["status"] == "attributed":
        chain.insert(0, lineage[chain[0]]["parent_id"])
    made = [methods_of(models[link], place > 0) for place, link in enumerate(chain)]
    if lineage[chain[0]]["kind"]:
        made = [methods_of(None, False), *(methods_of(models[link], True) for link in chain)]
    steps = list(pairwise(made))
    if steps:
        steps += [(made[-1], {"ended"}), ({"ended"}, {"ended"}), ({"ended"}, {"ended"})]
    else:
        steps = [(made[0], {"not derived"}), *[({"not derived"}, {"not derived"})] * 2]
    later = steps[2 : max(len(made) - 1, 3)]
    parts: defaultdict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for step, some in (("1", steps[:1]), ("2", steps[1:2]), ("3+", later)):
        for before, after in some:
            for pair in product((step,), before, after):
                parts[pair] += Fraction(1, len(some) * len(before) * len(after))
    return parts


def expected_flows(tables: Tables, config: Config) -> dict[tuple[str, ...], tuple[float, float]]:
    parts = pairs_of(tables)
    sums: defaultdict[Any, Fraction] = defaultdict(Fraction)
    totals: Counter[Any] = Counter()
    for model, week, sample, window, count in counts_in_weeks(tables, config):
        for period in ["all", *(p.name for p in config.periods if p.covers(week))]:
            totals[sample, period, window] += count
            for pair, part in parts[model["model_id"]].items():
                sums[(sample, period, window, *pair)] += count * part
    return {
        key: (float(value), float(value / totals[key[:3]])) for key, value in sums.items() if value
    }


def found_flows(tables: Tables) -> dict[tuple[str, ...], tuple[float, float]]:
    names = ("sample", "period", "recency_window", "step", "previous_method", "method")
    return {
        tuple(row[name] for name in names): (row["downloads"], row["share"])
        for row in tables["gold_derivation_flows"]
    }


def test_derivation_flows_agree_with_a_walk(tables: Tables) -> None:
    expected, found = expected_flows(tables, CONFIG), found_flows(tables)
    assert set(found) == set(expected)
    assert len(found) == len(tables["gold_derivation_flows"]) > 300
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, rel=1e-15), key
    assert {sample for sample, *_ in found} == {"population", "head"}
    names = {row["model_id"]: row["in_population"] for row in tables["silver_models"]}
    assert not names.pop(UNUSED)
    assert all(names.values())


def test_derivation_flows_of_the_small_landing_agree_with_a_walk(built: Path) -> None:
    small = read_tables(built)
    expected = expected_flows(small, SHIPPED)
    found = found_flows(small)
    assert set(found) == set(expected)
    assert all(found[key] == pytest.approx(value, rel=1e-15) for key, value in expected.items())


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


GRAINS: dict[str, Callable[[date], str]] = {
    "week": str,
    "quarter": lambda week: f"{week.year}-Q{(week.month + 2) // 3}",
    "year": lambda week: str(week.year),
}


def expected_crossovers(tables: Tables, config: Config) -> dict[tuple[str, ...], dict[str, Any]]:
    complete = [
        row["week_start"]
        for row in tables["gold_weeks"]
        if row["is_complete"] and not row["is_missing"]
    ]
    sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    for model, week, sample, window, count in counts_in_weeks(tables, config):
        said = model["osi_data_criterion"] or "nothing"
        for grain, name in GRAINS.items():
            sums[sample, window, grain, name(week)].update({said: count, "all": count})
    expected = {}
    for cell in product(("population", "head"), config.window_days, GRAINS):
        of_each = {key[3]: said for key, said in sums.items() if key[:3] == cell}
        weeks = Counter(map(GRAINS[cell[2]], complete))
        expected[cell] = _crossover(of_each, weeks)
    return expected


def _crossover(of_each: dict[str, Counter[str]], weeks: Counter[str]) -> dict[str, Any]:
    ahead = {period for period, said in of_each.items() if said["lacks"] > said["meets"]}
    behind = {period for period, said in of_each.items() if said["lacks"] < said["meets"]}
    first = min(ahead, default=None)
    lasting = min((p for p in of_each if all(q in ahead for q in of_each if q >= p)), default=None)
    # A tie is written as nothing, so that only a change of the leader is seen.
    leads = "".join("+" if p in ahead else "-" if p in behind else "" for p in sorted(of_each))
    row: dict[str, Any] = {
        "periods": len(of_each),
        "first_observed": min(of_each, default=None),
        "last_observed": max(of_each, default=None),
        "first_period": first,
        "lasting_period": lasting,
        "is_overtaking": first and any(period < first for period in behind),
        "order_changes": leads.count("+-") + leads.count("-+"),
    }
    for prefix, said in (
        ("", sum(of_each.values(), Counter())),
        ("first_", of_each.get(first or "", Counter())),
        ("lasting_", of_each.get(lasting or "", Counter())),
    ):
        known = said["all"] - said["nothing"]
        for name, part in (
            ("meets", said["meets"]),
            ("lacks", said["lacks"]),
            ("documented", known),
        ):
            row[f"{prefix}{name}_share"] = part / said["all"] if said["all"] else None
    row["first_weeks"] = weeks[first] if first else None
    row["lasting_weeks"] = weeks[lasting] if lasting else None
    return row


def found_crossovers(tables: Tables) -> dict[tuple[str, ...], dict[str, Any]]:
    key = ("sample", "recency_window", "grain")
    left_out = {*key, "parameters", "run_id", "processed_at"}
    return {
        tuple(row[name] for name in key): {k: v for k, v in row.items() if k not in left_out}
        for row in tables["gold_osi_crossover"]
    }


def test_osi_crossover_agrees_with_a_count(tables: Tables) -> None:
    found = found_crossovers(tables)
    assert found == expected_crossovers(tables, CONFIG)
    assert {row["is_overtaking"] for row in found.values()} == {True, False}
    assert any(row["first_period"] and not row["lasting_period"] for row in found.values())
    assert any(row["lasting_period"] not in (None, row["first_period"]) for row in found.values())


def test_osi_crossover_of_the_small_landing_agrees_with_a_count(built: Path) -> None:
    small = read_tables(built)
    found = found_crossovers(small)
    assert found == expected_crossovers(small, SHIPPED)
    assert {row["first_period"] for row in found.values()} == {None}  # nothing is documented there
