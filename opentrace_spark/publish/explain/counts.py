"""Downloads of a unit, week by week, from the rows of silver/model_weeks that it is made of.

Gold counts the population; a unit holds its models (attribution none), or the models whose root is
one of them (root). The sums are the integers of gold/usage_shares, for every unit and not only for
the 1,000 largest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.dataset import field

from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.units import UNKNOWN_DAY, covers, day_of, find_places
from opentrace_spark.publish.source import Source
from opentrace_spark.tables import SILVER_LINEAGE, SILVER_MODEL_WEEKS, SILVER_MODELS

Sums = dict[tuple[date, str], int]
"""(week_start, recency window) -> downloads."""
Unit = tuple[str, str, str]
"""Column of silver/models, its value (a country unit), attribution."""


@dataclass(frozen=True)
class Members:
    """Models of the population that a unit counts: keys, ascending, and the days windows start."""

    keys: Integers
    starts: npt.NDArray[np.int32]


class Counts:
    """Finds members of units and adds up their weeks; the population is read once."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @cached_property
    def _population(self) -> tuple[Integers, npt.NDArray[np.int32], Integers]:
        """Keys, ascending, first days of windows, and keys of roots."""
        source, root_dates = self._source, self._source.parameters["windows"]["date"] == "root"
        columns = ["model_key", "created_date"]
        everyone = None if root_dates else field("in_population")
        models = source.table(SILVER_MODELS, [*columns, "in_population"], everyone)
        models = models.sort_by("model_key")
        all_keys, all_starts = models["model_key"].to_numpy(), _days(models["created_date"])
        is_counted = models["in_population"].to_numpy()
        keys, starts = all_keys[is_counted], all_starts[is_counted]
        roots = np.empty(len(keys), np.int64)
        for batch in source.batches(SILVER_LINEAGE, ["model_key", "root_key"]):
            places = find_places(keys, batch["model_key"].to_numpy())
            here = np.flatnonzero(places >= 0)
            roots[places[here]] = batch["root_key"].to_numpy()[here]
        if root_dates:
            starts = all_starts[find_places(all_keys, roots)]
        return keys, starts, roots

    def members(self, unit: Unit) -> Members:
        """The models that a unit counts."""
        column, value, attribution = unit
        keys, starts, roots = self._population
        words = self._source.words_of_unit(value) if column == "country" else [value]
        named = self._source.table(SILVER_MODELS, ["model_key"], field(column).isin(words))
        chosen = np.sort(named["model_key"].to_numpy())
        credited = keys if attribution == "none" else roots
        is_member = np.flatnonzero(find_places(chosen, credited) >= 0)
        return Members(keys[is_member], starts[is_member])

    def by_week(self, units: Mapping[Unit, Members], week: date | None = None) -> dict[Unit, Sums]:
        """Downloads of units by week and window, of one week where that is given; weeks without
        downloads are left out."""
        wanted = np.unique(
            np.concatenate([np.empty(0, np.int64), *(m.keys for m in units.values())])
        )
        found: dict[Unit, Sums] = {unit: defaultdict(int) for unit in units}
        if not len(wanted):
            return found
        where = field("model_key").isin(pa.array(wanted)) & (field("download_count") > 0)
        if week is not None:
            where = (field("week_start") == week) & where
        columns = ["week_start", "model_key", "download_count"]
        for batch in self._source.batches(SILVER_MODEL_WEEKS, columns, where):
            keys, counts = batch["model_key"].to_numpy(), batch["download_count"].to_numpy()
            # A batch is of one file, so of one week; what is read never relies on it.
            for start in pc.unique(batch["week_start"]).to_pylist():
                of_week = pc.equal(batch["week_start"], start).to_numpy(zero_copy_only=False)
                for unit, members in units.items():
                    self._add(found[unit], start, members, keys[of_week], counts[of_week])
        return found

    def _add(
        self, sums: Sums, week: date, members: Members, keys: Integers, counts: Integers
    ) -> None:
        places = find_places(members.keys, keys)
        here = np.flatnonzero(places >= 0)
        starts, counted = members.starts[places[here]], counts[here]
        for window, days in self._source.windows.items():
            inside = int(counted[covers(starts, day_of(week), days)].sum())
            if inside:
                sums[week, window] += inside


def _days(dates: pa.ChunkedArray) -> npt.NDArray[np.int32]:
    return dates.cast(pa.int32()).fill_null(UNKNOWN_DAY).to_numpy()
