"""The method's named values: frozen dataclasses, filled from `conf/default.toml` and a user's file.

Imports no pyspark. Every choice that the paper leaves open is a value here; `Config.parameters`
writes them beside every figure.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import re
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from opentrace_spark.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

_PACKAGED = files("opentrace_spark") / "conf"
_CHECKOUT = Path(__file__).parent.parent / "conf"
CONF_DIR: Traversable = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
"""Where the shipped values are: inside the wheel, which may be a zip that Python imports from as it
is, or the repository's own conf/ in a checkout."""


@dataclass(frozen=True)
class Population:
    """Which models the gold tables cover, and the head sample (both: section 2 of the paper)."""

    min_downloads: int
    head_size: int


@dataclass(frozen=True)
class Windows:
    """Recency windows ("none" or "<days>d") and whose creation date they start from."""

    recency: tuple[str, ...]
    date: str
    creation: str


@dataclass(frozen=True)
class Attribution:
    """How downloads are credited to a root where the chain of parents is not whole."""

    missing_ancestor: str
    parent: str


@dataclass(frozen=True)
class Organizations:
    """Countries and kinds of organisation where the table of organisations leaves a choice."""

    curated: str
    as_of: str
    unlisted_owner: str
    online_unit: str
    org_types: dict[str, str]


@dataclass(frozen=True)
class Weeks:
    """`last_complete_week`: the last one known to be complete; empty where nobody says (then all
    are). `precedence`: whose counts a week has that downloads/ and snapshots/ both give.
    `download_definition`: what downloads/ counts as one download; no figure depends on it."""

    last_complete_week: str
    precedence: str
    download_definition: str


@dataclass(frozen=True)
class Counters:
    """When counters of snapshots/ are not taken at their word.

    `stall_share`: a snapshot is a stall where this share of the active models stands still;
    `reset_share`: a counter that fell to this share of itself was started again.
    """

    stall_share: float
    reset_share: float


@dataclass(frozen=True)
class History:
    """`as_of`: the date of which the tables are, in place of today; empty: everything counts."""

    as_of: str


@dataclass(frozen=True)
class Publication:
    """How many ranks are published, and from which share on a developer is an intermediary."""

    top_entities: int
    trend_entities: int
    intermediary_share: float


@dataclass(frozen=True)
class Sizes:
    """How many models the fit sees, when a size in a name agrees with bytes, and when a published
    count cannot be right."""

    fit_models: int
    name_shortfall: float
    name_surplus: float
    band: float
    min_bits: float
    max_bytes: float
    packed_ratio: float
    packed_max_bytes: float
    named_ratio: float


@dataclass(frozen=True)
class Attributes:
    """When the tables of attributes compare before and after, and how sure they want to be.

    `pivot` is an ISO date. `shift_period`: a model belongs to the period of its first week in the
    head sample, or of its creation. `significance` is the level for q-values (both: Table 1).
    """

    pivot: str
    shift_period: str
    significance: float


@dataclass(frozen=True)
class Sensitivity:
    """The headline cells that gold/sensitivity works out under every other option.

    One attribution, and a cell for each of the windows in `recency`; `min_downloads`: floors of the
    population beside the run's own; `largest`: how many of the largest units are followed by name.
    """

    attribution: str
    recency: tuple[str, ...]
    min_downloads: tuple[int, ...]
    largest: int


@dataclass(frozen=True)
class Anomalies:
    """When gold/anomalies lists downloads, by two rules (docs/method.md).

    `min_share` of the population's downloads is the floor of both, `robust_z` how far a model or a
    week must be from what it is compared with. `per_like_*`: a model's downloads for its likes;
    `surge_*`: a week and the weeks before it.
    """

    min_share: float
    robust_z: float
    per_like_z: float
    per_like_peers: int
    surge_weeks: int
    surge_ratio: float
    surge_longest: int


@dataclass(frozen=True)
class Annotations:
    """When labels are flagged as not right enough, and how sure intervals are.

    `bar` is the least accuracy on a review sample (the paper's: 0.90), `confidence` that of the
    intervals around it.
    """

    bar: float
    confidence: float


