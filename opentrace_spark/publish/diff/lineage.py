"""Which models have another root in B than in A, those with most downloads first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.publish.diff.rows import Part
from opentrace_spark.publish.diff.sides import Side
from opentrace_spark.tables import SILVER_MODELS

_ORDER = [("downloads", "descending"), ("model_id", "ascending")]


class RootMoves:
    """Collects the most downloaded models whose root differs, a part of silver/lineage at a time.

    A row of `moved` has `model_id, root_a, root_b, downloads`: downloads are those of all weeks in
    B, null where B has no silver/models.
    """

    def __init__(self, b: Side, top: int) -> None:
        self._b, self._top = b, top
        self._totals: pa.Table | None = None
        self._kept: list[pa.Table] = []

    @property
    def moved(self) -> list[dict[str, Any]]:
        """The models, most downloads first, ties by name."""
        if not self._kept:
            return []
        rows: list[dict[str, Any]] = pa.concat_tables(self._kept).to_pylist()
        return rows

    def add(self, part: Part) -> None:
        """Take in the models of a part that have another root."""
        if not {"root_id", "model_key"} <= part.unequal.keys():
            return  # tables of another layout
        places = pa.array(np.flatnonzero(part.unequal["root_id"]))
        if not len(places):
            return
        a, b = part.a.take(places), part.b.take(places)
        found = pa.table(
            {
                "model_id": a["model_id"],
                "root_a": a["root_id"],
                "root_b": b["root_id"],
                "downloads": self._downloads(a["model_key"]),
            }
        )
        kept = pa.concat_tables([*self._kept, found])
        self._kept = [kept.take(pc.sort_indices(kept, _ORDER)[: self._top])]

    def _downloads(self, keys: pa.ChunkedArray) -> pa.ChunkedArray:
        columns = ["model_key", "total_downloads"]
        if self._b.lacks(SILVER_MODELS, columns):
            return pa.nulls(len(keys), pa.int64())
        if self._totals is None:
            self._totals = self._b[SILVER_MODELS].dataset.to_table(columns=columns)
        places = pc.index_in(keys, value_set=self._totals["model_key"])
        return self._totals["total_downloads"].take(places)
