"""What a model is: names, owner, dates, and its way to the root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from pyarrow.dataset import field

from opentrace_spark.publish.diff.page import Page, number
from opentrace_spark.publish.explain.lineage import path_to_root, resting_on
from opentrace_spark.publish.explain.subject import Subject
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import (
    SILVER_LINEAGE,
    SILVER_MODEL_HISTORY,
    SILVER_MODEL_WEEKS,
    SILVER_MODELS,
)

_COLUMNS = (
    *("model_id", "model_key", "developer", "organization", "country", "org_type"),
    *("is_in_models", "created_at", "created_date", "created_censored", "first_seen", "last_seen"),
    *("total_downloads", "in_population", "in_head_sample", "license", "method", "hub_id"),
    *("parameter_count", "parameter_source", "source_file", "source_row"),
)
_ENDS = {
    "root": "names no parent: it is the root",
    "no_metadata": "is known from its downloads alone: it is its own root",
    "parent_missing": "names a parent that is not in models/: the root is here",
    "self": "names only itself as its parent: it is the root",
    "cycle": "stands on a cycle of parents, or leads into one: it keeps its own downloads",
    "attributed": "keeps its own downloads, since its chain ends in a missing parent",
}
"""What the status of a chain's last model says of its end."""


@dataclass(frozen=True)
class Model:
    """A model's row of silver/models, that of its root, its rows of silver/model_weeks by week, and
    its chain of silver/lineage."""

    row: dict[str, Any]
    root: dict[str, Any]
    weeks: dict[date, dict[str, Any]]
    path: list[dict[str, Any]]

    @cached_property
    def reported_as(self) -> dict[str, list[date]]:
        """Names that its counts came under, and in which weeks, by first week."""
        found: dict[str, list[date]] = {}
        for week, row in self.weeks.items():
            for name in row["reported_as"] or [self.row["model_id"]]:
                found.setdefault(name, []).append(week)
        return found


def read_model(source: Source, name: str) -> Model:
    """All that is known of the model of this name, which is there."""
    (row,) = source.rows(SILVER_MODELS, _COLUMNS, field("model_id") == name)
    is_one = field("model_key") == row["model_key"]
    columns = ("week_start", "download_count", "flags", "reported_as", "raw_difference")
    weeks = source.rows(SILVER_MODEL_WEEKS, columns, is_one)
    path = path_to_root(source, row["model_key"])
    root = row
    if path[0]["root_id"] != name:
        (root,) = source.rows(SILVER_MODELS, _COLUMNS, field("model_id") == path[0]["root_id"])
    by_week = {one["week_start"]: one for one in sorted(weeks, key=lambda one: one["week_start"])}
    return Model(row, root, by_week, path)


def show_model(page: Page, source: Source, subject: Subject, model: Model) -> None:
    """Who it is and where it comes from."""
    row = model.row
    page.line("model", row["model_id"])
    page.lines("", [subject.found_by] if subject.found_by else [])
    page.lines("names", _names(source, model))
    page.line(
        "owner",
        f"developer {row['developer']}, organisation {row['organization']}, country "
        f"{row['country']}, {row['org_type']}",
    )
    page.lines("created", _created(row))
    page.lines("downloads", _downloads(source, model))
    page.line("metadata", _metadata(row))
    _show_path(page, source, model)


def _names(source: Source, model: Model) -> Iterator[str]:
    name = model.row["model_id"]
    others = {other: weeks for other, weeks in model.reported_as.items() if other != name}
    for other, weeks in others.items():
        yield f"{other}: {len(weeks):,} weeks of counts, {weeks[0]} to {weeks[-1]}"
    if SILVER_MODEL_HISTORY in source:
        is_one = field("model_key") == model.row["model_key"]
        columns = ("name", "valid_from", "last_seen")
        spans = source.rows(SILVER_MODEL_HISTORY, columns, is_one)
        for span in sorted(spans, key=lambda span: span["valid_from"]):
            if span["name"] != name:
                yield f"{span['name']}: in snapshots of {span['valid_from']} to {span['last_seen']}"
    is_parent = (field("parent_id") == name) & (field("parent_name") != name)
    named = source.table(SILVER_LINEAGE, ["parent_name"], is_parent)
    written = named["parent_name"].unique().to_pylist()
    for other in sorted(set(written) - set(others)):
        yield f"{other}: in other models' lists of parents"
    if row_id := model.row["hub_id"]:
        yield f"the Hub's own id: {row_id}"