@dataclass(frozen=True)
class Leaderboard:
    """Choices of the second study, gold/leaderboard_* (docs/method.md).

    `repeated`: which result of a model that was submitted again is kept. `polarity_rows`: fewer
    rows of a file say nothing about which way round its column of flagged models is.
    `size_bounds`: first sizes, in billions of parameters, of the second and later size classes.
    `smooth_weeks`: weeks that the smoothed score pools, the middle one its own.
    `architectures`, `families`: so many are named, or with an `architecture_floor` above 0 all of
    at least that share. `size_tolerance`: how far a size may be from that of its base.
    `score_percents` of the best score of `best_of`. `base_date`: the day a base begins; `gain` in
    points or percent; `gain_derivatives`: those so far or all, in the divisor log(1 + n) to
    `log_base`; `gain_reached`: the share of the last gain whose day is told.
    """

    repeated: str
    polarity_rows: int
    size_bounds: tuple[int, ...]
    smooth_weeks: int
    architectures: int
    architecture_floor: float
    families: int
    size_tolerance: float
    score_percents: tuple[int, ...]
    best_of: str
    base_date: str
    gain: str
    gain_derivatives: str
    log_base: float
    gain_reached: float


@dataclass(frozen=True)
class Period:
    """A named span of weeks, `first` and `last` inclusive Mondays or open (None)."""

    name: str
    first: date | None
    last: date | None

    def covers(self, week_start: date) -> bool:
        """Whether the week belongs to the period."""
        return (self.first is None or week_start >= self.first) and (
            self.last is None or week_start <= self.last
        )


@dataclass(frozen=True)
class Config:
    """All method values of a run."""

    population: Population
    windows: Windows
    attribution: Attribution
    organizations: Organizations
    weeks: Weeks
    counters: Counters
    history: History
    publication: Publication
    attributes: Attributes
    annotations: Annotations
    sizes: Sizes
    sensitivity: Sensitivity
    anomalies: Anomalies
    leaderboard: Leaderboard
    periods: tuple[Period, ...]
    regions: dict[str, tuple[str, ...]]
    listed_countries: tuple[str, ...]

    @property
    def window_days(self) -> dict[str, int | None]:
        """Each recency window's name with its length in days (None: no window)."""
        return {name: _window_length(name) for name in self.windows.recency}

    @property
    def parameters(self) -> str:
        """The method values as JSON with sorted keys, the same text for the same values."""
        values = dataclasses.asdict(self)
        values.pop("regions")  # geography, not method; far longer than all the rest together
        return json.dumps(values, sort_keys=True, default=str, separators=(",", ":"))


FLOOR_SECONDS = ("2022-03-02T23:29:04Z", "2022-03-02T23:29:05Z")
"""createdAt of every repository that is older than the Hub's record of creation times."""
FLOOR_DATE = date(2022, 3, 2)

CHOICES = {
    "windows.date": ("own", "root"),
    "windows.creation": ("hub", "first_seen", "drop_censored"),
    "attribution.missing_ancestor": ("nearest", "self"),
    "attribution.parent": ("first", "first_available"),
    "organizations.curated": ("only_if_absent", "fill", "never"),
    "organizations.unlisted_owner": ("Unknown", "User"),
    "weeks.precedence": ("downloads", "snapshots"),
    "weeks.download_definition": ("unstated", "user_model_day", "public_counter"),
    "attributes.shift_period": ("first_head_week", "created"),
    "organizations.online_unit": ("merged", "separate"),
    "sensitivity.attribution": ("none", "root"),
    "leaderboard.repeated": ("best", "first", "latest"),
    "leaderboard.best_of": ("month", "so_far"),
    "leaderboard.base_date": ("submission", "release"),
    "leaderboard.gain": ("points", "percent"),
    "leaderboard.gain_derivatives": ("so_far", "total"),
}
"""Values that are words: name -> the words it may be."""
_SECTIONS: dict[str, type] = {
    "population": Population,
    "windows": Windows,
    "attribution": Attribution,
    "organizations": Organizations,
    "weeks": Weeks,
    "counters": Counters,
    "history": History,
    "publication": Publication,
    "attributes": Attributes,
    "annotations": Annotations,
    "sizes": Sizes,
    "sensitivity": Sensitivity,
    "anomalies": Anomalies,
    "leaderboard": Leaderboard,
}
RESERVED_PERIODS = ("all", "week", "rolling_1y")
"""Values of the column `period` that no period of a configuration may take."""
NOT_NATIONS = ("User", "Unknown", "International", "Online", "International/Online")
"""Words that stand where a country does and are none."""
ORG_TYPES = (
    "company",
    "university",
    "non-profit",
    "community",
    "government",
    "user",
    "other",
    "unknown",
)
"""The kinds of organisation that tables know; others are kept as written and reported."""


