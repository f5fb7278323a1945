"""gold/sensitivity: how the headline figures move when one option at a time is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.config import NOT_NATIONS, Config
from opentrace_spark.gold.robustness.counts import count_column, periods_of, spans_with
from opentrace_spark.gold.robustness.models import (
    load_models,
    load_owners,
    load_parents,
    load_roots,
)
from opentrace_spark.gold.robustness.options import (
    EQUAL_SPLIT,
    STILL_PUBLIC,
    Choices,
    Counted,
    all_counted,
    baselines_of,
    counted_by,
    variants_of,
)
from opentrace_spark.gold.usage.pooled import complete_weeks, spans_of_weeks
from opentrace_spark.io import read_stored_batches
from opentrace_spark.metrics.concentration import concentration, histogram
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.split import scale_of, split_equally
from opentrace_spark.metrics.units import Codes, find_places, largest
from opentrace_spark.steps import Context
from opentrace_spark.tables import SENSITIVITY_FIGURES, SHARE

_ROWS = pa.schema(
    [
        *((name, pa.string()) for name in ("period", "headline_window", "option", "value")),
        *((name, pa.string()) for name in ("level", "scope", "figure", "entity")),
        *((name, pa.string()) for name in ("attribution", "recency_window")),
        ("is_baseline", pa.bool_()),
        *((name, pa.float64()) for name in ("result", "baseline", "change")),
        *((name, pa.int64()) for name in ("units", "downloads")),
    ]
)
_CELLS = (
    ("developer", "all"),
    ("organization", "all"),
    ("country", "all"),
    ("country", "national"),
)


def build_sensitivity(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The figures of every option in each period with complete weeks.

    Reads `work_choice_counts`, `work_models`, `work_root_choices`, `work_first_parents`,
    `gold_weeks`. A task measures a period: its own arithmetic takes no more than one core.
    """
    config, locations = context.config, context.locations
    measure = _Measure(
        counts=locations["work_choice_counts"],
        models=locations["work_models"],
        root_choices=locations["work_root_choices"],
        first_parents=locations["work_first_parents"],
        config=config,
    )
    weeks = spans_of_weeks(complete_weeks(inputs["gold_weeks"]), config)
    spans = weeks.select(F.explode("spans").alias("span")).distinct()
    tasks = len(periods_of(config))
    return spans.repartition(tasks, "span").mapInArrow(measure, from_arrow_schema(_ROWS))


class _Units(NamedTuple):
    """Units of a level and scope: amounts by code, and the codes that are units at all.

    Amounts are downloads times 2^bits.
    """

    amounts: Integers
    is_unit: npt.NDArray[np.bool_]
    bits: int

    def figures(self) -> dict[str, Any]:
        """Metrics over the units with downloads; `downloads` in whole ones, halves up."""
        metrics = concentration(*histogram(self.amounts[self.amounts > 0]))
        half = (1 << self.bits) >> 1
        return metrics | {"downloads": (metrics["downloads"] + half) >> self.bits}


_Cells = Mapping[tuple[str, str], _Units]