def _created(row: dict[str, Any]) -> Iterator[str]:
    if row["created_date"] is None:
        yield "date unknown: downloads count without a window only"
    else:
        floored = ", one of the two floored seconds" if row["created_censored"] else ""
        at = f" ({row['created_at']:%Y-%m-%d %H:%M:%S} UTC{floored})" if row["created_at"] else ""
        yield f"{row['created_date']}{at}"


def windows_end(source: Source, created: date | None) -> Iterator[str]:
    """The last week that each recency window has of a model that was created on a day."""
    for window, days in source.windows.items():
        if days is not None and created is not None:
            first_out = created + timedelta(days=days)
            last = first_out - timedelta(days=1)
            yield f"{window}: counts up to the week of {last - timedelta(days=last.weekday())}"


def _downloads(source: Source, model: Model) -> Iterator[str]:
    row, floor = model.row, source.parameters["population"]["min_downloads"]
    first = f", the first in the week of {row['first_seen']}" if row["first_seen"] else ""
    yield f"{number(row['total_downloads'])} in all weeks{first}"
    if row["in_population"]:
        head = " and among the head sample" if row["in_head_sample"] else ""
        yield f"in the population (at least {floor:,}){head}"
    else:
        yield f"not in the population (less than {floor:,}): gold tables do not count it"
    date_of = source.parameters["windows"]["date"]
    created = (model.root if date_of == "root" else row)["created_date"]
    whose = "the root's date" if date_of == "root" else "its own date"
    for sentence in windows_end(source, created):
        yield f"window {sentence}, by {whose}"


def _metadata(row: dict[str, Any]) -> str:
    if not row["is_in_models"]:
        return "none: models/ does not have it"
    where = f"{row['source_file']}, record {row['source_row']:,}" if row["source_file"] else ""
    facts = [f"license {row['license']}"] if row["license"] else []
    if row["parameter_count"]:
        facts.append(f"{row['parameter_count']:,} parameters ({row['parameter_source']})")
    return "; ".join(filter(None, [where, *facts]))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}%"


def _count(many: int, one: str, others: str = "") -> str:
    return f"{many:,} {one if many == 1 else others or one + 's'}"


def _show_path(page: Page, source: Source, model: Model) -> None:
    path = model.path
    first, last = path[0], path[-1]
    if first["status"] == "cycle":
        page.line("root", f"none: it {_ENDS['cycle']}; {first['cycle_length']:,} on the cycle")
    elif len(path) == 1:
        page.line("root", f"itself: it {_ENDS[first['status']]}")
    else:
        page.line(
            "root",
            f"{last['model_id']}, {_count(first['depth'], 'step')} up; it {_ENDS[last['status']]}",
        )
    if rests := resting_on(source, first["root_id"]):
        page.line(
            "",
            f"on that root rest {_count(rests['derivatives'], 'derivative')} of "
            f"{_count(rests['derivative_developers'], 'developer')} in "
            f"{_count(rests['derivative_countries'], 'country', 'countries')}, with it "
            f"{rests['downloads']:,} downloads, {_percent(rests['share'])} of the population's",
        )
    linked = _count(first["family_size"], "model")
    page.line("family", f"{linked} linked by any parents, known as {first['family_id']}")
    rows = [(str(place), step["model_id"], *_evidence(step)) for place, step in enumerate(path)]
    if any(step["parent_name"] for step in path):
        title = "From the model to its root, parent by parent"
        page.table(title, "step|<model|<how it was made|<parent as written|<said by", rows)


def _evidence(step: dict[str, Any]) -> tuple[str, str, str]:
    """How a model was made from its parent, its name as written, and where that stands."""
    if step["parent_name"] is None and step["parent_source"] is None:
        return "", "", ""
    documented = step["relation"] is not None
    kind = (step["kind"] or "") + ("" if documented or not step["kind"] else " (told by tags)")
    count = step["parent_count"]
    more = f", the first of {count:,} parents" if count > 1 else ""
    return kind, step["parent_name"] or "", f"{step['parent_source'] or ''}{more}"
