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
            tree = tree_of(process.pid)
            cpu |= {each.id: each.cpu for each in tree}
            peak = max(peak, sum(each.memory for each in tree))
            time.sleep(_INTERVAL)
        wall = time.monotonic() - begun
        if process.returncode:
            last = (log.read_text().splitlines() or [""])[-1]
            raise RuntimeError(f"{command[0]} ended with status {process.returncode}: {last}")
    return Cost(wall, sum(cpu.values()), peak)


@dataclass(frozen=True)
class Process:
    """A process: its command, its seconds of CPU time so far, and the bytes that it holds (of a
    page that several share its part; 0 once it has ended)."""

    id: int
    name: str
    cpu: float
    memory: int


def tree_of(root: int) -> list[Process]:
    """A process and its descendants, as they are now; the memory of no other is looked at."""
    parents, found = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            start, _, rest = (entry / "stat").read_text().rpartition(")")
        except OSError:
            continue  # it has ended meanwhile
        fields, process = rest.split(), int(entry.name)
        parents[process] = int(fields[1])
        found[process] = start.partition("(")[2], (int(fields[11]) + int(fields[12])) / _TICK

    def belongs(process: int) -> bool:
        while process not in (root, 0, 1):
            process = parents.get(process, 0)
        return process == root

    return [Process(each, *found[each], _memory(each)) for each in filter(belongs, found)]


def _memory(process: int) -> int:
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return 1024 * int(rollup.partition("\nPss:")[2].split()[0]) if "\nPss:" in rollup else 0
