"""Every table that is made of kept submissions, on random ones, against pandas and plain loops."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from opentrace_spark.config import load_config
from opentrace_spark.gold.leaderboard import authors, improvement, licenses, sizes, weekly
from opentrace_spark.steps import CONSTANTS
from tests.compare import SPECS, assert_none, differences
from tests.property.landings import random_examples
from tests.reference.leaderboard import gold_tables

SHIPPED = load_config().leaderboard
OTHERS = replace(
    SHIPPED,
    smooth_weeks=3,
    architectures=2,
    families=1,
    best_of="so_far",
    base_date="release",
    gain="percent",
    gain_derivatives="total",
    log_base=10.0,
    gain_reached=0.5,
    size_bounds=(2, 8),
    score_percents=(1, 90, 100),
)
FLOOR = replace(OTHERS, architecture_floor=0.3)
DAYS = st.integers(0, 45).map(lambda n: date(2023, 9, 1) + timedelta(days=n))
IDS = ("a/base", "a/b", "b/c", "c/d", "d/e", "e/f", "plain", "mistralai/Mistral-7B-v0.1")


@st.composite
def models(draw):
    """Kept submissions of both versions: few of each kind of value, so that there are ties."""
    rows = []
    for version in ("v1", "v2"):
        for model_id in draw(st.lists(st.sampled_from(IDS), unique=True)):
            owner, slash, _ = model_id.partition("/")
            base = draw(st.sampled_from((None, None, "a/base", IDS[-1], model_id)))
            flagged, removed = draw(st.booleans()), draw(st.integers(0, 3)) == 0
            rows.append(
                {
                    "version": version,
                    "model_id": model_id,
                    "author": owner if slash else "(no owner)",
                    "date": draw(st.one_of(st.none(), DAYS)),
                    "result_date": draw(st.one_of(st.none(), DAYS)),
                    "type": draw(st.sampled_from(("chat", "merge", "fine-tuned", "unknown"))),
                    "architecture": draw(st.sampled_from((None, "A", "B", "C"))),
                    "license": draw(st.sampled_from((None, "mit", "MIT", "llama2", "unknown"))),
                    "score": draw(st.sampled_from((None, 0.0, 45.0, 45.15, 50.0, 50.1, 100.0))),
                    "parameters_billions": draw(st.sampled_from((None, 0.5, 1.0, 7.0, 72.0, 80.0))),
                    "downloads": draw(st.sampled_from((None, 0, 10, 2**40))),
                    "has_dataset": draw(st.sampled_from((None, True, False))),
                    "is_merged": draw(st.booleans()),
                    "in_means": not (flagged and removed),
                    "base_model_id": base,
                    "base_family": draw(st.sampled_from(("Mistral", "Phi", "other")))
                    if base
                    else None,
                    "base_evidence": draw(st.sampled_from(("lineage", "name"))) if base else None,
                }
            )
    # One base is of one family.
    families = {row["base_model_id"]: row["base_family"] for row in rows}
    return [{**row, "base_family": families[row["base_model_id"]]} for row in rows]


def made(rows, values):
    """The tables as the program makes them, null in the columns that a row leaves out."""
    found = {
        "authors_daily": authors.authors_daily(rows),
        "authors": authors.authors(rows),
        "metadata_weekly": weekly.metadata_weekly(rows),
        "types_weekly": weekly.types_weekly(rows, values.smooth_weeks),
        "architectures_weekly": weekly.architectures_weekly(rows, values),
        "base_models_weekly": weekly.base_models_weekly(rows, values.families),
        "licenses": licenses.licenses(rows),
        "sizes": sizes.sizes(rows, values.size_bounds),
        "size_architectures": sizes.size_architectures(rows, values.size_bounds),
        "size_for_score": sizes.size_for_score(rows, values),
        "improvement": improvement.improvement(rows, values.gain),
        "improvement_daily": improvement.improvement_daily(rows, values),
    }
    return {
        f"gold_leaderboard_{name}": [{**nulls(f"gold_leaderboard_{name}"), **row} for row in table]
        for name, table in found.items()
    }


def nulls(table):
    return dict.fromkeys(
        column.name for column in SPECS[table].columns if column.name not in CONSTANTS
    )


@pytest.mark.parametrize("values", [SHIPPED, OTHERS, FLOOR], ids=["shipped", "others", "floor"])
@random_examples(6)
@given(rows=models())
def test_tables_agree_with_the_truth(values, rows):
    tables, truth = made(rows, values), gold_tables(rows, values)
    lines = []
    for table, got in tables.items():
        lines += differences(table, got, truth.get(table, []))
    assert_none(lines)
