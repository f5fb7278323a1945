"""The dimensions: models, developers, organisations, countries, weeks, parameters."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.dataset import field

from opentrace_spark.bi_tables import (
    DIM_COUNTRY,
    DIM_DEVELOPER,
    DIM_MODEL,
    DIM_ORGANIZATION,
    DIM_PARAMETERS,
    DIM_WEEK,
    REST_KEY,
)
from opentrace_spark.config import NOT_NATIONS, load_config
from opentrace_spark.io import spark_schema
from opentrace_spark.metrics.units import ATTRIBUTIONS
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import GOLD_WEEKS, REST, SILVER_LINEAGE, SILVER_MODELS, TableSpec

_BATCH_KEY = "model_key"
_CREDITED = {"none": "the downloaded model", "root": "its root"}


def dimensions(source: Source, latest: date) -> dict[TableSpec, pa.Table]:
    """Every dimension as a table with the columns of its spec; `latest` is the last complete
    week."""
    models = _models(source)
    developers = _units(models, "developer")
    return {
        DIM_MODEL: _with_rest(models, DIM_MODEL, {"model_key": REST_KEY, "model_id": REST}),
        DIM_DEVELOPER: _with_rest(developers, DIM_DEVELOPER, {"developer": REST}),
        DIM_ORGANIZATION: _with_rest(
            _units(models, "organization"), DIM_ORGANIZATION, {"organization": REST}
        ),
        DIM_COUNTRY: _with_rest(_countries(models), DIM_COUNTRY, {"country": REST}),
        DIM_WEEK: _weeks(source, latest),
        DIM_PARAMETERS: _parameters(source),
    }


def parameters_key(attribution: str, recency_window: str) -> str:
    """The key of bi/dim_parameters."""
    return f"{attribution}/{recency_window}"


def as_spec(rows: pa.Table | list[dict[str, Any]], spec: TableSpec) -> pa.Table:
    """Rows with the columns of the spec, in its order and types; absent ones are null."""
    schema = arrow_schema(spec)
    if isinstance(rows, list):
        return pa.Table.from_pylist(rows, schema=schema)
    columns = [
        rows[name].cast(type_) if name in rows.column_names else pa.nulls(len(rows), type_)
        for name, type_ in zip(schema.names, schema.types, strict=True)
    ]
    return pa.table(columns, schema=schema)


def arrow_schema(spec: TableSpec) -> pa.Schema:
    """The columns of a spec in Arrow's types."""
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(spark_schema(spec))


def _models(source: Source) -> pa.Table:
    """Models of the population and their roots, countries as units."""
    everyone = source.table(SILVER_MODELS, [_BATCH_KEY, "in_population"])
    counted = everyone.filter(everyone["in_population"])[_BATCH_KEY]
    lineage = source.table(SILVER_LINEAGE, [_BATCH_KEY, "root_key"])
    roots = lineage.filter(pc.is_in(lineage[_BATCH_KEY], value_set=counted))["root_key"]
    keys = pa.array(np.union1d(counted.to_numpy(), roots.to_numpy()))
    wanted = [column.name for column in DIM_MODEL.columns]
    is_wanted = field(_BATCH_KEY).isin(keys)

    def of(spec: TableSpec) -> pa.Table:
        names = [column.name for column in spec.columns if column.name in wanted]
        return source.table(spec, names, is_wanted).sort_by(_BATCH_KEY)

    models, linked = of(SILVER_MODELS), of(SILVER_LINEAGE)
    # Each model is in both just once, as the checks of every run say.
    assert models[_BATCH_KEY].equals(linked[_BATCH_KEY])
    for name in linked.column_names:
        if name not in models.column_names:
            models = models.append_column(name, linked[name])
    units = [source.country_units[word] for word in models["country"].to_pylist()]
    place = models.column_names.index("country")
    models = models.set_column(place, "country", pa.array(units, pa.string()))
    return models.append_column("run_id", pa.repeat(source.run["run_id"], len(models)))


def _units(models: pa.Table, name: str) -> pa.Table:
    """Developers or organisations of models; what differs between their models is null."""
    is_counted = models["in_population"]
    models = models.append_column("counted", pc.cast(is_counted, pa.int64()))
    downloads = pc.if_else(is_counted, models["total_downloads"], 0)
    place = models.column_names.index("total_downloads")
    models = models.set_column(place, "total_downloads", downloads)
    kept = [c for c in ("organization", "country", "org_type") if c != name]
    ends = [(column, end) for column in kept for end in ("min", "max")]
    grouped = models.group_by(name).aggregate(
        [("counted", "sum"), ("total_downloads", "sum"), ("developer", "count_distinct"), *ends]
    )
    columns = {
        name: grouped[name],
        **{
            column: pc.if_else(
                pc.equal(grouped[f"{column}_min"], grouped[f"{column}_max"]),
                grouped[f"{column}_min"],
                None,
            )
            for column in kept
        },
        "developers": grouped["developer_count_distinct"],
        "models": grouped["counted_sum"],
        "total_downloads": grouped["total_downloads_sum"],
        "run_id": pa.repeat(models["run_id"][0], len(grouped)) if len(grouped) else pa.array([]),
    }
    return pa.table(columns).sort_by(name)


def _countries(models: pa.Table) -> pa.Table:
    grouped = _units(models, "country")
    region_of = {
        country: region
        for region, countries in load_config().regions.items()
        for country in countries
    }
    names = grouped["country"].to_pylist()
    nations = [name not in NOT_NATIONS for name in names]
    regions = [
        region_of.get(name, "Unlisted") if nation else name
        for name, nation in zip(names, nations, strict=True)
    ]
    grouped = grouped.append_column("region", pa.array(regions, pa.string()))
    return grouped.append_column("is_nation", pa.array(nations, pa.bool_()))


def _with_rest(rows: pa.Table, spec: TableSpec, rest: dict[str, Any]) -> pa.Table:
    """The rows and one for everything below the ranks."""
    typed = as_spec(rows, spec)
    run_id = rows["run_id"][0].as_py() if len(rows) else ""
    return pa.concat_tables([typed, as_spec([{**rest, "run_id": run_id}], spec)])


def _weeks(source: Source, latest: date) -> pa.Table:
    names = [column.name for column in GOLD_WEEKS.columns]
    kept = [column.name for column in DIM_WEEK.columns if column.name in names]
    rows = []
    for week in source.rows(GOLD_WEEKS, kept):
        monday = week["week_start"]
        year, number, _ = monday.isocalendar()
        rows.append(
            week
            | {
                "week_end": monday + timedelta(days=6),
                "iso_week": f"{year}-W{number:02}",
                "year": monday.year,
                "quarter": f"{monday.year}-Q{(monday.month + 2) // 3}",
                "month": f"{monday:%Y-%m}",
                "weeks_ago": (latest - monday).days // 7,
                "is_latest": monday == latest,
                "run_id": source.run["run_id"],
            }
        )
    return as_spec(sorted(rows, key=lambda row: row["week_start"]), DIM_WEEK)


def _parameters(source: Source) -> pa.Table:
    rows = [
        {
            "parameters_key": parameters_key(attribution, window),
            "attribution": attribution,
            "recency_window": window,
            "window_days": days,
            "label": f"credited to {_CREDITED[attribution]}, "
            + ("models of any age" if days is None else f"models up to {days} days old"),
            "parameters": source.run["parameters"],
            "run_id": source.run["run_id"],
        }
        for attribution in ATTRIBUTIONS
        for window, days in source.windows.items()
    ]
    return as_spec(rows, DIM_PARAMETERS)
