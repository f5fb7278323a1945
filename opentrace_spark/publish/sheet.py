"""`opentrace annotate`: a sheet of models to annotate or to review, as a file for `annotations/`.

Its first columns are those that a landing reads, the cells of labels empty; those after them help
an annotator and are read by nobody. docs/annotation_guide.md is for the people who fill it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

from opentrace_spark.attributes.annotation import COLUMNS, read_annotator
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.gold.attributes.labels import COLUMN_OF
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.sheet_files import (
    check_target,
    is_formula,
    keeps_formulas,
    write_rows,
)
from opentrace_spark.tables import SILVER_LINEAGE, SILVER_MODELS, TABLES, TableSpec

SHEET = (
    *("id", "gated", "input_modality", "output_modality", "languages", "derived_from"),
    *("architecture", "training_methods", "data_availability", "license", "note", "annotator"),
)
"""The columns that a landing reads, in the order of the contract."""

_HUB = "https://huggingface.co/"
_METADATA = {"pipeline_tag": "hub_task", "library": "hub_library", "license": "card_license"}
"""Columns of silver/models that help an annotator -> their names in the sheet, which must not be
those of SHEET: they would be read."""
_LABELS = {column: COLUMN_OF[attribute] for column, attribute in COLUMNS.items()}
"""Column of the sheet -> column of silver/models with the labels."""

_UNREACHED = "known from downloads alone, which annotations can't reach"
_FORMULA = "whose id a spreadsheet takes for a formula (a .jsonl or .parquet file has them)"

Row = dict[str, Any]


@dataclass(frozen=True)
class Draw:
    """A sample of the annotated models: its share, above 0 and up to 1, and the seed."""

    share: Fraction
    seed: int


def export_sheet(warehouse: Warehouse, file: Path, annotator: str, draw: Draw | None) -> str:
    """Write a sheet of the head sample, or of a draw from the annotated models; says what it holds.

    Raises UsageError for a file that is there already or that can't be written, a name that is
    none, and a warehouse without models; ContentError where there is no model to annotate.
    """
    check_target(file)
    name = _annotator_cell(annotator, is_review=draw is not None)
    warehouse.check_version(TABLES)
    found = _annotated(warehouse) if draw is not None else _head_sample(warehouse)
    reached = [model for model in found if model["is_in_models"]]
    models = [m for m in reached if keeps_formulas(file) or not is_formula(m["model_id"])]
    if not models:
        raise ContentError(_nothing(warehouse, draw, len(found)))
    if draw is None:
        what = "models of the head sample"
        rows = [_row(model, name) | _help(model) for model in models]
    else:
        what = "annotated models, drawn for review"
        chosen = set(drawn((model["model_id"] for model in models), draw))
        # A reviewer must not know the labels: nothing that tells of them is in the sheet.
        rows = [_row(model, name) for model in models if model["model_id"] in chosen]
    write_rows(file, rows, SHEET)
    left_out = {
        _UNREACHED: len(found) - len(reached),
        _FORMULA: len(reached) - len(models),
    }
    told = "".join(f"; left out: {count:,} {why}" for why, count in left_out.items() if count)
    return f"{file}: {len(rows):,} {what}{told}"


def drawn(models: Iterable[str], draw: Draw) -> list[str]:
    """A sample of the models without replacement: the same for the same seed, in whatever order.

    Its size is the share of them, rounded up. Those with the smallest SHA-256 of seed and id are
    taken, so that a larger share holds the smaller one.
    """

    def place(model: str) -> bytes:
        return hashlib.sha256(f"{draw.seed}\n{model}".encode()).digest()

    ordered = sorted(models, key=place)
    return ordered[: math.ceil(draw.share * len(ordered))]


def _annotator_cell(name: str, is_review: bool) -> str | None:
    """What the column `annotator` says in every row."""
    name = name.strip()
    who = read_annotator(name)
    if who.is_review or (is_review and who.source == "machine"):
        raise UsageError(
            f"--annotator {name}: name the person alone; --review-sample makes it a review"
        )
    if is_formula(name) or not name.isprintable():
        raise UsageError(f"--annotator {name!r}: begin the name with a letter or a digit")
    if is_review:
        return f"review:{name}" if name else "review"
    return name or None


def _nothing(warehouse: Warehouse, draw: Draw | None, found: int) -> str:
    if found:
        why = "none of the models that it is about can be in the sheet; try a .jsonl file"
    elif draw is not None:
        why = "no model is annotated yet; put a filled sheet into annotations/ and run again"
    else:
        why = "the head sample is empty: no model reaches population.min_downloads"
    return f"warehouse {warehouse.location}: {why}"


def _head_sample(warehouse: Warehouse) -> list[Row]:
    """The head sample with labels, and with `parent_name` where its own metadata name one parent.

    `annotated_fields` are the columns of the sheet that somebody has filled.
    """
    models = _models(warehouse, ("in_head_sample", "=", True))
    by_id = {model["model_id"]: model for model in models}
    columns = ["model_id", "parent_name", "parent_source", "parent_count"]
    for row in _read(warehouse, SILVER_LINEAGE, columns, ("model_id", "in", list(by_id))):
        model = by_id[row["model_id"]]
        is_annotated = row["parent_source"] == "annotation"
        filled = [c for c, attribute in COLUMNS.items() if attribute in (model["annotated"] or ())]
        model["annotated_fields"] = [*filled, *(["derived_from"] if is_annotated else [])]
        is_plain = row["parent_count"] == 1 and not is_annotated
        model["parent_name"] = row["parent_name"] if is_plain else None
    return models


def _annotated(warehouse: Warehouse) -> list[Row]:
    """The models of which an annotation gave a label or a parent."""
    is_parent = ("parent_source", "=", "annotation")
    parents = _read(warehouse, SILVER_LINEAGE, ["model_id"], is_parent)
    is_labelled = ("annotation_source", "in", ["human", "machine"])
    by_parent = ("model_id", "in", [row["model_id"] for row in parents])
    models = [*_models(warehouse, is_labelled), *_models(warehouse, by_parent)]
    return _in_order({model["model_id"]: model for model in models}.values())


def _models(warehouse: Warehouse, only: tuple[str, str, Any]) -> list[Row]:
    columns = ["model_id", "is_in_models", "total_downloads", *_METADATA, "annotated"]
    wanted = dict.fromkeys([*columns, *_LABELS.values()])
    return _in_order(_read(warehouse, SILVER_MODELS, list(wanted), only))


def _in_order(models: Iterable[Row]) -> list[Row]:
    """Most downloaded first, ties by id."""
    return sorted(models, key=lambda model: (-model["total_downloads"], model["model_id"]))


def _read(
    warehouse: Warehouse, spec: TableSpec, columns: list[str], only: tuple[str, str, Any]
) -> list[Row]:
    if not only[2]:
        return []  # a list of no models, which Arrow can't look for
    try:
        rows: list[Row] = warehouse.read(spec, columns, [only]).to_pylist()
    except LookupError as error:
        raise UsageError(f"{error}; name a warehouse that `opentrace run` has built") from None
    return rows


def _row(model: Mapping[str, Any], annotator: str | None) -> Row:
    """A row of the sheet with its labels empty, and what the Hub says of the model."""
    return {
        **dict.fromkeys(SHEET),
        "id": model["model_id"],
        "annotator": annotator,
        "hub_page": _HUB + quote(model["model_id"]),
        "total_downloads": model["total_downloads"],
        **{name: model[column] for column, name in _METADATA.items()},
    }


def _help(model: Mapping[str, Any]) -> Row:
    """What is known of the labels: which are given, and what metadata suggest for the others."""
    filled = model["annotated_fields"]
    suggested = {
        f"suggested_{column}": None if column in filled else _joined(model[name])
        for column, name in (*_LABELS.items(), ("derived_from", "parent_name"))
    }
    return {"annotated_fields": _joined(filled), **suggested}


def _joined(labels: list[str] | str | None) -> str | None:
    return "; ".join(labels) or None if isinstance(labels, list) else labels
