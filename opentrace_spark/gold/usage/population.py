"""Scratch tables on the population: whom a model is credited to, by name and by number.

Measuring runs on workers, per week, on arrays; it reads the numbered table itself, once per worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window, functions as F

from opentrace_spark.gold.usage.countries import country_unit, is_nation
from opentrace_spark.io import read_stored
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.units import (
    ATTRIBUTIONS,
    LEVELS,
    UNKNOWN_DAY,
    Codes,
    Population,
    find_places,
)
from opentrace_spark.steps import Context
from opentrace_spark.tables import DERIVATION_KINDS

CREDITED_TO = {
    ("none", "model"): "model_id",
    ("none", "developer"): "developer",
    ("none", "organization"): "organization",
    ("none", "country"): "country",
    ("none", "org_type"): "org_type",
    ("root", "model"): "root_id",
    ("root", "developer"): "root_developer",
    ("root", "organization"): "root_organization",
    ("root", "country"): "root_country",
    ("root", "org_type"): "root_org_type",
}
"""(attribution, level) -> column of `work_credits` that names the unit a download counts for."""


_OF_ROOT = {
    "model_id": "root_id",
    **{
        name: f"root_{name}"
        for name in ("developer", "organization", "country", "org_type", "created_date")
    },
}
"""Column of a model -> that of the model it is credited to."""


def build_credits(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_credits`: a row per model of the population, with the units it is credited to.

    Columns: model_key, those of CREDITED_TO (countries as units), kind, created_date, and
    window_date, the date that recency windows start from.
    """
    config = context.config
    models = inputs["work_models"].withColumn("country", country_unit("country", config))
    lineage = inputs["silver_lineage"].select("model_key", "root_key", "kind")
    linked = lineage.where("kind is not null or root_key <> model_key")
    population = models.where("in_population")
    # Most models are their own root: only the others need one joined.
    alone = population.join(linked, "model_key", how="left_anti").withColumns(
        {of_root: F.col(own) for own, of_root in _OF_ROOT.items()}
        | {"kind": F.lit(None).cast("string")}
    )
    roots = models.join(
        linked.select(F.col("root_key").alias("model_key")), "model_key", "left_semi"
    )
    of_roots = roots.select(
        F.col("model_key").alias("root_key"),
        *(F.col(own).alias(of_root) for own, of_root in _OF_ROOT.items()),
    )
    derived = population.join(linked, "model_key").join(of_roots, "root_key").select(alone.columns)
    window_date = "created_date" if config.windows.date == "own" else "root_created_date"
    return alone.unionByName(derived).select(
        "model_key",
        *CREDITED_TO.values(),
        "kind",
        "created_date",
        F.col(window_date).alias("window_date"),
    )


