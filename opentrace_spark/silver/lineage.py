"""silver/lineage: first parent, root, depth and family of every model, and the proof of them."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.silver.families import find_families
from opentrace_spark.silver.kinds import kind
from opentrace_spark.silver.roots import find_roots, log_rounds
from opentrace_spark.steps import Context
from opentrace_spark.tables import SILVER_LINEAGE


def build_first_parents(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_first_parents`: `first_parents` of `work_parents` by the configured rule."""
    return first_parents(inputs["work_parents"], context.config.attribution.parent)


def build_roots(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_roots`: the first pass, root finding; reads `work_first_parents`."""
    return find_roots(parent_links(inputs["work_first_parents"]))


def build_components(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_families`: `work_roots` with the second pass, connected components.

    Reads `work_first_parents`, too. Acts: GraphFrames runs in `context.scratch`.
    """
    roots = inputs["work_roots"]
    log_rounds(roots)
    return find_families(parent_links(inputs["work_first_parents"]), roots, context.scratch)


def build_linked(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_linked`: rows of `silver/lineage` for models that name a parent or are one, as
    they are with `missing_ancestor = nearest`.

    Reads `work_parents`, `work_first_parents` and `work_families`.
    """
    first, families = inputs["work_first_parents"], inputs["work_families"]
    parents = inputs["work_parents"].where(F.col("parent_key").isNotNull())
    named = first.select("model_key", "model_id").unionByName(
        parents.select(F.col("parent_key").alias("model_key"), F.col("parent_id").alias("model_id"))
    )
    names = named.groupBy("model_key").agg(F.min("model_id").alias("model_id"))
    rows = names.join(families, on="model_key", how="left").join(
        first.drop("model_id"), on="model_key", how="left"
    )
    return _linked(_with_names(rows, names))


def build_lineage(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The columns of `silver/lineage` for every model of `work_models`; reads `work_linked`, too.

    Most models have no parent and no derivative: they are never moved.
    """
    linked = inputs["work_linked"]
    if context.config.attribution.missing_ancestor == "self":
        linked = _keeping_own_where_missing(linked)
    alone = inputs["work_models"].join(linked.select("model_key"), on="model_key", how="left_anti")
    status = F.when(F.col("is_in_models"), "root").otherwise("no_metadata")
    return linked.unionByName(_of_alone(alone, status))


def first_parents(parents: DataFrame, parent: str) -> DataFrame:
    """One row per model of `work_parents`: the parent that decides, and the counts.

    `parent` is `attribution.parent`: `first`, the first listed one that is not the model itself, or
    `first_available`, the first of those in `models/`, else the first of them. `parent_keys` are
    all parents in `models/`; `own_status` is the status by the model's own list, with `attributed`
    for what may turn out to be a cycle.
    """
    is_other = ~F.col("is_self") & F.col("parent_name").isNotNull()
    # Booleans sort false first: a parent that is there goes before one that is missing.
    is_late = F.col("parent_id").isNull() if parent == "first_available" else F.lit(False)
    entry = F.struct(
        is_late.alias("is_late"), "position", "parent_id", "parent_key", "parent_name", "relation"
    )
    model = ("model_key", "model_id", "parent_source", "tag_kind")
    grouped = parents.groupBy(*model).agg(
        F.min(F.when(is_other, entry)).alias("first"),
        F.collect_list(F.when(is_other, F.col("parent_key"))).alias("parent_keys"),
        F.count_if(is_other).cast("int").alias("parent_count"),
        F.count_if("is_self").cast("int").alias("self_parent_count"),
    )
    own_status = (
        F.when(F.col("first.parent_key").isNotNull(), "attributed")
        .when(F.col("first").isNotNull(), "parent_missing")
        .when(F.col("self_parent_count") > 0, "self")
        .otherwise("root")
    )
    return grouped.select(
        *("model_key", "model_id"),
        *(f"first.{name}" for name in ("parent_id", "parent_key", "parent_name", "relation")),
        *("parent_source", "tag_kind", "parent_count", "self_parent_count"),
        own_status.alias("own_status"),
        "parent_keys",
    )


def parent_links(first: DataFrame) -> DataFrame:
    """What `find_roots` takes: every documented parent in `models/` other than the model itself."""
    return first.select(
        "model_key", F.col("parent_key").alias("first_key"), F.explode("parent_keys").alias("to")
    ).select(
        "model_key",
        F.col("to").alias("parent_key"),
        F.coalesce(F.col("to") == F.col("first_key"), F.lit(False)).alias("is_first"),
    )


def _with_names(rows: DataFrame, names: DataFrame) -> DataFrame:
    """Add `root_id, family_id`; a model without a link is its own root and family."""
    ends = ("root", "family")
    keyed = rows.withColumns({f"{of}_key": F.coalesce(f"{of}_key", "model_key") for of in ends})
    for of in ends:
        named = names.select(
            F.col("model_key").alias(f"{of}_key"), F.col("model_id").alias(f"{of}_id")
        )
        keyed = keyed.join(named, on=f"{of}_key")
    return keyed


def _linked(rows: DataFrame) -> DataFrame:
    status = F.when(F.col("cycle_key").isNotNull(), "cycle").otherwise(
        F.coalesce("own_status", F.lit("root"))
    )
    values = {name: F.coalesce(name, alone) for name, alone in _alone().items()} | {
        "kind": kind(F.col("relation"), F.col("parent_count"), F.col("tag_kind")),
        "status": status,
    }
    return _as_lineage(rows, values)


def _of_alone(models: DataFrame, status: Column) -> DataFrame:
    """Rows of `silver/lineage` for models that nothing is linked to."""
    empty = {column.name: F.lit(None) for column in SILVER_LINEAGE.columns}
    return _as_lineage(models, empty | _alone() | {"status": status})


def _alone() -> dict[str, Column]:
    """Columns that are never null, as they are for a model that nothing is linked to."""
    return {
        **{f"{of}_id": F.col("model_id") for of in ("model", "root", "family")},
        **{f"{of}_key": F.col("model_key") for of in ("model", "root", "family")},
        **{count: F.lit(0) for count in ("depth", "parent_count", "self_parent_count")},
        "family_size": F.lit(1),
    }


def _as_lineage(frame: DataFrame, values: Mapping[str, Column]) -> DataFrame:
    """The table's columns: those of `values`, else as they are in `frame`."""
    return frame.select(
        *(
            values.get(column.name, F.col(column.name)).cast(column.type).alias(column.name)
            for column in SILVER_LINEAGE.columns
        )
    )


def incomplete_ends(models: DataFrame, status: str) -> DataFrame:
    """`root_key` of the chains that end in a model whose parent is missing."""
    ends = models.where(F.col(status) == "parent_missing")
    return ends.select(F.col("model_key").alias("root_key"))


def _keeping_own_where_missing(lineage: DataFrame) -> DataFrame:
    """The option `missing_ancestor = self`: a chain that ends in a missing parent is not used."""
    ends = incomplete_ends(lineage, "status").withColumn("is_missing", F.lit(True))
    joined = lineage.join(ends, on="root_key", how="left")
    alone = {"root_id": F.col("model_id"), "root_key": F.col("model_key"), "depth": F.lit(0)}
    own = alone | {"status": F.lit("parent_missing")}
    return _as_lineage(
        joined,
        {
            name: F.when(F.col("is_missing"), value).otherwise(F.col(name))
            for name, value in own.items()
        },
    )


def certificate_violations(linked: DataFrame, first: DataFrame) -> DataFrame:
    """What is wrong with a lineage: `rule, model_id, detail`; no row where it is proved right.

    Takes `work_linked` and `work_first_parents`. Two joins, no walk: every model is compared with
    its own parents only. That is enough: the depth falls by one on every step of an `attributed`
    model, so its walk ends, at the root of all models on it; a `cycle` model always has a parent
    that is one, so its walk comes back. A row breaks the first of `_rules` that it breaks.
    """
    expected = first.select(
        "model_key", F.col("parent_key").alias("first_key"), "own_status", "parent_keys"
    )
    rows = linked.join(expected, on="model_key", how="left").select(
        *("model_id", *_FACTS, "first_key", "own_status"),
        F.when(F.col("parent_id").isNotNull(), F.xxhash64("parent_id")).alias("named_parent"),
        F.xxhash64("root_id").alias("named_root"),
        F.xxhash64("family_id").alias("named_family"),
        F.explode_outer("parent_keys").alias("parent_key"),
    )
    ahead = linked.select(*(F.col(name).alias(f"parents_{name}") for name in _FACTS))
    # A model without parents meets itself: a million nulls would meet in one partition.
    meets = F.coalesce("parent_key", "model_key") == F.col("parents_model_key")
    broken = F.coalesce(*(F.when(is_broken, F.lit(rule)) for rule, is_broken in _rules().items()))
    compared = rows.join(ahead, on=meets, how="left").select(
        broken.alias("rule"), "model_id", _detail().alias("detail")
    )
    return compared.where(F.col("rule").isNotNull())


# No names among them: the joins of the certificate move numbers and one name per model.
_FACTS = ("model_key", "root_key", "depth", "status", "cycle_length", "family_key")


def _rules() -> dict[str, Column]:
    """The rules of the certificate by name, as conditions that are true where one is broken.

    A row is a model and one of its parents in `models/` (`parent_key`, null where it has none);
    `first_key` is its first parent.
    """
    status, first_key = F.col("status"), F.col("first_key")
    is_edge, is_first = F.col("parent_key").isNotNull(), F.col("parent_key") == first_key
    is_cycle = status == "cycle"
    is_alone = F.col("root_key").eqNullSafe(F.col("model_key")) & (F.col("depth") == 0)
    own_status = F.coalesce("own_status", F.when(status == "no_metadata", status), F.lit("root"))

    def differs(left: str, right: Column) -> Column:
        return ~F.col(left).eqNullSafe(right)

    return {
        "keys are the hashes of names": differs("root_key", F.col("named_root"))
        | differs("family_key", F.col("named_family")),
        "parent_id is the first usable parent": differs("named_parent", first_key),
        "a root has no usable parent": first_key.isNotNull() & ~status.isin("attributed", "cycle"),
        "a model without usable parent is a root": first_key.isNull()
        & (~is_alone | (status != own_status)),
        "parents are in models/": is_edge & F.col("parents_model_key").isNull(),
        "a cycle comes back": is_first & (is_cycle != (F.col("parents_status") == "cycle"))
        | is_cycle & ~is_alone,
        "cycle_length is that of the parent": is_first
        & differs("cycle_length", F.col("parents_cycle_length"))
        | (is_cycle != (F.coalesce("cycle_length", F.lit(0)) > 1)),
        "the root is that of the parent": is_first
        & ~is_cycle
        & differs("root_key", F.col("parents_root_key")),
        "the depth is one more than that of the parent": is_first
        & ~is_cycle
        & differs("depth", F.col("parents_depth") + 1),
        "the family is the same at both ends": is_edge
        & differs("family_key", F.col("parents_family_key")),
        "the family is named by its smallest key": F.col("family_key") > F.col("model_key"),
    }


def _detail() -> Column:
    def described(prefix: str) -> Column:
        named = (F.concat(F.lit(f"{fact} "), F.col(prefix + fact)) for fact in _FACTS)
        return F.concat_ws(", ", *named)

    parent = F.concat(F.lit("parent: "), described("parents_"))
    return F.concat_ws("; ", described(""), F.when(F.col("parent_key").isNotNull(), parent))
