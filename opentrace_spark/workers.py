"""What Spark runs in local mode to fork its Python workers from (`spark.python.daemon.module`).

Before every task Spark makes Python forget what its import folders hold, and a folder that is an
archive is then read again: with Spark's own two archives a fifth of a second of work per task, a
minute over the full history. Here they are taken off the path, Spark's modules come from where they
are installed, and what tasks need is loaded once, before the first fork.
"""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Serve workers until Spark closes the standard input."""
    sys.path[:] = [entry for entry in sys.path if not entry.endswith((".zip", ".jar"))]
    sys.path_importer_cache.clear()
    from pyspark import daemon

    import opentrace_spark.flow  # noqa: F401

    gc.freeze()  # so that workers neither look at what all of them share nor copy it
    daemon.manager()


if __name__ == "__main__":
    main()
