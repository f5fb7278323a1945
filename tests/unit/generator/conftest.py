"""One generated landing of 5,000 models and 60 weeks, read back with plain pyarrow and csv."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark.generator import GeneratedLanding, generate_landing

RELATIONS = ("finetune", "adapter", "quantized", "merge")


@dataclass(frozen=True)
class Landing:
    """What the files say: rows of models/, rows per week, rows of the CSV tables."""

    result: GeneratedLanding
    models: list[dict[str, Any]]
    weeks: dict[dt.date, list[tuple[str, int]]]
    aliases: list[tuple[str, str]]
    organizations: list[dict[str, str]]

    @property
    def ids(self) -> set[str]:
        return {model["id"] for model in self.models}

    @property
    def downloads(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for rows in self.weeks.values():
            for name, count in rows:
                total[name] += count
        return total


def read_models(path: Path) -> pa.Table:
    return pa.concat_tables(pq.read_table(file) for file in sorted((path / "models").iterdir()))


def read_landing(result: GeneratedLanding) -> Landing:
    weeks = {}
    for file in sorted((result.path / "downloads").iterdir()):
        table = pq.read_table(file)
        assert set(table["week"].to_pylist()) <= {dt.date.fromisoformat(file.stem)}
        rows = zip(table["id"].to_pylist(), table["count"].to_pylist(), strict=True)
        weeks[dt.date.fromisoformat(file.stem)] = list(rows)
    with (result.path / "aliases" / "aliases.csv").open(encoding="utf-8", newline="") as file:
        aliases = [(row["legacy_id"], row["current_id"]) for row in csv.DictReader(file)]
    listed = result.path / "organizations" / "organizations.csv"
    with listed.open(encoding="utf-8", newline="") as file:
        organizations = list(csv.DictReader(file))
    models = read_models(result.path).to_pylist()
    return Landing(result, models, weeks, aliases, organizations)


def card_parents(model: dict[str, Any]) -> list[str]:
    named = json.loads(model["cardData"] or "{}").get("base_model", [])
    return [named] if isinstance(named, str) else named


def tag_parents(model: dict[str, Any]) -> list[str]:
    tags = [tag[len("base_model:") :] for tag in model["tags"] if tag.startswith("base_model:")]
    return [tag for tag in tags if tag.partition(":")[0] not in RELATIONS]


def listed_parents(model: dict[str, Any]) -> list[str]:
    return [parent["id"] for parent in (model["baseModels"] or {}).get("models") or []]


def parents_of(model: dict[str, Any]) -> list[str]:
    return card_parents(model) or listed_parents(model) or tag_parents(model)


@pytest.fixture(scope="session")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    out = tmp_path_factory.mktemp("generated") / "landing"
    return read_landing(generate_landing(out, models=5_000, weeks=60, seed=7))
