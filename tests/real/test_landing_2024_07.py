"""760,000 real models: the figures that an independent implementation of the contract gives.

Needs the captures that OPENTRACE_REAL_DATA points at; they are not part of the repository.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.measure import tree_of
from opentrace_spark.config import load_config
from opentrace_spark.io import Warehouse
from opentrace_spark.tables import TABLES
from tests.compare import assert_same_tables
from tests.reference.attributes import (
    NOTHING,
    attribute_columns,
    metadata_labels,
    size_evidence,
    sized,
)
from tests.reference.labelled import size_coverage
from tests.reference.lineage import documented_parents
from tests.reference.names import Names
from tests.reference.pipeline import attribute_tables
from tests.reference.reading import Record
from tests.reference.usage import Facts

DATA = Path(os.environ.get("OPENTRACE_REAL_DATA", ""))
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (DATA / "landing_2024-07").is_dir(),
        reason="OPENTRACE_REAL_DATA does not point at the real captures",
    ),
]
SPECS = {spec.path: spec for spec in TABLES}
CELL = ["week_start", "level", "scope", "attribution", "recency_window"]

# level, attribution, window: units, downloads, hhi, gini, theil, top_10_share
PUBLISHED = {
    ("model", "none", "none"): (
        30444, 1835549238, 0.1437390511, 0.9790274332, 5.9773461787, 0.5655164621,
    ),
    ("model", "root", "365d"): (
        16926, 233711872, 0.0070111704, 0.9241197695, 3.3010390172, 0.2046811298,
    ),
    ("developer", "none", "182d"): (
        3244, 122164172, 0.0385348665, 0.9477166460, 3.5214323491, 0.4701765506,
    ),
    ("developer", "root", "365d"): (
        3889, 233711872, 0.0233557817, 0.9497911754, 3.3912270152, 0.4177640450,
    ),
    ("country", "root", "none"): (
        3, 1835549238, 0.6572881258, 0.5145335589, 0.5282025514, 1.0,
    ),
}  # fmt: skip


def more_memory(root: int, peak: dict[str, int]) -> dict[str, int]:
    """`peak`, or what is held now if it is more, and is at a second look, too: pages that pass
    from one process to another between the readings of one look are counted twice there."""
    for _ in range(2):
        look = {f"{each.id} ({each.name})": each.memory for each in tree_of(root)}
        if sum(look.values()) <= sum(peak.values()):
            return peak
    return look


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The warehouse of the real landing, built by the command line, and who held how much memory
    when it was most."""
    folder = tmp_path_factory.mktemp("real") / "warehouse"
    command = [Path(sys.executable).with_name("opentrace"), "run", "--quiet"]
    places = ["--landing", DATA / "landing_2024-07", "--warehouse", folder]
    peak: dict[str, int] = {}
    with subprocess.Popen([*command, *places], stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = more_memory(process.pid, peak)
            time.sleep(3)  # each look costs the run time
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read()) == (0, "")
    return folder, peak


@pytest.fixture(scope="module")
def warehouse(run):
    return run[0]


def table(warehouse, name, **filters):
    conditions = [(column, "=", value) for column, value in filters.items()]
    return Warehouse(str(warehouse)).read(SPECS[name], filters=conditions or None)


def by_key(rows, key):
    return {tuple(row[name] for name in key): row for row in rows.to_pylist()}


def close(got, want):
    if got is None or want is None:
        return got is want
    return abs(got - want) <= 1e-12 * max(abs(want), 1e-3)


@pytest.mark.parametrize("cell", PUBLISHED)
def test_concentration_is_as_published(warehouse, cell):
    level, attribution, window = cell
    (row,) = table(
        warehouse,
        "gold/concentration",
        level=level,
        scope="all",
        attribution=attribution,
        recency_window=window,
    ).to_pylist()
    units, downloads, *rounded = PUBLISHED[cell]
    assert (row["units"], row["downloads"]) == (units, downloads)
    assert [round(row[m], 10) for m in ("hhi", "gini", "theil", "top_10_share")] == rounded


def test_every_cell_of_concentration_is_as_expected(warehouse):
    expected = by_key(pq.read_table(DATA / "expected_2024-07" / "concentration.parquet"), CELL)
    got = by_key(table(warehouse, "gold/concentration"), CELL)
    wrong = [
        (key, name, got[key][name], value)
        for key, row in expected.items()
        for name, value in row.items()
        if name not in CELL and not close(got[key][name], value)
    ]
    assert len(expected) == 18
    assert not wrong, wrong[:3]


def test_every_row_of_usage_shares_is_as_expected(warehouse):
    expected = pq.read_table(DATA / "expected_2024-07" / "usage_shares.parquet")
    key = ["week_start", "level", "attribution", "recency_window", "rank"]
    want, got = by_key(expected, key), by_key(table(warehouse, "gold/usage_shares"), key)
    exact = ("entity", "downloads", "member_count")
    wrong = [
        (place, row, got.get(place))
        for place, row in want.items()
        if place not in got
        or any(got[place][name] != row[name] for name in exact)
        or not close(got[place]["share"], row["share"])
    ]
    assert len(want) == 12030
    assert not wrong, wrong[:3]
    leaders = [
        (row["entity"], round(row["share"], 6))
        for place, row in got.items()
        if place[1:4] == ("developer", "root", "365d") and place[4] in (1, 2, 3)
    ]
    assert sorted(leaders, key=lambda leader: -leader[1]) == [
        ("pyannote", 0.076843),
        ("stabilityai", 0.061460),
        ("meta-llama", 0.050491),
    ]


