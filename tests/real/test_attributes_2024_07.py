"""760,000 real models: the lists know the Hub's tasks and licenses, and label most downloads.

Needs the captures that OPENTRACE_REAL_DATA points at; they are not part of the repository.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from opentrace_spark.attributes.card import tagged
from opentrace_spark.attributes.derive import Metadata, derive
from opentrace_spark.attributes.vocabulary import shipped_vocabulary

DATA = Path(os.environ.get("OPENTRACE_REAL_DATA", ""))
MODELS = DATA / "landing_2024-07" / "models" / "hub_models_2024-07.parquet"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not MODELS.is_file(), reason="OPENTRACE_REAL_DATA does not point at the real captures"
    ),
]
OUTLIER = "MIT/ast-finetuned-audioset-10-10-0.4593"
"""Holds 37% of the downloads by itself."""


def test_every_task_of_the_hub_is_listed() -> None:
    tasks = pq.read_table(MODELS, columns=["pipeline_tag"])["pipeline_tag"].unique().to_pylist()
    assert {task for task in tasks if task} <= set(shipped_vocabulary().pipeline_tags)


def test_licenses_of_nearly_all_models_are_listed() -> None:
    words, models, known = shipped_vocabulary(), 0, 0
    for batch in pq.ParquetFile(MODELS).iter_batches(20_000, columns=["tags"]):
        for tags in batch["tags"].to_pylist():
            if names := tagged(tuple(tags or ()), "license:"):
                models += 1
                known += all(name in words.licenses for name in names)
    assert models > 280_000
    assert known / models >= 0.995


@pytest.mark.slow
def test_metadata_label_most_downloads() -> None:
    words, total, labelled = shipped_vocabulary(), 0, Counter()
    columns = ["id", "tags", "pipeline_tag", "library_name", "downloads"]
    for batch in pq.ParquetFile(MODELS).iter_batches(20_000, columns=columns):
        for row in batch.to_pylist():
            if not row["downloads"] or row["id"] == OUTLIER:
                continue
            model = Metadata(
                row["id"], tuple(row["tags"] or ()), row["pipeline_tag"], row["library_name"]
            )
            total += row["downloads"]
            for attribute, labels in derive(model, words).labels.items():
                labelled[attribute] += row["downloads"] if labels else 0
    share = {attribute: count / total for attribute, count in labelled.items()}
    assert share["architecture"] > 0.95
    assert share["output_modality"] > 0.95
    assert share["training_methods"] > 0.8
    assert share["license_class"] > 0.75
