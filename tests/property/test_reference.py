"""What must hold of any right answer: a reference that breaks one of these is wrong itself."""

from __future__ import annotations

import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opentrace_spark.config import Config, load_config
from opentrace_spark.tables import TABLES, TOP_K
from tests.compare import NOT_COMPARED, assert_same_tables, differences
from tests.property.landings import FORMATS, Landing, configs, landings
from tests.reference import reference_tables
from tests.reference.measures import metrics

Tables = dict[str, list[dict[str, Any]]]
Property = Callable[..., None]


def examples(count: int) -> Callable[[Property], Property]:
    """The same examples in every run, without a time limit for each."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def written(landing: Landing) -> Iterator[Path]:
    """The landing's folder, as long as it is needed."""
    with tempfile.TemporaryDirectory() as scratch:
        yield landing.write(Path(scratch))


def tables_of(landing: Landing, config: Config) -> Tables:
    """The reference's answer."""
    with written(landing) as folder:
        return reference_tables(folder, config)


def cell(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a row of a weekly gold table is about."""
    return tuple(row[c] for c in ("week_start", "level", "attribution", "recency_window"))


ROBUSTNESS_TABLES = {"gold_anomalies", "gold_sensitivity"}
"""Told by `robustness_tables`: tests/property/test_pipeline_property.py compares them."""
LEADERBOARD_TABLES = {
    spec.id for spec in TABLES if spec.id.startswith(("silver_leaderboard", "gold_leaderboard_"))
}
"""Made of a folder that random landings lack: tests/unit/gold/leaderboard compares them."""


@examples(25)
@given(landing=landings(), config=configs())
def test_columns_and_keys_are_those_of_the_tables(landing: Landing, config: Config) -> None:
    tables = tables_of(landing, config)
    others = {*ROBUSTNESS_TABLES, *LEADERBOARD_TABLES, "gold_runs"}
    assert set(tables) == {spec.id for spec in TABLES} - others
    for spec in (spec for spec in TABLES if spec.id not in others):
        columns = {c.name for c in spec.columns} - NOT_COMPARED
        required = {c.name for c in spec.columns if not c.nullable} - NOT_COMPARED
        keys = Counter(tuple(row[c] for c in spec.key) for row in tables[spec.id])
        assert all(count == 1 for count in keys.values()), spec.id
        for row in tables[spec.id]:
            assert set(row) == columns, spec.id
            assert all(row[c] is not None for c in required), (spec.id, row)
        assert not differences(spec.id, tables[spec.id], reversed(tables[spec.id]))


@examples(25)
@given(landing=landings(), config=configs())
def test_every_input_row_is_used_or_rejected(landing: Landing, config: Config) -> None:
    tables = tables_of(landing, config)
    rejected = Counter(row["source_file"].split("/")[0] for row in tables["silver_rejects"])
    malformed = Counter(file.kind for file in landing.files if file.malformed)
    kept = sum(row["is_in_models"] for row in tables["silver_models"])
    assert kept + rejected["models"] == len(landing.rows("models")) + malformed["models"]
    reported = sum(len(row["reported_as"] or "1") for row in tables["silver_model_weeks"])
    total = len(landing.rows("downloads")) + malformed["downloads"]
    assert reported + rejected["downloads"] == total
    unusable = {
        (row["source_file"], row["row"])
        for row in tables["silver_rejects"]
        if row["source_file"].startswith("downloads/")
    }
    counted = sum(
        row["count"]
        for file in landing.files
        if file.kind == "downloads"
        for number, row in enumerate(file.rows, start=1)
        if (f"downloads/{file.name}.{file.format}", number) not in unusable
    )
    assert counted == sum(row["download_count"] for row in tables["silver_model_weeks"])
    assert counted == sum(row["total_downloads"] for row in tables["silver_models"])
    assert counted == sum(row["downloads"] or 0 for row in tables["gold_weeks"])


@examples(25)
@given(landing=landings(), config=configs())
def test_shares_sum_to_one_and_downloads_to_the_population(
    landing: Landing, config: Config
) -> None:
    tables = tables_of(landing, config)
    shares, downloads = defaultdict(list), Counter[Any]()
    for row in tables["gold_usage_shares"]:
        shares[cell(row)].append(row["share"])
        downloads[cell(row)] += row["downloads"]
    assert all(abs(math.fsum(parts) - 1) < 1e-12 for parts in shares.values())
    population = {row["week_start"]: row["population_downloads"] for row in tables["gold_weeks"]}
    for row in tables["gold_concentration"]:
        if row["scope"] == "all":
            assert row["downloads"] == downloads[cell(row)]
            if row["recency_window"] == "none":
                assert row["downloads"] == population[row["week_start"]]


@examples(25)
@given(landing=landings(), config=configs())
def test_attribution_levels_and_windows_agree_on_totals(landing: Landing, config: Config) -> None:
    totals = defaultdict(set)
    national = {}
    for row in tables_of(landing, config)["gold_concentration"]:
        if row["scope"] == "all":
            totals[row["week_start"], row["recency_window"]].add(row["downloads"])
        else:
            national[cell(row)] = row
    assert all(len(each) == 1 for each in totals.values())
    for week in {week for week, _ in totals}:
        (none,), (year,), (half,) = (totals[week, w] for w in ("none", "365d", "182d"))
        assert none >= year >= half
        for row in national.values():
            if row["week_start"] == week:
                (everything,) = totals[week, row["recency_window"]]
                assert row["downloads"] <= everything


@examples(25)
@given(landing=landings(), config=configs())
def test_concentration_lies_within_its_bounds(landing: Landing, config: Config) -> None:
    tables = tables_of(landing, config)
    for row in [*tables["gold_concentration"], *tables["gold_period_summary"]]:
        check_bounds(row)
        if row["units"] and "eligible_units" in row:
            assert row["eligible_units"] >= row["units"]
            assert row["gini"] - 1e-12 <= row["gini_eligible"] < 1


def check_bounds(row: dict[str, Any]) -> None:
    """Bounds and identities of one set of metrics."""
    n = row["units"]
    if n == 0:
        assert row["downloads"] == 0
        assert row["hhi"] is row["gini"] is row["theil"] is row["top_1_share"] is None
        return
    small = 1e-12
    assert 1 / n - small <= row["hhi"] <= 1
    assert 1 - small <= row["effective_units"] <= n + small
    assert -small <= row["gini"] <= 1 - 1 / n + small
    assert -small <= row["theil"] <= math.log(n) + small
    assert abs(row["theil"] + row["shannon_entropy"] - math.log(n)) < small
    assert (row["hhi_normalized"] is None) == (row["gini_corrected"] is None) == (n == 1)
    shares = [row[f"top_{k}_share"] for k in TOP_K]
    assert shares == sorted(shares)
    assert row["top_1_share"] ** 2 <= row["hhi"] + small
    assert row["hhi"] <= row["top_1_share"] + small
    for k in TOP_K:
        assert k < n or (row[f"top_{k}_share"] == 1 and not row[f"tied_at_{k}"])


@examples(200)
@given(x=st.lists(st.integers(1, 50) | st.integers(1, 10**12), min_size=1, max_size=30))
def test_metrics_agree_with_other_definitions(x: list[int]) -> None:
    n, total = len(x), sum(x)
    p = [v / total for v in x]
    got = metrics(x)
    check_bounds(got)
    assert got["units"] == n
    assert got["hhi"] == pytest.approx(math.fsum(v * v for v in p), rel=1e-12)
    pairs = sum(abs(a - b) for a in x for b in x)  # Gini as the mean absolute difference
    assert got["gini"] == pytest.approx(pairs / (2 * n * total), rel=1e-12, abs=1e-15)
    theil = math.fsum(v / total * math.log(v * n / total) for v in x)
    assert got["theil"] == pytest.approx(theil, rel=1e-9, abs=1e-12)
    assert metrics(reversed(x)) == got
    scaled = metrics(v * 7 for v in x)  # shares alone matter
    assert all(
        scaled[name] == pytest.approx(value, rel=1e-12, abs=1e-15)
        for name, value in got.items()
        if name != "downloads" and value is not None
    )


def test_metrics_of_nothing_are_null() -> None:
    got = metrics([])
    assert (got.pop("units"), got.pop("downloads")) == (0, 0)
    assert set(got.values()) == {None}


@examples(40)
@given(landing=landings(), config=configs())
def test_lineage_carries_its_own_proof(landing: Landing, config: Config) -> None:
    tables = tables_of(landing, config)
    rows = {row["model_id"]: row for row in tables["silver_lineage"]}
    assert set(rows) == {row["model_id"] for row in tables["silver_models"]}
    sizes = Counter(row["family_id"] for row in rows.values())
    for model_id, row in rows.items():
        parent = rows.get(row["parent_id"])
        assert row["family_size"] == sizes[row["family_id"]]
        assert row["family_key"] == rows[row["family_id"]]["model_key"] <= row["model_key"]
        assert parent is None or row["family_id"] == parent["family_id"]
        assert parent is not row
        if row["status"] == "attributed":
            assert parent is not None
            assert row["root_id"] == parent["root_id"]
            assert row["depth"] == parent["depth"] + 1
        else:
            assert (row["root_id"], row["depth"]) == (model_id, 0)
        if row["status"] in ("root", "self", "no_metadata"):
            assert parent is None
        assert (row["status"] == "cycle") == (row["cycle_length"] is not None)
        if row["status"] == "cycle":
            assert comes_back(model_id, rows)
    kept = config.attribution.missing_ancestor == "self"
    for row in rows.values():
        if row["status"] == "parent_missing" and not kept:
            assert row["parent_id"] is None
            assert row["parent_name"] is not None


def comes_back(model_id: str, rows: dict[str, dict[str, Any]]) -> bool:
    """Whether the walk over first parents goes on for ever, and its cycle is as long as said."""
    at = model_id
    for _ in rows:
        at = rows[at]["parent_id"]
    start, steps = at, 0
    while steps == 0 or at != start:
        at, steps = rows[at]["parent_id"], steps + 1
    return bool(steps == rows[model_id]["cycle_length"])


@examples(20)
@given(landing=landings(), config=configs(), data=st.data())
def test_order_of_download_rows_does_not_matter(
    landing: Landing, config: Config, data: st.DataObject
) -> None:
    rows = landing.rows("downloads")
    one = landing.with_rows("downloads", rows)
    two = landing.with_rows("downloads", data.draw(st.permutations(rows)))
    before, after = tables_of(one, config), tables_of(two, config)
    reasons = [Counter(r["reason"] for r in t.pop("silver_rejects")) for t in (before, after)]
    assert reasons[0] == reasons[1]
    assert_same_tables(after, before)


@examples(15)
@given(landing=landings(), config=configs())
def test_format_of_files_does_not_matter(landing: Landing, config: Config) -> None:
    def told(format_: str) -> Tables:
        tables = tables_of(landing.in_format(format_), config)
        for row in [*tables["silver_models"], *tables["silver_rejects"]]:
            row["source_file"] = (row["source_file"] or "").partition(".")[0]
        return tables

    first = told(FORMATS[0])
    for format_ in FORMATS[1:]:
        assert_same_tables(told(format_), first)


@examples(15)
@given(landing=landings(), config=configs())
def test_pooled_tables_add_up(landing: Landing, config: Config) -> None:
    tables = tables_of(landing, config)
    complete = {r["week_start"] for r in tables["gold_weeks"] if r["is_complete"]}
    weekly = Counter[Any]()
    for row in tables["gold_concentration"]:
        if row["scope"] == "all" and row["week_start"] in complete:
            weekly[row["level"], row["attribution"], row["recency_window"]] += row["downloads"]
    pooled, trends, kinds = Counter[Any](), Counter[Any](), Counter[Any]()
    for row in tables["gold_period_summary"]:
        if row["scope"] == "all":
            pooled[row["level"], row["attribution"], row["recency_window"]] += row["downloads"]
    assert +pooled == +weekly
    for row in tables["gold_developer_trends"]:
        trends[row["level"], row["attribution"], row["recency_window"]] += row["downloads"]
    assert all(weekly[key] == downloads for key, downloads in trends.items())
    for row in tables["gold_org_type_by_country"]:
        if row["period"] == "all":
            kinds["country", row["attribution"], row["recency_window"]] += row["downloads"]
    assert all(weekly[key] == downloads for key, downloads in kinds.items())
    for row in tables["gold_intermediaries"]:
        parts = [value for name, value in row.items() if name.endswith("_share")]
        if row["downloads"]:
            assert sum(parts) == pytest.approx(2 * row["others_share"], abs=1e-12)


def test_empty_downloads_give_tables_without_rows(tmp_path: Path) -> None:
    for kind, header in {"models": "id", "downloads": "week,id,count"}.items():
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "a.csv").write_text(header + "\n")
    tables = reference_tables(tmp_path, load_config())
    with_rows = {"gold_samples", "gold_model_sizes", "gold_attribute_shifts"}
    assert {name for name, rows in tables.items() if rows} == with_rows
