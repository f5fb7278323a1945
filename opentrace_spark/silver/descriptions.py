"""What rows of snapshots/ say of their models: day by day, and the last row of each model.

A row with `lastModified` describes its repository as a row of models/ does; one without is a count
alone. A model that vanishes keeps its last row, so nothing that was known of it is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.attributes.card import read_card
from opentrace_spark.attributes.gating import gating_mode
from opentrace_spark.attributes.license import license_facts
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.bronze.snapshots import are_names
from opentrace_spark.silver.listing import listing_of
from opentrace_spark.silver.row_groups import Batches
from opentrace_spark.silver.sightings import hub_models, places_of_files
from opentrace_spark.sources.rows import map_rows
from opentrace_spark.sources.schemas import COLUMNS
from opentrace_spark.steps import Context

_DESCRIPTIONS = pa.schema(
    [
        ("snapshot", pa.int32()),
        ("model", pa.string()),
        ("name", pa.string()),
        ("modified", pa.timestamp("us", "UTC")),
        ("license", pa.string()),
        ("gated", pa.string()),
        ("parents", pa.list_(pa.string())),
        ("source_file", pa.string()),
        ("source_row", pa.int64()),
        ("reason", pa.string()),
        ("raw_values", pa.string()),
    ]
)
"""snapshot, model: as in `work_sightings`; modified: `lastModified`; parents: names as written, in
order, null for none. Rows with a reason say nothing else."""
_UNPARSABLE = pa.array(
    f"unparsable_{rule.name}"
    for rule in COLUMNS["descriptions"]
    if rule not in COLUMNS["snapshots"]
)
"""Reasons for which a row is of no use here, and not yet rejected as a count."""


def build_descriptions(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_descriptions`: the rows of snapshots/ that describe a model, and those with a
    cell about it that can't be understood, as _DESCRIPTIONS. Reads `work_hub_ids`."""
    places = places_of_files(context.landing)
    hub_ids = context.locations["work_hub_ids"]

    def describe(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            is_said = pc.and_(are_names(batch["id"]), pc.is_valid(batch["lastModified"]))
            is_bad = pc.is_in(batch["reason"], _UNPARSABLE)
            rows = batch.filter(pc.or_(is_bad, pc.and_(is_said, pc.is_null(batch["reason"]))))
            models = hub_models(rows["_id"], rows["id"], hub_ids).to_pylist()
            said = [
                _described(row, model) | {"snapshot": places[row["source_file"]][0]}
                for row, model in zip(rows.to_pylist(), models, strict=True)
            ]
            yield pa.RecordBatch.from_pylist(said, schema=_DESCRIPTIONS)

    landing = context.landing.snapshots_as("descriptions")
    return map_rows(
        context.spark, landing, "descriptions", describe, from_arrow_schema(_DESCRIPTIONS)
    )


def _described(row: Mapping[str, Any], model: str | None) -> dict[str, Any]:
    said = {name: row[name] for name in ("source_file", "source_row", "reason", "raw_values")}
    if row["reason"]:
        return said
    tags = tuple(tag for tag in row["tags"] or () if tag is not None)
    listed = listing_of(None, row["cardData"], row["baseModels"], tags)
    entries = listed.entries if listed else ()
    facts = license_facts(tags, read_card(row["cardData"]), shipped_vocabulary())
    return said | {
        "model": model,
        "name": row["id"],
        "modified": row["lastModified"],
        "license": facts.written,
        "gated": gating_mode(row["gated"]) or row["gated"],
        "parents": list(dict.fromkeys(each.name for each in entries if each.is_listed)) or None,
    }


def build_described(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_described`: one row per model that `work_descriptions` describes.

    Columns: model; name, modified, snapshot, source_file, source_row: of its last row (of several
    in one snapshot the first); names: all that it bore, each with the last row in which it did, as
    a struct of before (minus the snapshot), source_file, source_row, name, modified; is_bearer:
    whether no other model bears the name of its last row later.
    """
    rows = inputs["work_descriptions"].where("reason is null")
    latest_first = (-F.col("snapshot")).alias("before")
    of_names = rows.groupBy("model", "name").agg(
        F.min(F.struct(latest_first, "source_file", "source_row", "name", "modified")).alias("row")
    )
    models = of_names.groupBy("model").agg(
        F.min("row").alias("last"), F.collect_list("row").alias("names")
    )
    bearers = Window.partitionBy("last.name").orderBy("last.before", "model")
    return models.select(
        "model",
        "last.name",
        "last.modified",
        (-F.col("last.before")).alias("snapshot"),
        "last.source_file",
        "last.source_row",
        "names",
        (F.row_number().over(bearers) == 1).alias("is_bearer"),
    )
