"""The tables of a warehouse, each opened once, without Spark, and what their run was told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa
from pyarrow.dataset import Expression, field

from opentrace_spark.errors import UsageError
from opentrace_spark.gold.usage.countries import unit_of_word
from opentrace_spark.history import last_of, strays
from opentrace_spark.io import Snapshot, Warehouse
from opentrace_spark.tables import (
    GOLD_CONCENTRATION,
    GOLD_RUNS,
    GOLD_USAGE_SHARES,
    GOLD_WEEKS,
    SILVER_LINEAGE,
    SILVER_MODEL_WEEKS,
    SILVER_MODELS,
    TABLES,
    TableSpec,
)

NEEDED = (
    *(SILVER_MODELS, SILVER_MODEL_WEEKS, SILVER_LINEAGE),
    *(GOLD_WEEKS, GOLD_USAGE_SHARES, GOLD_CONCENTRATION, GOLD_RUNS),
)
_OF_WEEK = ("week_start", "week_label", "is_missing", "is_complete", "known_breaks", "source")
_OF_RUN = ("run_id", "finished_at", "version", "parameters", "inputs", "table_versions")


class Source:
    """A warehouse as it is when it is opened: what is committed later is not seen.

    `run` is the last run's row of gold/runs. Raises UsageError for a folder without the tables.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        warehouse.check_version(NEEDED)
        self.location = warehouse.location
        self._tables = {spec.id: warehouse.snapshot(spec) for spec in TABLES}
        for spec in NEEDED:
            if spec not in self:
                raise UsageError(
                    f"warehouse {warehouse.location}: no {spec.path} there; run opentrace run "
                    "first, or name another warehouse"
                )
        run = last_of(self.rows(GOLD_RUNS, _OF_RUN))
        if run is None:
            raise UsageError(f"warehouse {warehouse.location}: {GOLD_RUNS.path} has no run")
        self.run = run
        self.parameters: dict[str, Any] = json.loads(run["parameters"])

    def __contains__(self, spec: TableSpec) -> bool:
        return self._tables[spec.id] is not None

    def _dataset(self, spec: TableSpec) -> Any:
        snapshot = self._tables[spec.id]
        assert isinstance(snapshot, Snapshot), spec.path
        return snapshot.dataset

    def table(
        self, spec: TableSpec, columns: Sequence[str], where: Expression | None = None
    ) -> pa.Table:
        """Some columns of the rows that fit."""
        return self._dataset(spec).to_table(columns=list(columns), filter=where)

    def batches(
        self, spec: TableSpec, columns: Sequence[str], where: Expression | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same a part at a time: for tables of any length."""
        yield from self._dataset(spec).to_batches(columns=list(columns), filter=where)

    def rows(
        self, spec: TableSpec, columns: Sequence[str], where: Expression | None = None
    ) -> list[dict[str, Any]]:
        """The same as dictionaries, for small answers."""
        rows: list[dict[str, Any]] = self.table(spec, columns, where).to_pylist()
        return rows

    @cached_property
    def windows(self) -> dict[str, int | None]:
        """The run's recency windows: name -> days, None for no window."""
        names = self.parameters["windows"]["recency"]
        return {name: None if name == "none" else int(name.removesuffix("d")) for name in names}

    @cached_property
    def weeks(self) -> list[dict[str, Any]]:
        """Rows of gold/weeks in their order."""
        return sorted(self.rows(GOLD_WEEKS, _OF_WEEK), key=lambda row: row["week_start"])

    @cached_property
    def country_units(self) -> dict[str, str]:
        """Every word for a country in silver/models -> the unit that it counts for."""
        online = self.parameters["organizations"]["online_unit"]
        words: set[str] = set()
        for batch in self.batches(SILVER_MODELS, ["country"]):
            words.update(batch["country"].unique().to_pylist())
        return {word: unit_of_word(word, online) for word in sorted(words)}

    def words_of_unit(self, unit: str) -> list[str]:
        """The words in silver/models that count for a country unit."""
        return [word for word, counted in self.country_units.items() if counted == unit]

    @property
    def apart(self) -> list[str]:
        """Sentences on tables that are not as the last run committed them."""
        versions = {
            spec.path: None if snapshot is None else snapshot.version
            for spec in TABLES
            for snapshot in [self._tables[spec.id]]
        }
        said = strays(json.loads(self.run["table_versions"]), versions)
        return [sentence for sentence in said if versions[sentence.split(" ", 1)[0]] is not None]

    def week(self, day: date | None) -> dict[str, Any]:
        """The row of gold/weeks of the ISO week that holds a day; by default the last complete one.

        Raises UsageError where there is none, or it has no counts.
        """
        there = [row for row in self.weeks if not row["is_missing"]]
        complete = [row for row in there if row["is_complete"]]
        if not complete:
            raise UsageError(f"warehouse {self.location}: no complete week with downloads is there")
        if day is None:
            return complete[-1]
        monday = day - timedelta(days=day.weekday())
        for row in there:
            if row["week_start"] == monday:
                return row
        what = "is missing" if any(w["week_start"] == monday for w in self.weeks) else "is not"
        raise UsageError(
            f"--week {day}: the week of {monday} {what} in the tables; they have weeks from "
            f"{there[0]['week_start']} to {there[-1]['week_start']}"
        )

    def shares_of_week(self, week: date, entities: Sequence[str]) -> dict[tuple[str, ...], Any]:
        """Rows of gold/usage_shares of these entities in a week, by level, attribution, recency
        window and entity."""
        key = ("level", "attribution", "recency_window", "entity")
        is_wanted = (field("week_start") == week) & field("entity").isin(list(entities))
        rows = self.rows(
            GOLD_USAGE_SHARES, [*key, "rank", "downloads", "share", "member_count"], is_wanted
        )
        return {tuple(row[name] for name in key): row for row in rows}
