"""silver/leaderboard: the same rows whatever the order in which a task gets the results."""

from __future__ import annotations

import random

from opentrace_spark.config import load_config
from opentrace_spark.leaderboard.cells import read_result
from opentrace_spark.leaderboard.words import shipped_words
from opentrace_spark.silver.leaderboard import kept_rows

VALUES = load_config().leaderboard
JOINED = ("resolution", "base_name", "base_id", "base_root", "root_id", "created")


def results():
    """Sixty results of twenty models in two files, with many ties."""
    rows = []
    for number in range(60):
        model = number % 20
        record = {
            "Model": f"a/Mistral-7B-{model}",
            "Average": str(50 + model % 3),
            "MMLU": "50",
            "Type": "🤝 merge" if model < 3 else "💬 chat",
            "Merged": str(model >= 3),
            "Precision": str(number),
            "date": f"2024-05-{1 + model % 4:02d}",
        }
        row = read_result(record, shipped_words())
        place = {"source_file": f"leaderboard/{number % 2}.csv", "source_row": number}
        absent = dict.fromkeys((*JOINED, "license_of_model", "downloads", "has_dataset"))
        rows.append({**row, **absent, **place, "model_id": row["name"]})
    return rows


def test_the_order_of_results_does_not_matter():
    expected = kept_rows(results(), VALUES)
    assert len(expected) == 20
    assert {row["inverted"] for row in expected} == {"merged"}
    assert all(row["base_evidence"] == "name" for row in expected)
    for seed in range(5):
        shuffled = results()
        random.Random(seed).shuffle(shuffled)
        assert kept_rows(shuffled, VALUES) == expected


def test_the_license_of_the_model_stands_in_for_one_that_the_board_lacks():
    rows = results()
    for row in rows:
        row["license_of_model"] = "mit"
    rows[0]["license"] = "llama2"
    licenses = {row["model_id"]: row["license"] for row in kept_rows(rows, VALUES)}
    assert licenses.pop("a/Mistral-7B-0") == "llama2"
    assert set(licenses.values()) == {"mit"}
