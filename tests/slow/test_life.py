"""Twelve weeks of a Hub as somebody schedules them: collect, update, and once a night that fails.

Every week models come, go, are renamed, take names over, change license, gate and parents; twice
all counters stand still, and now and then one falls. Run it by scripts/life.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from opentrace_spark import cli
from opentrace_spark.collect import pages, parts
from opentrace_spark.collect.snapshot import collect_hub
from opentrace_spark.collect.transport import Hub, Patience
from opentrace_spark.config import load_config
from opentrace_spark.errors import ContentError
from tests.compare import exact_rows
from tests.fake_hub import FakeHub, model
from tests.pipeline import read_tables, run_tables
from tests.unit.collect.conftest import QuietClock, client, fake, quiet  # noqa: F401

pytestmark = pytest.mark.slow

MODELS, WEEKS = 400, 12
MONDAY = datetime(2026, 1, 5, 6, 30, tzinfo=timezone.utc)
STALLS = (5, 8)
FAILED_NIGHTS = {3: "the whole week", 7: "one night"}
LICENSES = ("mit", "apache-2.0", "llama3", None)


class LivingHub:
    """Models of a fake Hub that change from week to week; `happened` counts what did."""

    def __init__(self, hub: FakeHub) -> None:
        self.rng = random.Random(6)
        self.hub = hub
        self.made = 0
        self.happened: dict[str, int] = {}
        self.models: list[dict[str, Any]] = []
        for _ in range(MODELS):
            self._create(MONDAY - timedelta(days=self.rng.randint(30, 1500)))
        self._publish()

    def live(self, week: int, now: datetime) -> None:
        """A week goes by."""
        rng, models = self.rng, self.models
        for _ in range(15):
            self._create(now - timedelta(hours=rng.randint(1, 150)))
        for gone in rng.sample(models, 5):
            models.remove(gone)
            self._count("gone")
            if rng.random() < 0.4:  # its name is another's from now on
                self._create(now - timedelta(hours=2), name=gone["id"])
                self._count("taken over")
        for renamed in rng.sample(models, 4):
            owner = rng.choice((renamed["author"], "moved"))
            renamed["id"] = f"{owner}/renamed-{week}-{renamed['_id'][-4:]}"
            renamed["author"] = owner
            self._count("renamed")
        for changed in rng.sample(models, 8):
            self._describe(changed)
            changed["lastModified"] = stamp(now)
            self._count("changed")
        for counted in models:
            if week in STALLS:
                break
            counted["downloadsAllTime"] += int(rng.paretovariate(0.6)) % 50_000
        for fallen in [] if week in STALLS else rng.sample(models, 2):
            fallen["downloadsAllTime"] //= 3
            self._count("fallen")
        self._publish()

    def _create(self, at: datetime, name: str | None = None) -> None:
        self.made += 1
        new = model(self.made, createdAt=stamp(at), lastModified=stamp(at), siblings=None)
        new["id"] = name or new["id"]
        self._describe(new)
        self.models.append(new)

    def _describe(self, changed: dict[str, Any]) -> None:
        parent = self.rng.choice([*self.models, None]) if self.rng.random() < 0.6 else None
        license_ = self.rng.choice(LICENSES)
        card = {"license": license_} | ({"base_model": parent["id"]} if parent else {})
        changed["cardData"] = {name: value for name, value in card.items() if value}
        changed["gated"] = self.rng.choice((False, False, "auto", "manual"))
        changed["baseModels"] = None
        if parent and self.rng.random() < 0.5:
            listed = [{"_id": parent["_id"], "id": parent["id"]}]
            changed["baseModels"] = {"relation": "finetune", "models": listed}
        changed["tags"] = ["transformers"]

    def _count(self, what: str) -> None:
        self.happened[what] = self.happened.get(what, 0) + 1

    def _publish(self) -> None:
        self.hub.models = sorted(self.models, key=lambda m: m["createdAt"], reverse=True)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def test_twelve_weeks_of_updates_give_what_one_run_gives(
    spark: SparkSession,
    fake: FakeHub,  # noqa: F811
    quiet: QuietClock,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pages, "FIRST_QUERY", pages.FIRST_QUERY.replace("limit=1000", "limit=50"))
    monkeypatch.setattr(parts, "PAGES_PER_PART", 3)
    landing, warehouse = tmp_path / "landing", tmp_path / "warehouse"
    life = LivingHub(fake)
    for week in range(1, WEEKS + 1):
        quiet.time = MONDAY + timedelta(weeks=week - 1)
        life.live(week, quiet.time)
        fake.pages.clear()  # pages are counted anew
        if week in FAILED_NIGHTS:
            fake.moods[4] = ["500"] * 20
            with pytest.raises(ContentError):
                collect_hub(landing, Hub(Patience(attempts=3), quiet.clock()), silent)
            fake.moods.clear()
        if FAILED_NIGHTS.get(week) == "the whole week":
            continue
        quiet.time = max(quiet.time, MONDAY + timedelta(weeks=week - 1, hours=20))
        collect_hub(landing, Hub(Patience(), quiet.clock()), silent)
        update = ["update", "--landing", str(landing), "--warehouse", str(warehouse)]
        assert cli.main(update) == 0
        assert cli.main(update) == 0
        assert "nothing new since run" in capsys.readouterr().out
    assert len(list((landing / "snapshots").iterdir())) == WEEKS - 1
    once = run_tables(spark, landing, tmp_path / "once", load_config())
    updated = read_tables(warehouse)
    assert exact_rows(updated) == exact_rows(once)
    flags = {flag for row in once["silver_model_weeks"] for flag in (row["flags"] or "").split(",")}
    assert {"catch_up", "stall", "regression", "first_seen", "spread"} <= flags
    assert sum(row["is_stalled"] for row in once["silver_snapshots"]) == len(STALLS)
    vanished = [row for row in once["silver_models"] if row["last_seen"] and row["is_in_models"]]
    last = max(row["last_seen"] for row in vanished)
    assert sum(row["last_seen"] < last for row in vanished) > 20
    assert all(life.happened[what] > 5 for what in ("gone", "taken over", "renamed", "fallen"))


def silent(*_: object) -> None:
    pass
