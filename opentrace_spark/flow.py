"""THE MAP: every step in order, what it reads, what it writes, and the function between.

Names of tables are `<layer>_<name>`. bronze: the landing's rows, each accepted or with a reason;
silver: models, weekly counts, lineage; gold: what people read; work: scratch, kept for the next
run. A step reads only what stands above it, and of the landing the folders (`models/`) that it
names.
"""

from __future__ import annotations

from dataclasses import replace

from opentrace_spark.bronze.aliases import build_aliases
from opentrace_spark.bronze.annotations import build_annotations
from opentrace_spark.bronze.contributors import build_contributors
from opentrace_spark.bronze.leaderboard import build_leaderboard as build_results
from opentrace_spark.bronze.models import build_models as build_bronze_models, build_superseded
from opentrace_spark.bronze.organizations import build_organizations
from opentrace_spark.errors import UsageError
from opentrace_spark.gold.attributes.coverage import build_field_coverage
from opentrace_spark.gold.attributes.crossover import build_osi_crossover
from opentrace_spark.gold.attributes.derivation import build_derivation_flows
from opentrace_spark.gold.attributes.flows import build_modality_flows
from opentrace_spark.gold.attributes.labels import build_labels
from opentrace_spark.gold.attributes.quality import build_annotation_quality
from opentrace_spark.gold.attributes.shares import build_attribute_shares, build_counted
from opentrace_spark.gold.attributes.shifts import build_attribute_shifts
from opentrace_spark.gold.attributes.sizes import build_model_sizes, build_size_distribution
from opentrace_spark.gold.leaderboard.authors import (
    build_authors,
    build_authors_daily,
    build_concentration as build_leaderboard_concentration,
)
from opentrace_spark.gold.leaderboard.contributors import (
    build_contributors as build_leaderboard_contributors,
)
from opentrace_spark.gold.leaderboard.improvement import (
    build_improvement,
    build_improvement_daily,
)
from opentrace_spark.gold.leaderboard.licenses import build_licenses
from opentrace_spark.gold.leaderboard.quality import build_quality
from opentrace_spark.gold.leaderboard.releases import build_releases
from opentrace_spark.gold.leaderboard.sizes import (
    build_size_architectures,
    build_size_for_score,
    build_sizes as build_leaderboard_sizes,
)
from opentrace_spark.gold.leaderboard.weekly import (
    build_architectures_weekly,
    build_base_models_weekly,
    build_metadata_weekly,
    build_types_weekly,
)
from opentrace_spark.gold.robustness.anomalies import build_anomalies
from opentrace_spark.gold.robustness.counts import build_choice_counts
from opentrace_spark.gold.robustness.sensitivity import build_sensitivity
from opentrace_spark.gold.usage.developer_trends import build_developer_trends
from opentrace_spark.gold.usage.families import build_families
from opentrace_spark.gold.usage.intermediaries import build_intermediaries
from opentrace_spark.gold.usage.leaderboards import build_leaderboards
from opentrace_spark.gold.usage.org_type_by_country import build_org_type_by_country
from opentrace_spark.gold.usage.period_summary import build_period_summary
from opentrace_spark.gold.usage.pooled import build_pooled, build_spans
from opentrace_spark.gold.usage.population import build_credits, build_population, build_units
from opentrace_spark.gold.usage.shares import build_concentration, build_usage_shares
from opentrace_spark.gold.usage.weekly import build_head, build_weekly
from opentrace_spark.gold.usage.weeks import build_samples, build_weeks
from opentrace_spark.silver.annotations import build_annotated, build_annotation_rows
from opentrace_spark.silver.attributes import build_attributes
from opentrace_spark.silver.counted_models import build_counted_models, build_seen
from opentrace_spark.silver.descriptions import build_described, build_descriptions
from opentrace_spark.silver.differences import build_differences
from opentrace_spark.silver.leaderboard import build_leaderboard
from opentrace_spark.silver.lineage import (
    build_components,
    build_first_parents,
    build_lineage,
    build_linked,
    build_roots,
)
from opentrace_spark.silver.model_history import build_last_seen, build_model_history
from opentrace_spark.silver.model_weeks import build_model_weeks, build_totals, build_weeks_read
from opentrace_spark.silver.models import build_identities, build_models
from opentrace_spark.silver.names import build_names
from opentrace_spark.silver.parents import build_listed, build_parents
from opentrace_spark.silver.rejects import build_rejects
from opentrace_spark.silver.resolutions import build_resolutions
from opentrace_spark.silver.root_choices import build_root_choices
from opentrace_spark.silver.runs import build_asked, build_runs, build_unfound
from opentrace_spark.silver.sightings import build_hub_ids, build_sightings
from opentrace_spark.silver.sizes import (
    build_size_fit,
    build_size_sample,
    build_size_validation,
    build_sizes,
)
from opentrace_spark.silver.snapshots import build_snapshots
from opentrace_spark.sources.landing import KINDS, MANIFEST, Landing
from opentrace_spark.steps import Build, Step

