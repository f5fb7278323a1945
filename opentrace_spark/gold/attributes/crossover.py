"""gold/osi_crossover: when models that lack the OSI data criterion overtook those that meet it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.gold.attributes.shares import ALL
from opentrace_spark.gold.usage.pooled import complete_weeks
from opentrace_spark.steps import Context

ATTRIBUTE = "osi_data_criterion"
MEETS, LACKS = "meets", "lacks"
_CELL = ["sample", "recency_window", "grain"]
_SHARES = ("meets_share", "lacks_share", "documented_share")
_CROSSED = pa.schema(
    [
        *((name, pa.string()) for name in _CELL),
        ("periods", pa.int64()),
        ("first_observed", pa.string()),
        ("last_observed", pa.string()),
        *((name, pa.float64()) for name in _SHARES),
        *(
            (f"{which}_{name}", kind)
            for which in ("first", "lasting")
            for name, kind in (
                ("period", pa.string()),
                ("weeks", pa.int64()),
                *((share, pa.float64()) for share in _SHARES),
            )
        ),
        ("is_overtaking", pa.bool_()),
        ("order_changes", pa.int64()),
    ]
)


class Tally(NamedTuple):
    """A period's complete weeks, and the downloads of the models that meet the criterion, that lack
    it, of which it is known at all, and of all."""

    period: str
    weeks: int
    meets: int
    lacks: int
    documented: int
    total: int


def build_osi_crossover(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per sample, window and grain; reads `work_counted`, `gold_weeks`."""
    weeks = complete_weeks(inputs["gold_weeks"]).select("week_start")
    is_all = F.col("attribute") == ALL
    is_category = (F.col("attribute") == ATTRIBUTE) & (F.col("granularity") == "category")
    known = shipped_vocabulary().attributes[ATTRIBUTE].categories
    tallies = (
        inputs["work_counted"]
        .where(is_all | is_category)
        .join(F.broadcast(weeks), "week_start", how="left_semi")
        .select("week_start", "attribute", "category", "downloads", *_CELL[:2], _periods())
        .groupBy(*_CELL, "period")
        .agg(
            F.count_distinct("week_start").alias("weeks"),
            _downloads(F.col("category") == MEETS).alias("meets"),
            _downloads(F.col("category") == LACKS).alias("lacks"),
            _downloads(F.col("category").isin(*known)).alias("documented"),
            _downloads(is_all).alias("total"),
        )
    )
    return tallies.groupBy(*_CELL).applyInArrow(_crossed, from_arrow_schema(_CROSSED))


def _downloads(of: Column) -> Column:
    return F.sum(F.when(of, F.col("downloads")).otherwise(0))


def _periods() -> Column:
    """Generator of the week, the quarter and the year of week_start: grain, period."""
    year, quarter = F.year("week_start"), F.quarter("week_start")
    names = {
        "week": F.col("week_start").cast("string"),
        "quarter": F.concat(year, F.lit("-Q"), quarter),
        "year": year.cast("string"),
    }
    return F.inline(
        F.array(
            *(
                F.struct(F.lit(grain).alias("grain"), name.alias("period"))
                for grain, name in names.items()
            )
        )
    )


def _crossed(rows: pa.Table) -> pa.Table:
    """One sample, window and grain: the row that its periods give."""
    cell = {name: rows[name][0].as_py() for name in _CELL}
    tallies = rows.select(Tally._fields).sort_by("period").to_pylist()
    found = crossover([Tally(**tally) for tally in tallies])
    return pa.Table.from_pylist([cell | found], schema=_CROSSED)


def crossover(tallies: Sequence[Tally]) -> dict[str, Any]:
    """The columns of gold/osi_crossover from `periods` on; the periods ascend.

    Compared are downloads: shares of one total stand in the same order. A tie is nobody's lead; a
    period without any downloads is passed over.
    """
    tallies = [tally for tally in tallies if tally.total]
    leads = [(tally.lacks > tally.meets) - (tally.lacks < tally.meets) for tally in tallies]
    ahead = [place for place, lead in enumerate(leads) if lead > 0]
    first = min(ahead, default=None)
    not_ahead = [place for place, lead in enumerate(leads) if lead <= 0]
    lasting = max(not_ahead, default=-1) + 1
    decided = [lead for lead in leads if lead]
    return {
        "periods": len(tallies),
        "first_observed": tallies[0].period if tallies else None,
        "last_observed": tallies[-1].period if tallies else None,
        **(_shares(_pooled(tallies)) if tallies else {}),
        **_described("first", tallies, first),
        **_described("lasting", tallies, lasting),
        "is_overtaking": None if first is None else -1 in leads[:first],
        "order_changes": sum(one != other for one, other in pairwise(decided)),
    }


def _described(which: str, tallies: Sequence[Tally], place: int | None) -> dict[str, Any]:
    """The columns of the period at this place; none, which is null, where there is no such one."""
    if place is None or place == len(tallies):
        return {}
    tally = tallies[place]
    columns = {"period": tally.period, "weeks": tally.weeks, **_shares(tally)}
    return {f"{which}_{name}": value for name, value in columns.items()}


def _pooled(tallies: Sequence[Tally]) -> Tally:
    _, *columns = zip(*tallies, strict=True)
    return Tally("", *map(sum, columns))


def _shares(tally: Tally) -> dict[str, float]:
    parts = (tally.meets, tally.lacks, tally.documented)
    return {name: part / tally.total for name, part in zip(_SHARES, parts, strict=True)}
