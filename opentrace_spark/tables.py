"""One TableSpec per Delta table: grain, key, columns with their meaning, layout.

The schema check before a write, the comments in Delta and `docs/tables.md` all come from here.
"""

from __future__ import annotations

from dataclasses import dataclass

TOP_K = (1, 3, 5, 10, 20, 100, 1000)
"""The k of the `top_<k>_share` and `tied_at_<k>` columns; they are part of the table's schema."""

DERIVATION_KINDS = ("quantized", "adapter", "finetune", "merge", "repackaged")
"""Kinds of derivation, in the order of the `<kind>_share` columns; part of the schema, too."""

SENSITIVITY_FIGURES = ("hhi", "effective_units", "top_1_share", "top_3_share", "top_10_share")
"""Figures of gold/sensitivity that are those of gold/period_summary; beside them `share`, of the
units that are followed by name."""

SHARE = "share"
"""Figure of gold/sensitivity that is the share of one unit."""

REST = "(rest)"
"""Entity of the row that holds everything below the published ranks; its rank is null."""

TOTAL = "(all)"
"""Developer of a total row, where `is_total` is true."""


@dataclass(frozen=True)
class Column:
    """A column: name, Spark DDL type, meaning with unit, and whether it may be null."""

    name: str
    type: str
    comment: str
    nullable: bool = True


@dataclass(frozen=True)
class TableSpec:
    """A Delta table: where it lies, what a row is, its key and its columns.

    `key` identifies a row (no two rows share it) and sorts the table; a nullable key column is
    allowed and counts as a value. `partitioned_by` are the Delta partition columns.
    """

    layer: str
    name: str
    grain: str
    key: tuple[str, ...]
    description: str
    columns: tuple[Column, ...]
    partitioned_by: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """`silver_models` for the table `silver/models`: the name that steps use."""
        return f"{self.layer}_{self.name}"

    @property
    def path(self) -> str:
        """The table's folder below the warehouse, for example `silver/models`."""
        return f"{self.layer}/{self.name}"


def _required(name: str, type_: str, comment: str) -> Column:
    return Column(name, type_, comment, nullable=False)


_RUN = (
    _required("run_id", "string", "run that wrote the row; differs between runs on the same input"),
    _required("processed_at", "timestamp", "start of that run, UTC"),
)
_PARAMETERS = _required(
    "parameters", "string", "method values that made the row, as JSON with sorted keys"
)
_MODEL = (
    _required("model_id", "string", "resolved name, `owner/name`"),
    _required("model_key", "bigint", "xxhash64(model_id); joins silver/models"),
)
_CELL = (
    _required("level", "string", "unit: model, developer, organization, country or org_type"),
    _required("attribution", "string", "none (the downloaded model) or root (its root)"),
    _required("recency_window", "string", "none, or days after creation in which downloads count"),
)
_SCOPE = _required(
    "scope", "string", "all, or national (without User, International/Online, Unknown)"
)
_METRICS = (
    _required("units", "bigint", "n: units with downloads"),
    _required("downloads", "bigint", "S: downloads of these units"),
    Column("hhi", "double", "Herfindahl-Hirschman index, sum of squared shares, 0-1"),
    Column("hhi_normalized", "double", "(hhi - 1/n) / (1 - 1/n); null at n = 1"),
    Column("effective_units", "double", "1 / hhi: equal units that would give the same hhi"),
    Column("gini", "double", "Gini coefficient, population form, over units with downloads"),
    Column("gini_corrected", "double", "gini * n / (n - 1); null at n = 1"),
    Column("theil", "double", "Theil index, sum p ln(n p), natural log"),
    Column("shannon_entropy", "double", "- sum p ln p, natural log"),
    *(Column(f"top_{k}_share", "double", f"share of the {k} largest units") for k in TOP_K),
    *(
        Column(f"tied_at_{k}", "boolean", f"the cut after the {k} largest falls inside a tie")
        for k in TOP_K
    ),
)

SILVER_MODEL_WEEKS = TableSpec(
    "silver",
    "model_weeks",
    grain="model and week with a report, zero counts and unknown ones included",
    key=("week_start", "model_key"),
    description="Weekly downloads of every model, names resolved and repeated reports settled.",
    partitioned_by=("week_start",),
    columns=(
        _required("model_key", "bigint", "xxhash64 of the resolved name; joins silver/models"),
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        Column(
            "download_count",
            "bigint",
            "downloads of the model in the week; null where they are unknown (flags stall or "
            "regression): then the week does not count, it is not 0",
        ),
        Column(
            "flags",
            "string",
            "comma-separated, sorted, null where none: no_metadata (name is not in models/), "
            "renamed (reported under an alias or a former name), recased (under another case), "
            "summed (several names added up); of counters catch_up, first_seen, gap, regression, "
            "reset, spread, stall (docs/method.md)",
        ),
        Column("week_label", "date", "the date as the source wrote it"),
        Column(
            "reported_as",
            "array<string>",
            "names the counts came under, sorted; null where just the model's own in models/",
        ),
        Column(
            "raw_difference",
            "bigint",
            "of counters: the counter's change that belongs to the week, falls included; less "
            "download_count, it is the revision; null in weeks of downloads/ and where unknown",
        ),
    ),
)

SILVER_SNAPSHOTS = TableSpec(
    "silver",
    "snapshots",
    grain="snapshot of snapshots/ that was read",
    key=("snapshot_date",),
    description="The cumulative counters that there are, and the days on which they stood still.",
    columns=(
        _required("snapshot_date", "date", "day of the snapshot, UTC: it counts up to the eve"),
        _required("source", "string", "as its manifest says; folder where it has none"),
        _required("files", "int", "files read"),
        _required("models", "bigint", "models with a usable counter"),
        Column(
            "compared_with",
            "date",
            "the snapshot before it that is no stall; null for the first two, which nothing judges",
        ),
        Column("active_models", "bigint", "models whose counter had risen to that one"),
        Column("unchanged_models", "bigint", "those of them whose counter stands still"),
        _required("is_stalled", "boolean", "nearly all stand still: left out of the differences"),
    ),
)

