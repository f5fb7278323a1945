"""What a run tells of snapshots/: stalls, names that moved, weeks in part, sources that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import DataFrame, functions as F

from opentrace_spark.config import Config

_NAMED = 3


def counter_notes(tables: Mapping[str, DataFrame], config: Config) -> tuple[str, ...]:
    """Sentences on the counters of a run that has snapshots. Starts Spark jobs."""
    if "work_seen" not in tables:
        return ()
    notes = [*_stalls(tables["silver_snapshots"]), *_names(tables["work_seen"])]
    if "gold_weeks" in tables:
        notes += [*_partial_weeks(tables["gold_weeks"]), *_sources(tables["gold_weeks"], config)]
    return tuple(notes)


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return f"{', '.join(words[:_NAMED])}{more}"


def _stalls(snapshots: DataFrame) -> Iterator[str]:
    stalled = snapshots.where("is_stalled").orderBy("snapshot_date").collect()
    if stalled:
        days = [
            f"{row['snapshot_date']} ({row['unchanged_models']:,} of {row['active_models']:,})"
            for row in stalled
        ]
        yield f"snapshots/: nearly all counters stand still in {_listed(days)}; left out"


def _names(seen: DataFrame) -> Iterator[str]:
    """Models that changed their name, and names that were more than one model's."""
    renamed = seen.where(F.size("names") > 1).count()
    if renamed:
        yield f"snapshots/: models with a new name, followed by their `_id`: {renamed:,}"
    bearers = seen.select(F.explode("names").alias("name")).groupBy("name")
    taken = bearers.agg(F.count(F.lit(1)).alias("models")).where("models > 1").orderBy("name")
    names = [row["name"] for row in taken.collect()]
    if names:
        yield f"snapshots/: names that more than one model bore, kept apart: {_listed(names)}"


def _partial_weeks(weeks: DataFrame) -> Iterator[str]:
    covered = weeks.where("covered_days is not null").orderBy("week_start")
    rows = covered.select("week_start", "covered_days").collect()
    for end, row in zip(("first", "last"), (rows[:1], rows[1:][-1:]), strict=True):
        if row and row[0]["covered_days"] < 7:
            yield (
                f"snapshots/: the {end} week, {row[0]['week_start']}, is counted on "
                f"{row[0]['covered_days']} of 7 days"
                + ("; weeks.last_complete_week leaves it out" if end == "last" else "")
            )


def _sources(weeks: DataFrame, config: Config) -> Iterator[str]:
    both = weeks.where("other_downloads is not null").agg(
        F.count(F.lit(1)).alias("weeks"),
        F.count_if(F.col("differing_models") > 0).alias("differing"),
        F.sum("downloads").alias("downloads"),
        F.sum("other_downloads").alias("others"),
    )
    for row in both.where("weeks > 0").collect():
        yield (
            f"downloads/ and snapshots/ both give {row['weeks']:,} weeks (weeks.precedence = "
            f"{config.weeks.precedence}); {row['differing']:,} differ: {row['downloads']:,} "
            f"downloads in the tables, {row['others']:,} by the other"
        )