@dataclass(frozen=True)
class _Measure:
    """The function that workers run on the spans that they are given."""

    counts: str
    models: str
    root_choices: str
    first_parents: str
    config: Config

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for span in (span for batch in batches for span in batch["span"].to_pylist()):
            counts = self._read(list(periods_of(self.config)).index(span))
            measured = {
                choices: self._cells(choices, counts[counted_by(choices, self.config)])
                for choices in dict.fromkeys(v.choices for v in variants_of(self.config))
            }
            rows = figure_rows(measured, load_owners(self.models).names, self.config)
            period = periods_of(self.config)[span]
            yield pa.RecordBatch.from_pylist([{"period": period} | row for row in rows], _ROWS)

    def _read(self, span: int) -> dict[Counted, Integers]:
        """What each downloaded model counts in the span."""
        models, counted = load_models(self.models), all_counted(self.config)
        keys = models.keys[models.downloaded]
        sums = np.zeros((len(counted), len(keys)), dtype=np.int64)
        for batch in read_stored_batches(self.counts):
            rows = batch.filter(spans_with(span, batch["spans"]))
            places = find_places(keys, rows["model_key"].to_numpy())
            for row, total in enumerate(sums):
                np.add.at(total, places, rows[count_column(row)].to_numpy())
        return dict(zip(counted, sums, strict=True))

    def _cells(self, choices: Choices, counts: Integers) -> _Cells:
        """The units of every level and scope under these choices."""
        owners = load_owners(self.models)
        places, amounts, bits = self._credited(choices, counts)
        developers = _added(amounts, owners.developer[places], len(owners.names["developer"]))
        organizations = _added(developers, owners.organization, len(owners.names["organization"]))
        country = owners.country(choices)
        countries = _added(developers, country, len(owners.names["country"]))
        is_unit = np.zeros(len(countries), dtype=bool)
        is_unit[country] = True
        words = owners.names["country"].to_pylist()
        is_nation = is_unit & np.array([word not in NOT_NATIONS for word in words], dtype=bool)
        every = np.ones(max(len(developers), len(organizations)), dtype=bool)
        units = (
            _Units(developers, every, bits),
            _Units(organizations, every, bits),
            _Units(countries, is_unit, bits),
            _Units(np.where(is_nation, countries, 0), is_nation, bits),
        )
        return dict(zip(_CELLS, units, strict=True))

    def _credited(self, choices: Choices, counts: Integers) -> tuple[Integers, Integers, int]:
        """Places of the models that downloads are credited to, amounts, and bits of their scale."""
        models = load_models(self.models)
        places = models.downloaded
        is_in = models.total_downloads[places] >= choices.min_downloads
        if choices.models == STILL_PUBLIC:
            is_in &= models.is_public[places]
        amounts = np.where(is_in, counts, 0)
        if choices.attribution == "none":
            return places, amounts, 0
        if choices.parent != EQUAL_SPLIT:
            rule = (choices.parent, choices.missing_ancestor)
            return load_roots(self.models, self.root_choices, rule)[places], amounts, 0
        bits = scale_of(amounts)
        whole = np.zeros(len(models.keys), dtype=np.int64)
        whole[places] = amounts << bits
        split = split_equally(whole, *load_parents(self.models, self.first_parents))
        credited = np.flatnonzero(split)
        return credited, split[credited], bits


def _added(amounts: Integers, belongs_to: Integers | Codes, size: int) -> Integers:
    """Amounts added up by the code that each belongs to."""
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, belongs_to, amounts)
    return sums


def figure_rows(
    measured: Mapping[Choices, _Cells], names: Mapping[str, pa.Array], config: Config
) -> Iterator[dict[str, Any]]:
    """The rows of one period, without its name."""
    for baseline in baselines_of(config):
        variants = [variant for variant in variants_of(config) if variant.baseline == baseline]
        for level, scope in _CELLS:
            units = {
                variant.choices: measured[variant.choices][level, scope] for variant in variants
            }
            followed = _largest(units[baseline], names[level], config.sensitivity.largest)
            results = {choices: _results(found, followed) for choices, found in units.items()}
            for variant in variants:
                for row, own in zip(results[variant.choices], results[baseline], strict=True):
                    yield {
                        "headline_window": baseline.recency_window,
                        "option": variant.option,
                        "value": variant.value,
                        "level": level,
                        "scope": scope,
                        **row,
                        "attribution": variant.choices.attribution,
                        "recency_window": variant.choices.recency_window,
                        "is_baseline": variant.choices == baseline,
                        "baseline": own["result"],
                        "change": _change(row["result"], own["result"]),
                    }


def _largest(units: _Units, names: pa.Array, number: int) -> list[tuple[int, str]]:
    """Codes and names of the units with most downloads."""
    present = np.flatnonzero(units.amounts).astype(np.int32)
    codes, _ = largest(present, units.amounts[present], number)
    return [(code, names[code].as_py()) for code in codes.tolist()]


def _results(units: _Units, followed: list[tuple[int, str]]) -> list[dict[str, Any]]:
    """figure, entity, result, units and downloads of every figure."""
    figures = units.figures()
    total = int(units.amounts.sum())
    found: list[tuple[str, str | None, float | None]] = [
        (figure, None, figures[figure]) for figure in SENSITIVITY_FIGURES
    ]
    for code, entity in followed:
        is_known = total and units.is_unit[code]
        found.append((SHARE, entity, int(units.amounts[code]) / total if is_known else None))
    counted = {name: figures[name] for name in ("units", "downloads")}
    return [
        {"figure": figure, "entity": entity, "result": result, **counted}
        for figure, entity, result in found
    ]


def _change(result: float | None, baseline: float | None) -> float | None:
    return None if result is None or baseline is None else result - baseline
