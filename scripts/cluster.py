"""A standalone Spark cluster on this machine: a master and workers, each a Java process.

They listen on the loopback address, at free ports. DIR gets `master` (the URL for spark-submit),
`processes` (name and process id), logs/, and a work folder per worker.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyspark

from opentrace_spark.session import SessionError, find_java

_SPARK = Path(pyspark.__file__).parent
_HOST = "127.0.0.1"
_DEPLOY = "org.apache.spark.deploy"
_START_SECONDS = 120
_STOP_SECONDS = 20
_INTERRUPTS: list[int] = []
"""Signals that came while processes were started: looked at where it is known what runs."""


class _NotStartedError(Exception):
    """The cluster does not run; the message says why."""


def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/cluster", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for function, text in (
        (start, "start it and wait until the workers are there; prints what `status` prints"),
        (status, "print the master's URL, names and process ids; exit status 1 unless all run"),
        (stop, "stop it, with everything that it started"),
    ):
        command = commands.add_parser(function.__name__, help=text, description=text)
        command.add_argument("folder", metavar="DIR", type=Path, help="the cluster's own folder")
        command.set_defaults(function=function)
        if function is start:
            command.add_argument("--workers", type=int, default=2, help="default: 2")
            command.add_argument("--cores", type=int, default=1, help="of a worker; default: 1")
            command.add_argument(
                "--memory", default="2g", help="what a worker has for executors; default: 2g"
            )
    options = parser.parse_args()
    options.folder = options.folder.absolute()
    try:
        return int(options.function(options))
    except (_NotStartedError, SessionError, OSError) as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1


def start(options: argparse.Namespace) -> int:
    """Start master and workers; where that fails or is interrupted, nothing is left running."""
    folder = options.folder
    if _alive(folder):
        print(f"cluster: one is running in {folder}; stop it first", file=sys.stderr)
        return 2
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "processes").write_text("")
    for interrupt in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, lambda caught, _: _INTERRUPTS.append(caught))
    try:
        _launch(folder, "master", f"{_DEPLOY}.master.Master")
        url = _logged(folder, "master", r"Starting Spark master at (spark://\S+)")
        for number in range(1, options.workers + 1):
            name = f"worker-{number}"
            size = ("--cores", str(options.cores), "--memory", options.memory)
            place = ("--work-dir", str(folder / name))
            _launch(folder, name, f"{_DEPLOY}.worker.Worker", *size, *place, url)
        for number in range(1, options.workers + 1):
            _logged(folder, f"worker-{number}", r"Successfully registered with (master)")
    except BaseException:
        stop(options)
        raise
    (folder / "master").write_text(f"{url}\n")
    return status(options)


def status(options: argparse.Namespace) -> int:
    """Say what runs; 0 where all does."""
    listed, alive = _listed(options.folder), _alive(options.folder)
    if alive and (options.folder / "master").exists():
        print((options.folder / "master").read_text(), end="")
    for name, pid in listed.items():
        print(f"{name} {pid}{'' if pid in alive else ' (ended)'}")
    if not listed:
        print(f"no cluster in {options.folder}")
    return 0 if listed and set(listed.values()) <= alive.keys() else 1


def stop(options: argparse.Namespace) -> int:
    """End every process of the cluster, executors included."""
    groups = set(_listed(options.folder).values())
    for ending in (signal.SIGTERM, signal.SIGKILL):
        for group in groups & set(_alive(options.folder).values()):
            with suppress(ProcessLookupError):
                os.killpg(group, ending)
        end = time.monotonic() + _STOP_SECONDS
        while _alive(options.folder) and time.monotonic() < end:
            time.sleep(0.2)
    for name in ("master", "processes"):
        (options.folder / name).unlink(missing_ok=True)
    return 0


def _launch(folder: Path, name: str, kind: str, *arguments: str) -> None:
    """Start a Spark daemon as the leader of a process group, which its executors will be in."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SPARK_")},
        "SPARK_HOME": str(_SPARK),
        "SPARK_LOCAL_IP": _HOST,
        "SPARK_LOCAL_DIRS": str(folder / "scratch"),
        "SPARK_DAEMON_MEMORY": "512m",
        # Else the master takes applications from everybody, at a port that is always the same.
        "SPARK_DAEMON_JAVA_OPTS": "-Dspark.master.rest.enabled=false",
        "JAVA_HOME": str(Path(sys.prefix, "java")),  # runs the one that follows
        "OPENTRACE_JAVA_HOME": str(find_java()),
    }
    ports = ("--host", _HOST, "--port", "0", "--webui-port", "0")
    with (folder / "logs" / name).open("w") as log:
        process = subprocess.Popen(
            [str(_SPARK / "bin" / "spark-class"), kind, *ports, *arguments],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with (folder / "processes").open("a") as processes:
        processes.write(f"{name} {process.pid}\n")


def _logged(folder: Path, name: str, pattern: str) -> str:
    """What the pattern's group finds in a daemon's log, as soon as it is there."""
    end = time.monotonic() + _START_SECONDS
    log = folder / "logs" / name
    while time.monotonic() < end:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found.group(1)
        if _INTERRUPTS:
            raise _NotStartedError("interrupted; nothing is left running")
        if _listed(folder)[name] not in _alive(folder):
            break
        time.sleep(0.2)
    raise _NotStartedError(f"the {name} did not start; the reason is at the end of {log}")


def _listed(folder: Path) -> dict[str, int]:
    """Name -> process id of what was started."""
    try:
        lines = (folder / "processes").read_text().splitlines()
    except OSError:
        return {}
    return {name: int(pid) for name, pid in (line.split() for line in lines)}


def _alive(folder: Path) -> dict[int, int]:
    """Process id -> process group of what still runs in the groups of the daemons."""
    groups = set(_listed(folder).values())
    return {pid: group for pid, group, state in _processes() if group in groups and state != "Z"}


def _processes() -> Iterator[tuple[int, int, str]]:
    """Process id, process group and state of every process of this machine."""
    if not Path("/proc/self/stat").exists():
        asked = ["ps", "-A", "-o", "pid=,pgid=,stat="]
        for line in subprocess.run(asked, capture_output=True, text=True).stdout.splitlines():
            pid, group, state = line.split()
            yield int(pid), int(group), state[0]
        return
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            # The name, in parentheses, may hold anything.
            state, _, group, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
            yield int(stat.parent.name), int(group), state


if __name__ == "__main__":
    sys.exit(main())
