"""What a figure is: a chart, its rows, and what a reader can change about it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart

State = Mapping[str, str]
"""Column -> chosen value: the three switches, and a figure's own choices."""

SWITCHES = {"recency_window": "Window", "attribution": "Attribution", "level": "Level"}
"""Columns that one switch of the page sets for all figures, with its label."""
DEFAULTS = {"recency_window": "365d", "attribution": "root", "level": "developer"}

ROWS, MARKS = "rows", "marks"
"""Names of the data that charts read: a figure's own rows, and what is known of the weeks."""

_WORDS = {
    "attribution": {"none": "as downloaded", "root": "credited to roots"},
    "level": {
        "model": "models",
        "developer": "developers",
        "organization": "organisations",
        "country": "countries",
        "org_type": "kinds of organisation",
    },
}


@dataclass(frozen=True)
class Choice:
    """A column of the rows of which one value is shown at a time, and its values in words.

    Where it is `pictured`, each value has pictures of its own; else the first alone.
    """

    column: str
    label: str
    words: Mapping[str, str]
    pictured: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    `chart` is a unit or layered chart of the data named ROWS (and MARKS where `is_over_time`); of
    its parameters those named like a switch or a choice get the chosen value. Of `rows` those are
    drawn that have the chosen values of `switches` and `choices`; each value of `panel` gets a
    chart of its own, whose scale ends at the largest `shared` of all through a parameter `most`.
    `title` and the chart's texts may hold `{column}` for the words of the chosen value.
    """

    name: str
    section: str
    title: str
    caption: str
    chart: AnyChart
    rows: pd.DataFrame
    switches: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    panel: Choice | None = None
    shared: str | None = None
    is_over_time: bool = False

    def spec(self) -> dict[str, Any]:
        """The chart in Vega-Lite, without data and settings."""
        return bare(self.chart)

    def states(self) -> Iterator[dict[str, str]]:
        """The states that have pictures, with the switches at their defaults."""
        pictured = [choice for choice in self.choices if choice.pictured]
        for values in itertools.product(*(choice.words for choice in pictured)):
            chosen = dict(zip((choice.column for choice in pictured), values, strict=True))
            state = self.settled(DEFAULTS | chosen)
            if all(state[column] == value for column, value in chosen.items()):
                yield state

    def settled(self, wanted: State) -> dict[str, str]:
        """What is drawn for a state: wanted values where they have rows, else the first."""
        rows, state = self.rows, dict(DEFAULTS | dict(wanted))
        for column in (*(choice.column for choice in self.choices), *self.switches):
            known = [str(value) for value in rows[column].unique()]
            offered = [*self.values(column), *known]
            value = wanted.get(column)
            if value not in known:
                value = next(value for value in offered if value in known)
            state[column] = value
            rows = rows[rows[column] == value]
        return state

    def values(self, column: str) -> list[str]:
        """The values of a switch or choice, in the order in which they are offered."""
        for choice in self.choices:
            if choice.column == column:
                return list(choice.words)
        return ordered(column, [str(value) for value in self.rows[column].unique()])

    def chosen(self, state: State) -> pd.DataFrame:
        """The rows that are drawn for a settled state."""
        rows = self.rows
        for column in (*self.switches, *(choice.column for choice in self.choices)):
            rows = rows[rows[column] == state[column]]
        return rows

    def words(self, state: State) -> dict[str, str]:
        """Column -> the words of its chosen value."""
        own = {choice.column: choice.words for choice in self.choices}
        return {
            column: own[column].get(value, value) if column in own else word(column, value)
            for column, value in state.items()
        }


def bare(chart: AnyChart) -> dict[str, Any]:
    """A chart in Vega-Lite, without settings: those are the theme's."""
    return {key: part for key, part in chart.to_dict().items() if key not in ("$schema", "config")}


def periods_of(rows: pd.DataFrame, known: Sequence[str]) -> Choice:
    """The periods of a table as a choice: all together first, then the known ones from the last."""
    order = ["all", *reversed(known)]
    found = {str(name) for name in rows["period"]}
    names = [*(name for name in order if name in found), *sorted(found - set(order))]
    return Choice("period", "Period", {n: "all weeks" if n == "all" else n for n in names})


def word(column: str, value: str) -> str:
    """A switch's value in words, for example `first 365 days` for the window 365d."""
    if column == "recency_window":
        days = re.fullmatch(r"(\d+)d", value)
        return f"first {days[1]} days" if days else "any age"
    return _WORDS.get(column, {}).get(value, value)


def ordered(column: str, values: list[str]) -> list[str]:
    """Values of a switch as they are offered: the default first, the others in a fixed order."""
    default = DEFAULTS.get(column)
    known = list(_WORDS.get(column, {}))
    place = {value: number for number, value in enumerate(known)}
    return sorted(values, key=lambda value: (value != default, place.get(value, len(known)), value))


def filled(part: Any, words: Mapping[str, str]) -> Any:
    """A specification with `{column}` replaced by the words of the chosen value."""
    if isinstance(part, dict):
        return {key: filled(value, words) for key, value in part.items()}
    if isinstance(part, list):
        return [filled(value, words) for value in part]
    if isinstance(part, str):
        for column, text in words.items():
            part = part.replace(f"{{{column}}}", text)
    return part


def week(**options: Any) -> alt.X:
    """The time axis that all figures over time share; weeks are dates in UTC everywhere."""
    return alt.X(
        "week_start:T",
        title="Week (Monday)",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%b %Y", labelOverlap=True, tickCount=6, grid=False),
        **options,
    )


def week_tooltip() -> alt.Tooltip:
    """The week in a tooltip."""
    return alt.Tooltip("utcyearmonthdate(week_start):T", title="week", format="%Y-%m-%d")
