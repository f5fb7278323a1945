"""The star schema and the latest-week tables below `<warehouse>/bi`, which BI tools read.

They say nothing that silver and gold do not: `opentrace bi` makes them of these, without Spark.
"""

from __future__ import annotations

from opentrace_spark.tables import (
    GOLD_CONCENTRATION,
    GOLD_WEEKS,
    REST,
    SILVER_LINEAGE,
    SILVER_MODELS,
    Column,
    TableSpec,
)

REST_KEY = 0
"""model_key of the row of dim_model that stands for everything below the ranks."""


def _required(name: str, type_: str, comment: str) -> Column:
    return Column(name, type_, comment, nullable=False)


def _as_in(spec: TableSpec, *names: str) -> tuple[Column, ...]:
    """Columns of a table as they are there, but null in the row `(rest)`."""
    columns = {column.name: column for column in spec.columns}
    return tuple(Column(name, columns[name].type, columns[name].comment) for name in names)


_RUN = _required("run_id", "string", "run whose tables it was made of; joins gold/runs")
_WEEK = _required("week_start", "date", "Monday of the ISO week, UTC; joins bi/dim_week")
_PARAMETERS_KEY = _required(
    "parameters_key",
    "string",
    "attribution/window, for example root/365d; joins bi/dim_parameters",
)
_COUNTED = (
    Column("rank", "int", f"row number by downloads, ties by name; null for `{REST}`"),
    _required("downloads", "bigint", "downloads within the window"),
    _required("share", "double", "of the week's downloads within the window, 0-1"),
    Column("member_count", "bigint", f"units in `{REST}`, else null"),
    _RUN,
)
_OF_POPULATION = (
    Column("models", "bigint", "its models that are in the population"),
    Column("total_downloads", "bigint", "their downloads over all weeks"),
)
_COUNTRY = Column("country", "string", "country as a unit; joins bi/dim_country")

DIM_MODEL = TableSpec(
    "bi",
    "dim_model",
    grain=f"model of the population, or root of one; and `{REST}`",
    key=("model_key",),
    description="Dimension: every model that facts can name, and what it is.",
    columns=(
        _required("model_key", "bigint", f"xxhash64(model_id); {REST_KEY} for `{REST}`"),
        _required("model_id", "string", f"resolved name, or `{REST}`; unique, too"),
        Column("developer", "string", "owner account; joins bi/dim_developer"),
        Column("organization", "string", "its organisation; joins bi/dim_organization"),
        _COUNTRY,
        *_as_in(SILVER_MODELS, "org_type"),
        *_as_in(SILVER_LINEAGE, "root_id", "root_key", "depth", "kind", "status"),
        *_as_in(SILVER_MODELS, "created_date", "first_seen", "license", "license_class"),
        *_as_in(SILVER_MODELS, "modality", "model_family", "method", "parameter_count"),
        *_as_in(SILVER_MODELS, "size_class", "pipeline_tag", "library", "total_downloads"),
        *_as_in(SILVER_MODELS, "in_population", "in_head_sample"),
        _RUN,
    ),
)

DIM_DEVELOPER = TableSpec(
    "bi",
    "dim_developer",
    grain=f"developer of a model of bi/dim_model; and `{REST}`",
    key=("developer",),
    description="Dimension: the accounts.",
    columns=(
        _required("developer", "string", f"owner account, or `{REST}`"),
        Column("organization", "string", "its organisation; joins bi/dim_organization"),
        _COUNTRY,
        *_as_in(SILVER_MODELS, "org_type"),
        *_OF_POPULATION,
        _RUN,
    ),
)

DIM_ORGANIZATION = TableSpec(
    "bi",
    "dim_organization",
    grain=f"organisation of a model of bi/dim_model; and `{REST}`",
    key=("organization",),
    description="Dimension: the organisations.",
    columns=(
        _required("organization", "string", f"canonical organisation, or `{REST}`"),
        Column("country", "string", "as in bi/dim_developer; null where its accounts differ"),
        Column("org_type", "string", "kind of organisation; null where its accounts differ"),
        Column("developers", "bigint", "its accounts in bi/dim_developer"),
        *_OF_POPULATION,
        _RUN,
    ),
)

DIM_COUNTRY = TableSpec(
    "bi",
    "dim_country",
    grain=f"country unit of a model of bi/dim_model; and `{REST}`",
    key=("country",),
    description="Dimension: the countries, as units of the gold tables.",
    columns=(
        _required("country", "string", f"country, User, International/Online, ... or `{REST}`"),
        Column("region", "string", "region of conf/countries.toml; the unit itself for no nation"),
        Column("is_nation", "boolean", "not User, International/Online or Unknown"),
        *_OF_POPULATION,
        _RUN,
    ),
)

DIM_WEEK = TableSpec(
    "bi",
    "dim_week",
    grain="ISO week from the first to the last, missing weeks included",
    key=("week_start",),
    description="Dimension: the weeks, and what is known of each.",
    columns=(
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        _required("week_end", "date", "its Sunday"),
        _required("iso_week", "string", "for example 2025-W07"),
        _required("year", "int", "of the Monday"),
        _required("quarter", "string", "of the Monday, for example 2025-Q1"),
        _required("month", "string", "of the Monday, for example 2025-02"),
        _required("weeks_ago", "int", "weeks before the last complete one; 0 for it"),
        _required("is_latest", "boolean", "the last complete week"),
        *(
            column
            for column in GOLD_WEEKS.columns
            if column.name
            in (
                *("is_missing", "is_complete", "downloads", "models", "population_downloads"),
                *("coverage", "censored_share", "head_share", "known_breaks", "source"),
            )
        ),
        _RUN,
    ),
)

