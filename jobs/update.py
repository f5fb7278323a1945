"""spark-submit entry of `opentrace update`: spark-submit [options] jobs/update.py [arguments]."""

import sys

from opentrace_spark.cli import main

if __name__ == "__main__":
    sys.exit(main(["update", *sys.argv[1:]]))