SILVER_MODELS = TableSpec(
    "silver",
    "models",
    grain="model of models/, or id known from downloads alone",
    key=("model_id",),
    description="Every model: identity, owner, dates, totals, and the landing's metadata.",
    columns=(
        *_MODEL,
        _required("developer", "string", "owner account, or `(no owner)`"),
        _required("organization", "string", "canonical organisation of the developer's account"),
        _required(
            "country",
            "string",
            "headquarters as in organizations/ (the exact word), User, or Unknown",
        ),
        _required("org_type", "string", "kind of organisation; unknown where unlisted"),
        _required("is_in_models", "boolean", "has a row in models/ (else known from downloads)"),
        Column("created_at", "timestamp", "createdAt as in the source, UTC"),
        Column(
            "created_date",
            "date",
            "date that recency windows use, after the creation mode; null where unknown",
        ),
        _required("created_censored", "boolean", "createdAt is one of the two floored seconds"),
        Column("first_seen", "date", "Monday of the first week with downloads"),
        Column(
            "last_seen",
            "date",
            "day of the last snapshot that has it: before the last of all, it has vanished; null "
            "where no snapshot has it",
        ),
        _required("total_downloads", "bigint", "downloads over all weeks"),
        _required("in_population", "boolean", "total_downloads reaches the population's floor"),
        _required("in_head_sample", "boolean", "among the most downloaded of some week"),
        Column("license", "string", "license as written in the card, else in the tags"),
        Column(
            "license_spdx",
            "string",
            "SPDX identifier, where card or tags name one license that has one",
        ),
        Column(
            "license_class",
            "string",
            "open_use, attribution, acceptable_use_policy, non_commercial, other; of an annotation "
            "where there is one, undocumented where it says so; else null where none is named",
        ),
        Column(
            "is_osi_approved",
            "boolean",
            "every license that card or tags name is approved by the OSI (no annotation counts)",
        ),
        Column("gated", "string", "gating as in the source: true, false, auto, manual"),
        Column("gating", "array<string>", "what a user must do before a download"),
        Column("languages", "array<string>", "ISO 639 codes, programming languages by name"),
        Column("parameter_count", "bigint", "parameters that the repository stores"),
        Column(
            "parameter_source",
            "string",
            "safetensors, gguf (both published), name, or estimated from bytes; null where unknown",
        ),
        Column("parameter_count_low", "bigint", "lower end of the error band, sizes.band wide"),
        Column("parameter_count_high", "bigint", "upper end; both the count itself if published"),
        Column(
            "parameter_flag",
            "string",
            "test that found the published count wrong: impossible_density, packed_dtype, "
            "packed_words, named_size, stray_bytes; or unchecked_name (no bytes); null else",
        ),
        Column("published_parameter_count", "bigint", "as published, right or wrong"),
        Column("size_class", "string", "class of parameter_count; null where that is unknown"),
        Column("input_modality", "array<string>", "what goes in"),
        Column("output_modality", "array<string>", "what comes out"),
        Column("modality", "string", "the one category that both give; null where undocumented"),
        Column("model_family", "string", "family of architectures that tags, header or name tell"),
        Column("architecture", "array<string>", "labels of architecture"),
        Column(
            "method",
            "string",
            "pre-trained, finetune, adapter, quantized, merge or repackaged; null where unknown",
        ),
        Column("training_methods", "array<string>", "labels of how it was trained"),
        Column("base_relation", "string", "documented relation to its parents, as in lineage"),
        Column("data_availability", "string", "whether training data are named; null where not"),
        Column("osi_data_criterion", "string", "by its training data: meets, between or lacks"),
        Column("annotated", "array<string>", "attributes whose labels an annotation gave"),
        Column("machine_annotated", "array<string>", "those of them that are a machine's labels"),
        Column(
            "annotation_source",
            "string",
            "human where a person gave one of these, else machine; null where nothing is annotated",
        ),
        Column("pipeline_tag", "string", "Hub task"),
        Column("library", "string", "library_name of the source"),
        Column("hub_id", "string", "the Hub's immutable id (_id)"),
        Column("author", "string", "author of the source"),
        Column("last_modified", "timestamp", "lastModified of the source, UTC"),
        Column("likes", "bigint", "likes at the capture"),
        Column("downloads_30d", "bigint", "trailing 30 days' downloads at the capture"),
        Column("downloads_all_time", "bigint", "cumulative downloads at the capture"),
        Column("used_storage", "bigint", "bytes stored (usedStorage)"),
        Column("tags", "array<string>", "Hub tags in the source's order"),
        Column("card_data", "string", "cardData as JSON"),
        Column("safetensors", "string", "safetensors as JSON"),
        Column("gguf", "string", "gguf as JSON"),
        Column("siblings", "string", "siblings as JSON"),
        Column("base_models", "string", "baseModels as JSON"),
        Column("other_fields", "string", "every further column of the landing, as JSON"),
        Column("source_file", "string", "file of the kept row, relative to the landing"),
        Column("source_row", "bigint", "its record number in that file, from 1"),
    ),
)

SILVER_MODEL_HISTORY = TableSpec(
    "silver",
    "model_history",
    grain="model of snapshots/ and span of days in which it is there and is described alike",
    key=("model_id", "valid_from"),
    description="What the snapshots say of each model, and from when until when.",
    columns=(
        *_MODEL,
        Column("hub_id", "string", "the Hub's immutable id (_id); null where nothing has one"),
        _required("name", "string", "the name that it bore then"),
        _required("developer", "string", "owner in that name, or `(no owner)`"),
        Column("license", "string", "license as written in the card, else in the tags"),
        Column("gated", "string", "gating as in the source: true, false, auto, manual"),
        Column("parents", "array<string>", "documented parents as written, in order; null: none"),
        _required("valid_from", "date", "day of the first snapshot that says so"),
        Column(
            "valid_to",
            "date",
            "day of the first later snapshot that says otherwise or lacks it; null: the last one "
            "says so",
        ),
        _required("last_seen", "date", "day of the last snapshot that says so"),
    ),
)

SILVER_LINEAGE = TableSpec(
    "silver",
    "lineage",
    grain="model of silver/models",
    key=("model_id",),
    description="Where every model comes from: first parent, root, depth, family.",
    columns=(
        *_MODEL,
        Column("parent_id", "string", "resolved first parent that is not the model itself"),
        Column("parent_name", "string", "that parent as written in the source"),
        Column("parent_source", "string", "annotation, card, baseModels or tags"),
        Column("relation", "string", "documented relation: finetune, adapter, quantized, merge"),
        Column(
            "kind",
            "string",
            "relation, or where none is documented what tags and library tell: quantized, adapter, "
            "merge, repackaged, else finetune; null for a model that names no parent",
        ),
        _required("root_id", "string", "end of the chain of first parents"),
        _required("root_key", "bigint", "xxhash64(root_id)"),
        _required("depth", "int", "first-parent steps to the root"),
        _required(
            "status", "string", "root, attributed, parent_missing, self, cycle or no_metadata"
        ),
        _required(
            "family_id", "string", "member with the smallest model_key of all linked by parents"
        ),
        _required("family_key", "bigint", "model_key of that member"),
        _required("family_size", "bigint", "models in the family"),
        Column("cycle_length", "bigint", "models on the cycle that the chain stands on or enters"),
        _required("parent_count", "int", "distinct documented parents other than the model itself"),
        _required("self_parent_count", "int", "entries dropped since they name the model itself"),
    ),
)

SILVER_REJECTS = TableSpec(
    "silver",
    "rejects",
    grain="input row that was not used",
    key=("source_file", "row", "reason"),
    description="Every input row that is not in the tables, with the reason and what it said.",
    columns=(
        _required("source_file", "string", "relative to the landing directory"),
        _required("row", "bigint", "record number in the file, from 1, header not counted"),
        _required("reason", "string", "why: see docs/method.md"),
        Column("raw_values", "string", "the row's cells as JSON"),
    ),
)

