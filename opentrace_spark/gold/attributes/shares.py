"""gold/attribute_shares: what the downloaded models are, by week and by bins of years."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.gold.attributes.labels import GRANULARITIES, Labelled, load_labels
from opentrace_spark.gold.usage.pooled import complete_weeks
from opentrace_spark.gold.usage.weekly import files_by_week
from opentrace_spark.io import read_counts
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.units import covers, day_of, find_places
from opentrace_spark.steps import Context

SAMPLES = ("population", "head")
ALL = "(all)"
"""Attribute of the rows that say how many downloads the sample has."""
SIZED = "(sized)"
"""Attribute of the rows on the head sample's downloads of models of known size: `parameters` is the
sum of a model's parameters times its downloads."""
FIRST_YEAR, LAST_YEAR = 2022, 2025
"""The bins of years: up to the first, each year between, from the last on (Figs. 9, 10)."""
_COUNTED = pa.schema(
    [
        ("week_start", pa.date32()),
        ("sample", pa.string()),
        ("recency_window", pa.string()),
        ("attribute", pa.string()),
        ("granularity", pa.string()),
        ("category", pa.string()),
        ("downloads", pa.int64()),
        ("parameters", pa.decimal128(38, 0)),
    ]
)


def build_counted(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_counted`: downloads by week, sample, window, attribute and category, as
    _COUNTED; only what is above 0, and per window a row of the attribute ALL per sample and one
    of SIZED."""
    count = _Count(
        context.locations["work_labels"],
        context.locations["silver_model_weeks"],
        dict(context.config.window_days),
    )
    return files_by_week(inputs, context).mapInArrow(count, from_arrow_schema(_COUNTED))


@dataclass(frozen=True)
class _Count:
    """The function that workers run on some weeks: it reads their files itself, as they lie."""

    labels: str
    model_weeks: str
    windows: Mapping[str, int | None]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        labelled = load_labels(self.labels)
        for week in (row for batch in batches for row in batch.to_pylist()):
            reported = read_counts(self.model_weeks, week["file"])
            places, counts = _known(labelled.keys, *reported)
            day = day_of(week["week_start"])
            for window, days in self.windows.items():
                inside = np.flatnonzero(covers(labelled.window_day[places], day, days))
                cell = {"week_start": week["week_start"], "recency_window": window}
                counted = _counted(labelled, places[inside], counts[inside])
                yield pa.RecordBatch.from_pylist([cell | row for row in counted], schema=_COUNTED)


def _known(keys: Integers, wanted: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Places of the wanted keys that are there and have downloads, and these."""
    places = find_places(keys, wanted)
    found = np.flatnonzero((places >= 0) & (counts > 0))
    return places[found], counts[found]


def _counted(labelled: Labelled, places: Integers, counts: Integers) -> Iterator[dict[str, Any]]:
    in_head = labelled.in_head[places]
    totals = (int(counts.sum()), int(counts[np.flatnonzero(in_head)].sum()))
    for sample, total in zip(SAMPLES, totals, strict=True):
        yield {"sample": sample, "attribute": ALL, "downloads": total}
    yield _sized(labelled, places[np.flatnonzero(in_head)], counts[np.flatnonzero(in_head)])
    for attribute, sets in labelled.attributes.items():
        sums = np.zeros((2, sets.size), dtype=np.int64)
        np.add.at(sums, (in_head, sets.code[places]), counts)
        sums[0] += sums[1]
        for granularity in GRANULARITIES:
            by_name = sums @ sets.counts_in[granularity]
            for sample, row in zip(SAMPLES, by_name.tolist(), strict=True):
                for category, downloads in zip(sets.names[granularity], row, strict=True):
                    if downloads:
                        yield {
                            "sample": sample,
                            "attribute": attribute,
                            "granularity": granularity,
                            "category": category,
                            "downloads": downloads,
                        }


def _sized(labelled: Labelled, places: Integers, counts: Integers) -> dict[str, Any]:
    """The row of SIZED. Sums of products exceed 64 bits, so that Python's integers make them."""
    parameters = labelled.parameters[places]
    known = np.flatnonzero(parameters)
    pairs = zip(parameters[known].tolist(), counts[known].tolist(), strict=True)
    return {
        "sample": "head",
        "attribute": SIZED,
        "downloads": int(counts[known].sum()),
        "parameters": Decimal(sum(size * count for size, count in pairs)),
    }


def build_attribute_shares(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Every week, and the bins of years over complete weeks; reads `work_counted`, `gold_weeks`."""
    counted = inputs["work_counted"]
    complete = complete_weeks(inputs["gold_weeks"]).select("week_start")
    weekly = counted.withColumn("period", F.col("week_start").cast("string"))
    binned = (
        counted.join(F.broadcast(complete), "week_start", how="left_semi")
        .withColumn("period", bin_of("week_start"))
        .withColumn("week_start", F.lit(None).cast("date"))
    )
    return _shares(weekly.unionByName(binned))


def bin_of(day: str) -> Column:
    """The bin of years that a date belongs to."""
    year = F.year(day)
    return (
        F.when(year <= FIRST_YEAR, f"<={FIRST_YEAR}")
        .when(year >= LAST_YEAR, f">={LAST_YEAR}")
        .otherwise(year.cast("string"))
    )


def _shares(rows: DataFrame) -> DataFrame:
    period = ["sample", "period", "week_start", "recency_window"]
    cell = [*period, "attribute", "granularity", "category"]
    summed = rows.groupBy(*cell).agg(F.sum("downloads").alias("downloads"))
    totals = summed.where(F.col("attribute") == ALL).select(
        *(name for name in period if name != "week_start"), F.col("downloads").alias("total")
    )
    shares = summed.where(~F.col("attribute").isin(ALL, SIZED)).join(
        F.broadcast(totals), ["sample", "period", "recency_window"], how="inner"
    )
    return shares.select(*cell, "downloads", (F.col("downloads") / F.col("total")).alias("share"))