def test_lineage_is_as_expected_model_by_model(warehouse):
    lineage = table(warehouse, "silver/lineage")
    expected = pq.read_table(DATA / "expected_2024-07" / "lineage_not_root.parquet")
    counts = {
        row["values"]: row["counts"] for row in pc.value_counts(lineage["status"]).to_pylist()
    }
    assert counts == {
        "root": 642845,
        "attributed": 112885,
        "parent_missing": 3584,
        "self": 665,
        "cycle": 21,
    }
    assert pc.max(lineage["depth"]).as_py() == 39
    derived = lineage.filter(pc.not_equal(lineage["status"], "root"))
    columns = ["model_id", "root_id", "depth", "status"]
    assert rows_of(derived, columns) == rows_of(expected, columns)


def rows_of(rows: pa.Table, columns: list[str]) -> list[tuple]:
    return sorted(zip(*(rows[name].to_pylist() for name in columns), strict=True))


def test_samples_and_rejects(warehouse):
    samples = by_key(table(warehouse, "gold/samples"), ["sample"])
    assert samples[("all",)]["models"] == 760_000
    assert samples[("population",)]["models"] == 30_444
    assert samples[("head",)]["models"] == 200
    rejects = table(warehouse, "silver/rejects").to_pylist()
    assert [(row["source_file"], row["row"], row["reason"]) for row in rejects] == [
        ("aliases/aliases.csv", 58, "ambiguous_alias")
    ]


@pytest.fixture(scope="module")
def facts(warehouse):
    """Models, first parents and counts of the warehouse, as the plain truth takes them."""
    identity = ("model_id", "model_key", "developer", "org_type", "created_at", "created_date")
    marks = ("created_censored", "total_downloads", "in_population", "in_head_sample")
    models = Warehouse(str(warehouse)).read(SPECS["silver/models"], [*identity, *marks, *NOTHING])
    models = {row["model_id"]: row for row in models.to_pylist()}
    chains = ["model_id", "parent_id", "kind", "status"]
    lineage = Warehouse(str(warehouse)).read(SPECS["silver/lineage"], chains).to_pylist()
    names = {row["model_key"]: model_id for model_id, row in models.items()}
    counts = {}
    for row in table(warehouse, "silver/model_weeks").to_pylist():
        of_week = counts.setdefault(row["week_start"], {})
        of_week[names[row["model_key"]]] = row["download_count"]
    lineage = {row["model_id"]: row for row in lineage}
    return Facts(load_config(), models, lineage, counts, {}, None, {})


def test_attribute_tables_agree_with_a_plain_count(warehouse, facts):
    """Over everything, from the columns of silver/models that the next test looks at."""
    expected = attribute_tables(facts)
    got = {name: table(warehouse, name.replace("_", "/", 1)).to_pylist() for name in expected}
    assert_same_tables(got, expected)
    coverage = size_coverage(facts)
    for row in table(warehouse, "gold/model_sizes").to_pylist():
        assert {name: row[name] for name in coverage} == coverage


def test_attributes_of_a_fixed_sample_are_those_of_the_rules(facts):
    """Of every fiftieth model by a checksum of its id. No size is published in this landing, so
    that a fit on the sample is the fit on all."""
    config, records = load_config(), {}
    source = pq.ParquetFile(DATA / "landing_2024-07" / "models" / "hub_models_2024-07.parquet")
    assert not {"safetensors", "gguf", "usedStorage"} & set(source.schema_arrow.names)
    for batch in source.iter_batches(50_000):
        drawn = [zlib.crc32(name.encode()) % 50 == 0 for name in batch["id"].to_pylist()]
        for row in batch.filter(pa.array(drawn)).to_pylist():
            records[row["id"]] = Record("", 0, {k: v for k, v in row.items() if v is not None})
    size_of = sized(size_evidence(records, documented_parents(Names(records), []), config), config)
    wrong = []
    for model_id, record in records.items():
        row = facts.models[model_id]
        kind = facts.lineage[model_id]["kind"]
        derived = metadata_labels(record, row["org_type"], kind, is_documented_root=False)
        expected = attribute_columns(derived, [], size_of[model_id])
        got = {name: row[name] for name in expected}
        wrong += [(model_id, got, expected)] if got != expected else []
    assert not wrong, (len(wrong), wrong[:2])
    assert 15_000 < len(records) < 15_500
    assert len({facts.models[model_id]["method"] for model_id in records}) > 5


def test_anomalies_have_the_known_one_and_few_others(warehouse):
    listed = by_key(table(warehouse, "gold/anomalies"), ["rule", "model_id", "week_start"])
    known = listed[("downloads_per_like", "MIT/ast-finetuned-audioset-10-10-0.4593", None)]
    assert known["downloads"] == 680_847_003
    assert round(known["share"], 4) == 0.3709
    assert len(listed) <= 10


def test_sensitivity_starts_from_the_published_figures(warehouse):
    rows = table(warehouse, "gold/sensitivity", level="developer", figure="hhi").to_pylist()
    found = {
        (row["headline_window"], row["option"], row["value"]): row["result"]
        for row in rows
        if row["period"] == "all"
    }
    for cell, (_, _, hhi, *_) in PUBLISHED.items():
        if cell[:2] == ("developer", "root"):
            assert round(found[cell[2], "attribution", "root"], 10) == hhi
    with_anomalies, without = (found["none", "anomalies", value] for value in ("kept", "set_aside"))
    assert with_anomalies > 0.15 > 0.05 > without


def test_run_stays_below_6_gib(run):
    held = run[1]
    assert 0 < sum(held.values()) < 6 * 2**30, held
