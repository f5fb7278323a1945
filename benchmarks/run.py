"""The core tables of a generated Hub: `opentrace run --only core` against plain SQL on DuckDB.

    scripts/benchmark [--scale 1 ...] [--folder DIR]

Scale 1 is the full history: 1.88 million models, 265 weeks, over 60 million weekly counts. The
landing is generated once and kept with its checksum. The programs run one after the other on the
same files, each in a process of its own, start and end included: the jobs, the SQL that keeps the
same rules (`full`), and the SQL that takes the landing to be clean. Then the tables of the first
two are compared cell by cell. Prints a table; seconds say little elsewhere, ratios more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from duckdb_program import RULES
from measure import Cost, measured
from rich.console import Console
from rich.table import Table

from opentrace_spark.io import Warehouse
from opentrace_spark.tables import GOLD_RUNS

MODELS, WEEKS, SEED = 1_880_000, 265, 1
_GIB = 1024**3
_HERE = Path(__file__).parent
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class StepCost:
    """What Spark says of a step: bytes shuffled and bytes written."""

    shuffled: int
    written: int


def main() -> int:
    """Measure each scale; returns 1 where any cell differs."""
    parser = argparse.ArgumentParser(description="The core tables against DuckDB.")
    parser.add_argument("--scale", type=float, nargs="+", default=[1.0], help="times 1.88M models")
    parser.add_argument(
        "--folder", type=Path, default=Path("benchmark"), help="landings are kept here"
    )
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return max(_measure(folder, scale) for scale in options.scale)


def _measure(folder: Path, scale: float) -> int:
    console = Console(highlight=False)
    landing = _landing(folder, round(MODELS * scale), console)
    with TemporaryDirectory(dir=folder) as temporary:
        scratch = Path(temporary)
        warehouse, events = scratch / "warehouse", scratch / "events"
        events.mkdir()
        theirs = {rules: _duckdb(landing, scratch / rules, rules) for rules in RULES}
        run = ["run", "--only", "core", "--landing", landing, "--warehouse", warehouse, "--quiet"]
        ours = measured(
            [_BIN / "opentrace", *run, "--scratch", scratch / "spill"],
            scratch / "opentrace.log",
            SPARK_CONF_DIR=str(_with_events(scratch / "conf", events)),
        )
        _print(console, landing, ours, theirs)
        _print_steps(console, warehouse, events)
        compare = [sys.executable, _HERE / "compare.py", warehouse, scratch / "full"]
        try:
            measured(compare, scratch / "compare.log")
        except RuntimeError:
            console.print((scratch / "compare.log").read_text(), markup=False)
            return 1
        console.print((scratch / "compare.log").read_text(), markup=False)
    return 0


def _duckdb(landing: Path, tables: Path, rules: str) -> Cost:
    command = [sys.executable, _HERE / "duckdb_program.py", landing, tables, "--rules", rules]
    return measured(command, tables.with_suffix(".log"))


def _landing(folder: Path, models: int, console: Console) -> Path:
    """The generated landing, made where it is not there; its checksum must be what it was."""
    landing = folder / f"landing-{models}-models-{WEEKS}-weeks-seed-{SEED}"
    record = landing.with_suffix(".sha256")
    if not record.exists():
        shutil.rmtree(landing, ignore_errors=True)
        console.print(f"generating {landing}")
        size = ["--models", str(models), "--weeks", str(WEEKS), "--seed", str(SEED)]
        command = [_BIN / "opentrace", "generate", "--out", landing, *size]
        measured(command, folder / "generate.log")
        record.write_text(_checksum(landing))
    if _checksum(landing) != record.read_text():
        raise SystemExit(f"{landing} is not as it was generated: remove it")
    return landing


def _checksum(landing: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in landing.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(landing)).encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _with_events(conf: Path, events: Path) -> Path:
    """A folder of Spark's defaults that asks for the log from which bytes are read."""
    conf.mkdir()
    settings = {"enabled": "true", "compress": "false", "dir": events.as_uri()}
    lines = (f"spark.eventLog.{name} {value}\n" for name, value in settings.items())
    (conf / "spark-defaults.conf").write_text("".join(lines))
    return conf


def _print(console: Console, landing: Path, ours: Cost, theirs: Mapping[str, Cost]) -> None:
    table = Table(title=landing.name, title_justify="left", box=None)
    for heading in ("", "wall s", "CPU s", "peak GiB"):
        table.add_column(heading, justify="right" if heading else "left")
    of_duckdb = {f"DuckDB, rules {rules}": cost for rules, cost in theirs.items()}
    for name, cost in {"opentrace run --only core": ours, **of_duckdb}.items():
        table.add_row(name, f"{cost.wall:.1f}", f"{cost.cpu:.1f}", f"{cost.peak / _GIB:.2f}")
    for name, cost in of_duckdb.items():
        ratios = (ours.wall / cost.wall, ours.cpu / cost.cpu, ours.peak / cost.peak)
        table.add_row(f"ratio to {name}", *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)


def _print_steps(console: Console, warehouse: Path, events: Path) -> None:
    """Seconds of each step (steps overlap), and what Spark shuffled and wrote for it.

    Weekly files that tasks write themselves are not in Spark's count.
    """
    (run,) = Warehouse(str(warehouse)).read(GOLD_RUNS, ["step_seconds"]).to_pylist()
    bytes_of = _step_costs(events)
    table = Table(title="steps, side by side", title_justify="left", box=None)
    for heading in ("step", "s", "shuffled MiB", "written MiB"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for step, seconds in json.loads(run["step_seconds"]).items():
        table.add_row(step, f"{seconds:.1f}", *_mib(bytes_of.get(step, StepCost(0, 0))))
    checks = [cost for step, cost in bytes_of.items() if step.startswith("check of ")]
    shuffled, written = (sum(getattr(c, name) for c in checks) for name in ("shuffled", "written"))
    table.add_row("checks", "", *_mib(StepCost(shuffled, written)))
    console.print(table)


def _mib(cost: StepCost) -> tuple[str, str]:
    return f"{cost.shuffled / 2**20:,.0f}", f"{cost.written / 2**20:,.0f}"


def _step_costs(events: Path) -> dict[str, StepCost]:
    """Step -> bytes, from Spark's event log; a job's description is its step."""
    step_of: dict[int, str] = {}
    shuffled: defaultdict[str, int] = defaultdict(int)
    written: defaultdict[str, int] = defaultdict(int)
    for file in sorted(path for path in events.rglob("*") if path.is_file()):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                event: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
                if event.get("Event") == "SparkListenerStageSubmitted":
                    properties = event.get("Properties") or {}
                    step = properties.get("spark.job.description", "")
                    step_of[event["Stage Info"]["Stage ID"]] = step
                elif event.get("Event") == "SparkListenerTaskEnd" and event.get("Task Metrics"):
                    step, metrics = step_of.get(event["Stage ID"], ""), event["Task Metrics"]
                    shuffled[step] += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
                    written[step] += metrics["Output Metrics"]["Bytes Written"]
    return {step: StepCost(shuffled[step], written[step]) for step in {*shuffled, *written}}


if __name__ == "__main__":
    sys.exit(main())
