"""Scratch `work_attributes`: what every model is, by its annotations and else by its metadata.

The rules are those of `opentrace_spark.attributes`, a model at a time; here every model is asked.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.attributes.annotation import Annotation, annotation_row, read_annotation
from opentrace_spark.attributes.architecture import gguf_architecture
from opentrace_spark.attributes.card import read_card
from opentrace_spark.attributes.derive import Metadata, derive
from opentrace_spark.attributes.gating import gating_mode
from opentrace_spark.attributes.settle import Settled, settle
from opentrace_spark.attributes.vocabulary import Vocabulary, shipped_vocabulary
from opentrace_spark.bronze.models import kept_models
from opentrace_spark.io import read_stored
from opentrace_spark.silver.annotations import PLACE
from opentrace_spark.silver.kinds import own_kind
from opentrace_spark.steps import Context

_ONE = ("modality", "data_availability", "osi_data_criterion", "license_class", "size_class")
"""Attributes with one category per model."""
_SEVERAL = {
    "input_modality": "input_modality",
    "output_modality": "output_modality",
    "architecture": "architecture",
    "training_methods": "training_methods",
    "gated": "gating",
    "language": "languages",
}
"""Attribute -> column of the others."""
_LABELS = pa.list_(pa.string())
ATTRIBUTES = pa.schema(
    [
        ("model_key", pa.int64()),
        ("license", pa.string()),
        ("license_spdx", pa.string()),
        ("is_osi_approved", pa.bool_()),
        ("gated", pa.string()),
        ("model_family", pa.string()),
        ("method", pa.string()),
        *((name, pa.string()) for name in _ONE),
        *((column, _LABELS) for column in _SEVERAL.values()),
        ("annotated", _LABELS),
        ("machine_annotated", _LABELS),
        ("annotation_source", pa.string()),
        ("derived_labels", pa.string()),
    ]
)
_READ = ("id", "tags", "pipeline_tag", "library_name", "cardData", "gated", "gguf")


def build_attributes(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per row of models/ that is used, as ATTRIBUTES; absent labels are null or empty.

    Reads `bronze_models`, `work_superseded`, `work_models`, `silver_lineage`, `work_sizes`,
    `work_annotations`, `work_annotated`.
    `annotated` names the attributes whose labels an annotation gave, `machine_annotated` those of
    them that are a machine's. `derived_labels` is JSON of what the metadata of an annotated model
    give: attribute -> labels, those without left out.
    """
    annotated = inputs["work_annotated"].select("id", F.lit(True).alias("is_parent_annotated"))
    metadata = (
        kept_models(inputs)
        .join(F.broadcast(annotated), "id", how="left")
        .select(
            F.xxhash64("id").alias("model_key"),
            *_READ,
            "is_parent_annotated",
            F.when(F.col("is_parent_annotated"), F.col("baseModels")).alias("baseModels"),
        )
    )
    owned = inputs["work_models"].select("model_key", "org_type")
    # An annotation that names the model itself says nothing of a root.
    is_root = (F.col("parent_source") == "annotation") & (F.col("status") == "root")
    derived = inputs["silver_lineage"].select(
        "model_key", "kind", F.coalesce(is_root, F.lit(False)).alias("is_documented_root")
    )
    sized = inputs["work_sizes"].select("model_key", "parameter_count")
    slim = owned.join(derived, "model_key").join(sized, "model_key")
    known = metadata.join(slim, "model_key")
    annotations = context.locations["work_annotations"]

    def ask(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        words, said = shipped_vocabulary(), _annotations(annotations)
        for batch in batches:
            rows = [
                _attributes(model, said.get(model["id"], ()), words) for model in batch.to_pylist()
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=ATTRIBUTES)

    return known.mapInArrow(ask, from_arrow_schema(ATTRIBUTES))


@lru_cache(maxsize=1)
def _annotations(uri: str) -> dict[str, tuple[Annotation, ...]]:
    """The annotations of each model: of reviewers, other people, machines; each by file and row."""
    words = shipped_vocabulary()
    rows = read_stored(uri).sort_by([(column, "ascending") for column in PLACE])
    found = defaultdict(list)
    for row in rows.to_pylist():
        said = read_annotation(annotation_row(row["cells"], row["annotator"]), words)
        found[row["id"]].append(said)
    return {
        model: tuple(sorted(given, key=lambda said: said.annotator.precedence))
        for model, given in found.items()
    }


def _attributes(
    model: Mapping[str, Any], annotations: tuple[Annotation, ...], words: Vocabulary
) -> dict[str, Any]:
    metadata = Metadata(
        name=model["id"],
        tags=tuple(model["tags"] or ()),
        pipeline_tag=model["pipeline_tag"],
        library=model["library_name"],
        card=read_card(model["cardData"]),
        gated=model["gated"],
        kind=model["kind"],
        is_documented_root=model["is_documented_root"],
        gguf_architecture=gguf_architecture(model["gguf"]),
        parameter_count=model["parameter_count"],
        org_type=model["org_type"],
    )
    derived = derive(metadata, words)
    settled = {one.attribute: one for one in settle(annotations, derived, words)}
    machine = [name for name, one in settled.items() if one.source == "machine"]
    human = [name for name, one in settled.items() if one.source == "human"]
    return {
        "model_key": model["model_key"],
        "license": derived.license.written,
        "license_spdx": derived.license.spdx,
        "is_osi_approved": derived.license.is_osi_approved,
        "gated": gating_mode(model["gated"]) or model["gated"],
        "model_family": derived.family,
        "method": derived.method,
        **{name: _category(settled[name]) for name in _ONE},
        **{column: list(settled[name].labels) for name, column in _SEVERAL.items()},
        "annotated": [name for name in settled if name in (*human, *machine)],
        "machine_annotated": machine,
        "annotation_source": "human" if human else "machine" if machine else None,
        "derived_labels": _own_labels(model, metadata, words) if human or machine else None,
    }


def _own_labels(model: Mapping[str, Any], metadata: Metadata, words: Vocabulary) -> str:
    """What the model's metadata give without any annotation, an annotated parent included."""
    if model["is_parent_annotated"]:
        metadata = replace(metadata, kind=own_kind(model), is_documented_root=False)
    labels = derive(metadata, words).labels
    return json.dumps({name: given for name, given in labels.items() if given})


def _category(settled: Settled) -> str | None:
    """The one category of an exclusive attribute, null rather than its word for absent."""
    return settled.categories[0] if settled.labels else None
