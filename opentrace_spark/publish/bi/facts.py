"""The facts, a week at a time, and the tables of the last complete week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.dataset import field

from opentrace_spark.bi_tables import (
    DIM_COUNTRY,
    DIM_DEVELOPER,
    DIM_MODEL,
    DIM_ORGANIZATION,
    FACT_CONCENTRATION,
    FACTS,
    LATEST_CONCENTRATION,
    LATEST_SHARES,
)
from opentrace_spark.publish.bi.dimensions import as_spec
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import GOLD_CONCENTRATION, GOLD_USAGE_SHARES, TableSpec

_CELL = ["level", "attribution", "recency_window"]
_RANKED = ["week_start", *_CELL, "rank", "entity", "downloads", "share", "member_count"]
_OF_LEVEL = {
    "model": (
        DIM_MODEL,
        "model_id",
        ("developer", "organization", "country", "org_type", "root_id"),
    ),
    "developer": (DIM_DEVELOPER, "developer", ("organization", "country", "org_type")),
    "organization": (DIM_ORGANIZATION, "organization", ("country", "org_type")),
    "country": (DIM_COUNTRY, "country", ()),
}
"""Level -> its dimension, the column with its names, and what latest_shares takes from it."""
_WEEKS_AT_ONCE = 13
"""A row group of a fact holds so many weeks."""
_ORDER = ("week_start", "parameters_key", "rank")
_BEFORE = {"week": 1, "year": 52}


def usage_facts(source: Source, models: pa.Table) -> Iterator[dict[TableSpec, pa.Table]]:
    """The rows of FACTS, some weeks at a time and in order; `models` is bi/dim_model."""
    names = models["model_id"].combine_chunks()
    weeks = [week["week_start"] for week in source.weeks if not week["is_missing"]]
    for first in range(0, len(weeks), _WEEKS_AT_ONCE):
        rows = _with_keys(_shares(source, weeks[first : first + _WEEKS_AT_ONCE]), source)
        rows = rows.sort_by([(name, "ascending") for name in _ORDER])
        found = {}
        for level, spec in FACTS.items():
            of_level = rows.filter(pc.equal(rows["level"], level))
            keys = of_level["entity"]
            if level == "model":
                keys = models["model_key"].take(pc.index_in(keys, value_set=names))
            found[spec] = as_spec(of_level.append_column(spec.key[1], keys), spec)
        yield found


def concentration_facts(source: Source) -> pa.Table:
    """fact_concentration of all weeks."""
    names = {column.name for column in GOLD_CONCENTRATION.columns}
    wanted = {column.name for column in FACT_CONCENTRATION.columns} | set(_CELL)
    rows = source.table(GOLD_CONCENTRATION, sorted((names & wanted) - {"run_id"}))
    keyed = _with_keys(rows, source)
    return as_spec(
        keyed.sort_by([(name, "ascending") for name in FACT_CONCENTRATION.key]), FACT_CONCENTRATION
    )


def latest_shares(source: Source, week: date, dimensions: Mapping[TableSpec, pa.Table]) -> pa.Table:
    """latest_shares of the week, with ranks and shares of a week and a year before."""
    rows = _with_keys(_shares(source, [week]), source)
    for name, weeks in _BEFORE.items():
        before = _shares(source, [week - timedelta(weeks=weeks)])
        before = before.select([*_CELL, "entity", "rank", "share"])
        before = before.rename_columns(
            [*_CELL, "entity", f"rank_{name}_before", f"share_{name}_before"]
        )
        rows = rows.join(before, [*_CELL, "entity"], join_type="left outer")
    parts = []
    for level in pc.unique(rows["level"]).to_pylist():
        of_level = rows.filter(pc.equal(rows["level"], level))
        if level in _OF_LEVEL:
            spec, name, taken = _OF_LEVEL[level]
            known = dimensions[spec]
            places = pc.index_in(of_level["entity"], value_set=known[name].combine_chunks())
            for column in taken:
                of_level = of_level.append_column(column, known[column].take(places))
        if level != "model":  # an entity of these levels is its own developer, country, ...
            of_level = of_level.append_column(
                level, pc.if_else(pc.is_valid(of_level["rank"]), of_level["entity"], None)
            )
        parts.append(as_spec(of_level, LATEST_SHARES))
    order = [*((name, "ascending") for name in _CELL), ("rank", "ascending")]
    return pa.concat_tables(parts).sort_by(order)


def latest_concentration(source: Source, week: date, facts: pa.Table) -> pa.Table:
    """latest_concentration of the week; `facts` is fact_concentration."""

    def of(day: date) -> pa.Table:
        return facts.filter(pc.equal(facts["week_start"], day))

    cell = ["level", "scope", "parameters_key"]
    before = of(week - timedelta(weeks=_BEFORE["year"])).select([*cell, "hhi", "gini"])
    before = before.rename_columns([*cell, "hhi_year_before", "gini_year_before"])
    rows = of(week).join(before, cell, join_type="left outer")
    parts = pc.split_pattern(rows["parameters_key"], "/", max_splits=1)
    for place, name in enumerate(("attribution", "recency_window")):
        rows = rows.append_column(name, pc.list_element(parts, place))
    rows = rows.sort_by([(name, "ascending") for name in LATEST_CONCENTRATION.key])
    return as_spec(rows, LATEST_CONCENTRATION)


def _shares(source: Source, weeks: Sequence[date]) -> pa.Table:
    return source.table(GOLD_USAGE_SHARES, _RANKED, field("week_start").isin(weeks))


def _with_keys(rows: pa.Table, source: Source) -> pa.Table:
    key = pc.binary_join_element_wise(rows["attribution"], rows["recency_window"], "/")
    run_id = pa.repeat(source.run["run_id"], len(rows))
    return rows.append_column("parameters_key", key).append_column("run_id", run_id)
