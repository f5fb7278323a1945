"""The only SparkSession builder: the same session from the command line, a test or spark-submit.

Values live in conf/spark/*.conf; here is only what depends on the machine. In local mode the
session needs no network, no writable home folder and no Spark installation of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

import pyspark
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from opentrace_spark.config import CONF_DIR
from opentrace_spark.errors import UsageError

JAVA_VERSIONS = (17, 21)
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_COLLECTOR = re.compile(r"-XX:\+Use\w+GC\b")
_MEMORY = re.compile(r"[1-9][0-9]*[mg]", re.IGNORECASE)
_GIB = 1024**3
_LEAST_MIB = 512


class SessionError(Exception):
    """Spark can't start on this machine; the message says in one sentence why and what to do."""


def build_session(
    *,
    threads: int | None = None,
    memory: str | None = None,
    shuffle_partitions: int | None = None,
    scratch: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> SparkSession:
    """Start Spark, or return the session that already runs in this process.

    In local mode (no spark-submit) the arguments decide; under spark-submit the submitter's
    master, cores, memory and folders stay, and only `shuffle_partitions` and `extra` are used.

    Args:
        threads: worker threads of the local master; default: the CPUs this process may use.
        memory: heap of the one Java process, a number with `m` (MiB) or `g` (GiB), like `4g`;
            default: a quarter of the machine's memory, at least 2 and at most 4 GiB.
        shuffle_partitions: tasks of a shuffle before Spark joins small ones; default: twice
            the threads.
        scratch: folder for shuffle and spill files (`spark.local.dir`); default: the system's.
        extra: Spark properties that win over everything else. `spark.driver.extraJavaOptions`
            is added to the session's own options instead of replacing them.

    Raises:
        UsageError: an argument is outside what is said above.
        SessionError: no Java 17 or 21 was found, or Spark's Java process did not start.
    """
    _check_arguments(threads, memory, shuffle_partitions, scratch)
    extra = dict(extra or {})
    if shuffle_partitions is not None:
        extra.setdefault("spark.sql.shuffle.partitions", str(shuffle_partitions))
    settings = read_properties("packages.conf")
    settings |= read_properties("session.conf")
    if _is_submitted():
        # Too late for JARs: the submitter's Java process runs already.
        settings = {key: value for key, value in settings.items() if key.startswith("spark.sql.")}
    else:
        java_options = extra.pop(_JAVA_OPTIONS, "")
        settings |= _local_settings(threads or available_cpus(), memory, scratch, java_options)
        _prepare_environment(scratch)
    builder = SparkSession.builder.appName("opentrace")
    for key, value in (settings | extra).items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        if error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        if memory is not None:
            raise UsageError(
                f"memory: Java did not start with {memory} (its own words are above); name less"
            ) from None
        raise SessionError(
            "Spark's Java process did not start (its own words are above); "
            "less memory for it or another Java 17 or 21 usually mends that."
        ) from None


def read_properties(name: str) -> dict[str, str]:
    """The settings of a file of conf/spark: a key, white space, and the rest of the line."""
    text = (CONF_DIR / "spark" / name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return {pair[0]: pair[1] for pair in pairs}


def available_cpus() -> int:
    """CPUs that this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_memory() -> str:
    """A quarter of the machine's (or container's) memory, at least 2 and at most 4 GiB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or one without a limit
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return f"{min(max(total // 4, 2 * _GIB), 4 * _GIB) // 1024**2}m"


def find_java() -> Path:
    """The home of a Java 17 or 21: JAVA_HOME, what scripts/setup recorded, or the PATH's.

    Raises:
        SessionError: there is none.
    """
    rejected = ""
    for home in _java_candidates():
        version = _java_version(home)
        if version in JAVA_VERSIONS:
            return home
        if version is not None:
            rejected = f" (Java {version} in {home} does not do)"
    raise SessionError(
        f"Spark needs Java 17 or 21 and none was found{rejected}; "
        "run scripts/setup, or set JAVA_HOME to one."
    )


def _check_arguments(
    threads: int | None, memory: str | None, partitions: int | None, scratch: str | None
) -> None:
    for name, number in (("threads", threads), ("shuffle partitions", partitions)):
        if number is not None and number < 1:
            raise UsageError(f"{name}: {number} is below 1")
    if memory is not None and not _MEMORY.fullmatch(memory):
        raise UsageError(f"memory: {memory!r} is not a number with m or g, like 4g")
    if memory is not None and int(memory[:-1]) * (1024 if memory[-1] in "gG" else 1) < _LEAST_MIB:
        raise UsageError(f"memory: {memory} is below {_LEAST_MIB}m, which Spark needs to start")
    if scratch is not None:
        try:
            os.makedirs(scratch, exist_ok=True)
        except OSError as error:
            raise UsageError(f"scratch {scratch}: {error.strerror}; name a folder") from None


def _is_submitted() -> bool:
    """Whether somebody else has chosen the master: spark-submit, a shell or a notebook."""
    return (
        "PYSPARK_GATEWAY_PORT" in os.environ
        or "--master" in os.environ.get("PYSPARK_SUBMIT_ARGS", "")
        or SparkSession.getActiveSession() is not None
    )


def _local_settings(
    threads: int, memory: str | None, scratch: str | None, java_options: str
) -> dict[str, str]:
    settings = read_properties("local.conf")
    logging = Path(str(CONF_DIR / "spark" / "log4j2.properties"))
    quiet = f"-Dlog4j2.configurationFile={logging.as_uri()}"
    # On few cores it takes a tenth less than the default; Java refuses a second choice.
    java_options = f"{settings.get(_JAVA_OPTIONS, '')} {java_options}"
    collector = "" if _COLLECTOR.search(java_options) else "-XX:+UseParallelGC"
    settings |= {
        "spark.master": f"local[{threads}]",
        "spark.driver.memory": memory or default_memory(),
        "spark.sql.shuffle.partitions": str(2 * threads),
        # Spark makes this folder on its own; unset, it would be in the current one.
        "spark.sql.warehouse.dir": str(Path(scratch or gettempdir(), "spark-warehouse").absolute()),
        _JAVA_OPTIONS: " ".join(f"{quiet} {collector} {java_options}".split()),
    }
    if scratch is not None:
        settings["spark.local.dir"] = str(Path(scratch).absolute())
    jars = sorted(Path(sys.prefix, "jars").glob("*.jar"))
    if jars:  # fetched by scripts/setup, so nothing has to be asked of the network
        settings["spark.jars"] = ",".join(map(str, jars))
        settings["spark.jars.packages"] = ""
    elif sys.prefix != sys.base_prefix:
        settings["spark.jars.ivy"] = str(Path(sys.prefix, "ivy"))
    return settings


def _prepare_environment(scratch: str | None) -> None:
    """What Spark's launcher reads before any setting: its home, its Java, its Python."""
    home = find_java()
    wrapper = Path(sys.prefix, "java")  # drops a module whose use Java would announce
    if (wrapper / "bin" / "java").exists():
        os.environ["OPENTRACE_JAVA_HOME"] = str(home)
        home = wrapper
    os.environ["JAVA_HOME"] = str(home)
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    if scratch is not None:
        os.environ.pop("SPARK_LOCAL_DIRS", None)  # would win over spark.local.dir


def _java_candidates() -> list[Path]:
    homes = [os.environ.get("OPENTRACE_JAVA_HOME"), os.environ.get("JAVA_HOME")]
    record = Path(sys.prefix, "java_home")
    if record.is_file():
        homes.append(record.read_text(encoding="utf-8").rstrip("\n"))
    candidates = [Path(home) for home in homes if home]
    on_path = shutil.which("java")
    if on_path:
        candidates.append(Path(on_path).resolve().parent.parent)
    return [home for home in candidates if home != Path(sys.prefix, "java")]


def _java_version(home: Path) -> int | None:
    """The major version of the Java in a folder; None where none runs."""
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    found = re.search(r'^JAVA_VERSION="([0-9]+)', text, re.MULTILINE)
    java = home / "bin" / "java"
    if found is None or not os.access(java, os.X_OK):
        try:
            asked = subprocess.run(
                [str(java), "-version"], capture_output=True, text=True, timeout=60, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        found = re.search(r'version "([0-9]+)', asked.stderr)
    return int(found.group(1)) if found else None
