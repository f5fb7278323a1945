"""silver/models: identity, owner, dates and totals of every model, with the landing's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pyspark.sql import Column, DataFrame, functions as F

from opentrace_spark.bronze.models import kept_models
from opentrace_spark.config import CHOICES, FLOOR_SECONDS, Config
from opentrace_spark.steps import Context

NO_OWNER = "(no owner)"


def build_identities(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_models`: a slim row per model, known or known from downloads alone.

    Columns: model_id, model_key, is_in_models, developer, organization, country (the exact word),
    org_type, is_listed (the owner has a row in organizations/), created_at, created_date,
    created_<mode> (what created_date is in each mode), created_censored, first_seen,
    total_downloads, in_population.
    """
    totals = inputs["work_totals"]
    known = (
        kept_models(inputs)
        .select(
            F.col("id").alias("model_id"),
            F.xxhash64("id").alias("model_key"),
            F.lit(True).alias("is_in_models"),
            F.col("createdAt").alias("created_at"),
        )
        .join(totals.drop("unknown_id"), "model_key", how="left")
    )
    unknown = totals.where("unknown_id is not null").select(
        F.col("unknown_id").alias("model_id"),
        "model_key",
        F.lit(False).alias("is_in_models"),
        F.lit(None).cast("timestamp").alias("created_at"),
        "total_downloads",
        "first_seen",
    )
    models = known.unionByName(unknown).withColumn("developer", developer_of("model_id"))
    owners = inputs["bronze_organizations"].where("reason is null")
    total = F.coalesce("total_downloads", F.lit(0))
    # A row for the word that stands for no owner describes nobody.
    is_owner = (models["developer"] == owners["org"]) & (F.col("developer") != NO_OWNER)
    return models.join(owners, is_owner, how="left").select(
        "model_id",
        "model_key",
        "is_in_models",
        "developer",
        F.coalesce(F.nullif("organization", F.lit("")), "developer").alias("organization"),
        _country(context.config).alias("country"),
        _org_type(context.config).alias("org_type"),
        F.col("org").isNotNull().alias("is_listed"),
        "created_at",
        _created_date(context.config.windows.creation).alias("created_date"),
        *(_created_date(mode).alias(f"created_{mode}") for mode in CHOICES["windows.creation"]),
        _is_censored().alias("created_censored"),
        "first_seen",
        total.alias("total_downloads"),
        (total >= context.config.population.min_downloads).alias("in_population"),
    )


def developer_of(model_id: str) -> Column:
    """The owner's account in a model's name: the part before the first slash."""
    owner = F.when(F.instr(model_id, "/") > 1, F.substring_index(model_id, "/", 1))
    return F.coalesce(owner, F.lit(NO_OWNER))


def _country(config: Config) -> Column:
    """The exact word of organizations/; of an individual account never a country."""
    unlisted = F.lit(config.organizations.unlisted_owner)
    written = F.coalesce(F.nullif("country", F.lit("")), F.lit("Unknown"))
    is_user = F.coalesce(_org_type(config) == "user", F.lit(False))
    return F.when(F.col("org").isNull(), unlisted).when(is_user, F.lit("User")).otherwise(written)


def _org_type(config: Config) -> Column:
    """The kind of organisation under the tables' names; the config says which are renamed."""
    is_user = F.when(
        F.col("org").isNull(), config.organizations.unlisted_owner == "User"
    ).otherwise(F.coalesce("country", F.lit("Unknown")) == "User")
    written = F.nullif("org_type", F.lit(""))
    renamed = F.coalesce(
        *(
            F.when(written == source, F.lit(target))
            for source, target in sorted(config.organizations.org_types.items())
        ),
        written,
    )
    return F.coalesce(renamed, F.when(is_user, F.lit("user")), F.lit("unknown"))


def _is_censored() -> Column:
    floors = [F.lit(datetime.fromisoformat(text.replace("Z", "+00:00"))) for text in FLOOR_SECONDS]
    return F.coalesce(F.date_trunc("second", "created_at").isin(*floors), F.lit(False))


def _created_date(mode: str) -> Column:
    """The date that recency windows start from; the session's time zone is UTC."""
    created = F.to_date("created_at")
    if mode == "first_seen":
        return F.when(F.col("is_in_models"), F.least(created, "first_seen"))
    if mode == "drop_censored":
        return F.when(~_is_censored(), created)
    return created


def build_models(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """silver/models: the slim rows with head sample membership, attributes, and every metadata
    field."""
    head = inputs["work_head"].select("model_key", F.lit(True).alias("in_head"))
    metadata = kept_models(inputs).select(
        F.xxhash64("id").alias("model_key"),
        "pipeline_tag",
        F.col("library_name").alias("library"),
        F.col("_id").alias("hub_id"),
        "author",
        F.col("lastModified").alias("last_modified"),
        "likes",
        F.col("downloads").alias("downloads_30d"),
        F.col("downloadsAllTime").alias("downloads_all_time"),
        F.col("usedStorage").alias("used_storage"),
        "tags",
        F.col("cardData").alias("card_data"),
        "safetensors",
        "gguf",
        "siblings",
        F.to_json("baseModels").alias("base_models"),
        "other_fields",
        "source_file",
        "source_row",
    )
    lineage = inputs["silver_lineage"].select("model_key", F.col("relation").alias("base_relation"))
    slim = (
        inputs["work_models"]
        .join(head, "model_key", how="left")
        .join(lineage, "model_key", how="left")
        .join(inputs["work_attributes"], "model_key", how="left")
        .join(inputs["work_sizes"], "model_key", how="left")
        .join(inputs["work_last_seen"], "model_key", how="left")
    )
    # A hash of the slim side: sorting both would move the wide rows once more.
    return (
        metadata.join(slim.hint("shuffle_hash"), "model_key", how="right")
        .withColumn("in_head_sample", F.coalesce("in_head", F.lit(False)))
        .drop("in_head")
    )
