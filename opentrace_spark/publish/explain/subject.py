"""What a NAME is: a model, a developer, an organisation or a country, under any name it had.

A NAME is a value that is compared, never a path, a pattern or a query. The order is that of names
everywhere (docs/method.md): as written; else a former name or an alias; else in another case.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.dataset import field

from opentrace_spark.errors import UsageError
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import (
    SILVER_LINEAGE,
    SILVER_MODEL_HISTORY,
    SILVER_MODEL_WEEKS,
    SILVER_MODELS,
)

COLUMN_OF = {
    "model": "model_id",
    "developer": "developer",
    "organization": "organization",
    "country": "country",
}
"""Level -> column of silver/models with its names."""
LEVELS = tuple(COLUMN_OF)
_SHOWN = 8
_COMPARED = 20_000
"""So many of the most downloaded names of a level are looked through for one that is alike."""


@dataclass(frozen=True)
class Subject:
    """What is explained: its level, its name in the tables, and how NAME led to it."""

    level: str
    name: str
    found_by: str | None = None


def find(source: Source, name: str, level: str | None = None) -> Subject:
    """What NAME is; of one level where that is given.

    Raises UsageError, with what it could be, where it is nothing or several things.
    """
    levels = (level,) if level else LEVELS
    exact = [Subject(one, name) for one in levels if _is_there(source, one, name)]
    if not exact and "country" in levels:
        exact = [*_word_of_country(source, name)]
    if exact:
        return _only(source, name, exact)
    if "model" in levels and (former := list(_former(source, name))):
        return _only(source, name, former)
    if recased := list(_recased(source, name, levels)):
        return _only(source, name, recased)
    likely = _likely(source, name, levels)
    hint = f"; is it {_listed(likely)}?" if likely else ""
    of = f"no {level}" if level else "no model, developer, organisation or country"
    raise UsageError(f"{name}: {of} of that name is in {source.location}{hint}")


def _is_there(source: Source, level: str, name: str) -> bool:
    if level == "country":
        return name in source.country_units.values()
    column = COLUMN_OF[level]
    found = source.batches(SILVER_MODELS, [column], field(column) == name)
    return any(len(batch) for batch in found)


def _word_of_country(source: Source, name: str) -> Iterator[Subject]:
    unit = source.country_units.get(name)
    if unit is not None:
        yield Subject("country", unit, f"{name} counts in this unit")


def _former(source: Source, name: str) -> Iterator[Subject]:
    """Models that bear the name in counts, in snapshots, or in others' lists of parents."""
    ways: dict[str, list[str]] = defaultdict(list)
    # Only renamed or recased counts say under which names they came.
    keys: set[int] = set()
    for batch in source.batches(
        SILVER_MODEL_WEEKS, ["model_key", "reported_as"], field("reported_as").is_valid()
    ):
        # The batch's own arrays: flattening a slice keeps its offsets.
        parents = pc.list_parent_indices(batch["reported_as"])
        names = pc.list_flatten(batch["reported_as"])
        hits = parents.filter(pc.equal(names, name))
        keys.update(batch["model_key"].take(hits).to_pylist())
    if keys:
        is_one = field("model_key").isin(sorted(keys))
        for row in source.rows(SILVER_MODELS, ["model_id"], is_one):
            ways[row["model_id"]].append("counts came under it")
    if SILVER_MODEL_HISTORY in source:
        for row in source.rows(SILVER_MODEL_HISTORY, ["model_id"], field("name") == name):
            ways[row["model_id"]].append("snapshots have it")
    is_parent = (field("parent_name") == name) & field("parent_id").is_valid()
    for row in source.rows(SILVER_LINEAGE, ["parent_id"], is_parent):
        ways[row["parent_id"]].append("models name it as their parent")
    for model, how in sorted(ways.items()):
        if model != name:
            yield Subject("model", model, f"{name} is a name of it: {_joined(how)}")


def _recased(source: Source, name: str, levels: Sequence[str]) -> Iterator[Subject]:
    wanted = pc.utf8_lower(pa.scalar(name))
    for level in levels:
        if level == "country":
            names = sorted(set(source.country_units.values()))
            alike = [unit for unit in names if unit.lower() == name.lower()]
        else:
            column = COLUMN_OF[level]
            is_alike = pc.equal(pc.utf8_lower(field(column)), wanted)
            found = source.table(SILVER_MODELS, [column], is_alike)
            alike = sorted(found[column].unique().to_pylist())
        # Of models that differ in case alone the Hub knows the first.
        for one in alike[:1] if level == "model" else alike:
            yield Subject(level, one, f"{name} in another case")


def _only(source: Source, name: str, found: Sequence[Subject]) -> Subject:
    """The one that is meant. An organisation that is just the account of that name is one thing."""
    by_level = {one.level: one for one in found}
    if set(by_level) == {"developer", "organization"} and len(found) == 2:
        accounts = accounts_of(source, by_level["organization"].name)
        if accounts == [by_level["developer"].name]:
            return by_level["developer"]
    if len(found) == 1:
        return found[0]
    if len(by_level) == len(found):
        levels = " or ".join(f"--level {one.level}" for one in found)
        raise UsageError(f"{name} is {_listed(found)}: say which with {levels}")
    raise UsageError(f"{name} could be {_listed(found)}: give one of these names")


def accounts_of(source: Source, organization: str) -> list[str]:
    """The developers that belong to an organisation, sorted."""
    rows = source.table(SILVER_MODELS, ["developer"], field("organization") == organization)
    return sorted(rows["developer"].unique().to_pylist())


def _likely(source: Source, name: str, levels: Sequence[str]) -> list[Subject]:
    """Names that are spelled nearly like NAME, or hold it, most downloaded first."""
    found: list[Subject] = []
    for level in levels:
        names = _ranked(source, level)
        part = name.rpartition("/")[2] if level == "model" else name
        is_holding = pc.match_substring(names, part or name, ignore_case=True)
        holding = names.filter(is_holding)[: _SHOWN // 2].to_pylist()
        near = difflib.get_close_matches(name, names[:_COMPARED].to_pylist(), n=3, cutoff=0.75)
        found += [Subject(level, one) for one in dict.fromkeys([*near, *holding])]
    return found[:_SHOWN]


def _ranked(source: Source, level: str) -> pa.ChunkedArray:
    """The names of a level by their downloads of all weeks, largest first, ties by name."""
    column = COLUMN_OF[level]
    table = source.table(SILVER_MODELS, [column, "total_downloads"])
    if level == "country":
        units = [source.country_units[word] for word in table[column].to_pylist()]
        table = table.set_column(0, column, pa.array(units, pa.string()))
    return _summed(table, column)[column]


def largest_of(source: Source, level: str, column: str, value: str) -> Iterable[tuple[str, int]]:
    """Names of a level among the models with a value of a column, with their downloads of all
    weeks, largest first, ties by name."""
    name = COLUMN_OF[level]
    words = source.words_of_unit(value) if column == "country" else [value]
    table = source.table(SILVER_MODELS, [name, "total_downloads"], field(column).isin(words))
    ranked = _summed(table, name)
    return zip(ranked[name].to_pylist(), ranked["total_downloads_sum"].to_pylist(), strict=True)


def _summed(table: pa.Table, name: str) -> pa.Table:
    summed = table.group_by(name).aggregate([("total_downloads", "sum")])
    return summed.sort_by([("total_downloads_sum", "descending"), (name, "ascending")])


def _listed(found: Sequence[Subject]) -> str:
    words = {"organization": "organisation"}
    return " or ".join(f"the {words.get(one.level, one.level)} {one.name}" for one in found)


def _joined(how: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(how))
