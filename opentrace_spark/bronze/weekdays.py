"""All dates of downloads/ must share one weekday, else weeks would be mixed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.errors import ContentError

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def check_weekdays(downloads: DataFrame) -> None:
    """Check the used rows of bronze downloads, a table or a frame. Starts Spark jobs.

    Raises ContentError that names a row of the most frequent weekday and the first of another.
    """
    used = downloads.filter("reason is null")
    weeks = used.groupBy("week").agg(F.count("*").alias("rows")).collect()
    rows = {row["week"]: row["rows"] for row in weeks}
    pair = mixed_weeks(rows)
    if pair is None:
        return
    places = []
    for week in pair:
        first = used.filter(F.col("week") == F.lit(week)).orderBy("source_file", "source_row")
        place = first.select("source_file", "source_row").head()
        assert place is not None
        day = f"{week} is a {_DAYS[week.weekday()]}"
        places.append(f"{place['source_file']} row {place['source_row']}: {day}")
    raise ContentError(
        f"downloads/ mixes weekdays ({places[0]}; {places[1]}); "
        "date all weeks by the same weekday, or put the other files aside"
    )


def mixed_weeks(rows: Mapping[date, int]) -> tuple[date, date] | None:
    """Two dates of different weekdays, the usual one first; None where all dates share one.

    `rows` says how many rows each date has.
    """
    weight: Counter[int] = Counter()
    for week, count in rows.items():
        weight[week.weekday()] += count
    if len(weight) < 2:
        return None
    usual = min(weight, key=lambda day: (-weight[day], day))
    return (
        min(week for week in rows if week.weekday() == usual),
        min(week for week in rows if week.weekday() != usual),
    )
