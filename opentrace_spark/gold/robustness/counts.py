"""Scratch `work_choice_counts`: the downloads of every model that the options ask for.

One pass over the weekly counts for all of them; tasks read the files of their weeks themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.config import Config
from opentrace_spark.gold.robustness.models import load_models, load_roots
from opentrace_spark.gold.robustness.options import Counted, all_counted
from opentrace_spark.gold.usage.pooled import (
    ALL_PERIODS,
    ALL_TIME,
    ROLLING,
    complete_weeks,
    span_of_period,
    spans_of_weeks,
)
from opentrace_spark.io import read_counts, read_stored
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.units import Codes, covers, day_of, find_places
from opentrace_spark.steps import Context


def periods_of(config: Config) -> dict[str, str]:
    """Span of weeks -> the period of gold/sensitivity that it is."""
    configured = {span_of_period(period): period.name for period in config.periods}
    return {ALL_TIME: ALL_PERIODS, ROLLING: ROLLING, **configured}


def count_column(place: int) -> str:
    """The column of `work_choice_counts` that holds `all_counted(config)[place]`."""
    return f"downloads_{place}"


def build_choice_counts(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Sums over weeks of the same spans, several rows for a model: one of each task.

    Reads `work_weeks`, `gold_weeks`, `silver_model_weeks`, `work_models`, `work_root_choices`,
    `gold_anomalies`. Columns: spans, as `spans_with` finds them; model_key; a `count_column` BIGINT
    for each of `all_counted`. Complete weeks only.
    """
    config, locations = context.config, context.locations
    add_up = _AddUp(
        models=locations["work_models"],
        root_choices=locations["work_root_choices"],
        anomalies=locations["gold_anomalies"],
        model_weeks=locations["silver_model_weeks"],
        counted=all_counted(config),
        days=config.window_days,
    )
    numbers = [
        F.when(F.array_contains("spans", span), F.lit(f"{number}"))
        for number, span in enumerate(periods_of(config))
    ]
    spans = spans_of_weeks(complete_weeks(inputs["gold_weeks"]), config).select(
        "week_start", F.concat_ws(",", *numbers).alias("spans")
    )
    files = inputs["work_weeks"].where("counted > 0").select("week_start", "file")
    # Each task has a sum for every model: few tasks leave little to be added up between them.
    tasks = context.spark.sparkContext.defaultParallelism
    weeks = files.join(F.broadcast(spans), "week_start", how="inner").repartition(tasks, "file")
    return weeks.mapInArrow(add_up, from_arrow_schema(add_up.schema))


def spans_with(span: int, spans: pa.Array) -> pa.Array:
    """Which rows of `work_choice_counts` are of the span with this place in `periods_of`."""
    with_it = [text for text in spans.unique().to_pylist() if f"{span}" in text.split(",")]
    return pc.is_in(spans, value_set=pa.array(with_it, pa.string()))


@dataclass(frozen=True)
class _AddUp:
    """The function that workers run on some weeks."""

    models: str
    root_choices: str
    anomalies: str
    model_weeks: str
    counted: tuple[Counted, ...]
    days: Mapping[str, int | None]

    @property
    def schema(self) -> pa.Schema:
        counts = map(count_column, range(len(self.counted)))
        numbers = [(name, pa.int64()) for name in ("model_key", *counts)]
        return pa.schema([("spans", pa.string()), *numbers])

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        weeks = [row for batch in batches for row in batch.to_pylist()]
        if not weeks:
            return
        weeks.sort(key=lambda week: (week["spans"], week["week_start"]))
        starts = [self._starts(counted) for counted in self.counted]
        listed = _listed(self.anomalies)
        models = load_models(self.models)
        keys = models.keys[models.downloaded]
        for spans, same in groupby(weeks, key=lambda week: week["spans"]):
            sums = np.zeros((len(self.counted), len(keys)), dtype=np.int64)
            for week in same:
                self._add(week, keys, starts, listed, sums)
            counted = np.flatnonzero(sums.any(axis=0))
            columns = [pa.repeat(spans, len(counted)), keys[counted], *sums[:, counted]]
            yield from pa.table(columns, schema=self.schema).to_batches(max_chunksize=1 << 16)

    def _starts(self, counted: Counted) -> Codes | None:
        """The days that the window of each downloaded model starts from."""
        models = load_models(self.models)
        if counted.creation is None:
            return None
        places = models.downloaded
        if counted.root_by:
            places = load_roots(self.models, self.root_choices, counted.root_by)[places]
        return models.created[counted.creation][places]

    def _add(
        self,
        week: Mapping[str, Any],
        keys: Integers,
        starts: list[Codes | None],
        listed: Mapping[date | None, Integers],
        sums: Integers,
    ) -> None:
        """Add the downloads of one week to the sums of all that is counted."""
        known, counts = read_counts(self.model_weeks, week["file"])
        present = np.flatnonzero(counts)
        places, counts = find_places(keys, known[present]), counts[present]
        day = day_of(week["week_start"])
        for row, (counted, days) in enumerate(zip(self.counted, starts, strict=True)):
            inside = counts
            if days is not None:
                inside = np.where(covers(days[places], day, self.days[counted.window]), counts, 0)
            if counted.without_anomalies:
                hidden = np.union1d(listed[None], listed.get(week["week_start"], listed[None]))
                inside = np.where(np.isin(keys[places], hidden), 0, inside)
            # A model is in a week once, so that no place is there twice.
            sums[row, places] += inside


def _listed(uri: str) -> dict[date | None, Integers]:
    """Week -> the models whose downloads there are listed as an anomaly; None: in all weeks."""
    table = read_stored(uri, ["model_key", "week_start"])
    found: dict[date | None, list[int]] = {None: []}
    for row in table.to_pylist():
        found.setdefault(row["week_start"], []).append(row["model_key"])
    return {week: np.array(keys, dtype=np.int64) for week, keys in found.items()}
