"""Every variant is the run's own values but for one option."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace

import pytest

from opentrace_spark.config import Config, load_config
from opentrace_spark.gold.robustness.options import (
    OPTIONS,
    Counted,
    all_counted,
    counted_by,
    variants_of,
)

SHIPPED = load_config()
OTHER = replace(
    SHIPPED,
    population=replace(SHIPPED.population, min_downloads=7),
    windows=replace(SHIPPED.windows, date="root", creation="first_seen"),
    attribution=replace(SHIPPED.attribution, parent="first_available", missing_ancestor="self"),
    organizations=replace(SHIPPED.organizations, online_unit="separate", unlisted_owner="User"),
    sensitivity=replace(SHIPPED.sensitivity, recency=("182d", "182d"), attribution="none"),
)


@pytest.mark.parametrize("config", [SHIPPED, OTHER])
def test_variants_change_one_option_and_have_the_own_value_of_each(config: Config) -> None:
    variants = variants_of(config)
    windows = dict.fromkeys(config.sensitivity.recency)
    for variant in variants:
        own, other = asdict(variant.baseline), asdict(variant.choices)
        changed = {name for name in own if own[name] != other[name]}
        assert changed <= {OPTIONS[variant.option]}
        assert variant.value == str(other[OPTIONS[variant.option]])
    kept = Counter(v.option for v in variants if v.choices == v.baseline)
    assert kept == dict.fromkeys(OPTIONS, len(windows))
    values = {(v.baseline.recency_window, v.option, v.value) for v in variants}
    assert len(values) == len(variants)


def test_variants_have_every_documented_value() -> None:
    values: dict[str, set[str]] = {}
    for variant in variants_of(OTHER):
        values.setdefault(variant.option, set()).add(variant.value)
    assert values == {
        "windows.recency": {"none", "365d", "182d"},
        "windows.date": {"own", "root"},
        "windows.creation": {"hub", "first_seen", "drop_censored"},
        "attribution": {"none", "root"},
        "attribution.parent": {"first", "first_available", "equal_split"},
        "attribution.missing_ancestor": {"nearest", "self"},
        "population.min_downloads": {"0", "7", "200", "1000"},
        "models": {"all", "still_public"},
        "organizations.online_unit": {"merged", "separate"},
        "organizations.unlisted_owner": {"Unknown", "User"},
        "anomalies": {"kept", "set_aside"},
    }


def test_counts_are_asked_for_once_each() -> None:
    without = Counted("none", None, None, False)
    own = Counted("365d", "hub", None, False)
    assert set(all_counted(SHIPPED)) == {
        without,
        replace(without, without_anomalies=True),
        own,
        replace(own, window="182d"),
        replace(own, creation="first_seen"),
        replace(own, creation="drop_censored"),
        replace(own, root_by=("first", "nearest")),
        replace(own, without_anomalies=True),
    }
    assert len(set(all_counted(SHIPPED))) == len(all_counted(SHIPPED))


def test_windows_from_the_root_follow_the_rule_of_attribution() -> None:
    asked = {v.value: counted_by(v.choices, OTHER).root_by for v in variants_of(OTHER)}
    assert asked["first"] == ("first", "self")
    assert asked["nearest"] == ("first_available", "nearest")
    assert asked["equal_split"] == asked["first_available"] == ("first_available", "self")
    assert asked["own"] is None
