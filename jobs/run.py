"""spark-submit entry of `opentrace run`: spark-submit [options] jobs/run.py [arguments]."""

import sys

from opentrace_spark.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