SILVER_LEADERBOARD = TableSpec(
    "silver",
    "leaderboard",
    grain="version of the Open LLM Leaderboard and model: the result that is kept of it",
    key=("version", "model_id"),
    description="Every model of the leaderboard: who made it, from what, how large and how good.",
    columns=(
        _required("version", "string", "v1 or v2: other benchmarks, other scale; never pooled"),
        *_MODEL,
        _required("author", "string", "owner account, or `(no owner)`"),
        _required("name", "string", "the name as the board writes it, out of its link"),
        Column("resolution", "string", "how it was found in models/; null where there is none"),
        _required("submissions", "bigint", "usable results of the model (precisions, revisions)"),
        Column("date", "date", "day of its first submission, or else the next best date"),
        Column("date_source", "string", "submission, upload or creation; null without a date"),
        Column("result_date", "date", "day on which the kept result was submitted or uploaded"),
        _required(
            "type",
            "string",
            "pre-trained, continually pre-trained, fine-tuned, chat, merge or unknown",
        ),
        Column("type_written", "string", "as the board writes it"),
        Column("architecture", "string", "as the board writes it; null where it does not know"),
        Column("weight_type", "string", "Original, Adapter or Delta, as written"),
        Column("precision", "string", "of the kept result"),
        Column("revision", "string", "of the kept result"),
        Column("license", "string", "as the board writes it, else as in silver/models"),
        Column("score", "double", "average over the version's benchmarks, 0-100"),
        Column("scores", "string", "score of each benchmark, as JSON"),
        Column(
            "parameters_billions",
            "double",
            "parameters in billions; null where unknown or not above 0",
        ),
        _required("has_invalid_size", "boolean", "the board says 0 or less, and nothing else"),
        Column("likes", "bigint", "likes on the Hub"),
        _required("is_flagged", "boolean", "flagged by the board in any of its results"),
        _required("is_removed", "boolean", "no longer on the Hub, in all of its results"),
        _required("is_merged", "boolean", "said to be a merge, whatever its type"),
        _required("is_moe", "boolean", "said to be a mixture of experts"),
        Column(
            "inverted",
            "string",
            "columns (available, flagged, merged, moe) that its file has the wrong way round and "
            "that were turned here, by comma; null where none",
        ),
        _required("in_means", "boolean", "neither flagged nor removed: in means and best scores"),
        Column("base_model_id", "string", "base model, itself for a base; null where unknown"),
        Column("base_family", "string", "its family, other for a base in none; null where unknown"),
        Column(
            "base_evidence",
            "string",
            "lineage (documented root), leaderboard (named there), type (pre-trained: its own "
            "base), name or architecture; null where nothing tells",
        ),
        Column(
            "downloads",
            "bigint",
            "downloads over all weeks, without weekly counts of the 30 days before the capture of "
            "models/; null where the model is in neither",
        ),
        Column("has_dataset", "boolean", "names training data; null for a model not in models/"),
        _required("source_file", "string", "file of the kept result, relative to the landing"),
        _required("source_row", "bigint", "its record number in that file, from 1"),
        *_RUN,
    ),
)

SILVER_RESOLUTIONS = TableSpec(
    "silver",
    "resolutions",
    grain="source of names and kind of resolution that occurs",
    key=("source", "resolution"),
    description="How names in downloads, lists of parents and annotations were found in models/.",
    columns=(
        _required(
            "source",
            "string",
            "downloads (weekly counts), parents (listed parents) or annotations (usable rows)",
        ),
        _required(
            "resolution",
            "string",
            "exact (as written), renamed (an alias, or a former name with the same `_id`), recased "
            "(other case), hub_id (a parent's `_id`), unknown (not in models/)",
        ),
        _required(
            "rows", "bigint", "counts, parents or rows; a count under several names is in each"
        ),
        *_RUN,
    ),
)