def load_config(user_file: Path | None = None) -> Config:
    """Read the shipped values, then those of `user_file`, which override them one by one.

    Raises UsageError for a file that can't be read, an unknown name or a value of the wrong kind.
    """
    values = _read_toml(CONF_DIR / "default.toml")
    periods = _read_toml(CONF_DIR / "periods.toml")["period"]
    countries = _read_toml(CONF_DIR / "countries.toml")
    if user_file is not None:
        user = _read_toml(user_file)
        periods = user.pop("period", periods)
        if not isinstance(periods, list) or not all(isinstance(entry, dict) for entry in periods):
            raise UsageError(f"configuration {user_file}: period is written as [[period]] tables")
        values = _merge(values, user, user_file)
    sections = {name: _section(name, kind, values[name]) for name, kind in _SECTIONS.items()}
    config = Config(
        **sections,
        periods=tuple(_period(entry) for entry in periods),
        regions={region: tuple(names) for region, names in countries["regions"].items()},
        listed_countries=tuple(countries["listed"]),
    )
    _check(config)
    return config


def _read_toml(path: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"configuration {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"configuration {path} is not valid TOML: {error}") from None


def _merge(values: dict[str, Any], user: dict[str, Any], path: Path) -> dict[str, Any]:
    merged = {section: dict(entries) for section, entries in values.items()}
    for section, entries in user.items():
        _known(section, [*merged, "period"], f"section [{section}]", path)
        if not isinstance(entries, dict):
            raise UsageError(f"configuration {path}: {section} is a section, write [{section}]")
        for key, value in entries.items():
            _known(key, list(merged[section]), f"value {section}.{key}", path)
            merged[section][key] = value
    return merged


def _known(name: str, names: list[str], what: str, path: Path) -> None:
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
        raise UsageError(f"configuration {path}: unknown {what}; {hint}")


def _section(name: str, kind: type, values: dict[str, Any]) -> Any:
    """A section's dataclass, each value checked against the annotated type."""
    converted = {}
    for key, annotation in get_type_hints(kind).items():
        value = values[key]
        if isinstance(value, list) and annotation in _LISTS:
            value = tuple(value)
        elif annotation is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        plain = getattr(annotation, "__origin__", annotation)
        fits = isinstance(value, plain) and not isinstance(value, bool)
        if not fits or not _holds_only(value, get_args(annotation)):
            raise UsageError(f"configuration {name}.{key}: {value!r} is not a {_words(annotation)}")
        choices = CHOICES.get(f"{name}.{key}")
        if choices and value not in choices:
            raise UsageError(f"configuration {name}.{key}: {value!r} is not {' or '.join(choices)}")
        converted[key] = value
    return kind(**converted)


def _holds_only(value: Any, kinds: tuple[Any, ...]) -> bool:
    """Whether all items of a list or table are of its kind; single values have no items."""
    items = value.values() if isinstance(value, dict) else value if kinds else ()
    return all(type(item) is kinds[0] for item in items)


_LISTS: dict[Any, str] = {
    tuple[str, ...]: "list of texts",
    tuple[int, ...]: "list of whole numbers",
}


def _words(annotation: Any) -> str:
    plain = {int: "whole number", float: "number", str: "text", **_LISTS}
    return plain.get(annotation) or "table of texts"


def _period(entry: dict[str, Any]) -> Period:
    unknown = set(entry) - {"name", "first", "last"}
    if unknown or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise UsageError(f"configuration [[period]] {entry}: takes name, first and last only")
    for end in ("first", "last"):
        if end in entry and (type(entry[end]) is not date):
            raise UsageError(f"configuration period {entry['name']!r}: {end} is not a date")
    period = Period(entry["name"], entry.get("first"), entry.get("last"))
    if period.first and period.last and period.first > period.last:
        raise UsageError(f"configuration period {period.name!r}: first is after last")
    return period


def _window_length(name: str) -> int | None:
    return None if name == "none" else int(name.removesuffix("d"))


def last_complete_week(config: Config) -> date | None:
    """The Monday of `weeks.last_complete_week`, or None where it is empty."""
    day = _date("weeks.last_complete_week", config.weeks.last_complete_week)
    return None if day is None else day - timedelta(days=day.weekday())


def as_of(config: Config) -> date | None:
    """The date of `history.as_of`, or None where it is empty."""
    return _date("history.as_of", config.history.as_of)


def dated(config: Config, day: str) -> Config:
    """The configuration with `history.as_of` = day. Raises UsageError where that is no date."""
    changed = dataclasses.replace(config, history=History(day))
    as_of(changed)
    return changed


def _date(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"configuration {name}: {text!r} is not a date like 2025-08-18") from None


def _check(config: Config) -> None:
    """Values that are of the right kind but make no sense."""
    for name in config.windows.recency:
        if name != "none" and not re.fullmatch(r"[1-9][0-9]{0,4}d", name):
            raise UsageError(
                f'configuration windows.recency: {name!r} is neither "none" nor like "365d"'
            )
    if "none" not in config.windows.recency or len(set(config.windows.recency)) != len(
        config.windows.recency
    ):
        raise UsageError('configuration windows.recency: needs "none" and each window once')
    for path, value in {
        "population.min_downloads": config.population.min_downloads,
        "population.head_size": config.population.head_size,
        "publication.top_entities": config.publication.top_entities,
        "publication.trend_entities": config.publication.trend_entities,
        "sizes.fit_models": config.sizes.fit_models,
        "sensitivity.largest": config.sensitivity.largest,
    }.items():
        if not 1 <= value < 2**31:
            raise UsageError(f"configuration {path}: {value} is below 1 or absurdly large")
    if not 0 <= config.publication.intermediary_share <= 1:
        raise UsageError("configuration publication.intermediary_share: not between 0 and 1")
    for name, number in dataclasses.asdict(config.sizes).items():
        if not 0 < number < (1 if name == "band" else math.inf):
            raise UsageError(f"configuration sizes.{name}: {number} makes no sense")
    _check_robustness(config)
    _check_leaderboard(config.leaderboard)
    if not config.periods or len({p.name for p in config.periods}) != len(config.periods):
        raise UsageError("configuration [[period]]: needs at least one, each name once")
    for name in {p.name for p in config.periods} & set(RESERVED_PERIODS):
        raise UsageError(f"configuration [[period]]: the tables use the name {name!r} themselves")
    for left in config.organizations.org_types.values():
        if left not in ORG_TYPES:
            raise UsageError(
                f"configuration organizations.org_types: {left!r} is not {', '.join(ORG_TYPES)}"
            )
    last_complete_week(config)
    as_of(config)
    _date("organizations.as_of", config.organizations.as_of)
    if _date("attributes.pivot", config.attributes.pivot) is None:
        raise UsageError("configuration attributes.pivot: is empty; write a date like 2025-01-01")
    if not 0.5 < config.counters.stall_share <= 1:
        raise UsageError("configuration counters.stall_share: not above 0.5 and up to 1")
    if not 0 <= config.counters.reset_share < 1:
        raise UsageError("configuration counters.reset_share: not from 0 to below 1")
    if not 0 < config.annotations.bar <= 1:
        raise UsageError("configuration annotations.bar: not above 0 and up to 1")
    if not 0 < config.annotations.confidence < 1:
        raise UsageError("configuration annotations.confidence: not between 0 and 1")
    if not 0 < config.attributes.significance < 1:
        raise UsageError("configuration attributes.significance: not between 0 and 1")


def _check_robustness(config: Config) -> None:
    """The sections sensitivity and anomalies."""
    windows, headline = config.windows.recency, config.sensitivity.recency
    if not headline or any(window not in windows for window in headline):
        raise UsageError(
            f"configuration sensitivity.recency: {list(headline)} is not some of windows.recency; "
            f"write one or more of {', '.join(windows)}"
        )
    if min(config.sensitivity.min_downloads, default=0) < 0:
        raise UsageError("configuration sensitivity.min_downloads: has a number below 0")
    for name, number in dataclasses.asdict(config.anomalies).items():
        if not 0 < number < (1 if name == "min_share" else math.inf):
            raise UsageError(f"configuration anomalies.{name}: {number} makes no sense")


def _check_leaderboard(values: Leaderboard) -> None:
    """The section leaderboard."""
    for name in ("polarity_rows", "smooth_weeks", "architectures", "families"):
        if not 1 <= getattr(values, name) < 2**31:
            raise UsageError(f"configuration leaderboard.{name}: below 1 or absurdly large")
    if values.smooth_weeks % 2 == 0:
        raise UsageError("configuration leaderboard.smooth_weeks: is even, so has no middle week")
    for name in ("architecture_floor", "size_tolerance"):
        if not 0 <= getattr(values, name) < 1:
            raise UsageError(f"configuration leaderboard.{name}: not from 0 to below 1")
    if not 0 < values.gain_reached <= 1:
        raise UsageError("configuration leaderboard.gain_reached: not above 0 and up to 1")
    if not 1 < values.log_base < math.inf:
        raise UsageError("configuration leaderboard.log_base: not above 1")
    for name in ("size_bounds", "score_percents"):
        numbers = getattr(values, name)
        if not numbers or numbers[0] < 1 or list(numbers) != sorted(set(numbers)):
            raise UsageError(f"configuration leaderboard.{name}: not ascending numbers from 1 on")
    if values.score_percents[-1] > 100:
        raise UsageError("configuration leaderboard.score_percents: a score above the best")
