"""Print the paper's Table 1 beside that of a warehouse, as Markdown.

Ours are shares of the head sample's downloads without a window, by bins of years, and the shifts
after the pivot. The paper's are read from DIR/paper_table1.csv. The row on sizes is no share: it is
the mean of parameters over downloads of models of known size, and a row tells what share they are.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentrace_spark.attributes.taxonomy import Attribute
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.gold.attributes.labels import COLUMN_OF, categories_of_labels
from opentrace_spark.gold.attributes.shares import FIRST_YEAR, LAST_YEAR, SAMPLES
from opentrace_spark.gold.attributes.shifts import SIZE_CELL
from opentrace_spark.io import Warehouse
from opentrace_spark.tables import (
    GOLD_ATTRIBUTE_SHARES,
    GOLD_ATTRIBUTE_SHIFTS,
    GOLD_SIZE_DISTRIBUTION,
    GOLD_WEEKS,
    SILVER_MODEL_WEEKS,
    SILVER_MODELS,
    TableSpec,
)

FILE = "paper_table1.csv"
BINS = {"to_2022": "<=2022", "y2023": "2023", "y2024": "2024", "from_2025": ">=2025"}
"""Column of the paper's table -> bin of gold/attribute_shares."""
SIZE, MEAN_SIZE, MULTIPLIER = "Model Size", "mean parameters", "multiplier"
_IS_IN = {"population": "in_population", "head": "in_head_sample"}

Place = tuple[str, str]
"""Attribute and category, as our tables spell them."""


@dataclass(frozen=True)
class Sized:
    """Downloads of models of known size, and the parameters of these models, once per download."""

    downloads: int = 0
    parameters: float = 0.0

    def plus(self, downloads: int, parameters: float) -> Sized:
        """With so many more (or, below 0, fewer) downloads of models of so many parameters."""
        return Sized(self.downloads + downloads, self.parameters + downloads * parameters)


@dataclass(frozen=True)
class Ours:
    """A warehouse's table: downloads by bin and category, and of all; multipliers, where known.

    Bins without downloads are not there.
    """

    sample: str
    downloads: dict[str, dict[Place, int]]
    totals: dict[str, int]
    multipliers: dict[Place, float]
    sized: dict[str, Sized]

    def share(self, bin_: str, place: Place) -> float:
        """Of the bin's downloads."""
        return self.downloads[bin_].get(place, 0) / self.totals[bin_]

    def mean_size(self, bin_: str) -> float | None:
        """Parameters per download of known size; None where no size is known."""
        sized = self.sized.get(bin_, Sized())
        return sized.parameters / sized.downloads if sized.downloads else None

    def sized_share(self, bin_: str) -> float:
        """Of the bin's downloads, those of models of known size."""
        return self.sized.get(bin_, Sized()).downloads / self.totals[bin_]


