"""How well sizes of models are told, on real models that the fit did not see.

Reads DIR/hub_model_files_2026-08.parquet. A quarter of the models is held out by a fixed hash of
the id, and again of the owner: what is lost then is memory of what one owner publishes.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from opentrace_spark.sizes.estimate import fit, sizes
from opentrace_spark.sizes.known import wrong_known
from opentrace_spark.sizes.repository import Evidence, Repository, evidence_of
from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.sizes.validation import (
    METHODS,
    POPULATIONS,
    SPLITS,
    Quality,
    Validation,
    validate,
)

FILE = "hub_model_files_2026-08.parquet"
_COLUMNS = ("n", "R2 log", "R2 lin", "med.err", "in 1.5x", "in 2x", "in band")


def main() -> int:
    """Print the report; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/sizes", description=__doc__)
    folder = os.environ.get("OPENTRACE_REAL_DATA") or "../shared/data"
    parser.add_argument("--data", metavar="DIR", type=Path, default=Path(folder))
    parser.add_argument("--pairs", metavar="FILE.csv", type=Path, help="held-out models, to draw")
    parser.add_argument(
        "--picture",
        metavar="FILE",
        type=picture_file,
        help="predicted against published, held out by id, as .svg or .png",
    )
    parser.add_argument("--flagged", action="store_true", help="list every flagged count")
    options = parser.parse_args()
    path = options.data / FILE
    if not path.is_file():
        print(f"sizes: {path} is not there; name its folder with --data", file=sys.stderr)
        return 2
    settings = SizeSettings()
    rows, downloads = read(path, settings)
    for split in SPLITS:
        validation = validate(rows, split, settings)
        print_quality(validation, split)
        if options.pairs and split == "id":
            write_pairs(validation, options.pairs)
        if options.picture and split == "id":
            # The report alone does without the packages that draw.
            from opentrace_spark.publish.size_picture import save_size_picture

            save_size_picture(validation, options.picture)
    print_coverage(rows, downloads, settings)
    print_flagged(rows, settings, options.flagged)
    return 0


def picture_file(text: str) -> Path:
    """A path that a picture can be written to; the error says what is wrong with another."""
    path = Path(text)
    if path.suffix not in (".svg", ".png"):
        raise argparse.ArgumentTypeError(f"{text} ends neither in .svg nor in .png")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path.parent} is no folder; make it first")
    return path


def read(path: Path, settings: SizeSettings) -> tuple[list[Evidence], list[int]]:
    """The evidence of each model of the file, and its downloads of 30 days."""
    table = pq.read_table(path).to_pylist()
    rows = [evidence_of(repository(record), settings) for record in table]
    return rows, [record["downloads_30d"] or 0 for record in table]


def repository(record: dict[str, Any]) -> Repository:
    """A row of the file, which does not say whether safetensors or GGUF told the parameters."""
    formats = record["formats"] or []
    is_gguf = "gguf" in formats and "safetensors" not in formats
    base = record["base_model"]
    return Repository(
        record["id"],
        tags=[*(record["tags"] or []), *formats],
        pipeline_tag=record["pipeline_tag"],
        library_name=record["library"],
        storage_bytes=record["storage_bytes"],
        safetensors_total=None if is_gguf else record["parameters"],
        gguf_total=record["parameters"] if is_gguf else None,
        base_models=[base] if base else [],
    )


def print_quality(validation: Validation, split: str) -> None:
    """One table: methods and populations of the models held out by `split`."""
    print(f"\nheld out by {split}: {len(validation.rows)} models")
    print(f"{'':40}" + "".join(f"{name:>9}" for name in _COLUMNS))
    for population in POPULATIONS:
        for method in METHODS:
            _print_line(f"{population}, {method}", validation.quality(method, population))
    for population in ("all", "flagged"):
        by_names = validation.quality_by_names("regression", population)
        _print_line(f"{population}, regression, names for flagged", by_names)
    for source in ("name", "estimated"):
        quality = validation.quality_of_source(source)
        _print_line(f"not flagged, cascade's rows by {source}", quality)


def _print_line(label: str, quality: Quality) -> None:
    shares = (quality.within_1_5, quality.within_2, quality.in_band)
    cells = [str(quality.n), _number(quality.r2_log), _number(quality.r2_linear)]
    cells += ["-" if s is None else f"{s:.1%}" for s in (quality.median_error, *shares)]
    print(f"{label:40}" + "".join(f"{cell:>9}" for cell in cells))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if abs(value) < 1000 else f"{value:.1e}"


def print_coverage(
    rows: Sequence[Evidence], downloads: Sequence[int], settings: SizeSettings
) -> None:
    """For how many models and downloads each source gives the size."""
    found = sizes(fit(rows, settings), rows, settings)
    models: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    for row, size, count in zip(rows, found, downloads, strict=True):
        for source in (
            "published" if row.known else "not published",
            size.parameter_source or "no size",
        ):
            models[source] += 1
            weights[source] += count
    print(f"\n{'source of the size':38}{'models':>9}{'share':>9}{'of downloads':>15}")
    for source in ("published", "safetensors", "gguf", "name", "estimated", "no size"):
        share, weight = models[source] / len(rows), weights[source] / (sum(downloads) or 1)
        print(f"{source:38}{models[source]:>9}{share:>9.1%}{weight:>15.1%}")


def print_flagged(rows: Sequence[Evidence], settings: SizeSettings, every: bool) -> None:
    """How many published counts each test finds wrong, with examples or all of them."""
    flagged: dict[str, list[Evidence]] = {}
    for row in rows:
        if test := wrong_known(row, settings):
            flagged.setdefault(test, []).append(row)
    print(f"\n{'published counts found wrong':38}{'models':>9}")
    for test, found in sorted(flagged.items(), key=lambda item: -len(item[1])):
        print(f"{test:38}{len(found):>9}")
        for row in found if every else found[:: max(1, len(found) // 5)][:5]:
            size = f"{row.sizes[0]:.3g} named" if row.sizes else "no size named"
            print(f"    {row.id[:70]:70} {row.known:>9.3g} {row.bytes:>9.3g} bytes, {size}")


def write_pairs(validation: Validation, path: Path) -> None:
    """Every held-out model as a CSV row: what is known and what each method says."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "known", "flag", "source", *METHODS])
        for place, row in enumerate(validation.rows):
            found = [validation.found[method][0, place] for method in METHODS]
            mark = [validation.flags[place] or "", validation.sources[place]]
            writer.writerow([row.id, row.known, *mark, *(f"{value:.6g}" for value in found)])


if __name__ == "__main__":
    sys.exit(main())
