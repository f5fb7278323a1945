"""What must hold of the tables before any of them is published.

Each rule gives the rows that break it; a table is right when all its rules give none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.errors import CheckError
from opentrace_spark.io import read_columns
from opentrace_spark.silver.differences import added_differences
from opentrace_spark.silver.lineage import certificate_violations
from opentrace_spark.silver.model_weeks import unknown_ids
from opentrace_spark.tables import (
    DERIVATION_KINDS,
    SENSITIVITY_FIGURES,
    SILVER_LINEAGE,
    TableSpec,
)

Frames = Mapping[str, DataFrame]

_TOLERANCE = 1e-9
"""Sums of rounded shares differ from 1 by rounding only; exact sums are checked on downloads."""
_CURVE = ["attribution", "recency_window"]
_SHOWN = 3


@dataclass(frozen=True)
class Check:
    """A rule of a table: what it says, the tables it needs beside, and the rows that break it."""

    table: str
    rule: str
    needs: tuple[str, ...]
    violations: Callable[[Frames], DataFrame]


def checks_of(stored: Collection[str], specs: Mapping[str, TableSpec]) -> list[Check]:
    """Every rule that the named tables allow: of a table of `specs` its key, and CHECKS."""
    keys = [
        Check(name, "keys are unique and filled", (name,), _key_violations(name, specs[name]))
        for name in stored
        if name in specs and name not in _KEYS_CHECKED_BELOW
    ]
    return [check for check in (*keys, *CHECKS) if all(name in stored for name in check.needs)]


def hold(check: Check, stored: Frames) -> None:
    """Raise CheckError with the rule and the first rows that break it, where any does."""
    broken_rows = check.violations(stored).limit(_SHOWN)
    broken_rows.sparkSession.sparkContext.setJobDescription(f"check of {check.table}")
    broken = broken_rows.collect()
    if broken:
        rows = "; ".join(str(row.asDict()) for row in broken)
        raise CheckError(
            f"check failed, nothing was published: {check.table}: {check.rule}; for example {rows}"
        )


def _key_violations(table: str, spec: TableSpec) -> Callable[[Frames], DataFrame]:
    key = list(spec.key)

    def violations(stored: Frames) -> DataFrame:
        counted = stored[table].groupBy(*key).agg(F.count(F.lit(1)).alias("rows"))
        repeated = counted.where("rows > 1")
        return repeated.unionByName(
            _unfilled(stored[table], spec).select(*key, F.lit(1).alias("rows"))
        )

    return violations


def _unfilled(frame: DataFrame, spec: TableSpec) -> DataFrame:
    """Rows that lack a required value. Parquet's own counts of nulls let Spark skip the others."""
    required = [F.col(column.name) for column in spec.columns if not column.nullable]
    return frame.where(reduce(lambda left, right: left | right, (c.isNull() for c in required)))


_LOOKED_AT = pa.schema(
    [
        ("file", pa.string()),
        *((name, pa.int64()) for name in ("rows", "counted", "downloads", "difference")),
        ("unexplained", pa.int64()),
        ("is_in_order", pa.bool_()),
    ]
)


def _files_of_weeks(stored: Frames) -> DataFrame:
    """What each file of weekly counts holds: file, week_start, rows, counted (those with a count),
    downloads, difference (of counters), unexplained (neither a count nor a flag that says why),
    is_in_order.

    A week is one file in the order of its keys: that needs no look across files, nor Spark's way
    through rows. `is_in_order` is false where a key is there again, or a value is missing.
    """
    frame = stored["silver_model_weeks"]
    files = [(unquote(uri),) for uri in frame.inputFiles()]
    listed = frame.sparkSession.createDataFrame(files, "file string")
    week = F.regexp_extract("file", "/week_start=([^/]*)/[^/]*$", 1)
    looked_at = listed.mapInArrow(_look_at, from_arrow_schema(_LOOKED_AT))
    return looked_at.withColumn("week_start", week.cast("date"))