def main() -> int:
    """Print the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/table1", description=__doc__)
    parser.add_argument("--warehouse", required=True, help="folder of the Delta tables")
    folder = os.environ.get("OPENTRACE_REAL_DATA") or "../shared/data"
    parser.add_argument("--data", metavar="DIR", type=Path, default=Path(folder))
    parser.add_argument("--sample", choices=SAMPLES, default="head", help="default: head")
    parser.add_argument("--without", metavar="MODEL", help="also with this model set aside")
    options = parser.parse_args()
    try:
        paper = read_paper(options.data / FILE)
        warehouse = Warehouse(options.warehouse)
        ours = read_ours(warehouse, options.sample)
        without = set_aside(warehouse, ours, options.without) if options.without else None
    except (UsageError, ContentError) as error:
        print(f"table1: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    note = ["", f"`*`: without `{options.without}`"] if without else []
    print("\n".join([*lines_of(paper, ours, without), *note]))
    return 0


def attributes() -> dict[str, Attribute]:
    """The attributes of Table 1 that have shares; its row on sizes is a mean."""
    words = shipped_vocabulary().attributes
    return {name: a for name, a in words.items() if a.in_paper not in (None, SIZE)}


def read_paper(path: Path) -> dict[Place, dict[str, float]]:
    """The paper's rows under our names: bin -> share, and MULTIPLIER.

    Raises UsageError for a file that is not there, ContentError for a row that taxonomy.toml does
    not know.
    """
    if not path.is_file():
        raise UsageError(f"{path} is not there; name its folder with --data")
    ours = {
        (attribute.in_paper, paper_name(attribute, category)): (name, category)
        for name, attribute in attributes().items()
        for category in (*attribute.categories, attribute.absent)
    }
    ours[SIZE, MEAN_SIZE] = SIZE_CELL
    found = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            where = f"{path.name}, row {number}"
            try:
                names, wanted = (row["attribute"], row["category"]), (*BINS, MULTIPLIER)
                values = {BINS.get(name, name): float(row[name]) for name in wanted}
                found[ours[names]] = values
            except KeyError as error:
                raise ContentError(
                    f"{where}: {error} is no column, or has no in_paper or paper_names in "
                    "conf/taxonomy.toml"
                ) from None
            except (TypeError, ValueError) as error:
                raise ContentError(f"{where}: {error}") from None
    return found


def paper_name(attribute: Attribute, category: str) -> str:
    """How the paper spells a category."""
    return (attribute.paper_names or {}).get(category, category)


def read_ours(warehouse: Warehouse, sample: str) -> Ours:
    """The table of a sample; only the head has shifts. UsageError where the warehouse has none."""
    wanted = {"sample": sample, "recency_window": "none", "granularity": "category"}
    rows = _rows(warehouse, GOLD_ATTRIBUTE_SHARES, wanted)
    downloads: dict[str, dict[Place, int]] = {bin_: {} for bin_ in BINS.values()}
    for row in rows:
        if row["period"] in downloads:
            downloads[row["period"]][row["attribute"], row["category"]] = row["downloads"]
    # Of an exclusive attribute every download is in one category.
    totals = {
        bin_: sum(count for (attribute, _), count in counts.items() if attribute == "org_type")
        for bin_, counts in downloads.items()
    }
    shifts = _rows(warehouse, GOLD_ATTRIBUTE_SHIFTS, {}) if sample == "head" else []
    return Ours(
        sample,
        {bin_: counts for bin_, counts in downloads.items() if totals[bin_]},
        totals,
        {
            (row["attribute"], row["category"]): row["multiplier"]
            for row in shifts
            if row["multiplier"] is not None
        },
        read_sized(warehouse, sample),
    )


def read_sized(warehouse: Warehouse, sample: str) -> dict[str, Sized]:
    """Per bin of years what of the sample's downloads is of known size; bins without are absent.

    gold/attribute_shifts has a mean before the pivot and one after, not one per bin.
    """
    downloaded = {"sample": sample, "basis": "downloaded", "weighting": "downloads"}
    rows = _rows(warehouse, GOLD_SIZE_DISTRIBUTION, downloaded | {"recency_window": "none"})
    found: dict[str, Sized] = {}
    for row in {row["year"]: row for row in rows}.values():  # a year's measures stand in all rows
        bin_ = bin_of(row["year"])
        found[bin_] = found.get(bin_, Sized()).plus(row["weight"], row["mean"])
    return found


def set_aside(warehouse: Warehouse, ours: Ours, model_id: str) -> Ours:
    """The same shares with one model of the sample taken out; no other model moves up.

    Raises UsageError for a model that is not in the sample.
    """
    models = _rows(warehouse, SILVER_MODELS, {"model_id": model_id})
    if not models or not models[0][_IS_IN[ours.sample]]:
        raise UsageError(f"--without {model_id}: no model of the sample {ours.sample}")
    (model,) = models
    complete = {row["week_start"] for row in _rows(warehouse, GOLD_WEEKS, {"is_complete": True})}
    places = {
        (name, category)
        for name, attribute in attributes().items()
        for category in categories_of_labels(_labels(model[COLUMN_OF[name]]), attribute)
    }
    downloads = {bin_: dict(counts) for bin_, counts in ours.downloads.items()}
    totals, sized = dict(ours.totals), dict(ours.sized)
    size = model["parameter_count"]
    for row in _rows(warehouse, SILVER_MODEL_WEEKS, {"model_key": model["model_key"]}):
        if row["download_count"] and row["week_start"] in complete:
            bin_ = bin_of(row["week_start"].year)
            totals[bin_] -= row["download_count"]
            for place in places:
                downloads[bin_][place] -= row["download_count"]
            if size is not None:
                sized[bin_] = sized[bin_].plus(-row["download_count"], size)
    left = {bin_: counts for bin_, counts in downloads.items() if totals[bin_]}
    return Ours(ours.sample, left, totals, {}, sized)


def bin_of(year: int) -> str:
    """The bin that a year belongs to."""
    return list(BINS.values())[min(max(year, FIRST_YEAR), LAST_YEAR) - FIRST_YEAR]


def _labels(said: str | list[str] | None) -> tuple[str, ...]:
    """The labels in a cell of silver/models."""
    return tuple(said) if isinstance(said, list) else (said,) if said else ()


def _rows(warehouse: Warehouse, spec: TableSpec, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table whose columns have the wanted values."""
    filters = [(column, "=", value) for column, value in wanted.items()]
    try:
        return warehouse.read(spec, filters=filters or None).to_pylist()
    except LookupError as error:
        raise UsageError(f"{error.args[0]}: build it with opentrace run") from None


