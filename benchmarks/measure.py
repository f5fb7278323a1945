"""What a command costs with everything it starts: wall time, CPU time, peak memory (Linux)."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_INTERVAL = 2.0
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Seconds of wall and CPU time, and the greatest memory (bytes) of the processes together."""

    wall: float
    cpu: float
    peak: int


def measured(command: Sequence[object], log: Path, **environment: str) -> Cost:
    """Run a command to its end, its words into `log`. Raises RuntimeError where it fails.

    The command's parts are taken as text. Memory is the sum over the process and its descendants,
    shared pages counted once, looked at every two seconds (each look costs the processes time); CPU
    time is what each of them had used when it was last seen.
    """
    cpu: dict[int, float] = {}
    peak = 0
    begun = time.monotonic()
    with (
        log.open("w") as words,
        subprocess.Popen(
            [str(part) for part in command],
            stdout=words,
            stderr=words,
            env=os.environ | environment,
        ) as process,
    ):
        while process.poll() is None:
            used, memory = _tree(process.pid)
            cpu |= used
            peak = max(peak, memory)
            time.sleep(_INTERVAL)
        wall = time.monotonic() - begun
        if process.returncode:
            last = (log.read_text().splitlines() or [""])[-1]
            raise RuntimeError(f"{command[0]} ended with status {process.returncode}: {last}")
    return Cost(wall, sum(cpu.values()), peak)


def _tree(root: int) -> tuple[dict[int, float], int]:
    """CPU seconds by process of a process and its descendants, and the memory of all."""
    parents, used = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        parents[int(entry.name)] = int(fields[1])
        used[int(entry.name)] = (int(fields[11]) + int(fields[12])) / _TICK

    def belongs(process: int) -> bool:
        while process not in (root, 0, 1):
            process = parents.get(process, 0)
        return process == root

    members = [process for process in parents if belongs(process)]
    return {process: used[process] for process in members}, sum(map(_memory, members))


def _memory(process: int) -> int:
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return 1024 * int(rollup.partition("\nPss:")[2].split()[0]) if "\nPss:" in rollup else 0
