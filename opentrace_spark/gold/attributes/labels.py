"""Scratch `work_labels`: the labels of every model of the population, a text per attribute.

Counting runs on workers, per week, on arrays: each reads this table once and numbers the sets of
labels that occur, which are few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.attributes.taxonomy import Attribute
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.io import read_stored
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.units import UNKNOWN_DAY, Codes
from opentrace_spark.steps import Context

COLUMN_OF = {
    "org_type": "org_type",
    "data_availability": "data_availability",
    "osi_data_criterion": "osi_data_criterion",
    "gated": "gating",
    "license_class": "license_class",
    "modality": "modality",
    "input_modality": "input_modality",
    "output_modality": "output_modality",
    "architecture": "architecture",
    "training_methods": "training_methods",
    "language": "languages",
    "size_class": "size_class",
}
"""Attribute -> column of silver/models with its label or labels."""
GRANULARITIES = ("label", "category")
_BETWEEN = "\x1f"
"""Between the labels of a set; no label has it."""


def build_labels(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """A row per model of the population; reads `silver_models` and `work_credits`.

    Columns: model_key, in_head, window_day (as in `work_population`), parameter_count, and per
    attribute its labels between _BETWEEN, empty where there is none.
    """
    models = inputs["silver_models"].where("in_population")
    dates = inputs["work_credits"].select("model_key", "window_date")
    labels = (label_text(models, column).alias(name) for name, column in COLUMN_OF.items())
    return models.join(dates, "model_key", how="inner").select(
        "model_key",
        F.col("in_head_sample").alias("in_head"),
        F.coalesce(F.unix_date("window_date"), F.lit(UNKNOWN_DAY)).alias("window_day"),
        "parameter_count",
        *labels,
    )


def samples(in_head: str) -> Column:
    """Generator of a row per sample that a model of the population is in: its name, as `sample`."""
    names = F.array(F.lit("population"), F.when(F.col(in_head), F.lit("head")))
    return F.explode(F.array_compact(names)).alias("sample")


def label_text(models: DataFrame, column: str) -> Column:
    """A column of silver/models as a cell of `work_labels`: its labels between _BETWEEN."""
    is_list = dict(models.dtypes)[column].startswith("array")
    labels = F.concat_ws(_BETWEEN, column) if is_list else F.col(column)
    return F.coalesce(labels, F.lit(""))


@dataclass(frozen=True)
class LabelSets:
    """The sets of labels of an attribute: `code` per model, and what each set counts in.

    `names[granularity]` are the labels or categories that occur; `counts_in[granularity]` has a row
    per set and a column per name.
    """

    code: Codes
    names: dict[str, tuple[str, ...]]
    counts_in: dict[str, npt.NDArray[np.int64]]

    @property
    def size(self) -> int:
        """How many sets there are."""
        return len(self.counts_in["label"])


@dataclass(frozen=True)
class Labelled:
    """The population by ascending key: in the head sample, day that windows start from, labels.

    `parameters` are the numbers of parameters, 0 where they are not known.
    """

    keys: Integers
    in_head: Codes
    window_day: Codes
    parameters: Integers
    attributes: dict[str, LabelSets]


@lru_cache(maxsize=1)
def load_labels(uri: str) -> Labelled:
    """Read `work_labels` into arrays; kept for the next week."""
    table = read_stored(uri).sort_by("model_key")
    words = shipped_vocabulary().attributes
    return Labelled(
        keys=table["model_key"].to_numpy(),
        in_head=table["in_head"].to_numpy().astype(np.int32),
        window_day=table["window_day"].to_numpy(),
        parameters=pc.fill_null(table["parameter_count"], 0).to_numpy(),
        attributes={name: _sets(table[name], words[name]) for name in COLUMN_OF},
    )


def _sets(texts: object, attribute: Attribute) -> LabelSets:
    encoded = pc.dictionary_encode(texts).combine_chunks()
    sets = [_labels(text) for text in encoded.dictionary.to_pylist()]
    of_each = {
        "label": [labels or (attribute.absent,) for labels in sets],
        "category": [categories_of_labels(labels, attribute) for labels in sets],
    }
    names = {
        granularity: tuple(sorted({name for found in of_sets for name in found}))
        for granularity, of_sets in of_each.items()
    }
    return LabelSets(
        code=encoded.indices.to_numpy(),
        names=names,
        counts_in={
            granularity: np.array(
                [[name in found for name in names[granularity]] for found in of_sets],
                dtype=np.int64,
            ).reshape(len(of_sets), len(names[granularity]))
            for granularity, of_sets in of_each.items()
        },
    )


def _labels(text: str) -> tuple[str, ...]:
    return tuple(text.split(_BETWEEN)) if text else ()


def categories_of_text(text: str, attribute: Attribute) -> tuple[str, ...]:
    """The categories of a model, from its cell of `work_labels`."""
    return categories_of_labels(_labels(text), attribute)


def categories_of_labels(labels: tuple[str, ...], attribute: Attribute) -> tuple[str, ...]:
    """As the taxonomy says; a word that it lacks (a kind of organisation) is a category itself."""
    known = attribute.category_of.keys() | {attribute.absent}
    if attribute.open or all(label in known for label in labels):
        return attribute.categories_of(labels)
    return tuple(dict.fromkeys(attribute.category_of.get(label, label) for label in labels))