DIM_PARAMETERS = TableSpec(
    "bi",
    "dim_parameters",
    grain="attribution and recency window",
    key=("parameters_key",),
    description="Dimension: the ways in which downloads are counted. Filter every chart to one of "
    "them: sums over several count the same downloads again.",
    columns=(
        _required("parameters_key", "string", "attribution/window, for example root/365d"),
        _required("attribution", "string", "none (the downloaded model) or root (its root)"),
        _required("recency_window", "string", "none, or days after creation that count"),
        Column("window_days", "int", "these days; null for none"),
        _required("label", "string", "both in words"),
        _required("parameters", "string", "all method values of the run, as JSON"),
        _RUN,
    ),
)


def _fact(name: str, column: str, type_: str, of: str) -> TableSpec:
    return TableSpec(
        "bi",
        name,
        grain=f"week, {of} among the 1,000 largest (or the rest), attribution and window",
        key=("week_start", column, "parameters_key"),
        description=f"Fact: downloads and shares of a {of} in a week.",
        columns=(
            _WEEK,
            _required(column, type_, f"joins bi/dim_{column.removesuffix('_key')}"),
            _PARAMETERS_KEY,
            *_COUNTED,
        ),
    )


FACT_MODELS = _fact("fact_models", "model_key", "bigint", "model")
FACT_DEVELOPERS = _fact("fact_developers", "developer", "string", "developer")
FACT_ORGANIZATIONS = _fact("fact_organizations", "organization", "string", "organization")
FACT_COUNTRIES = _fact("fact_countries", "country", "string", "country")

_OF_CELL = ("week_start", "attribution", "recency_window", "parameters", "run_id", "processed_at")
_MEASURES = tuple(c for c in GOLD_CONCENTRATION.columns if c.name not in _OF_CELL)

FACT_CONCENTRATION = TableSpec(
    "bi",
    "fact_concentration",
    grain="week, level, scope, attribution and window",
    key=("week_start", "level", "scope", "parameters_key"),
    description="Fact: how concentrated the downloads of a week are.",
    columns=(_WEEK, _PARAMETERS_KEY, *_MEASURES, _RUN),
)

LATEST_SHARES = TableSpec(
    "bi",
    "latest_shares",
    grain="level, attribution, window and unit of the last complete week",
    key=("level", "attribution", "recency_window", "entity"),
    description="The last complete week in one table: who is downloaded, who that is, and where "
    "it was a week and a year before.",
    columns=(
        _required("week_start", "date", "the last complete week, the same in all rows"),
        _required("level", "string", "model, developer, organization, country or org_type"),
        _required("attribution", "string", "none (the downloaded model) or root (its root)"),
        _required("recency_window", "string", "none, or days after creation that count"),
        *_COUNTED[:1],
        _required("entity", "string", f"name of the unit, or `{REST}`"),
        *_COUNTED[1:-1],
        Column("developer", "string", "of a model or developer"),
        Column("organization", "string", "of a model, developer or organisation"),
        Column("country", "string", "of these and of a country; null where accounts differ"),
        Column("org_type", "string", "of these and of a kind; null where accounts differ"),
        Column("root_id", "string", "of a model"),
        Column("rank_week_before", "int", "in the week before; null where it had none"),
        Column("share_week_before", "double", "likewise"),
        Column("rank_year_before", "int", "52 weeks before; null where it had none"),
        Column("share_year_before", "double", "likewise"),
        _RUN,
    ),
)

LATEST_CONCENTRATION = TableSpec(
    "bi",
    "latest_concentration",
    grain="level, scope, attribution and window of the last complete week",
    key=("level", "scope", "attribution", "recency_window"),
    description="The last complete week's concentration, and the index a year before.",
    columns=(
        _required("week_start", "date", "the last complete week, the same in all rows"),
        _required("attribution", "string", "none (the downloaded model) or root (its root)"),
        _required("recency_window", "string", "none, or days after creation that count"),
        *_MEASURES,
        Column("hhi_year_before", "double", "hhi 52 weeks before; null where there is none"),
        Column("gini_year_before", "double", "gini likewise"),
        _RUN,
    ),
)

FACTS = {
    "model": FACT_MODELS,
    "developer": FACT_DEVELOPERS,
    "organization": FACT_ORGANIZATIONS,
    "country": FACT_COUNTRIES,
}
"""Level -> its fact table."""

BI_TABLES = (
    *(DIM_MODEL, DIM_DEVELOPER, DIM_ORGANIZATION, DIM_COUNTRY, DIM_WEEK),
    *FACTS.values(),
    *(FACT_CONCENTRATION, LATEST_SHARES, LATEST_CONCENTRATION, DIM_PARAMETERS),
)
"""In the order in which they are committed: dim_parameters says that all are of one run."""

FOREIGN_KEYS = {
    DIM_MODEL: {
        "developer": DIM_DEVELOPER,
        "organization": DIM_ORGANIZATION,
        "country": DIM_COUNTRY,
    },
    DIM_DEVELOPER: {"organization": DIM_ORGANIZATION, "country": DIM_COUNTRY},
    DIM_ORGANIZATION: {"country": DIM_COUNTRY},
    **{
        spec: {"week_start": DIM_WEEK, spec.key[1]: dimension, "parameters_key": DIM_PARAMETERS}
        for spec, dimension in zip(
            FACTS.values(),
            (DIM_MODEL, DIM_DEVELOPER, DIM_ORGANIZATION, DIM_COUNTRY),
            strict=True,
        )
    },
    FACT_CONCENTRATION: {"week_start": DIM_WEEK, "parameters_key": DIM_PARAMETERS},
}
"""Table -> its columns that are the key of another one; a null, where it may be one, is in none."""
