"""Parents: one source per model, its whole list in order, names resolved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession, functions as F

from opentrace_spark.config import load_config
from opentrace_spark.io import stored
from opentrace_spark.silver.annotations import annotation_rows, build_annotated
from opentrace_spark.silver.descriptions import build_described, build_descriptions
from opentrace_spark.silver.names import build_names
from opentrace_spark.silver.parents import build_listed, build_parents, unfound_names
from opentrace_spark.silver.runs import build_asked
from opentrace_spark.silver.sightings import build_hub_ids
from opentrace_spark.sources.landing import Landing
from opentrace_spark.steps import Context

MODELS_SCHEMA = (
    "_id string, id string, tags array<string>, library_name string, cardData string, "
    "baseModels struct<relation string, models array<struct<_id string, id string>>>, "
    "source_file string, source_row bigint, reason string, former_of string"
)
SUPERSEDED = ("source_file", "source_row", "id", "former_of")
ANNOTATIONS_SCHEMA = (
    "id string, derived_from string, annotator string, source_file string, source_row bigint, "
    "reason string"
)
ALIASES_SCHEMA = (
    "legacy_id string, current_id string, source_file string, source_row bigint, reason string"
)


def model(
    id: str,
    *,
    hub_id: str | None = None,
    tags: list[str] | None = None,
    library: str | None = None,
    card: Any = None,
    base: tuple[str | None, list[tuple[str | None, str | None]]] | None = None,
    former_of: str | None = None,
) -> tuple[Any, ...]:
    text = card if card is None or isinstance(card, str) else json.dumps(card)
    place = ("models/b", 1) if former_of else ("models/a", 1)
    return (hub_id, id, tags, library, text, base, *place, None, former_of)


def tagged(*names: str) -> list[str]:
    return ["pytorch", *(f"base_model:{name}" for name in names), "region:us"]


def row(name: str | None, id: str | None, how: str | None, **other: Any) -> tuple[Any, ...]:
    return (
        name,
        id,
        how,
        other.get("relation"),
        other.get("is_self", False),
    )


# The model, the source that decides, and its parents in order.
CASES: dict[str, tuple[tuple[Any, ...], str | None, list[tuple[Any, ...]]]] = {
    "nothing": (model("m/nothing", tags=["pytorch"], card={"license": "mit"}), None, []),
    "no tags at all": (model("m/null"), None, []),
    "tags in order, each name once": (
        model("m/tags", tags=tagged("b/two", "a/one", "b/two")),
        "tags",
        [row("b/two", "b/two", "exact"), row("a/one", "a/one", "exact")],
    ),
    "tag pairs": (
        model("m/pairs", tags=tagged("a/one", "adapter:a/one", "merge:b/two", "")),
        "tags",
        [
            row("a/one", "a/one", "exact", relation="adapter"),
            row("b/two", "b/two", "exact", relation="merge"),
        ],
    ),
    "tags with names that only begin like one": (
        model("m/odd", tags=["base_model", "xbase_model:a/one", "base_model:other:a/one"]),
        "tags",
        [row("other:a/one", None, "unknown")],
    ),
    "card, one text": (
        model("m/card", card={"base_model": "a/one"}, tags=tagged("b/two")),
        "card",
        [row("a/one", "a/one", "exact")],
    ),
    "card, the author's order": (
        model("m/list", card={"base_model": ["b/two", "a/one"]}, tags=tagged("a/one", "b/two")),
        "card",
        [row("b/two", "b/two", "exact"), row("a/one", "a/one", "exact")],
    ),
    "card, texts of a list only": (
        model("m/mixed", card={"base_model": ["", 3, None, {"a": 1}, ["b/two"], "a/one"]}),
        "card",
        [row("a/one", "a/one", "exact")],
    ),
    "card, a text that looks like a list": (
        model("m/looks", card={"base_model": '["a/one"]'}),
        "card",
        [row('["a/one"]', None, "unknown")],
    ),
    "card, null": (
        model("m/cardnull", card={"base_model": None}, tags=tagged("a/one")),
        "tags",
        [row("a/one", "a/one", "exact")],
    ),
    "card, a number": (model("m/number", card={"base_model": 3}), None, []),
    "card, a dict": (model("m/dict", card={"base_model": {"a/one": "b/two"}}), None, []),
    "card, nested elsewhere": (model("m/nested", card={"x": {"base_model": "a/one"}}), None, []),
    "card, a list without texts": (
        model("m/notexts", card={"base_model": [1, ""]}, tags=tagged("a/one")),
        "tags",
        [row("a/one", "a/one", "exact")],
    ),
    "card, cut off": (model("m/cut", card='{"base_model": "a/one"'), None, []),
    "card, no JSON": (
        model("m/nojson", card="base_model: a/one", tags=tagged("a/one")),
        "tags",
        [row("a/one", "a/one", "exact")],
    ),
    "card, NaN beside it": (
        model("m/nan", card='{"score": NaN, "base_model": "a/one"}'),
        "card",
        [row("a/one", "a/one", "exact")],
    ),
    "card, its key written with an escape": (
        model("m/escape", card=r'{"base\u005fmodel": "a/one"}'),
        "card",
        [row("a/one", "a/one", "exact")],
    ),
    "card relation": (
        model(
            "m/cardrel",
            card={"base_model": "a/one", "base_model_relation": "quantized"},
            base=("merge", [(None, "b/two")]),
            tags=tagged("a/one", "adapter:a/one"),
        ),
        "card",
        [row("a/one", "a/one", "exact", relation="quantized")],
    ),
    "card relation of another kind": (
        model("m/oddrel", card={"base_model": "a/one", "base_model_relation": "copy"}),
        "card",
        [row("a/one", "a/one", "exact")],
    ),
    "relation of baseModels for the card's parents": (
        model("m/hubrel", card={"base_model": "a/one"}, base=("merge", [])),
        "card",
        [row("a/one", "a/one", "exact", relation="merge")],
    ),
    "relation of the tag for the card's parent, by another name of it": (
        model("m/tagrel", card={"base_model": "old-two"}, tags=tagged("b/two", "adapter:b/two")),
        "card",
        [row("old-two", "b/two", "alias", relation="adapter")],
    ),
    "no relation from a tag of another model": (
        model("m/norel", card={"base_model": "b/two"}, tags=tagged("adapter:a/one")),
        "card",
        [row("b/two", "b/two", "exact")],
    ),
    "baseModels before tags": (
        model("m/base", base=("finetune", [(None, "b/two")]), tags=tagged("a/one")),
        "baseModels",
        [row("b/two", "b/two", "exact", relation="finetune")],
    ),
    "baseModels, _id before name": (
        model("m/hub", base=(None, [("id1", "b/two"), ("id9", "b/two"), ("id1", "")])),
        "baseModels",
        [row("b/two", "a/one", "hub_id"), row("b/two", "b/two", "exact")],
    ),
    "names of every kind, two of one model once": (
        model("m/names", card={"base_model": ["OLD", "old-two", "B/TWO", "a/former", "old"]}),
        "card",
        [
            row("OLD", None, "unknown"),
            row("old-two", "b/two", "alias"),
            row("a/former", "a/one", "former"),
            row("old", None, "unknown"),
        ],
    ),
    "itself": (
        model("m/self", tags=tagged("M/SELF", "a/one", "m/self")),
        "tags",
        [row("M/SELF", "m/self", "recased", is_self=True), row("a/one", "a/one", "exact")],
    ),
    "annotation before all": (
        model("m/annotated", card={"base_model": "a/one"}),
        "annotation",
        [row("b/two", "b/two", "exact"), row("a/one", "a/one", "exact"), row("x", None, "unknown")],
    ),
    "annotation of a reviewer before others": (
        model("m/reviewed", card={"base_model": "a/one"}),
        "annotation",
        [row("b/two", "b/two", "exact")],
    ),
    "annotated No": (
        model("m/no", card={"base_model": "a/one"}, tags=tagged("adapter:a/one")),
        "annotation",
        [row(None, None, None)],
    ),
    "annotation without a name": (
        model("m/blank", card={"base_model": "a/one"}),
        "card",
        [row("a/one", "a/one", "exact")],
    ),
    "annotation under another case, rejected rows left out": (
        model("m/Case"),
        "annotation",
        [row("a/one", "a/one", "exact")],
    ),
}
OTHERS = [model("a/one", hub_id="id1"), model("a/former", hub_id="id1", former_of="a/one")]
ANNOTATIONS = [
    ("m/annotated", None, "x", "annotations/a", 1, None),
    ("m/annotated", "a/one", "y", "annotations/b", 1, None),
    ("m/annotated", " b/two ;a/one, x,, b/two", "z", "annotations/a", 2, None),
    ("m/annotated", "a/one", "machine:m", "annotations/a", 0, None),
    ("m/reviewed", "a/one", "z", "annotations/a", 1, None),
    ("m/reviewed", "x", "review:y", "annotations/b", 2, None),
    ("m/reviewed", "b/two", "review:z", "annotations/b", 1, None),
    ("m/no", " nO ", "x", "annotations/a", 3, None),
    ("m/blank", " , ;", "x", "annotations/a", 4, None),
    ("M/CASE", "b/two", "x", "annotations/a", 5, "duplicate_row"),
    ("M/CASE", "a/one", "x", "annotations/a", 6, None),
    ("not/known", "a/one", "x", "annotations/a", 7, None),
]


@pytest.fixture(scope="module")
def inputs(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, DataFrame]:
    """The tables that parents are built from, each made from those before it and stored."""
    folder = tmp_path_factory.mktemp("parents [odd] %20")
    frames: dict[str, DataFrame] = {}
    locations: dict[str, str] = {}
    here = context(spark, locations)

    def keep(name: str, frame: DataFrame) -> None:
        locations[name] = f"{folder}/{name}"
        frames[name] = stored(frame, locations[name])

    models = [*OTHERS, model("b/two"), *(case[0] for case in CASES.values())]
    keep("bronze_models", spark.createDataFrame(models, MODELS_SCHEMA))
    superseded = frames["bronze_models"].where("former_of is not null")
    keep("work_superseded", superseded.select(*SUPERSEDED))
    aliases = [("old-two", "b/two", "aliases/a", 1, None)]
    keep("bronze_aliases", spark.createDataFrame(aliases, ALIASES_SCHEMA))
    keep("work_hub_ids", build_hub_ids(frames, here))
    keep("work_descriptions", build_descriptions(frames, here))
    keep("work_described", build_described(frames, here))
    keep("work_names", build_names(frames, here))
    annotations = spark.createDataFrame(ANNOTATIONS, ANNOTATIONS_SCHEMA)
    without_labels = annotations.withColumn("other_fields", F.lit(None).cast("string"))
    keep("work_annotations", annotation_rows(without_labels, frames["work_names"]))
    keep("work_annotated", build_annotated(frames, here))
    keep("work_listed", build_listed(frames, here))
    keep("work_unfound", unfound_names(frames["work_listed"]).distinct())
    keep("work_asked", build_asked(frames, here))
    return frames


def context(spark: SparkSession, locations: Mapping[str, str] | None = None) -> Context:
    landing = Landing("", ())
    now = datetime(2024, 7, 8)
    return Context(
        spark, load_config(), landing, "run", now, "", {} if locations is None else locations
    )


@pytest.fixture(scope="module")
def parents(spark: SparkSession, inputs: dict[str, DataFrame]) -> dict[str, list[Any]]:
    rows = build_parents(inputs, context(spark)).orderBy("model_id", "position").collect()
    by_model: dict[str, list[Any]] = {}
    for found in rows:
        by_model.setdefault(found.model_id, []).append(found)
    return by_model


@pytest.mark.parametrize("case", CASES)
def test_build_parents_expected(parents: dict[str, list[Any]], case: str) -> None:
    listed, source, expected = CASES[case]
    found = parents.get(listed[1], [])
    assert [
        (r.parent_name, r.parent_id, r.resolution, r.relation, r.is_self) for r in found
    ] == expected
    assert {r.parent_source for r in found} == ({source} if source else set())


def test_build_parents_of_known_models_only(parents: dict[str, list[Any]]) -> None:
    assert set(parents) <= {case[0][1] for case in CASES.values()}


def test_build_parents_keys(spark: SparkSession, inputs: dict[str, DataFrame]) -> None:
    wrong = build_parents(inputs, context(spark)).where(
        "model_key <> xxhash64(model_id) or not parent_key <=> "
        "case when parent_id is not null then xxhash64(parent_id) end"
    )
    assert wrong.collect() == []


def test_build_parents_starts_no_job(spark: SparkSession, inputs: dict[str, DataFrame]) -> None:
    spark.sparkContext.setJobGroup("build_parents", "")
    build_parents(inputs, context(spark))
    assert not spark.sparkContext.statusTracker().getJobIdsForGroup("build_parents")
    spark.sparkContext.setJobGroup("", "")
