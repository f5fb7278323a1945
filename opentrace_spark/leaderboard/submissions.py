"""From the results of a version to one row per model.

A model may be submitted again, in another precision or revision. Of its results one is kept: the
best average (`leaderboard.repeated`), of equal ones the later, then the first by file and row. What
that one does not say is filled from the others, in the same order. A model is flagged where any of
its results is, and available where any is; its date is that of its first submission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from opentrace_spark.leaderboard.polarity import inverted_columns
from opentrace_spark.leaderboard.words import UNKNOWN_TYPE

Row = Mapping[str, Any]

_FILLED = (
    *("architecture", "weight_type", "license", "base_id", "base_name", "likes", "type_written"),
)
_DATES = (("submission", "submitted"), ("upload", "uploaded"), ("creation", "created"))


def upright(rows: Iterable[Row], enough: int) -> list[dict[str, Any]]:
    """All rows with their booleans the right way round; `inverted` names the columns that were not,
    by comma, None where none was. See `polarity`; each file is judged by itself, and in it each
    version."""
    by_file: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_file.setdefault((row["source_file"], row["version"]), []).append(row)
    turned = []
    for of_file in by_file.values():
        inverted = inverted_columns(of_file, enough)
        names = ",".join(sorted(inverted)) or None
        for row in of_file:
            values = {name: not row[name] for name in sorted(inverted) if row[name] is not None}
            turned.append({**row, **values, "inverted": names})
    return turned


def kept_submissions(rows: Iterable[Row], rule: str) -> list[dict[str, Any]]:
    """One row per version and model of `upright` rows, in the order of both; `rule` is one of best,
    first, latest."""
    models: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        models.setdefault((row["version"], row["model_id"]), []).append(row)
    return [_kept(sorted(models[key], key=_ORDERS[rule])) for key in sorted(models)]


def _kept(results: Sequence[Row]) -> dict[str, Any]:
    """The first of a model's results with what the others add."""
    first = dict(results[0])
    for name in _FILLED:
        first[name] = next((row[name] for row in results if row[name] is not None), None)
    types = (row["type"] for row in results if row["type"] != UNKNOWN_TYPE)
    sizes = [row["size"] for row in results if row["size"] is not None]
    day, source = first_date(results)
    available = [row["available"] for row in results if row["available"] is not None]
    return first | {
        "type": next(types, UNKNOWN_TYPE),
        "size": next((size for size in sizes if size > 0), None),
        "has_invalid_size": bool(sizes) and max(sizes) <= 0,
        "date": day,
        "date_source": source,
        "result_date": first["submitted"] or first["uploaded"],
        "submissions": len(results),
        "is_flagged": any(row["flagged"] for row in results),
        "is_removed": bool(available) and not any(available),
        "is_merged": any(row["merged"] for row in results),
        "is_moe": any(row["moe"] for row in results),
        "inverted": ",".join(
            sorted({name for row in results for name in (row["inverted"] or "").split(",") if name})
        )
        or None,
    }


def first_date(results: Sequence[Row]) -> tuple[date | None, str | None]:
    """The first day of the best kind of date that any of a model's results has, and that kind."""
    for source, name in _DATES:
        days = [row[name] for row in results if row[name] is not None]
        if days:
            return min(days), source
    return None, None


def _day(row: Row) -> date | None:
    day: date | None = row["submitted"] or row["uploaded"]
    return day


def _score(row: Row) -> float:
    return -1.0 if row["score"] is None else row["score"]


def _place(row: Row) -> tuple[str, int]:
    return row["source_file"], row["source_row"]


def _backwards(day: date | None) -> int:
    return -(day or date.min).toordinal()


_ORDERS: dict[str, Callable[[Row], Any]] = {
    "best": lambda row: (-_score(row), _backwards(_day(row)), _place(row)),
    "first": lambda row: (_day(row) or date.max, -_score(row), _place(row)),
    "latest": lambda row: (_backwards(_day(row)), -_score(row), _place(row)),
}
