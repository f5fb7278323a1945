"""Kills `opentrace run` as the power cut does, over and over, and looks at what readers see."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentrace_spark.io import Warehouse
from opentrace_spark.tables import GOLD_RUNS, TABLES
from tests.compare import exact_rows
from tests.pipeline import read_tables

_STARTS_FAST = "-XX:TieredStopAtLevel=1"
_LONGEST = 300.0


@dataclass(frozen=True)
class Moment:
    """When to kill: `seconds` after the `events`-th event of this kind, and of this step if one is
    named. `whole` kills Java and Python's workers with the process, else they outlive it a while.
    """

    event: str
    events: int = 1
    step: str | None = None
    seconds: float = 0.0
    whole: bool = True


def every_boundary(killer: Killer) -> Iterator[Moment]:
    """The end of the first step that a run builds, until none is left."""
    done = killer.outcomes["done"]
    while killer.outcomes["done"] == done:
        yield Moment("step_finished", whole=killer.outcomes["killed"] % 2 == 0)


def moments(kills: int, seed: int) -> Iterator[Moment]:
    """A third right after a step has ended, a third at random times, a third while publishing."""
    rng = random.Random(seed)
    kinds: list[Callable[[], Moment]] = [
        lambda: Moment("step_finished", rng.randint(1, 4), whole=rng.random() < 0.5),
        lambda: Moment("step_started", 1, None, rng.uniform(0, 8), rng.random() < 0.5),
        lambda: Moment("step_started", 1, "checks", rng.uniform(0, 4), rng.random() < 0.5),
    ]
    for number in range(kills):
        yield kinds[number % 3]()


@dataclass
class Killer:
    """Runs on a landing and a warehouse, killed at moments that are named.

    `outcomes` counts how they ended: killed, or done before the moment came. `undisturbed` runs to
    the end, in a process that is there already.
    """

    landing: Path
    warehouse: Path
    undisturbed: Callable[[], object]
    only: Sequence[str] = ()
    outcomes: dict[str, int] = field(default_factory=lambda: {"killed": 0, "done": 0})

    def run(self, moment: Moment) -> None:
        """One run in a process of its own, which is killed at a moment."""
        command = [
            *(
                sys.executable,
                "-c",
                "import sys; from opentrace_spark.cli import main; sys.exit(main(sys.argv[1:]))",
            ),
            *("run", "--landing", str(self.landing), "--warehouse", str(self.warehouse)),
            *("--quiet", "--log-format", "json", "--memory", "1g", "--threads", "2"),
            *(("--only", *self.only) if self.only else ()),
        ]
        environment = os.environ | {"JAVA_TOOL_OPTIONS": _STARTS_FAST}
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )
        assert process.stderr
        lines, came = [], 0
        for line in process.stderr:
            lines.append(line)
            if not line.startswith("{"):
                continue
            told = json.loads(line)
            is_it = told["event"] == moment.event and moment.step in (None, told.get("step"))
            came += is_it
            if is_it and came == moment.events:
                time.sleep(moment.seconds)
                self._kill(process, moment)
        status = process.wait(_LONGEST)
        assert status in (0, -signal.SIGKILL), "".join(lines[-20:])
        self.outcomes["done" if status == 0 else "killed"] += 1

    @staticmethod
    def _kill(process: subprocess.Popen[str], moment: Moment) -> None:
        if moment.whole:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()

    def rows(self) -> Mapping[str, Any]:
        """The rows of every table as a reader sees them now."""
        return exact_rows(read_tables(self.warehouse))

    def known_runs(self) -> set[str]:
        """Ids of the runs in gold/runs."""
        return set(Warehouse(str(self.warehouse)).read(GOLD_RUNS)["run_id"].to_pylist())

    def runs_in_rows(self) -> set[str]:
        """Ids of runs that rows of any table name."""
        found: set[str] = set()
        for spec in TABLES:
            if "run_id" in {c.name for c in spec.columns} and (self.warehouse / spec.path).is_dir():
                table = Warehouse(str(self.warehouse)).read(spec, ["run_id"])
                found |= set(table["run_id"].to_pylist())
        return found


def check_life_under_fire(
    killer: Killer, change: Callable[[], None], plan: Iterable[Moment], fresh: Mapping[str, Any]
) -> None:
    """Kill runs that bring a warehouse to a changed landing; then let one end.

    After every kill each table is readable and holds what it held before, or what it is to hold
    (`fresh`). When a run ended too early to be killed, the landing is changed once more, so that
    the next one has work: `change` alternates between the two states.
    """
    killer.undisturbed()
    states = [killer.rows(), fresh]
    change()
    for moment in plan:
        done = killer.outcomes["done"]
        killer.run(moment)
        seen = killer.rows()
        for table, rows in seen.items():
            assert rows in (states[0][table], states[1][table]), (moment, table)
        if killer.outcomes["done"] > done:
            assert seen == states[1], moment
            states.reverse()
            change()
    killer.undisturbed()
    assert killer.rows() == states[1]
    assert killer.runs_in_rows() <= killer.known_runs()
