"""Scratch tables on sizes: the models that a fit sees, the fit, and the size of every model.

The rules are those of `opentrace_spark.sizes`, a model at a time; here every model is asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.bronze.models import kept_models
from opentrace_spark.config import Sizes
from opentrace_spark.io import read_stored
from opentrace_spark.silver.listing import listing_of
from opentrace_spark.sizes.estimate import SizeModel, fit, sizes
from opentrace_spark.sizes.habits import Habit
from opentrace_spark.sizes.line import Line
from opentrace_spark.sizes.metadata import COLUMNS, repository_of
from opentrace_spark.sizes.repository import Evidence, evidence_of
from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.sizes.validation import POPULATIONS, SPLITS, Validation, validate
from opentrace_spark.steps import Context

_PARENTS = ("cardData", "baseModels")
_SEED = "sizes"
_CELLS = pa.list_(pa.list_(pa.int64()))
FIT = pa.schema(
    [
        *((name, pa.float64()) for name in ("intercept", "slope")),
        *((name, pa.int64()) for name in ("line_rows", "inliers")),
        *((name, pa.float64()) for name in ("name_low", "name_high")),
        ("name_rows", pa.int64()),
        (
            "habits",
            pa.list_(
                pa.struct(
                    [
                        ("kind", pa.string()),
                        ("rows", pa.int64()),
                        ("sizes", _CELLS),
                        ("surpluses", _CELLS),
                        ("size_spread", pa.float64()),
                        ("surplus_spread", pa.float64()),
                    ]
                )
            ),
        ),
    ]
)
"""The one row of `work_size_fit`: a `SizeModel`."""
VALIDATION = pa.schema(
    [
        *((name, pa.string()) for name in ("held_out_by", "method", "among")),
        ("n", pa.int64()),
        *(
            (name, pa.float64())
            for name in ("r2_log", "r2_linear", "median_error", "within_1_5", "within_2", "in_band")
        ),
        *((name, pa.float64()) for name in ("intercept", "slope")),
        *((name, pa.int64()) for name in ("fit_models", "inliers")),
    ]
)
SIZES = pa.schema(
    [
        ("model_key", pa.int64()),
        ("parameter_count", pa.int64()),
        ("parameter_source", pa.string()),
        ("parameter_count_low", pa.int64()),
        ("parameter_count_high", pa.int64()),
        ("parameter_flag", pa.string()),
        ("published_parameter_count", pa.int64()),
    ]
)


def build_size_sample(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_size_sample`: the models that the fit sees, at most `sizes.fit_models`.

    Reads `bronze_models`, `work_superseded`. Those of the lowest hashes among the models with
    tensors and bytes that the Hub tells: the same whatever the order, and no owner preferred.
    """
    has_count = F.col("safetensors").isNotNull() | F.col("gguf").isNotNull()
    has_bytes = F.col("usedStorage").isNotNull() | F.col("siblings").isNotNull()
    drawn = F.xxhash64("id", F.lit(_SEED))
    models = kept_models(inputs).where(has_count & has_bytes).select(*COLUMNS, *_PARENTS)
    return models.orderBy(drawn, "id").limit(context.config.sizes.fit_models)


def build_size_fit(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_size_fit`: the fit as one row of FIT; reads `work_size_sample`."""
    settings = SizeSettings.of(context.config.sizes)

    def fitted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        evidence = [e for batch in batches for e in evidence_of_rows(batch.to_pylist(), settings)]
        yield pa.RecordBatch.from_pylist([_row(fit(evidence, settings))], schema=FIT)

    return inputs["work_size_sample"].coalesce(1).mapInArrow(fitted, from_arrow_schema(FIT))


def evidence_of_rows(rows: Iterable[Mapping[str, Any]], settings: SizeSettings) -> list[Evidence]:
    """The evidence of rows of models/, or of `work_size_sample`."""
    return [evidence_of(repository_of(row, _base_models(row)), settings) for row in rows]


def _base_models(row: Mapping[str, Any]) -> list[str]:
    """The first listed parent: of a merge, the others' names tell other sizes."""
    listing = listing_of(None, row["cardData"], row["baseModels"], row["tags"])
    names = [entry.name for entry in listing.entries if entry.name] if listing else []
    return names[:1]


def build_size_validation(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_size_validation`: how good sizes are on held-out models, as VALIDATION.

    Reads `work_size_sample`. A quarter of it is held out, by id and again by owner: the fits that
    these rows are about have not seen them.
    """
    settings = SizeSettings.of(context.config.sizes)

    def validated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        evidence = [e for batch in batches for e in evidence_of_rows(batch.to_pylist(), settings)]
        for split in SPLITS:
            rows = _validation_rows(split, validate(evidence, split, settings))
            yield pa.RecordBatch.from_pylist(rows, schema=VALIDATION)

    sample = inputs["work_size_sample"].coalesce(1)
    return sample.mapInArrow(validated, from_arrow_schema(VALIDATION))


def _validation_rows(split: str, validation: Validation) -> list[dict[str, Any]]:
    return [
        {
            "held_out_by": split,
            "method": method,
            "among": population,
            **vars(validation.quality(method, population)),
            "intercept": line.intercept,
            "slope": line.slope,
            "fit_models": line.rows,
            "inliers": line.inliers,
        }
        for method, line in validation.lines.items()
        for population in POPULATIONS
    ]


def _row(model: SizeModel) -> dict[str, Any]:
    line = model.line
    return {
        "intercept": line.intercept,
        "slope": line.slope,
        "line_rows": line.rows,
        "inliers": line.inliers,
        "name_low": model.name_low,
        "name_high": model.name_high,
        "name_rows": model.name_rows,
        "habits": [dataclasses.asdict(habit) for habit in model.habits],
    }


@lru_cache(maxsize=1)
def _load(uri: str) -> SizeModel:
    """The fit at `uri`, kept for the next batch."""
    row = read_stored(uri).to_pylist()[0]
    return SizeModel(
        Line(row["intercept"], row["slope"], row["line_rows"], row["inliers"]),
        tuple(_habit(habit) for habit in row["habits"]),
        row["name_low"],
        row["name_high"],
        row["name_rows"],
    )


def _habit(row: dict[str, Any]) -> Habit:
    cells = {name: tuple(tuple(cell) for cell in row[name]) for name in ("sizes", "surpluses")}
    return Habit(**row | cells)


def build_sizes(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_sizes`: the size of every row of models/ that is used, as SIZES.

    Reads `bronze_models`, `work_superseded`, `work_size_fit`.
    """
    fitted, chosen = context.locations["work_size_fit"], context.config.sizes
    models = kept_models(inputs).select(F.xxhash64("id").alias("model_key"), *COLUMNS, *_PARENTS)

    def ask(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = _sizes(_load(fitted), batch.to_pylist(), chosen)
            yield pa.RecordBatch.from_pylist(rows, schema=SIZES)

    return models.mapInArrow(ask, from_arrow_schema(SIZES))


def _sizes(model: SizeModel, rows: list[dict[str, Any]], chosen: Sizes) -> list[dict[str, Any]]:
    settings = SizeSettings.of(chosen)
    evidence = evidence_of_rows(rows, settings)
    return [
        {
            "model_key": row["model_key"],
            "parameter_count": size.parameter_count,
            "parameter_source": size.parameter_source,
            "parameter_count_low": size.low,
            "parameter_count_high": size.high,
            "parameter_flag": size.parameter_flag,
            "published_parameter_count": size.published_count,
        }
        for row, size in zip(rows, sizes(model, evidence, settings), strict=True)
    ]
