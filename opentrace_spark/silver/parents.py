"""Who each model says it was derived from: one source per model, in the author's order.

Sources in order of preference: annotation, card (`cardData.base_model`), `baseModels`, tags. The
first that names a parent gives the whole list. docs/method.md, "Parents", has the rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.bronze.models import kept_models
from opentrace_spark.silver.kinds import RELATIONS, tag_kind
from opentrace_spark.silver.names import resolve_names
from opentrace_spark.steps import Context

# Only these two fields are parsed; VARIANT tells a text that looks like a list from a list.
_CARD = "base_model VARIANT, base_model_relation STRING"
_TAG = r"(?s)^base_model:(?:(" + "|".join(RELATIONS) + r"):)?(.*)$"


def build_listed(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_listed`: one row per model and name of its source, names as they are written.

    Reads `bronze_models`, `bronze_annotations`, `work_names`. Columns: those of `_listed`.
    """
    annotated = _annotated(inputs["bronze_annotations"], inputs["work_names"])
    return _listed(_with_lists(_kept(inputs), annotated))


def _kept(inputs: Mapping[str, DataFrame]) -> DataFrame:
    return kept_models(inputs)


def build_parents(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per model and listed parent, names resolved; starts no Spark job.

    Reads `work_listed`, `bronze_models`, `work_names`. Columns: `model_id, model_key,
    position, parent_name, parent_id, parent_key, resolution, parent_source, relation, is_self,
    tag_kind`.

    - position INT: place in the source's list of names, from 1; two names of one model keep the
      first place;
    - parent_name: as written; null in the one row of a model that is annotated `No`;
    - parent_id, parent_key: the resolved parent, null where it is not in `models/`;
    - resolution: hub_id (settled by `_id`), exact, former, alias, recased, unknown; null for `No`;
    - relation: the documented one, null where none is; tag_kind: see `silver/kinds.py`;
    - is_self: the parent is the model itself. Such rows are kept here, so that they can be counted.

    Models that list nothing have no row.
    """
    return _distinct_parents(_resolved(inputs["work_listed"], _kept(inputs), inputs["work_names"]))


def _annotated(annotations: DataFrame, names: DataFrame) -> DataFrame:
    """One row per annotated model: `id, derived_from` of the first row that fills it."""
    is_filled = F.trim("derived_from") != ""
    filled = annotations.where(F.col("reason").isNull() & is_filled).select(
        F.col("id").alias("annotated_name"), "derived_from", "source_file", "source_row"
    )
    resolved = resolve_names(filled, names, name="annotated_name", into="id", how="how")
    first = F.min_by("derived_from", F.struct("source_file", "source_row"))
    by_model = resolved.where(F.col("id").isNotNull()).groupBy("id").agg(first.alias("filled"))
    return by_model.select("id", F.col("filled").alias("derived_from"))


def _with_lists(kept: DataFrame, annotated: DataFrame) -> DataFrame:
    """One row per model with each source's names, as arrays that hold no empty name."""
    tells = (
        F.col("derived_from").isNotNull()
        | _may_name_parents("cardData")
        | (F.size("baseModels.models") > 0)
        | F.exists("tags", _names_parent)
    )
    # Most models tell nothing: without them the rest is little work.
    telling = kept.join(F.broadcast(annotated), on="id", how="left").where(tells)
    parsed = telling.select(
        F.col("id").alias("model_id"),
        (F.lower(F.trim("derived_from")) == "no").alias("is_no"),
        _split_names("derived_from").alias("annotation"),
        F.when(_may_name_parents("cardData"), F.from_json("cardData", _CARD)).alias("card"),
        F.filter("baseModels.models", lambda member: member["id"] != "").alias("members"),
        F.col("baseModels.relation").alias("hub_relation"),
        F.filter("tags", _names_parent).alias("parent_tags"),
        tag_kind(F.col("tags"), F.col("library_name")).alias("tag_kind"),
    )
    tags = F.transform(
        "parent_tags",
        lambda tag: F.struct(
            F.regexp_extract(tag, _TAG, 1).alias("relation"),
            F.regexp_extract(tag, _TAG, 2).alias("name"),
        ),
    )
    return parsed.select(
        *("model_id", "is_no", "annotation"),
        _card_names().alias("card"),
        "members",
        F.filter(tags, lambda tag: tag["name"] != "").alias("tags"),
        F.coalesce(
            _known_relation(F.col("card.base_model_relation")),
            _known_relation(F.col("hub_relation")),
        ).alias("relation"),
        "tag_kind",
    )


def _may_name_parents(card: str) -> Column:
    """Whether the key can be in a card's text: most lack it, and parsing them is most of the work.

    A key may be written with escapes, too.
    """
    return F.col(card).contains("base_model") | F.col(card).contains("\\u")


def _names_parent(tag: Column) -> Column:
    return tag.startswith("base_model:")


def _split_names(column: str) -> Column:
    parts = F.transform(F.split(column, "[,;]"), lambda part: F.trim(part))
    return F.filter(parts, lambda part: part != "")


def _card_names() -> Column:
    """`base_model` of the card as an array: a text, or the texts of a list; else null."""
    value = F.col("card.base_model")
    is_text = F.schema_of_variant(value) == "STRING"
    texts = F.filter(
        F.try_variant_get(value, "$", "array<variant>"),
        lambda item: F.schema_of_variant(item) == "STRING",
    )
    names = F.when(is_text, F.array(F.try_variant_get(value, "$", "string"))).otherwise(
        F.transform(texts, lambda item: F.try_variant_get(item, "$", "string"))
    )
    return F.filter(names, lambda name: name != "")


def _known_relation(relation: Column) -> Column:
    return F.when(relation.isin(*RELATIONS), relation)


def _listed(lists: DataFrame) -> DataFrame:
    """One row per model and name of its source, and one without a name for an annotated `No`.

    Names that only a relation's tag has follow, with `is_listed` false: such a name may be another
    one of a listed parent, and tells its relation.
    """
    members = F.transform("members", lambda member: _entry(member["id"], member["_id"]))
    tag_names = F.transform("tags", lambda tag: tag["name"])
    source = (
        F.when(F.col("is_no"), _source("annotation", F.array(_entry(F.lit(None)))))
        .when(F.size("annotation") > 0, _source("annotation", _entries(F.col("annotation"))))
        .when(F.size("card") > 0, _source("card", _entries(F.col("card"))))
        .when(F.size("members") > 0, _source("baseModels", members))
        .when(F.size("tags") > 0, _source("tags", _entries(tag_names)))
    )
    pairs = F.filter("tags", lambda tag: tag["relation"] != "")
    chosen = lists.select(
        *("model_id", "relation", "tag_kind"),
        source.alias("source"),
        F.when(F.col("relation").isNull(), pairs).alias("pairs"),
    ).where(F.col("source").isNotNull())
    listed = F.col("source.entries")
    others = F.filter("pairs", lambda pair: ~F.array_contains(listed["name"], pair["name"]))
    further = F.transform(others, lambda pair: _entry(pair["name"]))
    entries = chosen.select(
        *("model_id", "relation", "tag_kind", "pairs"),
        F.col("source.name").alias("parent_source"),
        F.size(listed).alias("listed_count"),
        F.posexplode(F.concat(listed, F.coalesce(further, F.array()))).alias("place", "entry"),
    )
    of_tag = F.filter("pairs", lambda pair: pair["name"] == F.col("entry.name"))
    return entries.select(
        "model_id",
        (F.col("place") + 1).alias("position"),
        (F.col("place") < F.col("listed_count")).alias("is_listed"),
        F.col("entry.name").alias("parent_name"),
        F.col("entry.hub_id").alias("hub_id"),
        "parent_source",
        F.coalesce("relation", F.get(of_tag, F.lit(0))["relation"]).alias("relation"),
        "tag_kind",
    )


def _entry(name: Column, hub_id: Column | None = None) -> Column:
    hub = F.lit(None) if hub_id is None else hub_id
    return F.struct(name.cast("string").alias("name"), hub.cast("string").alias("hub_id"))


def _entries(names: Column) -> Column:
    return F.transform(F.array_distinct(names), lambda name: _entry(name))


def _source(name: str, entries: Column) -> Column:
    return F.struct(F.lit(name).alias("name"), entries.alias("entries"))


def _resolved(listed: DataFrame, kept: DataFrame, names: DataFrame) -> DataFrame:
    """Add `parent_id` and `resolution`: the Hub's `_id` settles identity before the name."""
    asked = listed.select("hub_id").where(F.col("hub_id") != "").distinct()
    by_hub_id = kept.select(F.col("_id").alias("hub_id"), F.col("id").alias("id_by_hub_id")).join(
        asked, on="hub_id", how="left_semi"
    )
    named = resolve_names(listed, names, name="parent_name", into="id_by_name", how="by_name")
    resolved = named.join(by_hub_id, on="hub_id", how="left")
    resolution = F.when(F.col("id_by_hub_id").isNotNull(), "hub_id").when(
        F.col("parent_name").isNotNull(), F.col("by_name")
    )
    return resolved.select(
        *(column for column in listed.columns if column != "hub_id"),
        F.coalesce("id_by_hub_id", "id_by_name").alias("parent_id"),
        resolution.alias("resolution"),
    )


def _distinct_parents(parents: DataFrame) -> DataFrame:
    """Keep the first place of each parent: two names of one model, or a name twice, count once."""
    # A name that resolves to nothing is no id of models/, so the two never mix.
    one_parent = F.coalesce("parent_id", "parent_name").alias("same_parent")
    first = F.min(F.struct("position", "is_listed", "parent_name", "resolution"))
    relation = F.min(F.when(F.col("relation").isNotNull(), F.struct("position", "relation")))
    # What is the same in all rows of a model is carried by the grouping.
    model = ("model_id", "parent_source", "tag_kind", "parent_id")
    distinct = parents.groupBy(*model, one_parent).agg(
        first.alias("first"), relation.alias("documented")
    )
    # What is not listed comes after all that is: such a first place is a name for nothing listed.
    return distinct.where("first.is_listed").select(
        "model_id",
        F.xxhash64("model_id").alias("model_key"),
        "first.position",
        "first.parent_name",
        "parent_id",
        F.when(F.col("parent_id").isNotNull(), F.xxhash64("parent_id")).alias("parent_key"),
        "first.resolution",
        "parent_source",
        F.col("documented.relation").alias("relation"),
        F.coalesce(F.col("parent_id") == F.col("model_id"), F.lit(False)).alias("is_self"),
        "tag_kind",
    )
