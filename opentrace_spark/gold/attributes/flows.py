"""gold/modality_flows: from what goes in to what comes out (Fig. 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pyspark.sql import DataFrame, Window, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.attributes.modality import output_group
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.gold.attributes.labels import categories_of_text, samples
from opentrace_spark.gold.usage.pooled import downloads_of_periods
from opentrace_spark.steps import Context

_BETWEEN = " + "
_SIDES = pa.schema(
    [
        ("model_key", pa.int64()),
        ("in_head", pa.bool_()),
        ("inputs", pa.string()),
        ("outputs", pa.string()),
    ]
)
_PERIOD = ["sample", "period", "recency_window"]


def build_modality_flows(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Downloads by the sets of inputs and of grouped outputs.

    Reads `work_pooled`, `work_labels`, `gold_weeks`.
    """
    columns = ("model_key", "in_head", "input_modality", "output_modality")
    sides = inputs["work_labels"].select(*columns).mapInArrow(_sides, from_arrow_schema(_SIDES))
    rows = (
        downloads_of_periods(inputs, context)
        .join(sides, "model_key", how="inner")
        .select("period", "recency_window", "inputs", "outputs", "downloads", samples("in_head"))
    )
    summed = rows.groupBy(*_PERIOD, "inputs", "outputs").agg(F.sum("downloads").alias("downloads"))
    total = F.sum("downloads").over(Window.partitionBy(*_PERIOD))
    return summed.withColumn("share", F.col("downloads") / total)


def _sides(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    words = shipped_vocabulary().attributes
    entering, leaving = words["input_modality"], words["output_modality"]
    for batch in batches:
        given = [
            [output_group(label) for label in categories_of_text(text, leaving)]
            for text in batch["output_modality"].to_pylist()
        ]
        taken = [categories_of_text(text, entering) for text in batch["input_modality"].to_pylist()]
        yield pa.RecordBatch.from_arrays(
            [
                batch["model_key"],
                batch["in_head"],
                pa.array([_BETWEEN.join(labels) for labels in taken]),
                pa.array([_BETWEEN.join(dict.fromkeys(labels)) for labels in given]),
            ],
            schema=_SIDES,
        )