HUB = ("models/", "snapshots/")
"""Folders without which nothing but the tables of the leaderboard is built."""
LEADERBOARD = ("leaderboard/",)


def _step(
    writes: str,
    build: Build,
    *reads: str,
    acts: bool = False,
    files_of: str = "",
    needs: tuple[str, ...] = HUB,
) -> Step:
    layer, _, name = writes.partition("_")
    return Step(
        name if layer in ("silver", "gold") else writes,
        tuple(read for read in reads if not _is_of_landing(read)),
        writes,
        build,
        acts,
        files_of,
        tuple(read for read in reads if _is_of_landing(read)),
        needs,
    )


def _is_of_landing(read: str) -> bool:
    return read.endswith("/") or read == MANIFEST


FLOW: tuple[Step, ...] = (
    # Reading: every row of the landing, accepted or rejected with a reason.
    _step("work_hub_ids", build_hub_ids, "models/", "snapshots/"),
    _step("work_descriptions", build_descriptions, "work_hub_ids", "snapshots/"),
    _step("work_described", build_described, "work_descriptions"),
    _step(
        "bronze_models",
        build_bronze_models,
        *("work_described", "models/", "snapshots/"),
        acts=True,
    ),
    _step("work_superseded", build_superseded, "bronze_models"),
    _step("bronze_aliases", build_aliases, "aliases/"),
    _step("bronze_organizations", build_organizations, "organizations/"),
    _step("bronze_annotations", build_annotations, "annotations/"),
    _step("bronze_leaderboard", build_results, "leaderboard/", needs=LEADERBOARD),
    _step("bronze_contributors", build_contributors, "contributors/", needs=("contributors/",)),
    # Names, once for downloads and parents alike.
    _step(
        "work_names",
        build_names,
        *("bronze_models", "work_superseded", "work_hub_ids", "work_described", "bronze_aliases"),
    ),
    _step("work_runs", build_runs, "work_names", "downloads/"),
    _step(
        "work_annotations",
        build_annotation_rows,
        *("bronze_annotations", "work_names", "annotations/"),
    ),
    _step("work_annotated", build_annotated, "work_annotations"),
    _step(
        "work_listed",
        build_listed,
        *("bronze_models", "work_superseded", "work_annotated", "work_names"),
    ),
    _step("work_unfound", build_unfound, "work_runs", "work_listed"),
    _step("work_asked", build_asked, "work_unfound", "work_names"),
    # Counters of snapshots, model by model, as weekly counts.
    _step("work_sightings", build_sightings, "work_hub_ids", "snapshots/"),
    _step("silver_snapshots", build_snapshots, "work_sightings", "snapshots/", acts=True),
    _step("work_seen", build_seen, "work_sightings", "silver_snapshots", "snapshots/"),
    _step(
        "work_counted_models",
        build_counted_models,
        *("work_seen", "work_names", "bronze_models", "work_superseded", "snapshots/"),
    ),
    _step(
        "work_differences",
        build_differences,
        *("work_sightings", "silver_snapshots", "work_counted_models", "snapshots/"),
    ),
    _step(
        "silver_model_history",
        build_model_history,
        *("work_descriptions", "bronze_models", "work_superseded", "snapshots/"),
        acts=True,
    ),
    _step(
        "work_last_seen",
        build_last_seen,
        *("silver_model_history", "work_seen", "work_counted_models", "snapshots/"),
    ),
    # Weekly counts under resolved names, and what they add up to.
    _step(
        "work_weeks",
        build_weeks_read,
        *("work_runs", "work_asked"),
        *("work_differences", "work_counted_models", "silver_snapshots"),
    ),
    _step(
        "silver_model_weeks",
        build_model_weeks,
        *("work_weeks", "downloads/"),
        acts=True,
        files_of="work_weeks",
    ),
    _step(
        "silver_rejects",
        build_rejects,
        *("work_descriptions", "bronze_models", "work_superseded"),
        *("bronze_aliases", "bronze_organizations", "bronze_annotations"),
        *("work_runs", "work_weeks", "work_hub_ids", "silver_snapshots"),
        *("bronze_leaderboard", "bronze_contributors"),
        *("downloads/", "snapshots/"),
        acts=True,
        needs=(),
    ),
    _step(
        "work_totals",
        build_totals,
        *("work_weeks", "silver_model_weeks", "work_names", "work_asked", "work_counted_models"),
    ),
    _step(
        "work_models",
        build_identities,
        *("bronze_models", "work_superseded", "bronze_organizations", "work_totals"),
    ),
    # Lineage: parents, roots, families.
    _step(
        "work_parents",
        build_parents,
        *("work_listed", "work_asked", "bronze_models", "work_superseded"),
    ),
    _step(
        "silver_resolutions",
        build_resolutions,
        *("silver_model_weeks", "work_parents", "work_annotations"),
    ),
    _step("work_first_parents", build_first_parents, "work_parents"),
    _step("work_roots", build_roots, "work_first_parents"),
    _step("work_families", build_components, "work_first_parents", "work_roots", acts=True),
    _step("work_linked", build_linked, "work_parents", "work_first_parents", "work_families"),
    _step("silver_lineage", build_lineage, "work_models", "work_linked"),
    # The population in numbers, and every measure of every week from one pass.
    _step("work_credits", build_credits, "work_models", "silver_lineage"),
    _step("work_units", build_units, "work_credits"),
    _step("work_population", build_population, "work_credits", "work_units"),
    _step(
        "work_weekly",
        build_weekly,
        *("work_weeks", "silver_model_weeks", "work_models", "work_units", "work_population"),
    ),
    _step("work_head", build_head, "work_weekly", "work_population"),
    _step(
        "gold_weeks",
        build_weeks,
        *("work_weekly", "work_weeks", "silver_model_weeks", "work_head", MANIFEST),
    ),
    _step(
        "gold_usage_shares", build_usage_shares, "work_weekly", acts=True, files_of="work_weekly"
    ),
    _step("gold_concentration", build_concentration, "work_weekly", "gold_weeks"),
    # How large every model is: as published, as its name tells, or as its bytes do.
    _step("work_size_sample", build_size_sample, "bronze_models", "work_superseded"),
    _step("work_size_fit", build_size_fit, "work_size_sample"),
    _step("work_size_validation", build_size_validation, "work_size_sample"),
    _step("work_sizes", build_sizes, "bronze_models", "work_superseded", "work_size_fit"),
    # What every model is, by its annotations and else by its metadata.
    _step(
        "work_attributes",
        build_attributes,
        *("bronze_models", "work_superseded", "work_models", "silver_lineage"),
        *("work_sizes", "work_annotations", "work_annotated"),
    ),
    _step(
        "gold_annotation_quality",
        build_annotation_quality,
        *("work_annotations", "work_attributes"),
    ),
    # What people read beside the weekly tables.
    _step(
        "silver_models",
        build_models,
        *("work_models", "bronze_models", "work_superseded", "work_head"),
        *("silver_lineage", "work_attributes", "work_sizes", "work_last_seen"),
    ),
    _step("gold_samples", build_samples, "silver_models"),
    _step("gold_field_coverage", build_field_coverage, "silver_models"),
    _step("work_labels", build_labels, "silver_models", "work_credits"),
    _step("work_counted", build_counted, "work_weeks", "silver_model_weeks", "work_labels"),
    _step("gold_attribute_shares", build_attribute_shares, "work_counted", "gold_weeks"),
    _step(
        "gold_attribute_shifts",
        build_attribute_shifts,
        *("work_counted", "work_weekly", "work_population", "work_labels", "gold_weeks"),
    ),
    _step("gold_osi_crossover", build_osi_crossover, "work_counted", "gold_weeks"),
    _step("work_pooled", build_pooled, "silver_model_weeks", "work_credits", "gold_weeks"),
    _step(
        "gold_size_distribution",
        build_size_distribution,
        *("work_pooled", "work_labels", "silver_models"),
    ),
    _step("gold_model_sizes", build_model_sizes, "work_size_validation", "silver_models"),
    _step("gold_modality_flows", build_modality_flows, "work_pooled", "work_labels", "gold_weeks"),
    _step(
        "gold_derivation_flows",
        build_derivation_flows,
        *("silver_models", "silver_lineage", "work_pooled", "gold_weeks"),
    ),
    _step("work_spans", build_spans, "work_pooled", "work_population", "gold_weeks"),
    _step(
        "gold_leaderboards",
        build_leaderboards,
        *("work_spans", "work_units", "work_models", "silver_lineage"),
    ),
    _step("gold_period_summary", build_period_summary, "work_spans", "work_units", "gold_weeks"),
    _step(
        "gold_developer_trends",
        build_developer_trends,
        *("work_spans", "work_units", "work_weekly", "work_credits"),
        *("gold_weeks", "silver_model_weeks"),
    ),
    _step(
        "gold_intermediaries",
        build_intermediaries,
        *("work_pooled", "work_credits", "work_weekly", "gold_weeks"),
    ),
    _step("gold_families", build_families, "work_models", "silver_lineage", "work_pooled"),
    _step(
        "gold_org_type_by_country",
        build_org_type_by_country,
        *("work_pooled", "work_credits", "gold_weeks"),
    ),
    # What a reviewer asks first: what is odd in the traffic, and what other choices would change.
    _step(
        "gold_anomalies",
        build_anomalies,
        *("silver_models", "silver_model_weeks", "work_head", "gold_weeks"),
    ),
    _step(
        "work_root_choices",
        build_root_choices,
        *("work_parents", "work_first_parents", "work_roots"),
    ),
    _step(
        "work_choice_counts",
        build_choice_counts,
        *("work_weeks", "gold_weeks", "silver_model_weeks"),
        *("work_models", "work_root_choices", "gold_anomalies"),
    ),
    _step(
        "gold_sensitivity",
        build_sensitivity,
        *("work_choice_counts", "work_models", "work_root_choices", "work_first_parents"),
        "gold_weeks",
    ),
    # The second study: who builds on open models, from results of the Open LLM Leaderboard.
    _step(
        "silver_leaderboard",
        build_leaderboard,
        *("bronze_leaderboard", "work_names", "silver_lineage", "silver_models"),
        *("downloads/", "snapshots/"),
        needs=LEADERBOARD,
    ),
    *(
        _step(table, build, "silver_leaderboard", needs=LEADERBOARD)
        for table, build in (
            ("gold_leaderboard_authors_daily", build_authors_daily),
            ("gold_leaderboard_authors", build_authors),
            ("gold_leaderboard_metadata_weekly", build_metadata_weekly),
            ("gold_leaderboard_types_weekly", build_types_weekly),
            ("gold_leaderboard_architectures_weekly", build_architectures_weekly),
            ("gold_leaderboard_base_models_weekly", build_base_models_weekly),
            ("gold_leaderboard_licenses", build_licenses),
            ("gold_leaderboard_sizes", build_leaderboard_sizes),
            ("gold_leaderboard_size_architectures", build_size_architectures),
            ("gold_leaderboard_size_for_score", build_size_for_score),
            ("gold_leaderboard_improvement", build_improvement),
            ("gold_leaderboard_improvement_daily", build_improvement_daily),
        )
    ),
    _step(
        "gold_leaderboard_concentration",
        build_leaderboard_concentration,
        *("silver_leaderboard", "silver_models"),
        needs=LEADERBOARD,
    ),
    _step(
        "gold_leaderboard_contributors",
        build_leaderboard_contributors,
        *("bronze_contributors", "silver_leaderboard"),
        needs=("contributors/",),
    ),
    _step(
        "gold_leaderboard_quality",
        build_quality,
        *("bronze_leaderboard", "silver_leaderboard"),
        needs=LEADERBOARD,
    ),
    _step("gold_leaderboard_releases", build_releases, needs=LEADERBOARD),
)

