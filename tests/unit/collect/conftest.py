"""A fake Hub that huggingface_hub takes for the real one, and a clock that never waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from opentrace_spark.collect.transport import Clock, Hub, Patience
from tests.fake_hub import FakeHub, serving


@dataclass
class QuietClock:
    """Time that passes only by waiting; `waits` are the waits."""

    time: datetime = datetime(2026, 11, 23, 6, 30, tzinfo=timezone.utc)
    waits: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            self.time += timedelta(seconds=seconds)

        return Clock(now=lambda: self.time, sleep=sleep, random=lambda: 0.5)


@pytest.fixture
def quiet() -> QuietClock:
    return QuietClock()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A Hub without content."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    # huggingface_hub asks once a day for something of its own.
    nothing = {"standardEnvVars": [], "harnesses": {}}
    monkeypatch.setattr("huggingface_hub.utils._detect_agent._registry", nothing)
    with serving(FakeHub()) as hub:
        # huggingface_hub reads HF_ENDPOINT when it is imported.
        for name in ("ENDPOINT", "HUGGINGFACE_CO_URL_TEMPLATE"):
            value = getattr(huggingface_hub.constants, name)
            there = value.replace("https://huggingface.co", hub.url)
            monkeypatch.setattr(huggingface_hub.constants, name, there)
        yield hub


@pytest.fixture
def client(fake: FakeHub, quiet: QuietClock) -> Callable[..., Hub]:
    """A client of it, as patient as told."""

    def make(**patience: Any) -> Hub:
        return Hub(Patience(**patience), quiet.clock())

    return make
