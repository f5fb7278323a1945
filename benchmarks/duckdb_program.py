"""The figures of `opentrace run --only core` in plain SQL on DuckDB: what the jobs compete with.

    python benchmarks/duckdb_program.py LANDING OUT [--rules full|clean] [--memory 8GB] [--temp DIR]

A stage is a file of `sql/` or of `sql/<rules>/`, in the order of their names; the seconds of each
are printed. LANDING is a directory as `opentrace generate` writes it. OUT gets a Parquet file per
table: silver_model_weeks (by the number that silver_lineage has beside each model_id),
silver_lineage with families, silver_rejects, gold_weeks, gold_usage_shares, gold_concentration;
`compare.py` compares them with a warehouse.

It is meant to be as fast as a good user of DuckDB can make it: numbers instead of names after the
one join on them, one aggregate for all windows, nothing summed that is one row, metrics from sorted
histograms, places of rows looked up only where some are rejected. With either rules it does less
than the jobs do: the configuration is the default one; it finds downloaded names by their 64-bit
hash alone; it reads no snapshots/; it writes no model_key and no parameters; its work on lineage
grows with the depth of chains; and it names a family by one of its members, not by the one that the
jobs name it by.

`--rules full` keeps the rules of docs/method.md on any landing of Parquet models and downloads and
CSV aliases, organizations and annotations with the columns that `opentrace generate` writes
(annotations: `id` and `derived_from`): it rejects rows with a reason, settles repeats, writes flags
and rejects, and checks what it wrote. Only where the jobs look closer at characters does it
differ: text that is no UTF-8 and a CSV row with a cell too many stop it, and its lower case is that
of single characters.

`--rules clean` takes the landing to be clean (no row to reject, no repeated counts, ids, `_id`s or
organisations, no annotations) and writes no flags, reasons or rejects.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import duckdb

RULES = ("full", "clean")

_SQL = Path(__file__).parent / "sql"
_PARQUET = ("models", "downloads")
_CSV = {
    "aliases": "legacy_id,current_id",
    "organizations": "org,country,org_type,organization,source",
    "annotations": "id,derived_from",
}
"""Folders that a landing may lack: they are read as a file with this header alone."""


def run(landing: Path, out: Path, memory: str, temp: str, rules: str = "full") -> None:
    """Run every stage on a database in memory and print its seconds."""
    if (landing / "snapshots").is_dir():
        raise SystemExit(f"{landing}: snapshots/ is not read by this program")
    database = duckdb.connect(config={"memory_limit": memory, "temp_directory": f"{temp}/spill"})
    variables: dict[str, object] = {
        "landing": str(landing),
        "out": str(out),
        "last_complete_week": _last_complete_week(landing),
        **_files(landing, Path(temp)),
    }
    for name, value in variables.items():
        database.execute(f"SET VARIABLE {name} = ?", [value])
    begun = time.perf_counter()
    for stage in stages(rules):
        stage_begun = time.perf_counter()
        database.execute(stage.read_text(encoding="utf-8"))
        _report(stage.stem, time.perf_counter() - stage_begun)
    _report("total", time.perf_counter() - begun)


def stages(rules: str) -> list[Path]:
    """The SQL files of the rules, and those that all rules share, in the order of their names."""
    files = [*_SQL.glob("*.sql"), *(_SQL / rules).glob("*.sql")]
    return sorted(files, key=lambda file: file.name)


def _files(landing: Path, temp: Path) -> dict[str, list[str]]:
    """Folder -> its files in the order of their paths, which says what is the first row."""
    files = {kind: sorted(map(str, (landing / kind).glob("*.parquet"))) for kind in _PARQUET}
    for kind, header in _CSV.items():
        files[kind] = sorted(map(str, (landing / kind).glob("*.csv")))
        if not files[kind]:
            nothing = temp / f"{kind}.csv"
            nothing.write_text(f"{header}\n", encoding="utf-8")
            files[kind] = [str(nothing)]
    return files


def _last_complete_week(landing: Path) -> str | None:
    manifest = landing / "manifest.json"
    if not manifest.exists():
        return None
    date: str | None = json.loads(manifest.read_text(encoding="utf-8")).get("last_complete_week")
    return date


def _report(name: str, seconds: float) -> None:
    print(f"{name:24} {seconds:8.2f} s", flush=True)


def main() -> None:
    """Run the program on the landing and into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="The core tables in plain SQL on DuckDB.")
    parser.add_argument("landing", type=Path, help="directory of `opentrace generate`")
    parser.add_argument("out", type=Path, help="folder for the Parquet files")
    parser.add_argument(
        "--rules", choices=RULES, default=RULES[0], help="what the landing may hold (default: full)"
    )
    parser.add_argument("--memory", default="8GB", help="DuckDB's memory limit (default: 8GB)")
    parser.add_argument("--temp", help="folder for what does not fit (default: the system's)")
    arguments = parser.parse_args()
    if not arguments.landing.is_dir():
        parser.error(f"{arguments.landing} is no directory")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.temp) as temp:
        run(arguments.landing, arguments.out, arguments.memory, temp, arguments.rules)


if __name__ == "__main__":
    main()