GOLD_WEEKS = TableSpec(
    "gold",
    "weeks",
    grain="ISO week from the first to the last, missing weeks included",
    key=("week_start",),
    description="What is known of each week, over everything (not only the population).",
    columns=(
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        Column("week_label", "date", "the week's date as the source wrote it"),
        _required("is_missing", "boolean", "no downloads were reported for the week"),
        _required("is_complete", "boolean", "false only for a last week known to be partial"),
        Column("rows", "bigint", "rows of silver/model_weeks"),
        Column("downloads", "bigint", "downloads of all models"),
        Column("models", "bigint", "models with downloads"),
        Column("population_downloads", "bigint", "downloads of the population"),
        Column("coverage", "double", "share of downloads whose model is in models/"),
        Column("censored_share", "double", "share of downloads from models with a floored date"),
        Column("head_share", "double", "share of downloads from the head sample"),
        Column("known_breaks", "string", "breaks that follow from the method, `; ` between them"),
        Column("source", "string", "downloads (weekly counts) or snapshots (of counters)"),
        Column("unknown_models", "bigint", "rows without a count: a fall or a stall"),
        Column(
            "covered_days",
            "int",
            "days between snapshots that belong to the week, 7 for a whole one; less at the ends; "
            "null for weeks of downloads/",
        ),
        Column(
            "other_downloads",
            "bigint",
            "downloads by the source that weeks.precedence passes over; null where there is one",
        ),
        Column(
            "differing_models",
            "bigint",
            "models of which the two sources know different counts (one that is in one alone has 0 "
            "in the other); null where there is one",
        ),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_SAMPLES = TableSpec(
    "gold",
    "samples",
    grain="sample: all, population, head",
    key=("sample",),
    description="Size of each sample over the whole history.",
    columns=(
        _required("sample", "string", "all, population or head"),
        _required("models", "bigint", "models in the sample"),
        Column("share_of_models", "double", "of all models"),
        _required("downloads", "bigint", "their downloads over all weeks"),
        Column("share_of_downloads", "double", "of all downloads"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_USAGE_SHARES = TableSpec(
    "gold",
    "usage_shares",
    grain="week, level, attribution, window and entity among the 1,000 largest, and the rest",
    key=("week_start", "level", "attribution", "recency_window", "rank"),
    partitioned_by=("week_start",),
    description="Who is downloaded: shares of the population's downloads, week by week.",
    columns=(
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        *_CELL,
        Column("rank", "int", "row number by downloads, ties by entity; null for `(rest)`"),
        _required("entity", "string", f"name of the unit, or `{REST}`"),
        _required("downloads", "bigint", "downloads within the window"),
        _required("share", "double", "of the week's downloads within the window, 0-1"),
        Column("member_count", "bigint", f"units in `{REST}`, else null"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_CONCENTRATION = TableSpec(
    "gold",
    "concentration",
    grain="week, level, scope, attribution and window",
    key=("week_start", "level", "scope", "attribution", "recency_window"),
    description="How concentrated the population's downloads are, week by week.",
    columns=(
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        *_CELL[:1],
        _SCOPE,
        *_CELL[1:],
        *_METRICS,
        _required(
            "eligible_units",
            "bigint",
            "units with a model created by the end of the week and still within the window, "
            "downloads or not, and every unit counted in n",
        ),
        Column("gini_eligible", "double", "gini with eligible units without downloads as zeros"),
        Column("coverage", "double", "as in gold/weeks"),
        Column("censored_share", "double", "as in gold/weeks"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARDS = TableSpec(
    "gold",
    "leaderboards",
    grain="period, level, attribution, window and rank among the 1,000 largest",
    key=("period", "level", "attribution", "recency_window", "rank"),
    description="Who leads over all time, among last year's models, and over the last year.",
    columns=(
        _required("period", "string", "all_time, cohort_1y or rolling_1y"),
        *_CELL,
        _required("rank", "int", "row number by downloads, ties by entity"),
        _required("entity", "string", "name of the unit"),
        _required("downloads", "bigint", "downloads in the period's complete weeks, in the window"),
        _required("share", "double", "of all downloads of the same period, level and window"),
        Column("developer", "string", "of the entity, for models and developers"),
        Column("country", "string", "of the entity; null for kinds, and where accounts differ"),
        Column("kind", "string", "of a model: root, or how it was derived"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_DEVELOPER_TRENDS = TableSpec(
    "gold",
    "developer_trends",
    grain="level, attribution, window, complete week, and entity of the fixed top 20 or the rest",
    key=("level", "attribution", "recency_window", "week_start", "rank"),
    description="The leading developers and organisations over time, the same 20 in every week, "
    "and the rest.",
    columns=(
        *_CELL,
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        _required("entity", "string", f"developer or organisation, or `{REST}`"),
        Column("rank", "int", f"place in the whole history, 1-20; null for `{REST}`"),
        _required("downloads", "bigint", "downloads within the window, 0 kept"),
        Column("share", "double", "of the week's downloads within the window; null where none"),
        _required("cumulative_downloads", "bigint", "running total of downloads"),
        Column("cumulative_share", "double", "of the running total of all; null where none yet"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_PERIOD_SUMMARY = TableSpec(
    "gold",
    "period_summary",
    grain="period of conf/periods.toml, level, scope, attribution and window",
    key=("period", "level", "scope", "attribution", "recency_window"),
    description="Concentration of the downloads pooled over a period's complete weeks.",
    columns=(
        _required("period", "string", "name of the period"),
        Column("first_week", "date", "first complete week of the period in the data"),
        Column("last_week", "date", "last complete week of the period in the data"),
        _required("weeks", "int", "complete weeks with data"),
        *_CELL[:1],
        _SCOPE,
        *_CELL[1:],
        *_METRICS,
        Column("leader", "string", "entity with most downloads (ties: the first by name)"),
        Column("leader_share", "double", "its share"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_INTERMEDIARIES = TableSpec(
    "gold",
    "intermediaries",
    grain="period, developer and window; a total per period; a total per complete week",
    key=("period", "week_start", "is_total", "developer", "recency_window"),
    description="How much of the downloads goes through accounts that build on others' roots.",
    columns=(
        _required("period", "string", "name of the period, or `week` for a weekly total"),
        Column("week_start", "date", "Monday of the week for weekly totals, else null"),
        _required("developer", "string", f"owner of the downloaded models; `{TOTAL}` for a total"),
        _required("is_total", "boolean", "whether the row sums all developers"),
        _required("recency_window", "string", "as in usage_shares"),
        _required("downloads", "bigint", "downloads of the developer's models in the window"),
        _required("others_downloads", "bigint", "of models whose root has another developer"),
        Column("others_share", "double", "others_downloads / downloads; null where 0 downloads"),
        *(
            Column(f"{kind}_share", "double", f"the part of others_share that is {kind}")
            for kind in DERIVATION_KINDS
        ),
        _required("root_developers_served", "bigint", "distinct other developers of the roots"),
        Column("is_intermediary", "boolean", "others_share above the threshold; null for totals"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_FAMILIES = TableSpec(
    "gold",
    "families",
    grain="root with at least one derivative",
    key=("root_id",),
    description="What rests on a root: its derivatives, who made them, how fast, how used.",
    columns=(
        _required("root_id", "string", "root as in silver/lineage"),
        _required("root_key", "bigint", "xxhash64(root_id)"),
        _required("developer", "string", "the root's developer"),
        _required("country", "string", "the root's country unit"),
        Column("created_at", "timestamp", "the root's creation, UTC"),
        _required("derivatives", "bigint", "models of models/ whose root this is, without itself"),
        _required("derivative_developers", "bigint", "distinct developers of the derivatives"),
        _required("derivative_countries", "bigint", "distinct nations of the derivatives"),
        _required("max_depth", "int", "longest chain of first parents that ends here"),
        _required("downloads", "bigint", "of root and derivatives in the population"),
        _required("root_downloads", "bigint", "of the root itself, where in the population"),
        Column("share", "double", "downloads / all downloads of the population"),
        Column("days_to_1st_derivative", "int", "from the root's date; null where not known"),
        Column("days_to_10th_derivative", "int", "likewise, 10th by creation date"),
        Column("days_to_100th_derivative", "int", "likewise, 100th by creation date"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_ORG_TYPE_BY_COUNTRY = TableSpec(
    "gold",
    "org_type_by_country",
    grain="period, attribution, window, country (or rest of a region) and org_type",
    key=("period", "attribution", "recency_window", "region", "country", "org_type"),
    description="Which kinds of organisation each country's downloads come from.",
    columns=(
        _required("period", "string", "name of the period, or `all`"),
        *_CELL[1:],
        _required("region", "string", "region of conf/countries.toml; User apart"),
        _required("country", "string", "country, or `rest of <region>` where not listed singly"),
        _required("org_type", "string", "kind of organisation"),
        _required("downloads", "bigint", "pooled over the period's complete weeks"),
        Column("share_of_country", "double", "of the country's downloads in the period"),
        _PARAMETERS,
        *_RUN,
    ),
)

_LABELLED = (
    _required("attribute", "string", "attribute of conf/taxonomy.toml"),
    _required("granularity", "string", "label (of the annotation sheet) or category (of Table 1)"),
    _required("category", "string", "label or category; the attribute's word for absent, too"),
)

GOLD_ATTRIBUTE_SHARES = TableSpec(
    "gold",
    "attribute_shares",
    grain="sample, week or bin of years, window, attribute, granularity and category",
    key=("sample", "period", "recency_window", "attribute", "granularity", "category"),
    description="What the downloaded models are, by every attribute of the paper.",
    columns=(
        _required("sample", "string", "population or head (the head sample)"),
        _required(
            "period", "string", "Monday of a week, or a bin of complete weeks: <=2022, 2023, ..."
        ),
        Column("week_start", "date", "Monday of the ISO week, UTC; null for bins"),
        _required("recency_window", "string", "none, or days after creation in which they count"),
        *_LABELLED,
        _required("downloads", "bigint", "of the sample's models in this category, in the window"),
        _required(
            "share",
            "double",
            "of the sample's downloads; of an exclusive attribute they sum to 1, else to more",
        ),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_ATTRIBUTE_SHIFTS = TableSpec(
    "gold",
    "attribute_shifts",
    grain="attribute and category of the head sample",
    key=("attribute", "category"),
    description="What the downloaded models became after the pivot: shares, models, tests. The row "
    "model_size compares the mean size of what is downloaded.",
    columns=(
        *(column for column in _LABELLED if column.name != "granularity"),
        Column("share_before", "double", "of the head sample's downloads before the pivot"),
        Column("share_after", "double", "and from the pivot on; null without downloads"),
        Column(
            "mean_before",
            "double",
            "row model_size only: mean parameters, by downloads of models of known size",
        ),
        Column("mean_after", "double", "and from the pivot on; null without downloads"),
        Column("multiplier", "double", "after / before of share or mean; null where before is 0"),
        _required("n_before", "bigint", "models of the category (of known size) before the pivot"),
        _required("n_after", "bigint", "and from the pivot on"),
        _required("of_before", "bigint", "all models of the head sample that came before"),
        _required("of_after", "bigint", "and from the pivot on"),
        Column(
            "test",
            "string",
            "chi_square_yates, or fisher_exact where few are expected; mann_whitney_u of sizes",
        ),
        Column("p_value", "double", "that the category is as frequent after as before"),
        Column("cramers_v", "double", "strength of the association, 0-1; null of sizes"),
        Column("q_value", "double", "p_value after Benjamini and Hochberg, over all rows"),
        Column("passes", "boolean", "q_value is below attributes.significance"),
        Column("rank", "int", "by the absolute logarithm of the multiplier; null without one"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_MODALITY_FLOWS = TableSpec(
    "gold",
    "modality_flows",
    grain="sample, period, window, set of inputs and set of outputs",
    key=("sample", "period", "recency_window", "inputs", "outputs"),
    description="From what goes into the downloaded models to what comes out.",
    columns=(
        _required("sample", "string", "population or head (the head sample)"),
        _required("period", "string", "name of the period, or `all`; complete weeks"),
        _required("recency_window", "string", "none, or days after creation in which they count"),
        _required("inputs", "string", "labels of what goes in, between ` + `, or Undocumented"),
        _required("outputs", "string", "labels of what comes out, grouped, or Undocumented"),
        _required("downloads", "bigint", "of the sample's models with these, in the window"),
        _required("share", "double", "of the sample's downloads in the period and window"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_SIZE_DISTRIBUTION = TableSpec(
    "gold",
    "size_distribution",
    grain="sample, basis, weighting, year, window and bin of sizes that has models",
    key=("sample", "basis", "weighting", "year", "recency_window", "bin_low"),
    description="How large the models are that were downloaded, or created, in a year. n, weight, "
    "known_share, mean and quartiles are those of the year, equal in each of its bins.",
    columns=(
        _required("sample", "string", "population or head (the head sample)"),
        _required(
            "basis", "string", "downloaded in complete weeks of the year, or created in the year"
        ),
        _required("weighting", "string", "models (each counts once) or downloads"),
        _required(
            "year", "int", "of the week's Monday, or of the creation (floored dates left out)"
        ),
        _required("recency_window", "string", "of the downloads; none for what was created"),
        _required("bin_low", "double", "parameters from which on a model is in the bin"),
        _required("bin_high", "double", "and below which"),
        _required("share", "double", "of the weight of models of known size"),
        _required("density", "double", "share per unit of log10 of parameters"),
        _required("n", "bigint", "models of known size"),
        _required("weight", "bigint", "these models, or their downloads"),
        _required("known_share", "double", "part of the whole weight whose size is known"),
        _required("mean", "double", "parameters, weighted"),
        *(
            _required(name, "double", f"smallest size that {part} of the weight does not exceed")
            for name, part in (
                ("quartile_1", "a quarter"),
                ("median", "half"),
                ("quartile_3", "three quarters"),
            )
        ),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_MODEL_SIZES = TableSpec(
    "gold",
    "model_sizes",
    grain="way of holding out, method, and which held-out models",
    key=("held_out_by", "method", "among"),
    description="How good sizes are on models that the fit did not see, and what it adds.",
    columns=(
        _required("held_out_by", "string", "id, or owner with all that he published; a quarter"),
        _required(
            "method",
            "string",
            "plain line (RANSAC on log bytes), bits line (on weights that the bytes hold), "
            "regression (the estimate), cascade (names first), believing regression (its fit takes "
            "every published count as right)",
        ),
        _required("among", "string", "all, not flagged or flagged: published counts found wrong"),
        _required("n", "bigint", "held-out models"),
        Column("r2_log", "double", "R2 of log10 of parameters; null where undefined"),
        Column("r2_linear", "double", "R2 of parameters"),
        Column("median_error", "double", "median of |estimate / published - 1|"),
        Column("within_1_5", "double", "share within a factor of 1.5"),
        Column("within_2", "double", "share within a factor of 2"),
        Column("in_band", "double", "share of published counts inside the error band"),
        _required("intercept", "double", "of the method's RANSAC line, log10 of parameters"),
        _required("slope", "double", "of the line"),
        _required("fit_models", "bigint", "models that made the line"),
        _required("inliers", "bigint", "of them within RANSAC's residual"),
        Column("published_models_share", "double", "of all models: a published count stands"),
        Column("sized_models_share", "double", "of all models: some size is known"),
        Column("published_downloads_share", "double", "of all downloads: a published count stands"),
        Column("sized_downloads_share", "double", "of all downloads: some size is known"),
        _required("flagged_models", "bigint", "published counts that a test found wrong"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_DERIVATION_FLOWS = TableSpec(
    "gold",
    "derivation_flows",
    grain="sample, period, window, step, method before and method",
    key=("sample", "period", "recency_window", "step", "previous_method", "method"),
    description="How the downloaded models were made, derivation by derivation from their roots.",
    columns=(
        _required("sample", "string", "population or head (the head sample)"),
        _required("period", "string", "name of the period, or `all`; complete weeks"),
        _required("recency_window", "string", "none, or days after creation in which they count"),
        _required("step", "string", "1, 2: the first, second derivation from the root; 3+: later"),
        _required(
            "previous_method",
            "string",
            "how the model was made that the step starts from: as method; at step 1 of a root",
        ),
        _required(
            "method",
            "string",
            "how the step's model was made: a category of training_methods, `continued "
            "pretraining`, or Undocumented; `not derived` without a parent, `ended` after the last",
        ),
        _required("downloads", "double", "of the sample's models; several methods share equally"),
        _required("share", "double", "of the sample's downloads; those of a step sum to 1"),
        _PARAMETERS,
        *_RUN,
    ),
)

_CRITERION_SHARES = (
    ("meets_share", "of all downloads: models that meet the OSI data criterion"),
    ("lacks_share", "likewise: that lack it"),
    ("documented_share", "likewise: of which it is known at all; of the rest nobody knows"),
)

GOLD_OSI_CROSSOVER = TableSpec(
    "gold",
    "osi_crossover",
    grain="sample, window and grain",
    key=("sample", "recency_window", "grain"),
    description="When models that lack the OSI data criterion overtook those that meet it.",
    columns=(
        _required("sample", "string", "population or head (the head sample)"),
        _required("recency_window", "string", "none, or days after creation in which they count"),
        _required("grain", "string", "week, quarter or year: what is compared; complete weeks"),
        _required("periods", "bigint", "periods with downloads; missing weeks are in none"),
        Column("first_observed", "string", "the first of them: Monday, 2025-Q1 or 2025"),
        Column("last_observed", "string", "the last of them"),
        *(Column(name, "double", f"{text}; all periods") for name, text in _CRITERION_SHARES),
        Column("first_period", "string", "first in which lacks_share is larger; null where never"),
        Column("first_weeks", "bigint", "complete weeks that it has in the data"),
        *(
            Column(f"first_{name}", "double", f"{text}; first_period")
            for name, text in _CRITERION_SHARES
        ),
        Column("lasting_period", "string", "from it on lacks_share is larger in all; null if none"),
        Column("lasting_weeks", "bigint", "complete weeks that it has in the data"),
        *(
            Column(f"lasting_{name}", "double", f"{text}; lasting_period")
            for name, text in _CRITERION_SHARES
        ),
        Column(
            "is_overtaking",
            "boolean",
            "meets_share was larger in a period before first_period: false says that the data "
            "begin too late to show it, null that there is no first_period",
        ),
        _required("order_changes", "bigint", "how often the larger share became the smaller"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_FIELD_COVERAGE = TableSpec(
    "gold",
    "field_coverage",
    grain="sample, attribute and source",
    key=("sample", "attribute", "source"),
    description="Of how many models, and of how many downloads, an attribute is known.",
    columns=(
        _required("sample", "string", "all, population or head"),
        _required("attribute", "string", "attribute of conf/taxonomy.toml"),
        _required("source", "string", "human, machine or derived; any for all together"),
        _required("models", "bigint", "models with a label of the attribute from the source"),
        Column("share_of_models", "double", "of the sample's models"),
        _required("downloads", "bigint", "their downloads over all weeks"),
        Column("share_of_downloads", "double", "of the sample's downloads; null where none"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_ANOMALIES = TableSpec(
    "gold",
    "anomalies",
    grain="rule and model, and week where the rule is on weeks",
    key=("rule", "model_id", "week_start"),
    description="Downloads of the population that named rules find abnormal; no other table leaves "
    "them out.",
    columns=(
        _required("rule", "string", "downloads_per_like or surge: see docs/method.md"),
        *_MODEL,
        Column("week_start", "date", "Monday of the ISO week, UTC; null: the whole history"),
        _required("downloads", "bigint", "downloads of the model in the week, or in all weeks"),
        _required(
            "expected",
            "double",
            "downloads that the model's likes, or its weeks before, let expect",
        ),
        _required("ratio", "double", "downloads / expected"),
        Column(
            "robust_z",
            "double",
            "0.6745 (x - median) / MAD, x the logarithm; null where the MAD is 0 (surge alone)",
        ),
        _required("share", "double", "of the population's downloads of the week, or of all weeks"),
        _required("evidence", "string", "what was compared, in words"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_SENSITIVITY = TableSpec(
    "gold",
    "sensitivity",
    grain="period, headline window, option and value, level, scope, figure and entity",
    key=(
        *("period", "headline_window", "option", "value"),
        *("level", "scope", "figure", "entity"),
    ),
    description="How the headline figures move when one option at a time is changed.",
    columns=(
        _required("period", "string", "name of the period, `all`, or rolling_1y"),
        _required("headline_window", "string", "recency window of the headline cell"),
        _required("option", "string", "the one option that is changed: see docs/method.md"),
        _required("value", "string", "its value; all other options as in the run and this cell"),
        _required("level", "string", "unit: developer, organization or country"),
        _SCOPE,
        _required(
            "figure",
            "string",
            "hhi, effective_units, top_1_share, top_3_share, top_10_share; share: of the entity",
        ),
        Column("entity", "string", "for share: one of the baseline's largest units, else null"),
        _required("attribution", "string", "none or root, as the value has it"),
        _required("recency_window", "string", "none or days, as the value has it"),
        _required("is_baseline", "boolean", "the value is that of the run and the headline cell"),
        Column("result", "double", "null without downloads, or where there is no such unit"),
        Column("baseline", "double", "the figure of the headline cell"),
        Column("change", "double", "result - baseline"),
        _required("units", "bigint", "units with downloads"),
        _required(
            "downloads",
            "bigint",
            "of these units in the window; rounded for national under equal_split",
        ),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_ANNOTATION_QUALITY = TableSpec(
    "gold",
    "annotation_quality",
    grain="field of the annotation sheet, granularity, measure, and whose labels are held to whose",
    key=("attribute", "granularity", "measure", "source", "reference"),
    description="How far annotators agree, and how right labels are by those of reviewers. Over "
    "all annotated models, in the population or not.",
    columns=(
        _required("attribute", "string", "attribute of conf/taxonomy.toml, or derived_from"),
        _required(
            "granularity",
            "string",
            "label (the set of labels) or category (of Table 1; of derived_from: derived or not)",
        ),
        _required("measure", "string", "agreement (Krippendorff's alpha) or accuracy (a share)"),
        _required("source", "string", "whose labels: human, machine or derived (from metadata)"),
        _required(
            "reference",
            "string",
            "to whose they are held: human (agreement of source human: one another), or review",
        ),
        _required("annotators", "int", "people and machines whose labels were compared"),
        _required("models", "bigint", "models with a label on both sides"),
        _required("agreeing", "bigint", "models of these whose labels are all the same"),
        Column(
            "value",
            "double",
            "alpha (1: perfect, 0: as by chance), null where only one label occurs; or agreeing / "
            "models",
        ),
        Column("low", "double", "of accuracy: lower end of Wilson's interval; of alpha null"),
        Column("high", "double", "and upper end, at the confidence of annotations.confidence"),
        Column("is_below_bar", "boolean", "accuracy is below annotations.bar; of alpha null"),
        _PARAMETERS,
        *_RUN,
    ),
)

_VERSION = _required("version", "string", "v1 or v2 of the leaderboard; no figure is of both")
_IN_WEEK = (
    _required("models", "bigint", "models of the group that were submitted in the week"),
    _required("cumulative", "bigint", "models of the group up to the week"),
    Column("share", "double", "of the week's models; null in a week without any"),
)

GOLD_LEADERBOARD_AUTHORS_DAILY = TableSpec(
    "gold",
    "leaderboard_authors_daily",
    grain="version of the leaderboard and day from its first submission to its last",
    key=("version", "day"),
    description="Authors that submit for the first time, day by day (Fig. 1 of the second study).",
    columns=(
        _VERSION,
        _required("day", "date", "UTC"),
        _required("new_authors", "bigint", "authors whose first dated model is of this day"),
        _required("cumulative_authors", "bigint", "authors up to the day"),
        _required("new_models", "bigint", "models whose date is this day"),
        _required("cumulative_models", "bigint", "models up to the day"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_AUTHORS = TableSpec(
    "gold",
    "leaderboard_authors",
    grain="version of the leaderboard and author; and one row for all authors (is_total)",
    key=("version", "author"),
    description="Models per author, and what Price's law says against what is so (Fig. 2).",
    columns=(
        _VERSION,
        _required("author", "string", "owner account, `(no owner)`, or `(all)`"),
        _required("is_total", "boolean", "the row of all authors, which has the figures"),
        _required("models", "bigint", "models, flagged and removed ones too"),
        Column("rank", "int", "row number by models, ties by author; null in the total"),
        Column("share", "double", "of all models; null in the total"),
        Column("cumulative_share", "double", "of this and all authors before; null in the total"),
        Column("authors", "bigint", "authors; only in the total, as all that follow"),
        Column("gini", "double", "Gini coefficient of models per author"),
        Column("hhi", "double", "Herfindahl-Hirschman index of models per author"),
        Column("top_10_share", "double", "share of the 10 authors with most models"),
        Column("top_200_share", "double", "share of the 200 authors with most models"),
        Column("price_authors", "bigint", "square root of the number of authors, rounded up"),
        Column("price_share", "double", "share of models that so many authors really hold"),
        Column("price_holds", "boolean", "they hold half or more, as Price's law says"),
        Column("authors_of_half", "bigint", "fewest authors that hold half of the models"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_CONCENTRATION = TableSpec(
    "gold",
    "leaderboard_concentration",
    grain="version of the leaderboard, or the whole Hub, and activity",
    key=("version", "activity"),
    description="Is building less concentrated than use? The metrics of gold/concentration over "
    "authors.",
    columns=(
        _required("version", "string", "v1 or v2, or hub: all models of silver/models"),
        _required("activity", "string", "building (models) or use (downloads, over all weeks)"),
        _required("units", "bigint", "authors with a model, or with downloads"),
        _required("amount", "bigint", "their models or downloads"),
        *_METRICS[2:],
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_CONTRIBUTORS = TableSpec(
    "gold",
    "leaderboard_contributors",
    grain="repository of contributors/; and one row for all of them (is_total)",
    key=("model_id",),
    description="How many people commit to a repository (Fig. 3).",
    columns=(
        _required("model_id", "string", "as contributors/ names it, or `(all)`"),
        _required("is_total", "boolean", "the row of all repositories"),
        Column("in_leaderboard", "boolean", "the leaderboard has it; null in the total"),
        Column("contributors", "bigint", "distinct commit authors; null in the total"),
        Column("is_single", "boolean", "it has just one; null in the total"),
        Column("repositories", "bigint", "repositories; only in the total, as all that follow"),
        Column("single", "bigint", "repositories with a single contributor"),
        Column("single_share", "double", "their share"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_METADATA_WEEKLY = TableSpec(
    "gold",
    "leaderboard_metadata_weekly",
    grain="version of the leaderboard and week from its first submission to its last",
    key=("version", "week_start"),
    description="How much is documented of the models that are submitted.",
    columns=(
        _VERSION,
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        _required("models", "bigint", "models of the week"),
        _required("with_license", "bigint", "models with a license (`unknown` is none)"),
        _required("with_base_model", "bigint", "models whose base model is documented"),
        _required("with_inferred_base", "bigint", "models whose base is documented or inferred"),
        _required("with_size", "bigint", "models with a size above 0"),
        _required("models_on_hub", "bigint", "models that are in models/: only their cards tell"),
        _required("with_dataset", "bigint", "of these, models that name training data"),
        Column("license_share", "double", "of the models; null in a week without any, as below"),
        Column("base_model_share", "double", "of the models"),
        Column("inferred_base_share", "double", "of the models"),
        Column("size_share", "double", "of the models"),
        Column("dataset_share", "double", "of models_on_hub; null where there are none"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_TYPES_WEEKLY = TableSpec(
    "gold",
    "leaderboard_types_weekly",
    grain="version of the leaderboard, week and type of model",
    key=("version", "week_start", "type"),
    description="Types of models over time and how good they are (Figs. 4 and 7).",
    columns=(
        _VERSION,
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        _required("type", "string", "as in silver/leaderboard; all are in every week"),
        _required("new", "bigint", "models of the week"),
        _required("cumulative", "bigint", "models up to the week"),
        _required("scored", "bigint", "models of the week in the mean: not flagged, not removed"),
        Column("mean_score", "double", "mean average of these; null where there are none"),
        Column(
            "smoothed_score",
            "double",
            "mean average of all such models in leaderboard.smooth_weeks weeks around this one",
        ),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_ARCHITECTURES_WEEKLY = TableSpec(
    "gold",
    "leaderboard_architectures_weekly",
    grain="version of the leaderboard, week and architecture",
    key=("version", "week_start", "architecture"),
    description="Architectures of submitted models over time (Fig. 5).",
    columns=(
        _VERSION,
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        _required(
            "architecture",
            "string",
            "one of the most frequent known ones, other, or unknown; all are in every week",
        ),
        *_IN_WEEK,
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_BASE_MODELS_WEEKLY = TableSpec(
    "gold",
    "leaderboard_base_models_weekly",
    grain="version of the leaderboard, week and family of base models",
    key=("version", "week_start", "base_family"),
    description="What submitted models are built on, over time (Fig. 6).",
    columns=(
        _VERSION,
        _required("week_start", "date", "Monday of the ISO week, UTC"),
        _required(
            "base_family",
            "string",
            "one of the most frequent families, other, or unknown; all are in every week",
        ),
        *_IN_WEEK,
        Column("downloads", "bigint", "downloads of these models; null where none are known"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_RELEASES = TableSpec(
    "gold",
    "leaderboard_releases",
    grain="base model of conf/base_models.toml",
    key=("base_model_id",),
    description="When base models were released: marks for charts over time (Fig. 6).",
    columns=(
        _required("base_model_id", "string", "its name on the Hub"),
        _required("base_family", "string", "family, as in silver/leaderboard"),
        _required("developer", "string", "account of its developer"),
        _required("parameters_billions", "double", "parameters in billions"),
        _required("released", "date", "day of its developer's announcement"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_LICENSES = TableSpec(
    "gold",
    "leaderboard_licenses",
    grain="version of the leaderboard and license",
    key=("version", "license"),
    description="Licenses of submitted models and what they permit (Table 5).",
    columns=(
        _VERSION,
        _required("license", "string", "as written, in lower case; undocumented where none is"),
        _required("rank", "int", "row number by models, ties by license"),
        _required("models", "bigint", "models"),
        _required("share", "double", "of all models of the version"),
        _required("license_class", "string", "class, as in silver/models; undocumented for none"),
        *(
            _required(use, "string", f"{use} use: yes, limited, no or unknown")
            for use in ("commercial", "academic", "personal")
        ),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_SIZES = TableSpec(
    "gold",
    "leaderboard_sizes",
    grain="version of the leaderboard and size class, unknown last",
    key=("version", "size_class"),
    description="How large submitted models are, how used, and the best of each class "
    "(Figs. 8 and 9).",
    columns=(
        _VERSION,
        _required("size_class", "string", "billions of parameters, from and below; or unknown"),
        _required("class_order", "int", "place of the class, from 0"),
        _required("models", "bigint", "models"),
        _required("share", "double", "of all models"),
        Column("cumulative_share", "double", "up to the class, of those of known size"),
        Column("downloads", "bigint", "downloads of these models; null where none are known"),
        Column("download_share", "double", "of all downloads; null where there are none"),
        Column("best_model_id", "string", "best average, neither flagged nor removed"),
        Column("best_score", "double", "its average"),
        Column("best_date", "date", "day of that result, else the model's"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_SIZE_ARCHITECTURES = TableSpec(
    "gold",
    "leaderboard_size_architectures",
    grain="version of the leaderboard, size class and architecture",
    key=("version", "size_class", "architecture"),
    description="Which architectures the models of a size have (Fig. 8).",
    columns=(
        _VERSION,
        _required("size_class", "string", "as in gold/leaderboard_sizes"),
        _required("class_order", "int", "place of the class, from 0"),
        _required("architecture", "string", "as the board writes it, or unknown"),
        _required("models", "bigint", "models"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_SIZE_FOR_SCORE = TableSpec(
    "gold",
    "leaderboard_size_for_score",
    grain="version of the leaderboard, month with a submission, and percent of the best average",
    key=("version", "month", "percent"),
    description="How small a model can be for a given score (Fig. 10).",
    columns=(
        _VERSION,
        _required("month", "date", "its first day"),
        _required("percent", "int", "of the best average"),
        _required("submitted", "bigint", "models of the month, flagged and removed ones too"),
        Column("best_score", "double", "best average of the month, or so far, as configured"),
        _required("reaching", "bigint", "models that reach the percent of it"),
        _required("reaching_sized", "bigint", "of these, models of known size"),
        Column("smallest_billions", "double", "smallest of these, in billions"),
        Column("smallest_model_id", "string", "the model; of equal sizes the best"),
        Column("mean_billions", "double", "mean of these, in billions"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_IMPROVEMENT = TableSpec(
    "gold",
    "leaderboard_improvement",
    grain="version of the leaderboard and base model with a derivative or merge; and one row for "
    "all (is_total)",
    key=("version", "base_model_id"),
    description="How much better the best derivative is than its base (Fig. 11).",
    columns=(
        _VERSION,
        _required("base_model_id", "string", "base model, or `(all)`"),
        _required("is_total", "boolean", "the row of all base models"),
        Column("base_family", "string", "family of the base; null in the total"),
        Column("base_score", "double", "its own average; null: not there, flagged or removed"),
        _required("derivatives", "bigint", "models built on it, without merges"),
        _required("merges", "bigint", "merges that are built on it"),
        Column("best_model_id", "string", "best derivative, no merge, not flagged, not removed"),
        Column("best_score", "double", "its average"),
        Column("gain_points", "double", "best_score - base_score"),
        Column("gain_percent", "double", "of the base's score; null where that is 0"),
        Column("bases", "bigint", "bases with a gain; only in the total"),
        Column(
            "rank_correlation",
            "double",
            "Spearman's, of gain (leaderboard.gain) and derivatives; only in the total",
        ),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_IMPROVEMENT_DAILY = TableSpec(
    "gold",
    "leaderboard_improvement_daily",
    grain="version of the leaderboard, base model with a score and a date, day with a derivative",
    key=("version", "base_model_id", "day"),
    description="How fast derivatives become better than their base (Fig. 12).",
    columns=(
        _VERSION,
        _required("developer", "string", "owner of the base model"),
        _required("base_model_id", "string", "base model"),
        _required("base_date", "date", "its date, or that of its release, as configured"),
        _required("day", "date", "day with a new derivative; merges are none"),
        _required("days", "int", "days since base_date; below 0 where the base was listed later"),
        _required("new_derivatives", "bigint", "derivatives of the day"),
        _required("derivatives", "bigint", "derivatives up to the day"),
        Column("gain", "double", "best gain so far, in points or percent; null before the first"),
        Column("gain_per_log", "double", "gain / log2(1 + derivatives), base and n as configured"),
        Column(
            "days_to_reached",
            "int",
            "days until leaderboard.gain_reached of the base's last gain; null without a gain",
        ),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_LEADERBOARD_QUALITY = TableSpec(
    "gold",
    "leaderboard_quality",
    grain="version of the leaderboard, unit (result or model) and what is counted",
    key=("version", "unit", "issue"),
    description="What the leaderboard's data lack, and what was done about it.",
    columns=(
        _required("version", "string", "v1 or v2; (none) for rejected rows"),
        _required("unit", "string", "result (row of leaderboard/) or model (kept submission)"),
        _required(
            "issue",
            "string",
            "all; of results: rejected with its reason, no type, no date, no size, size not above "
            "0, no architecture, no license, no score; of models: submitted again, no date, no "
            "size, flagged, removed, not in means, column turned with its name",
        ),
        _required("rows", "bigint", "results or models"),
        _required("share", "double", "of all of the version and unit"),
        _PARAMETERS,
        *_RUN,
    ),
)

GOLD_RUNS = TableSpec(
    "gold",
    "runs",
    grain="run that committed tables",
    key=("run_id",),
    description="What each run read, with which values and versions, and what it wrote.",
    columns=(
        _required("run_id", "string", "start of the run and a hash of its inputs and parameters"),
        _required("processed_at", "timestamp", "start of the run, UTC"),
        _required("finished_at", "timestamp", "when the last table was committed, UTC"),
        _required("version", "string", "version of opentrace-spark"),
        _required("libraries", "string", "version of Python and of each library under it, as JSON"),
        _required("tables_version", "int", "version of the tables' layout"),
        _required("parameters", "string", "method values as JSON"),
        _required(
            "inputs",
            "string",
            "files read: relative path, bytes and sha256, as JSON; what the manifest says",
        ),
        _required("row_counts", "string", "table -> rows, as JSON"),
        _required("table_versions", "string", "table -> Delta version, as JSON"),
        _required("step_seconds", "string", "step -> seconds, as JSON, of those that were built"),
        _required(
            "skipped",
            "array<string>",
            "steps of which nothing had changed: their tables are of earlier runs",
        ),
        Column(
            "moved",
            "string",
            "what moved since the run before, as JSON: weeks new, gone and revised; new top "
            "developers and changed shares of the last complete week; null for a first run",
        ),
        _required("checks_passed", "int", "checks that hold"),
        _required("notes", "array<string>", "what the landing lacks, and words that are not known"),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    SILVER_MODEL_WEEKS,
    SILVER_SNAPSHOTS,
    SILVER_MODELS,
    SILVER_MODEL_HISTORY,
    SILVER_LINEAGE,
    SILVER_REJECTS,
    SILVER_RESOLUTIONS,
    SILVER_LEADERBOARD,
    GOLD_WEEKS,
    GOLD_SAMPLES,
    GOLD_USAGE_SHARES,
    GOLD_CONCENTRATION,
    GOLD_LEADERBOARDS,
    GOLD_DEVELOPER_TRENDS,
    GOLD_PERIOD_SUMMARY,
    GOLD_INTERMEDIARIES,
    GOLD_FAMILIES,
    GOLD_ORG_TYPE_BY_COUNTRY,
    GOLD_ATTRIBUTE_SHARES,
    GOLD_ATTRIBUTE_SHIFTS,
    GOLD_MODALITY_FLOWS,
    GOLD_SIZE_DISTRIBUTION,
    GOLD_MODEL_SIZES,
    GOLD_DERIVATION_FLOWS,
    GOLD_OSI_CROSSOVER,
    GOLD_FIELD_COVERAGE,
    GOLD_ANNOTATION_QUALITY,
    GOLD_ANOMALIES,
    GOLD_SENSITIVITY,
    GOLD_LEADERBOARD_AUTHORS_DAILY,
    GOLD_LEADERBOARD_AUTHORS,
    GOLD_LEADERBOARD_CONCENTRATION,
    GOLD_LEADERBOARD_CONTRIBUTORS,
    GOLD_LEADERBOARD_METADATA_WEEKLY,
    GOLD_LEADERBOARD_TYPES_WEEKLY,
    GOLD_LEADERBOARD_ARCHITECTURES_WEEKLY,
    GOLD_LEADERBOARD_BASE_MODELS_WEEKLY,
    GOLD_LEADERBOARD_RELEASES,
    GOLD_LEADERBOARD_LICENSES,
    GOLD_LEADERBOARD_SIZES,
    GOLD_LEADERBOARD_SIZE_ARCHITECTURES,
    GOLD_LEADERBOARD_SIZE_FOR_SCORE,
    GOLD_LEADERBOARD_IMPROVEMENT,
    GOLD_LEADERBOARD_IMPROVEMENT_DAILY,
    GOLD_LEADERBOARD_QUALITY,
    GOLD_RUNS,
)

TABLES_VERSION = 6
"""Raised when a change makes old tables unreadable to new code; a warehouse holds one version."""

RETENTION_DAYS = 91
"""Old versions of tables stay readable for so long, 13 weekly runs: a figure of the last quarter
can be looked up as it was published then."""
