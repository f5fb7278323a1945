"""silver/model_weeks: weekly counts under resolved names, and each model's totals over them.

The reports of a week meet in one task, which settles them and writes the week's file itself, so
that its rows need not come back through Spark. `work_weeks` says which files these are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import StorageLevel
from pyspark.sql import DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.bronze.downloads import judged_downloads, read_downloads
from opentrace_spark.bronze.weekdays import check_weekdays, mixed_weeks
from opentrace_spark.config import CHOICES
from opentrace_spark.io import named_files, read_columns, read_stored, write_partition
from opentrace_spark.metrics.exact import exact_sum
from opentrace_spark.metrics.units import day_of
from opentrace_spark.silver.differences import counted_models
from opentrace_spark.silver.names import UNKNOWN
from opentrace_spark.silver.row_groups import Batches, read_run, runs_by
from opentrace_spark.silver.settle import FOUND, settle_week
from opentrace_spark.silver.settle_counters import REPORTS, differing, settle_counters
from opentrace_spark.silver.sightings import calendar_of
from opentrace_spark.steps import Context
from opentrace_spark.tables import SILVER_MODEL_WEEKS

_WEEKS = pa.schema(
    [
        ("week_start", pa.date32()),
        ("file", pa.string()),
        ("first_label", pa.date32()),
        ("last_label", pa.date32()),
        ("reports", pa.int64()),
        ("used", pa.int64()),
        ("rows", pa.int64()),
        ("counted", pa.int64()),
        ("downloads", pa.int64()),
        ("difference", pa.int64()),
        ("source", pa.string()),
        ("covered_days", pa.int32()),
        ("other_downloads", pa.int64()),
        ("differing_models", pa.int64()),
    ]
)
DOWNLOADS, SNAPSHOTS = CHOICES["weeks.precedence"]


def build_weeks_read(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Scratch `work_weeks`: a row per week with usable reports, whose rows its task has written.

    Columns: week_start; file, its path below the scratch folder, null for a week all of whose
    reports contradict each other: it is a missing one; first_label and last_label, the
    dates under which downloads/ reported the week; reports, usable rows of downloads/; used, those
    that its rows are made of (the others repeat or contradict one). Of the file: rows; counted,
    those with a count, without which the week is a missing one; downloads and difference, sums;
    source; covered_days of snapshots. Where both sources know counts of the week, one is
    taken: other_downloads and differing_models tell of the other.
    """
    settle = _Settle(
        asked=context.locations["work_asked"],
        models=context.locations["work_counted_models"],
        snapshots=context.locations["silver_snapshots"],
        preferred=context.config.weeks.precedence,
        folder=context.scratch,
    )
    reported = inputs["work_runs"].withColumn("bucket", F.lit(None).cast("int"))
    runs = reported.unionByName(inputs["work_differences"], allowMissingColumns=True)
    by_week = runs.repartition(context.tasks_by_week, "week_start")
    return by_week.mapInArrow(settle, from_arrow_schema(_WEEKS))


