"""The options that gold/sensitivity changes, one at a time, and what each asks of the counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from opentrace_spark.config import CHOICES, Config

EQUAL_SPLIT = "equal_split"
STILL_PUBLIC = "still_public"
SET_ASIDE = "set_aside"


@dataclass(frozen=True)
class Choices:
    """A value for every option; the names are those of OPTIONS."""

    recency_window: str
    window_date: str
    creation: str
    attribution: str
    parent: str
    missing_ancestor: str
    min_downloads: int
    models: str
    online_unit: str
    unlisted_owner: str
    anomalies: str


OPTIONS = {
    "windows.recency": "recency_window",
    "windows.date": "window_date",
    "windows.creation": "creation",
    "attribution": "attribution",
    "attribution.parent": "parent",
    "attribution.missing_ancestor": "missing_ancestor",
    "population.min_downloads": "min_downloads",
    "models": "models",
    "organizations.online_unit": "online_unit",
    "organizations.unlisted_owner": "unlisted_owner",
    "anomalies": "anomalies",
}
"""Option as gold/sensitivity names it, after the configuration where it is there -> field."""


@dataclass(frozen=True)
class Variant:
    """The choices of a headline cell, and those with another `value` of one `option`."""

    baseline: Choices
    option: str
    value: str
    choices: Choices


@dataclass(frozen=True)
class Counted:
    """Which downloads of a model count: what has to be added up week by week.

    `window` is the recency window; it starts from the creation date in the mode `creation`, the
    model's own or, where `root_by` names a rule of attribution (parent, missing_ancestor), that of
    its root. Without a window no date matters. `without_anomalies` leaves out listed downloads.
    """

    window: str
    creation: str | None
    root_by: tuple[str, str] | None
    without_anomalies: bool


def baselines_of(config: Config) -> tuple[Choices, ...]:
    """The run's own values, in every headline cell."""
    return tuple(
        Choices(
            recency_window=window,
            window_date=config.windows.date,
            creation=config.windows.creation,
            attribution=config.sensitivity.attribution,
            parent=config.attribution.parent,
            missing_ancestor=config.attribution.missing_ancestor,
            min_downloads=config.population.min_downloads,
            models="all",
            online_unit=config.organizations.online_unit,
            unlisted_owner=config.organizations.unlisted_owner,
            anomalies="kept",
        )
        for window in dict.fromkeys(config.sensitivity.recency)
    )


def variants_of(config: Config) -> tuple[Variant, ...]:
    """Every option of every headline cell with each of its values, the run's own included."""
    own = config.population.min_downloads
    values: dict[str, tuple[Any, ...]] = {
        "windows.recency": config.windows.recency,
        "attribution": CHOICES["sensitivity.attribution"],
        "attribution.parent": (*CHOICES["attribution.parent"], EQUAL_SPLIT),
        "population.min_downloads": tuple(sorted({own, *config.sensitivity.min_downloads})),
        "models": ("all", STILL_PUBLIC),
        "anomalies": ("kept", SET_ASIDE),
    }
    return tuple(
        Variant(baseline, option, str(value), replace(baseline, **{field: value}))
        for baseline in baselines_of(config)
        for option, field in OPTIONS.items()
        for value in values.get(option, CHOICES.get(option, ()))
    )


def counted_by(choices: Choices, config: Config) -> Counted:
    """What the choices ask of the weekly counts.

    Under `equal_split` a model has no one root: windows go on starting from the run's own.
    """
    parent = config.attribution.parent if choices.parent == EQUAL_SPLIT else choices.parent
    of_root = choices.window_date == "root"
    has_window = choices.recency_window != "none"
    return Counted(
        window=choices.recency_window,
        creation=choices.creation if has_window else None,
        root_by=(parent, choices.missing_ancestor) if has_window and of_root else None,
        without_anomalies=choices.anomalies == SET_ASIDE,
    )


def all_counted(config: Config) -> tuple[Counted, ...]:
    """All that the variants ask for, each once, in a fixed order."""
    return tuple(dict.fromkeys(counted_by(v.choices, config) for v in variants_of(config)))