def _look_at(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for file in (file for batch in batches for file in batch["file"].to_pylist()):
        folder, _, name = file.rpartition("/")
        columns = ["model_key", "download_count", "flags", "raw_difference"]
        rows = read_columns(folder, name, columns)
        keys, counts = rows["model_key"].to_numpy(), rows["download_count"]
        reasons = pc.match_substring_regex(rows["flags"], "(^|,)(regression|stall)(,|$)")
        explained = pc.or_(pc.is_valid(counts), pc.fill_null(reasons, False))
        found = {
            "file": file,
            "rows": len(rows),
            "counted": len(rows) - counts.null_count,
            "downloads": pc.sum(counts).as_py(),
            "difference": pc.sum(rows["raw_difference"]).as_py(),
            "unexplained": pc.sum(pc.invert(explained)).as_py(),
            "is_in_order": not rows["model_key"].null_count and bool((keys[1:] > keys[:-1]).all()),
        }
        yield pa.RecordBatch.from_pylist([found], schema=_LOOKED_AT)


def _keys_of_a_week(stored: Frames) -> DataFrame:
    """Files in which a model is not there just once, or a count is missing without a reason; weeks
    of two files."""
    of_week = Window.partitionBy("week_start")
    files = _files_of_weeks(stored).withColumn("files", F.count(F.lit(1)).over(of_week))
    return files.where("not is_in_order or files > 1 or unexplained > 0")


def _merged_unknown_ids(stored: Frames) -> DataFrame:
    """Ids known from downloads alone are looked up by nothing: two under a key, or one under the
    key of a model, are a collision."""
    unknown = unknown_ids(stored).withColumnRenamed("unknown_id", "name")
    known = stored["work_names"].where(F.col("resolution") == "exact").select("model_key", "name")
    return (
        known.join(F.broadcast(unknown.select("model_key")), "model_key", how="left_semi")
        .unionByName(unknown)
        .groupBy("model_key")
        .agg(F.collect_set("name").alias("names"))
        .where(F.size("names") > 1)
    )


def _unread_reports(stored: Frames) -> DataFrame:
    """Reports that neither a week nor the rejects have, or downloads that no file has."""
    settled = stored["work_weeks"].agg(
        F.sum(F.col("reports") - F.col("used")).alias("left_out"),
        F.sum("downloads").alias("read"),
        F.sum("difference").alias("difference_read"),
    )
    kept = _files_of_weeks(stored).agg(
        F.sum("downloads").alias("kept"), F.sum("difference").alias("difference_kept")
    )
    is_repeat = F.col("reason").isin("duplicate_row", "conflicting_counts")
    rejected = stored["silver_rejects"].where(
        is_repeat & F.col("source_file").startswith("downloads/")
    )
    counted = rejected.agg(F.count(F.lit(1)).alias("rejected"))
    return (
        settled.crossJoin(kept)
        .crossJoin(counted)
        .where(
            "not read <=> kept or not difference_read <=> difference_kept "
            "or coalesce(left_out, 0) <> rejected"
        )
    )


def _counters_of_models(stored: Frames) -> DataFrame:
    """Models of snapshots/ whose first counter and weekly differences, as they were written, do
    not give the last one; of a new model the first is a difference itself."""
    tasks = stored["work_seen"].sparkSession.sparkContext.defaultParallelism
    added = added_differences(stored["work_differences"], tasks)
    base = F.when(F.col("is_new"), F.lit(0)).otherwise(F.col("first_counter"))
    counted = F.coalesce(base, F.lit(0)) + F.coalesce("difference", F.lit(0))
    return (
        stored["work_seen"]
        .select("bucket", "number", "name", "first_counter", "last_counter")
        .join(added, ["bucket", "number"], how="full")
        .where(counted != F.coalesce("last_counter", F.lit(0)))
    )


def _differences_of_weeks(stored: Frames) -> DataFrame:
    """Weeks of snapshots/ whose rows have other differences than their models together."""
    differences = stored["work_differences"].groupBy("week_start")
    by_model = differences.agg(F.sum("difference").alias("of_models"))
    weeks = stored["work_weeks"].where("source = 'snapshots'")
    return (
        weeks.join(by_model, "week_start", how="left")
        .select("week_start", "difference", "of_models")
        .where("coalesce(difference, 0) <> coalesce(of_models, 0)")
    )


def _models_and_lineage(stored: Frames) -> DataFrame:
    """Keys that are not there just once in both: of two models under one key, every join on it
    would mix the two."""
    models = stored["work_models"].select("model_key", F.lit(1).alias("m"), F.lit(0).alias("l"))
    lineage = stored["silver_lineage"].select("model_key", F.lit(0).alias("m"), F.lit(1).alias("l"))
    counted = models.unionByName(lineage).groupBy("model_key")
    return counted.agg(F.sum("m").alias("models"), F.sum("l").alias("lineage")).where(
        "model_key is null or models <> 1 or lineage <> 1"
    )


def _unfilled_lineage(stored: Frames) -> DataFrame:
    return _unfilled(stored["silver_lineage"], SILVER_LINEAGE)


def _weeks_of_silver(stored: Frames) -> DataFrame:
    silver = (
        _files_of_weeks(stored)
        .where("counted > 0")
        .select(
            "week_start", F.col("downloads").alias("silver"), F.col("rows").alias("silver_rows")
        )
    )
    weeks = stored["gold_weeks"].where("not is_missing")
    return (
        weeks.select("week_start", "downloads", "rows")
        .join(silver, "week_start", how="full")
        .where("not downloads <=> silver or not rows <=> silver_rows")
    )


def _shares_of_a_week(stored: Frames) -> DataFrame:
    """Shares that do not sum to 1, or ranks and rest that do not add up to the downloads."""
    cell = ["week_start", "level", *_CURVE]
    shares = (
        stored["gold_usage_shares"]
        .groupBy(*cell)
        .agg(F.sum("share").alias("shares"), F.sum("downloads").alias("listed"))
    )
    measured = stored["gold_concentration"].where("scope = 'all'").select(*cell, "downloads")
    return measured.join(shares, cell, how="full").where(
        (F.coalesce("listed", F.lit(0)) != F.coalesce("downloads", F.lit(0)))
        | (F.abs(F.col("shares") - 1) > _TOLERANCE)
    )


def _population_of_a_week(stored: Frames) -> DataFrame:
    """Cells without a window must hold all downloads of the population; windows never more."""
    weeks = stored["gold_weeks"].select("week_start", "population_downloads")
    measured = stored["gold_concentration"].where("scope = 'all'")
    without = F.col("recency_window") == "none"
    return (
        measured.join(weeks, "week_start", how="left")
        .where(
            F.col("population_downloads").isNull()
            | (without & (F.col("downloads") != F.col("population_downloads")))
            | (F.col("downloads") > F.col("population_downloads"))
        )
        .select("week_start", "level", *_CURVE, "downloads", "population_downloads")
    )


def _levels_of_a_week(stored: Frames) -> DataFrame:
    """Every level and attribution credits the same downloads, only to other units."""
    return (
        stored["gold_concentration"]
        .where("scope = 'all'")
        .groupBy("week_start", "recency_window")
        .agg(F.min("downloads").alias("least"), F.max("downloads").alias("most"))
        .where("least <> most")
    )


def _samples_of_silver(stored: Frames) -> DataFrame:
    silver = _files_of_weeks(stored).agg(F.sum("downloads").alias("silver"))
    everything = stored["gold_samples"].where("sample = 'all'").select("downloads")
    return everything.crossJoin(silver).where("downloads <> coalesce(silver, 0)")


def _ranked_shares(table: str, group: list[str]) -> Callable[[Frames], DataFrame]:
    return lambda stored: (
        stored[table]
        .groupBy(*group)
        .agg(
            F.sum("share").alias("shares"), F.max("rank").alias("last"), F.count("rank").alias("n")
        )
        .where((F.col("shares") > 1 + _TOLERANCE) | (F.col("last") != F.col("n")))
    )


def _trends_of_a_week(stored: Frames) -> DataFrame:
    cell = ["week_start", "level", *_CURVE]
    trends = stored["gold_developer_trends"].groupBy(*cell).agg(F.sum("downloads").alias("listed"))
    measured = stored["gold_concentration"].where("scope = 'all'")
    return trends.join(measured.select(*cell, "downloads"), cell, how="left").where(
        "not listed <=> downloads"
    )


def _flows_of_a_period(stored: Frames) -> DataFrame:
    group = ["period", "recency_window"]
    table = stored["gold_intermediaries"].where("week_start is null")
    totals = table.where("is_total").select(
        *group, F.col("downloads").alias("total"), F.col("others_downloads").alias("total_others")
    )
    developers = (
        table.where("not is_total")
        .groupBy(*group)
        .agg(F.sum("downloads").alias("listed"), F.sum("others_downloads").alias("listed_others"))
    )
    return totals.join(developers, group, how="left").where(
        "coalesce(listed, 0) <> total or coalesce(listed_others, 0) <> total_others"
    )


def _kinds_of_a_flow(stored: Frames) -> DataFrame:
    kinds: Column = reduce(
        lambda left, right: left + right,
        (F.col(f"{kind}_share") for kind in DERIVATION_KINDS),
    )
    return (
        stored["gold_intermediaries"]
        .withColumn("kinds", kinds)
        .where(F.abs(F.col("kinds") - F.col("others_share")) > _TOLERANCE)
        .select("period", "week_start", "developer", "recency_window", "others_share", "kinds")
    )


def _attributes_of_a_sample(stored: Frames) -> DataFrame:
    """Every model has a category of every attribute, and just one of an exclusive attribute."""
    exclusive = [name for name, a in shipped_vocabulary().attributes.items() if a.exclusive]
    is_exclusive = F.col("attribute").isin(*exclusive)
    return (
        stored["gold_attribute_shares"]
        .groupBy("sample", "period", "recency_window", "attribute", "granularity")
        .agg(F.sum("share").alias("shares"))
        .where(
            (F.col("shares") < 1 - _TOLERANCE) | (is_exclusive & (F.col("shares") > 1 + _TOLERANCE))
        )
    )


def _steps_of_a_sample(stored: Frames) -> DataFrame:
    """Steps whose shares do not sum to 1, and samples that lack one of the three."""
    group = ["sample", "period", "recency_window"]
    steps = stored["gold_derivation_flows"].groupBy(*group, "step").agg(F.sum("share").alias("one"))
    is_wrong = F.abs(F.col("one") - 1) > _TOLERANCE
    return (
        steps.groupBy(*group)
        .agg(F.count(F.lit(1)).alias("steps"), F.count_if(is_wrong).alias("wrong"))
        .where("steps <> 3 or wrong > 0")
    )


def _downloads_of_a_step(stored: Frames) -> DataFrame:
    """Steps that lose or gain downloads: modality_flows counts the same models without lineage."""
    group = ["sample", "period", "recency_window"]
    steps = (
        stored["gold_derivation_flows"]
        .groupBy(*group, "step")
        .agg(F.sum("downloads").alias("found"))
    )
    totals = stored["gold_modality_flows"].groupBy(*group).agg(F.sum("downloads").alias("total"))
    differ = F.abs(F.col("found") - F.col("total")) > _TOLERANCE * F.col("total")
    return steps.join(totals, group, how="full").where(F.coalesce(differ, F.lit(True)))


def _crossover_of_weeks(stored: Frames) -> DataFrame:
    """Weeks named in osi_crossover whose shares are not those of attribute_shares, or in which the
    models that lack the criterion are not ahead."""
    named = stored["gold_osi_crossover"].where("grain = 'week'")
    weeks = named.select(
        "sample",
        "recency_window",
        F.inline(
            F.array(
                *(
                    F.struct(
                        F.col(f"{which}_period").alias("period"),
                        F.col(f"{which}_meets_share").alias("meets"),
                        F.col(f"{which}_lacks_share").alias("lacks"),
                    )
                    for which in ("first", "lasting")
                )
            )
        ),
    ).where("period is not null")
    criterion = (
        "attribute = 'osi_data_criterion' and granularity = 'category' and category = 'lacks'"
    )
    shares = stored["gold_attribute_shares"].where(criterion)
    cell = ["sample", "recency_window", "period"]
    return weeks.join(shares.select(*cell, "share"), cell, how="left").where(
        "not lacks <=> share or meets >= lacks"
    )


def _measures_of_annotations(stored: Frames) -> DataFrame:
    """Counts that don't fit each other, or an accuracy that lies outside its interval."""
    value = F.col("value")
    is_outside = (value < F.col("low") - _TOLERANCE) | (value > F.col("high") + _TOLERANCE)
    return stored["gold_annotation_quality"].where(
        (F.col("agreeing") > F.col("models")) | (value > 1 + _TOLERANCE) | is_outside
    )


def _types_of_a_country(stored: Frames) -> DataFrame:
    return (
        stored["gold_org_type_by_country"]
        .groupBy("period", *_CURVE, "region", "country")
        .agg(F.sum("share_of_country").alias("shares"))
        .where(F.abs(F.col("shares") - 1) > _TOLERANCE)
    )


def _baseline_of_sensitivity(stored: Frames) -> DataFrame:
    """Windows and attributions are in gold/period_summary, too: the same figures bit for bit."""
    cell = ["period", "level", "scope", *_CURVE]
    counts = ["units", "downloads"]
    summary = stored["gold_period_summary"].unpivot(
        [*cell, *counts], list(SENSITIVITY_FIGURES), "figure", "published"
    )
    published = summary.select(
        *cell, "figure", "published", *(F.col(name).alias(f"{name}_published") for name in counts)
    )
    is_there = F.col("option").isin("windows.recency", "attribution") & F.col("entity").isNull()
    periods = stored["gold_period_summary"].select("period").distinct()
    rows = stored["gold_sensitivity"].where(is_there).join(periods, "period", how="left_semi")
    return rows.join(published, [*cell, "figure"], how="left").where(
        "not result <=> published or not units <=> units_published "
        "or not downloads <=> downloads_published or is_baseline and not result <=> baseline"
    )


def _credits_of_sensitivity(stored: Frames) -> DataFrame:
    """Whoever is credited, all the same downloads are."""
    is_credit = F.col("option").isin("attribution", "organizations.online_unit")
    return (
        stored["gold_sensitivity"]
        .where("scope = 'all'")
        .where(is_credit | (F.col("value") == "equal_split"))
        .groupBy("period", "headline_window")
        .agg(F.min("downloads").alias("least"), F.max("downloads").alias("most"))
        .where("least <> most")
    )


_KEYS_CHECKED_BELOW = ("silver_model_weeks", "silver_lineage")

CHECKS: tuple[Check, ...] = (
    Check(
        "silver_model_weeks",
        "keys are unique and filled",
        ("silver_model_weeks",),
        _keys_of_a_week,
    ),
    Check(
        "silver_model_weeks",
        "no unknown id shares a model_key",
        ("work_asked", "work_names", "work_counted_models"),
        _merged_unknown_ids,
    ),
    Check(
        "silver_model_weeks",
        "every usable report is in a week or among the rejects",
        ("work_weeks", "silver_model_weeks", "silver_rejects"),
        _unread_reports,
    ),
    Check(
        "silver_model_weeks",
        "counters come back: base, weeks and revisions of each model give its last counter",
        ("work_seen", "work_differences"),
        _counters_of_models,
    ),
    Check(
        "silver_model_weeks",
        "weeks have the differences of their models",
        ("work_weeks", "work_differences"),
        _differences_of_weeks,
    ),
    Check(
        "silver_lineage",
        "every model has its row, and a key of its own",
        ("work_models", "silver_lineage"),
        _models_and_lineage,
    ),
    Check(
        "silver_lineage",
        "root finding, families and parents prove each other right",
        ("work_linked", "work_first_parents"),
        lambda stored: certificate_violations(stored["work_linked"], stored["work_first_parents"]),
    ),
    Check("silver_lineage", "keys are filled", ("silver_lineage",), _unfilled_lineage),
    Check(
        "gold_weeks",
        "rows and downloads equal those of silver",
        ("gold_weeks", "silver_model_weeks"),
        _weeks_of_silver,
    ),
    Check(
        "gold_concentration",
        "downloads are the population's",
        ("gold_concentration", "gold_weeks"),
        _population_of_a_week,
    ),
    Check(
        "gold_concentration",
        "levels and attributions credit the same downloads",
        ("gold_concentration",),
        _levels_of_a_week,
    ),
    Check(
        "gold_concentration",
        "shares of a week sum to 1 and its ranks to its downloads",
        ("gold_usage_shares", "gold_concentration"),
        _shares_of_a_week,
    ),
    Check(
        "gold_samples",
        "all downloads are those of silver",
        ("gold_samples", "silver_model_weeks"),
        _samples_of_silver,
    ),
    Check(
        "gold_leaderboards",
        "ranks have no holes and shares do not exceed 1",
        ("gold_leaderboards",),
        _ranked_shares("gold_leaderboards", ["period", "level", *_CURVE]),
    ),
    Check(
        "gold_developer_trends",
        "entities and rest add up to the week",
        ("gold_developer_trends", "gold_concentration"),
        _trends_of_a_week,
    ),
    Check(
        "gold_intermediaries",
        "developers add up to the total",
        ("gold_intermediaries",),
        _flows_of_a_period,
    ),
    Check(
        "gold_intermediaries",
        "kinds add up to the share of others",
        ("gold_intermediaries",),
        _kinds_of_a_flow,
    ),
    Check(
        "gold_attribute_shares",
        "shares of an exclusive attribute sum to 1, others to no less",
        ("gold_attribute_shares",),
        _attributes_of_a_sample,
    ),
    Check(
        "gold_derivation_flows",
        "shares of a step sum to 1, and no step is missing",
        ("gold_derivation_flows",),
        _steps_of_a_sample,
    ),
    Check(
        "gold_derivation_flows",
        "downloads of a step are those of the sample",
        ("gold_derivation_flows", "gold_modality_flows"),
        _downloads_of_a_step,
    ),
    Check(
        "gold_osi_crossover",
        "shares of a week are those of attribute_shares",
        ("gold_osi_crossover", "gold_attribute_shares"),
        _crossover_of_weeks,
    ),
    Check(
        "gold_annotation_quality",
        "no more models agree than were compared, and accuracies lie within their interval",
        ("gold_annotation_quality",),
        _measures_of_annotations,
    ),
    Check(
        "gold_org_type_by_country",
        "shares of a country sum to 1",
        ("gold_org_type_by_country",),
        _types_of_a_country,
    ),
    Check(
        "gold_sensitivity",
        "windows and attributions give the figures of gold/period_summary",
        ("gold_sensitivity", "gold_period_summary"),
        _baseline_of_sensitivity,
    ),
    Check(
        "gold_sensitivity",
        "whoever is credited, the same downloads are",
        ("gold_sensitivity",),
        _credits_of_sensitivity,
    ),
)
