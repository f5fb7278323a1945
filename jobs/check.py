"""spark-submit entry of `opentrace check`: spark-submit [options] jobs/check.py [arguments]."""

import sys

from opentrace_spark.cli import main

if __name__ == "__main__":
    sys.exit(main(["check", *sys.argv[1:]]))
