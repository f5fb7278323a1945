"""gold/annotation_quality: how far annotators agree, and how right labels are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.attributes.annotation import annotation_row, read_annotation
from opentrace_spark.attributes.quality import (
    FIELDS,
    NOT_DERIVED,
    PARENTS,
    Comparison,
    Given,
    Labels,
    category_value,
    comparisons,
    label_value,
)
from opentrace_spark.attributes.taxonomy import Attribute
from opentrace_spark.attributes.vocabulary import Vocabulary, shipped_vocabulary
from opentrace_spark.config import Annotations
from opentrace_spark.metrics.agreement import krippendorff_alpha, wilson_interval
from opentrace_spark.steps import Context

_QUALITY = pa.schema(
    [
        ("attribute", pa.string()),
        ("granularity", pa.string()),
        ("measure", pa.string()),
        ("source", pa.string()),
        ("reference", pa.string()),
        ("annotators", pa.int32()),
        ("models", pa.int64()),
        ("agreeing", pa.int64()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("is_below_bar", pa.bool_()),
    ]
)
_VALUES = {"label": label_value, "category": category_value}
"""Granularity -> how labels become the one value that is compared."""

Row = Mapping[str, Any]


def build_annotation_quality(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per field, granularity and comparison that occurs; reads `work_annotations` and
    `work_attributes`. Without annotations there is none."""
    derived = inputs["work_attributes"].where("derived_labels is not null")
    rows = (
        inputs["work_annotations"]
        .where("id is not null")
        .withColumn("model_key", F.xxhash64("id"))
        .join(derived.select("model_key", "derived_labels"), "model_key", how="left")
    )
    measure = _Measure(context.config.annotations)
    # Alpha needs all annotated models together; they are as many as people can annotate.
    return rows.repartition(1).mapInArrow(measure, from_arrow_schema(_QUALITY))


@dataclass(frozen=True)
class _Measure:
    """The function of the one task that sees all rows of `work_annotations`."""

    choices: Annotations

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = [row for batch in batches for row in batch.to_pylist()]
        found = list(quality_rows(rows, shipped_vocabulary(), self.choices))
        yield pa.RecordBatch.from_pylist(found, schema=_QUALITY)


def quality_rows(
    rows: Sequence[Row], words: Vocabulary, choices: Annotations
) -> Iterator[dict[str, Any]]:
    """Rows of the table from rows of `work_annotations` with `derived_labels`, in any order."""
    groups: defaultdict[tuple[str, str, str], list[Comparison]] = defaultdict(list)
    for (_, field), (given, derived) in sorted(_by_model(rows, words).items()):
        for comparison in comparisons(given, derived):
            groups[field, comparison.source, comparison.reference].append(comparison)
    for (field, source, reference), compared in groups.items():
        for granularity in _VALUES:
            about = {
                "attribute": field,
                "granularity": granularity,
                "source": source,
                "reference": reference,
            }
            for measured in _measured(compared, granularity, words.attributes.get(field), choices):
                yield about | measured


def _by_model(
    rows: Sequence[Row], words: Vocabulary
) -> dict[tuple[str, str], tuple[list[Given], Labels]]:
    """(model, field) -> its filled cells by file and row, and the labels of its metadata."""
    found: dict[tuple[str, str], tuple[list[Given], Labels]] = {}
    for row in sorted(rows, key=lambda row: (row["source_file"], row["source_row"])):
        said = read_annotation(annotation_row(row["cells"], row["annotator"]), words)
        labels = dict(said.labels)
        if row["parents"] is not None:
            labels[PARENTS] = tuple(dict.fromkeys(row["parents"])) or NOT_DERIVED
        derived = json.loads(row["derived_labels"] or "{}")
        for field in labels.keys() & set(FIELDS):
            given, _ = found.setdefault((row["id"], field), ([], tuple(derived.get(field, ()))))
            given.append(Given(said.annotator, labels[field]))
    return found


def _measured(
    compared: Sequence[Comparison],
    granularity: str,
    attribute: Attribute | None,
    choices: Annotations,
) -> Iterator[dict[str, Any]]:
    """The measures of one group of comparisons: alpha, unless a reviewer says what is right; and
    accuracy, unless all are people among themselves."""
    value = _VALUES[granularity]
    units = [[value(labels, attribute) for labels in one.labels] for one in compared]
    reference, source = compared[0].reference, compared[0].source
    agreeing = sum(len(set(unit)) == 1 for unit in units)
    counts = {
        "annotators": len(frozenset().union(*(one.annotators for one in compared))),
        "models": len(units),
        "agreeing": agreeing,
    }
    if reference == "human":
        alpha = krippendorff_alpha(units)
        yield {"measure": "agreement", "value": alpha, **counts}
    if (source, reference) != ("human", "human"):
        low, high = wilson_interval(agreeing, len(units), choices.confidence)
        share = agreeing / len(units)
        interval = {"value": share, "low": low, "high": high, "is_below_bar": share < choices.bar}
        yield {"measure": "accuracy", **counts, **interval}