def lines_of(
    paper: dict[Place, dict[str, float]], ours: Ours, without: Ours | None
) -> Iterator[str]:
    """The table as lines of Markdown: shares of downloads, and ours less the paper's."""
    header = ["attribute", "category"]
    for bin_ in ours.downloads:
        header += [f"paper {bin_}", f"ours {bin_}", "difference"]
        header += [f"ours {bin_} *", "difference *"] if without else []
    header += ["paper multiplier", "ours"] if ours.multipliers else []
    yield _line(header)
    yield _line(["---", "---", *["---:"] * (len(header) - 2)])
    for place in places_of(paper, ours):
        theirs = paper.get(place, {})
        attribute = attributes()[place[0]]
        cells = [attribute.in_paper or "", paper_name(attribute, place[1])]
        for bin_ in ours.downloads:
            cells += [_number(theirs.get(bin_)), *_compared(ours, bin_, place, theirs)]
            cells += _compared(without, bin_, place, theirs) if without else []
        if ours.multipliers:
            cells += _multipliers(theirs, ours, place)
        yield _line(cells)
    yield from _size_lines(paper.get(SIZE_CELL, {}), ours, without)


def _size_lines(theirs: dict[str, float], ours: Ours, without: Ours | None) -> Iterator[str]:
    """The means of parameters, and of which share of the downloads they are."""
    means, shares = [SIZE, MEAN_SIZE], [SIZE, "share of downloads whose size is known"]
    tables = [ours, without] if without else [ours]
    for bin_ in ours.downloads:
        paper = theirs.get(bin_)
        means.append(_size(paper))
        shares.append("")
        for table in tables:
            mean = table.mean_size(bin_) if bin_ in table.downloads else None
            more = None if mean is None or paper is None else mean - paper
            means += [_size(mean), _size(more, sign="+")]
            shares += [_number(table.sized_share(bin_)) if bin_ in table.downloads else "", ""]
    if ours.multipliers:
        means += _multipliers(theirs, ours, SIZE_CELL)
        shares += ["", ""]
    yield _line(means)
    yield _line(shares)


def places_of(paper: dict[Place, dict[str, float]], ours: Ours) -> Iterator[Place]:
    """Per attribute the paper's categories in its order, then what only we have, largest first."""
    for name in attributes():
        own: Counter[Place] = Counter()
        for counts in ours.downloads.values():
            own.update({p: n for p, n in counts.items() if p[0] == name and p not in paper})
        yield from (place for place in paper if place[0] == name)
        yield from (place for place, _ in sorted(own.items(), key=lambda item: (-item[1], item[0])))


def _compared(ours: Ours, bin_: str, place: Place, theirs: dict[str, float]) -> tuple[str, str]:
    if bin_ not in ours.downloads:
        return "", ""
    share = ours.share(bin_, place)
    difference = f"{share - theirs[bin_]:+.3f}".replace("-0.000", "+0.000") if theirs else ""
    return _number(share), difference


def _multipliers(theirs: dict[str, float], ours: Ours, place: Place) -> list[str]:
    ratios = theirs.get(MULTIPLIER), ours.multipliers.get(place)
    return [_number(ratio, digits=1) for ratio in ratios]


def _size(parameters: float | None, sign: str = "") -> str:
    """Parameters in millions or billions, as the paper prints them: 215M, 1.76B."""
    if parameters is None:
        return ""
    billions = abs(parameters) >= 1e9
    return f"{parameters / (1e9 if billions else 1e6):{sign}.{2 if billions else 0}f}" + (
        "B" if billions else "M"
    )


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.exit(main())