def build_units(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_units`: every unit's number within its level, in the byte order of the names.

    Columns: level, entity, code INT from 0. Ties by name become ties by code.
    """
    named = [
        inputs["work_credits"].select(F.lit(level).alias("level"), F.col(column).alias("entity"))
        for (_, level), column in CREDITED_TO.items()
    ]
    entities = reduce(DataFrame.unionByName, named).distinct()
    by_name = Window.partitionBy("level").orderBy("entity")
    return entities.select("level", "entity", (F.row_number().over(by_name) - 1).alias("code"))


def build_population(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_population`: `work_credits` in numbers.

    Columns, all INT but the key: model_key; `<attribution>_<level>`, the unit's code; created and
    window_day (days since 1970-01-01, or UNKNOWN_DAY); served, the code of the root's
    developer where it is not the model's own, else -1; kind, the place in DERIVATION_KINDS or -1;
    none_is_nation and root_is_nation, 0 or 1.
    """
    coded = inputs["work_credits"]
    units = inputs["work_units"]
    for cell, column in CREDITED_TO.items():
        codes = units.where(F.col("level") == cell[1]).select(
            F.col("entity").alias(column), F.col("code").alias(_code(cell))
        )
        coded = coded.join(codes, column, how="inner")
    from_others = F.col("developer") != F.col("root_developer")
    return coded.select(
        "model_key",
        *(F.col(_code(cell)).alias("_".join(cell)) for cell in CREDITED_TO),
        *(
            F.coalesce(F.unix_date(f"{name}_date"), F.lit(UNKNOWN_DAY)).alias(column)
            for name, column in (("created", "created"), ("window", "window_day"))
        ),
        F.when(from_others, F.col(_code(("root", "developer")))).otherwise(-1).alias("served"),
        _kind_code().alias("kind"),
        is_nation(F.col("country")).cast("int").alias("none_is_nation"),
        is_nation(F.col("root_country")).cast("int").alias("root_is_nation"),
    )


def _code(cell: tuple[str, str]) -> str:
    return f"code_{'_'.join(cell)}"


def _kind_code() -> Column:
    known = (
        F.when(F.col("kind") == kind, F.lit(place)) for place, kind in enumerate(DERIVATION_KINDS)
    )
    return F.coalesce(*known, F.lit(-1))


@lru_cache(maxsize=1)
def load_population(uri: str) -> Population:
    """Read `work_population` into arrays indexed by code; kept for the next group.

    Roots outside the population have no days: no download is their own. `uri` differs from run to
    run, so a reused worker never sees an old table.
    """
    table = read_stored(uri)
    columns = {name: table[name].to_numpy() for name in table.column_names if name != "model_key"}

    def by_code(level: str, value: str) -> Codes:
        """`value` by the code of a level, of models' own units and of their roots' alike."""
        codes = [columns[f"{attribution}_{level}"] for attribution in ATTRIBUTIONS]
        values = np.zeros(max(int(c.max(initial=-1)) for c in codes) + 1, dtype=np.int32)
        for attribution, code in zip(ATTRIBUTIONS, codes, strict=True):
            values[code] = columns[f"{attribution}_{value}"]
        return values

    developer = by_code("model", "developer")

    def of_models(name: str, hole: int) -> Codes:
        values = np.full(len(developer), hole, dtype=np.int32)
        values[columns["none_model"]] = columns[name]
        return values

    return Population(
        created=of_models("created", UNKNOWN_DAY),
        window_day=of_models("window_day", UNKNOWN_DAY),
        root=of_models("root_model", 0),
        developer=developer,
        organization=by_code("developer", "organization"),
        country=by_code("developer", "country"),
        org_type=by_code("developer", "org_type"),
        is_nation=by_code("country", "is_nation").astype(bool),
        served=of_models("served", -1),
        kind=of_models("kind", -1),
    )


def find_codes(uri: str, model_keys: Integers) -> Codes:
    """The codes of the level `model`, -1 for models outside the population; keys in any order."""
    keys, codes = _codes_by_key(uri)
    return codes[find_places(keys, model_keys)]


@lru_cache(maxsize=1)
def _codes_by_key(uri: str) -> tuple[Integers, Codes]:
    """All keys of the population in ascending order, and the code of each; then a last -1, where
    the place -1 of what is not there points."""
    table = read_stored(uri, ["model_key", "none_model"])
    keys = table["model_key"].to_numpy()
    order = np.argsort(keys)
    return keys[order], np.append(table["none_model"].to_numpy()[order], np.int32(-1))


def find_entities(uri: str, levels: pa.Array, codes: pa.Array) -> pa.Array:
    """The names of units, from `work_units` at `uri`; null where a code is null."""
    names = _entities_by_level(uri)
    found = pa.nulls(len(codes), pa.string())
    for level, entities in names.items():
        of_level = entities.take(pc.if_else(pc.equal(levels, level), codes, None))
        found = pc.coalesce(found, of_level)
    return found


@lru_cache(maxsize=1)
def _entities_by_level(uri: str) -> dict[str, pa.Array]:
    """level -> the names of its units in the order of their codes."""
    units = read_stored(uri).sort_by("code")
    return {
        level: units.filter(pc.equal(units["level"], level))["entity"].combine_chunks()
        for level in LEVELS
    }
