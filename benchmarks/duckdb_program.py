"""The figures of `opentrace run --only core` in plain SQL on DuckDB: what the jobs compete with.

    python benchmarks/duckdb_program.py LANDING OUT [--memory 8GB] [--temp DIR]

A stage is a file of `sql/`, in the order of their names; the seconds of each are printed. LANDING
is a directory as `opentrace generate` writes it. OUT gets a Parquet file per table:
silver_model_weeks (by the number that silver_lineage has beside each model_id), silver_lineage with
families, gold_weeks, gold_usage_shares, gold_concentration; `compare.py` compares them with a
warehouse.

It is meant to be as fast as a good user of DuckDB can make it: numbers instead of names after the
one join on them, one aggregate for all windows, nothing summed that is one row, metrics from sorted
histograms. It also does less than the jobs do. It takes the landing to be clean (no row to reject,
no repeated counts, ids, `_id`s or organisations, no annotations) and the configuration to be the
default one; it finds downloaded names by their 64-bit hash alone; it writes no flags, reasons or
parameters; its work on lineage grows with the depth of chains; and it names a family by one of its
members, not by the one that the jobs name it by.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import duckdb

_SQL = Path(__file__).parent / "sql"


def run(landing: Path, out: Path, memory: str, temp: str) -> None:
    """Run every stage on a database in memory and print its seconds."""
    database = duckdb.connect(config={"memory_limit": memory, "temp_directory": temp})
    database.execute("SET VARIABLE landing = ?", [str(landing)])
    database.execute("SET VARIABLE out = ?", [str(out)])
    begun = time.perf_counter()
    for stage in sorted(_SQL.glob("*.sql")):
        stage_begun = time.perf_counter()
        database.execute(stage.read_text(encoding="utf-8"))
        _report(stage.stem, time.perf_counter() - stage_begun)
    _report("total", time.perf_counter() - begun)


def _report(name: str, seconds: float) -> None:
    print(f"{name:24} {seconds:8.2f} s", flush=True)


def main() -> None:
    """Run the program on the landing and into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="The core tables in plain SQL on DuckDB.")
    parser.add_argument("landing", type=Path, help="directory of `opentrace generate`")
    parser.add_argument("out", type=Path, help="folder for the Parquet files")
    parser.add_argument("--memory", default="8GB", help="DuckDB's memory limit (default: 8GB)")
    parser.add_argument("--temp", help="folder for what does not fit (default: the system's)")
    arguments = parser.parse_args()
    if not arguments.landing.is_dir():
        parser.error(f"{arguments.landing} is no directory")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.temp) as temp:
        run(arguments.landing, arguments.out, arguments.memory, temp)


if __name__ == "__main__":
    main()