@dataclass(frozen=True)
class _Settle:
    """The function that workers run on the runs of some whole weeks."""

    asked: str
    models: str
    snapshots: str
    preferred: str
    folder: str

    def __call__(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        for week_start, runs in runs_by("week_start", batches):
            row = self._settled(week_start, runs)
            if row:
                row["week_start"] = week_start
                yield pa.RecordBatch.from_pylist([row], schema=_WEEKS)

    def _settled(self, week_start: date, runs: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Write a week's rows; returns what `work_weeks` says of them, None where it has no
        report."""
        said: dict[str, Any] = {"reports": 0, "used": 0}
        by_source: dict[str, pa.Table] = {}
        if reported := [run for run in runs if run["bucket"] is None]:
            rows, facts = _reported(reported, self.asked)
            said |= facts
            if len(rows):
                by_source[DOWNLOADS] = rows
        if counted := [run for run in runs if run["bucket"] is not None]:
            by_source[SNAPSHOTS] = _counted(counted, self.models)
        if not by_source:
            return said if "first_label" in said else None
        source = self._chosen(by_source)
        rows = by_source.pop(source)
        if source == SNAPSHOTS:
            said["covered_days"] = calendar_of(self.snapshots).covered_days.get(day_of(week_start))
        for other in by_source.values():
            said["other_downloads"], said["differing_models"] = differing(rows, other)
        counts = rows["download_count"].drop_null()
        downloads = exact_sum(counts.to_numpy())
        if downloads >= 2**63:
            raise OverflowError("downloads of one week add up to more than 64 bits can hold")
        return said | {
            "source": source,
            "file": write_partition(
                self.folder, SILVER_MODEL_WEEKS, f"week_start={week_start}", rows
            ),
            "rows": len(rows),
            "counted": len(counts),
            "downloads": downloads,
            "difference": pc.sum(rows["raw_difference"]).as_py(),
        }

    def _chosen(self, rows: Mapping[str, pa.Table]) -> str:
        """The preferred source of those that know a count of the week, else of all."""
        counting = [name for name, side in rows.items() if _counts(side)] or list(rows)
        return self.preferred if self.preferred in counting else counting[0]


def _counts(rows: pa.Table) -> int:
    return len(rows) - int(rows["download_count"].null_count)


def _reported(runs: list[dict[str, Any]], asked: str) -> tuple[pa.Table, dict[str, Any]]:
    """A week's rows by downloads/, and what is said of its reports; nothing of no usable one."""
    found = [run for run in runs if run["is_found"]]
    labels = [run[end] for run in found for end in ("first_label", "last_label")]
    reports = pa.concat_tables([FOUND.empty_table(), *map(read_run, found)])
    others = _resolved([read_run(run) for run in runs if not run["is_found"]], asked)
    if len(others):
        labels += pc.min_max(others["week"]).as_py().values()
    if not labels:
        return pa.table({}), {}
    rows, used = settle_week(reports, others, min(labels))
    return rows, {
        "first_label": min(labels),
        "last_label": max(labels),
        "reports": len(reports) + len(others),
        "used": used,
    }


def _counted(runs: list[dict[str, Any]], models: str) -> pa.Table:
    """A week's rows by snapshots/."""
    known = counted_models(models)
    reports = []
    for run in runs:
        rows = read_run(run)
        first, _ = known.span(run["bucket"])
        places = first + np.searchsorted(
            known.number[slice(*known.span(run["bucket"]))], rows["number"].to_numpy()
        )
        reports.append(
            pa.table(
                [
                    pa.array(known.model_key[places]),
                    *(rows[name] for name in ("count", "difference", "flags")),
                    known.name.take(pa.array(places)),
                    pa.array(known.is_own[places]),
                    known.resolution.take(pa.array(places)),
                ],
                schema=REPORTS,
            )
        )
    return settle_counters(pa.concat_tables(reports))


_OTHERS = pa.schema(
    [
        *FOUND,
        ("week", pa.date32()),
        ("name", pa.string()),
        ("model_id", pa.string()),
        ("resolution", pa.string()),
    ]
)


def _resolved(asked: list[pa.Table], uri: str) -> pa.Table:
    """Reports under other names with what `work_asked` says of them; without unusable names."""
    if not asked:
        return _OTHERS.empty_table()
    reports, answers = pa.concat_tables(asked), _answers(uri)
    places = pc.index_in(reports["name"], value_set=answers["name"].combine_chunks())
    is_usable = pc.is_valid(places)
    answered = answers.take(places.filter(is_usable)).drop_columns("name")
    usable = reports.filter(is_usable)
    for name in answered.column_names:
        usable = usable.append_column(name, answered[name])
    return usable.select(_OTHERS.names)


@lru_cache(maxsize=1)
def _answers(uri: str) -> pa.Table:
    return read_stored(uri)


def build_model_weeks(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """The table of the files that `work_weeks` names. Acts: reads the names.

    Raises ContentError where the dates of downloads/ fall on different weekdays.
    """
    weeks = inputs["work_weeks"].collect()
    dates = {
        week[label]: week["reports"]
        for week in weeks
        for label in ("first_label", "last_label")
        if week[label]
    }
    if mixed_weeks(dates):
        rows = read_downloads(context)
        check_weekdays(judged_downloads(rows.persist(StorageLevel.DISK_ONLY)))
    return named_files(
        context.spark,
        SILVER_MODEL_WEEKS,
        context.scratch,
        [week["file"] for week in weeks if week["file"]],
    )


_TOTALS = pa.schema(
    [("model_key", pa.int64()), ("total_downloads", pa.int64()), ("first_seen", pa.date32())]
)
_NEVER = np.iinfo(np.int32).max


def build_totals(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """One row per model with reported weeks: total_downloads, first_seen, and the name of an id
    that models/ does not know (null for the others)."""
    # Each task has a sum for every model: few tasks leave little to be added up between them.
    tasks = context.spark.sparkContext.defaultParallelism
    files = inputs["work_weeks"].where("file is not null").select("week_start", "file")
    weeks = files.repartition(tasks, "file")
    tables = ("work_names", "work_asked", "work_counted_models")
    names = [context.locations[table] for table in tables]
    added = _add_up(names, context.locations["silver_model_weeks"])
    totals = (
        weeks.mapInArrow(added, from_arrow_schema(_TOTALS))
        .groupBy("model_key")
        .agg(
            F.sum("total_downloads").alias("total_downloads"),
            F.min("first_seen").alias("first_seen"),
        )
    )
    return totals.join(unknown_ids(inputs), "model_key", how="left")


def unknown_ids(inputs: Mapping[str, DataFrame]) -> DataFrame:
    """model_key and unknown_id of all names that models/ does not know."""
    asked = inputs["work_asked"].where(F.col("resolution") == UNKNOWN)
    counted = inputs["work_counted_models"].where("unknown_id is not null")
    listed = asked.select("model_key", F.col("name").alias("unknown_id")).unionByName(
        counted.select("model_key", "unknown_id")
    )
    return listed.distinct()


def _add_up(names: list[str], folder: str) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """The function that workers run on some weeks: totals of each model over these weeks.

    Raises OverflowError where their downloads do not fit 64 bits.
    """

    def add_up(batches: Batches) -> Iterator[pa.RecordBatch]:
        listed = [read_stored(uri, ["model_key"])["model_key"].to_numpy() for uri in names]
        keys = np.unique(np.concatenate(listed))
        totals = np.zeros(len(keys), dtype=np.int64)
        first = np.full(len(keys), _NEVER, dtype=np.int32)
        is_reported = np.zeros(len(keys), dtype=bool)
        downloads = 0
        for week in (row for batch in batches for row in batch.to_pylist()):
            rows = read_columns(folder, week["file"], ["model_key", "download_count"])
            # Unknown counts add nothing; the model was seen all the same.
            counts = rows["download_count"].fill_null(0).to_numpy()
            downloads += exact_sum(counts)
            if downloads >= 2**63:
                raise OverflowError("downloads add up to more than 64 bits can hold")
            # A model is in a week once, so that no place is there twice.
            places = np.searchsorted(keys, rows["model_key"].to_numpy())
            totals[places] += counts
            is_reported[places] = True
            seen = places[np.flatnonzero(counts)]
            first[seen] = np.minimum(first[seen], day_of(week["week_start"]))
        reported = np.flatnonzero(is_reported)
        days = first[reported]
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(keys[reported]),
                pa.array(totals[reported]),
                pa.array(days, mask=days == _NEVER).cast(pa.date32()),
            ],
            schema=_TOTALS,
        )

    return add_up