CORE = (
    "rejects",
    "lineage",
    "model_weeks",
    "weeks",
    "usage_shares",
    "concentration",
)
"""Steps of `--only core`."""


def steps_of(landing: Landing) -> tuple[Step, ...]:
    """The steps that a landing allows, in the flow's order, each reading only tables of others."""
    there = {f"{kind}/" for kind in KINDS if landing.of_kind(kind)}
    steps = [step for step in FLOW if not step.needs or there.intersection(step.needs)]
    tables = {step.writes for step in steps}
    return tuple(
        replace(step, reads=tuple(table for table in step.reads if table in tables))
        for step in steps
    )


def selected_steps(only: tuple[str, ...], landing: Landing | None = None) -> tuple[Step, ...]:
    """The steps to run for `--only`: those named, and all that they read, in the flow's order.

    Nothing named means all. Names are those of the tables (`usage_shares`), or `core`. Without a
    landing all steps are there. Raises UsageError for a name that is no step, and for one that
    needs a folder which the landing lacks.
    """
    steps = FLOW if landing is None else steps_of(landing)
    if not only:
        return steps
    by_name = {step.name: step for step in FLOW}
    by_table = {step.writes: step for step in steps}
    for name in only:
        step = by_name.get(CORE[-1] if name == "core" else name)
        if step and step.writes not in by_table:
            raise UsageError(f"--only {name}: needs {' or '.join(step.needs)} in the landing")
    wanted: set[str] = set()
    waiting = [name for given in only for name in (CORE if given == "core" else (given,))]
    while waiting:
        name = waiting.pop()
        if name not in by_name:
            raise UsageError(f"--only {name}: no such step; there are core, {', '.join(by_name)}")
        if name not in wanted:
            wanted.add(name)
            reads = next((step.reads for step in steps if step.name == name), ())
            waiting += [by_table[table].name for table in reads]
    return tuple(step for step in steps if step.name in wanted)
