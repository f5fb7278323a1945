"""Scratch `work_weekly`: every measure of every week, from one pass over the weekly counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.gold.usage.population import (
    find_codes,
    find_entities,
    load_population,
)
from opentrace_spark.io import read_counts, read_stored, write_partition
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.groups import HEAD, RANKED, SCHEMA, measure_week
from opentrace_spark.metrics.units import day_of
from opentrace_spark.steps import Context
from opentrace_spark.tables import DERIVATION_KINDS, GOLD_USAGE_SHARES, REST

WEEK = "week"
"""Beside the parts of `metrics.groups`: a row on the week as a whole."""

_WEEK_FACTS = pa.schema(
    [(name, pa.int64()) for name in ("models", "in_population", "in_models", "censored")]
)
"""Of all models: how many have downloads; downloads of the population, of models that are
in models/, and of those with a floored creation date."""
_WEEKLY = pa.schema([("week_start", pa.date32()), *SCHEMA, *_WEEK_FACTS, ("file", pa.string())])


def build_weekly(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Rows of `metrics.groups.SCHEMA` with their `week_start`, but the ranked ones, and one of the
    part WEEK for every week that is present.

    The ranked rows are many, and just those of gold/usage_shares: each task writes its weeks' below
    the scratch folder; `file` of the row WEEK is the path.
    """
    config, locations = context.config, context.locations
    measure = _Measure(
        population=locations["work_population"],
        units=locations["work_units"],
        models=locations["work_models"],
        model_weeks=locations["silver_model_weeks"],
        shares=context.scratch,
        windows=dict(config.window_days),
        top=config.publication.top_entities,
        head_size=config.population.head_size,
        constants=context.constants,
    )
    return files_by_week(inputs, context).mapInArrow(measure, from_arrow_schema(_WEEKLY))


def files_by_week(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """week_start and file of every week with counts, shared out to tasks; reads `work_weeks`."""
    weeks = inputs["work_weeks"].where("counted > 0").select("week_start", "file")
    return weeks.repartition(context.tasks_by_week, "file")


@dataclass(frozen=True)
class _Measure:
    """The function that workers run on some weeks: it reads their files itself, as they lie."""

    population: str
    units: str
    models: str
    model_weeks: str
    shares: str
    windows: Mapping[str, int | None]
    top: int
    head_size: int
    constants: Mapping[str, Any]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for week in (row for batch in batches for row in batch.to_pylist()):
            keys, counts = read_counts(self.model_weeks, week["file"])
            yield from self._measured(week["week_start"], keys, counts).to_batches()

    def _measured(self, week_start: date, keys: Integers, counts: Integers) -> pa.Table:
        codes = find_codes(self.population, keys)
        is_in_population = np.flatnonzero(codes >= 0)
        rows = measure_week(
            load_population(self.population),
            day_of(week_start),
            codes[is_in_population],
            counts[is_in_population],
            self.windows,
            top=self.top,
            head_size=self.head_size,
            kinds=len(DERIVATION_KINDS),
        )
        is_ranked = pc.equal(rows["part"], RANKED)
        facts = {
            "part": WEEK,
            "downloads": int(counts.sum()),
            "models": int(np.count_nonzero(counts)),
            "in_population": int(counts[is_in_population].sum()),
            **_covered(self.models, keys, counts),
            "file": self._write_shares(week_start, rows.filter(is_ranked)),
        }
        fields = [field for field in _WEEKLY if field.name in facts]
        whole = pa.Table.from_pylist([facts], schema=pa.schema(fields))
        kept = [_WEEKLY.empty_table(), rows.filter(pc.invert(is_ranked)), whole]
        joined = pa.concat_tables(kept, promote_options="default")
        return joined.set_column(0, "week_start", _repeated(week_start, len(joined)))

    def _write_shares(self, week_start: date, ranked: pa.Table) -> str | None:
        """Write a week's rows of gold/usage_shares; those without a code are the rest."""
        if not len(ranked):
            return None
        names = find_entities(
            self.units, ranked["level"].combine_chunks(), ranked["code"].combine_chunks()
        )
        rows = ranked.append_column("entity", pc.fill_null(names, REST))
        for name, value in self.constants.items():
            rows = rows.append_column(name, _repeated(value, len(rows)))
        return write_partition(self.shares, GOLD_USAGE_SHARES, f"week_start={week_start}", rows)


def _repeated(value: Any, length: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), length)


def _covered(uri: str, keys: Integers, counts: Integers) -> dict[str, int]:
    """Downloads of models that are in models/, and of those with a floored creation date."""
    unknown, censored = _exceptions(uri)
    return {
        "in_models": int(counts.sum()) - _sum_of(unknown, keys, counts),
        "censored": _sum_of(censored, keys, counts),
    }


def _sum_of(chosen: Integers, keys: Integers, counts: Integers) -> int:
    """The downloads of the chosen keys; both ascend."""
    places = np.searchsorted(keys, chosen)
    chosen, places = chosen[places < len(keys)], places[places < len(keys)]
    return int(counts[places[np.flatnonzero(keys[places] == chosen)]].sum())


@lru_cache(maxsize=1)
def _exceptions(uri: str) -> tuple[Integers, Integers]:
    """Keys of models that are not in models/, and of those with a floored date; both ascending."""
    models = read_stored(uri, ["model_key", "is_in_models", "created_censored"])
    unknown = models.filter(pc.invert(models["is_in_models"]))["model_key"].to_numpy()
    censored = models.filter(models["created_censored"])["model_key"].to_numpy()
    return np.sort(unknown), np.sort(censored)


def build_head(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_head`: model_key of every model that is among the largest of some week."""
    head = inputs["work_weekly"].where(F.col("part") == HEAD).select("code").distinct()
    population = inputs["work_population"]
    return population.join(head, population["none_model"] == head["code"], how="left_semi").select(
        "model_key"
    )
