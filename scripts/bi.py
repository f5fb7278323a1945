"""Spark's Thrift server on this machine, with every table of a warehouse in its catalog.

Tools that speak Hive's protocol (JDBC and ODBC drivers of Hive or Spark) connect to it: Superset,
Metabase, Tableau, Power BI. It listens on the loopback address, and whoever reaches that may ask.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pyspark
from deltalake import DeltaTable

from opentrace_spark.session import (
    SessionError,
    available_cpus,
    default_memory,
    find_java,
    read_properties,
)

_SPARK = Path(pyspark.__file__).parent
_HOST, _PORT = "127.0.0.1", 10000
_SERVER = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
_START_SECONDS = 180
_STOP_SECONDS = 20


class _NotServedError(Exception):
    """The server does not run, or can't be asked; the message says why."""


def main() -> int:
    """Do what the command line says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/bi", description=__doc__)
    parser.add_argument("--warehouse", type=Path, required=True, help="folder of the Delta tables")
    parser.add_argument(
        "--port", type=int, default=_PORT, help="default: %(default)s; 0: a free one"
    )
    parser.add_argument(
        "--memory", default=default_memory(), help="Java heap; default: %(default)s"
    )
    what = "ask this over JDBC, print the rows as CSV, and stop; else serve until interrupted"
    parser.add_argument("--query", action="append", metavar="SQL", help=what)
    options = parser.parse_args()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        return _run(options)
    except (_NotServedError, SessionError, OSError) as error:
        print(f"bi: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0 if options.query is None else 130


def table_statements(warehouse: Path) -> list[str]:
    """SQL that names every Delta table of a warehouse in a catalog, as schema and table.

    Raises _NotServedError where there is none.
    """
    statements: list[str] = []
    for log in sorted(warehouse.absolute().glob("*/*/_delta_log")):
        layer, table = log.parent.parts[-2:]
        location = str(log.parent).replace("\\", "\\\\").replace("'", "\\'")
        schema = f"create schema if not exists {layer}"
        if schema not in statements:
            statements.append(schema)
        DeltaTable(log.parent)  # says now what the server would say later, in many more words
        statements.append(
            f"create table if not exists {layer}.{table} using delta location '{location}'"
        )
    if not statements:
        raise _NotServedError(f"{warehouse}: no Delta table lies there; run opentrace run first")
    return statements


def _run(options: argparse.Namespace) -> int:
    statements = table_statements(options.warehouse)
    port = options.port or _free_port()
    with TemporaryDirectory(prefix="opentrace-bi-") as folder:
        server = _start(Path(folder), port, options.memory)
        try:
            _wait(server, port, Path(folder, "log"))
            _ask(port, statements)
            if options.query:
                print(_ask(port, options.query), end="")
                return 0
            print(
                f"jdbc:hive2://{_HOST}:{port}/gold  (any user name, no password; Ctrl-C stops it)"
            )
            sys.stdout.flush()
            return server.wait()
        finally:
            _stop(server)


def _start(folder: Path, port: int, memory: str) -> subprocess.Popen[bytes]:
    """Start the server as the leader of a process group, with its scratch in the folder."""
    jars = sorted(Path(sys.prefix, "jars").glob("*.jar"))
    settings = read_properties("packages.conf") | read_properties("session.conf")
    settings |= {
        "spark.jars.packages": "",
        # Not spark.jars: the threads of the server's own connections would not see those.
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
        "spark.driver.memory": memory,
        "spark.driver.host": _HOST,
        "spark.driver.bindAddress": _HOST,
        "spark.ui.enabled": "false",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        # Tables are named anew at every start: no metastore that could be of another warehouse.
        "spark.sql.catalogImplementation": "in-memory",
    }
    arguments = [item for key, value in settings.items() for item in ("--conf", f"{key}={value}")]
    command = [
        *(str(_SPARK / "bin" / "spark-submit"), "--master", f"local[{available_cpus()}]"),
        *("--class", _SERVER, *arguments, "spark-internal"),
        *("--hiveconf", f"hive.server2.thrift.bind.host={_HOST}"),
        *("--hiveconf", f"hive.server2.thrift.port={port}"),
    ]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            env=_environment(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SPARK_")}
    return {
        **kept,
        "SPARK_HOME": str(_SPARK),
        "SPARK_LOCAL_IP": _HOST,
        "JAVA_HOME": str(Path(sys.prefix, "java")),  # runs the one that follows
        "OPENTRACE_JAVA_HOME": str(find_java()),
    }


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until the server takes connections. Raises _NotServedError where it ends or takes long."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
            return
        time.sleep(0.3)
    last = log.read_text(errors="replace").strip().splitlines()[-3:]
    raise _NotServedError(f"Spark's Thrift server did not start: {' / '.join(last)}")


def _ask(port: int, statements: Sequence[str]) -> str:
    """What the statements give, over JDBC: each a blank line, and CSV with a header."""
    script = ";\n".join(statements) + ";\n"
    asked = subprocess.run(
        [
            str(_SPARK / "bin" / "beeline"),
            *("-u", f"jdbc:hive2://{_HOST}:{port}/", "-n", "opentrace"),
            *("--silent=true", "--outputformat=csv2", "-f", "/dev/stdin"),
        ],
        input=script,
        env=_environment(),
        capture_output=True,
        text=True,
    )
    if asked.returncode:
        said = [line for line in asked.stderr.splitlines() if line.startswith("Error")]
        raise _NotServedError((said or asked.stderr.strip().splitlines() or ["no answer"])[-1])
    return asked.stdout


def _stop(server: subprocess.Popen[bytes]) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, ending)
        with suppress(subprocess.TimeoutExpired):
            server.wait(_STOP_SECONDS)
            return


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((_HOST, 0))
        port: int = one.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
