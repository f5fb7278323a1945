"""A model's way to its root, and what the tables say of each step."""

from __future__ import annotations

from typing import Any

from pyarrow.dataset import field

from opentrace_spark.publish.source import Source
from opentrace_spark.tables import GOLD_FAMILIES, SILVER_LINEAGE

_STEP = (
    *("model_id", "parent_id", "parent_name", "parent_source", "relation", "kind"),
    *("root_id", "root_key", "depth", "status", "cycle_length"),
    *("family_id", "family_key", "family_size", "parent_count", "self_parent_count"),
)


def path_to_root(source: Source, key: int) -> list[dict[str, Any]]:
    """Rows of silver/lineage from the model to the end of its chain of first parents.

    The last one is the root, whose parent may be missing; of a chain that never ends, the model
    before the first that is there again.
    """
    (row,) = source.rows(SILVER_LINEAGE, _STEP, field("model_key") == key)
    if row["status"] != "cycle" and row["root_id"] == row["model_id"]:
        return [row]
    # All of a chain have one root; what stands on a cycle, or leads to one, has only its family.
    same = "family_key" if row["status"] == "cycle" else "root_key"
    columns = ["model_id", "parent_id"]
    kin = source.table(SILVER_LINEAGE, columns, field(same) == row[same])
    parent = dict(zip(kin["model_id"].to_pylist(), kin["parent_id"].to_pylist(), strict=True))
    names = [row["model_id"]]
    seen = set(names)
    while (above := parent.get(names[-1])) is not None and above in parent and above not in seen:
        names.append(above)
        seen.add(above)
    steps = source.rows(SILVER_LINEAGE, _STEP, field("model_id").isin(names))
    by_name = {step["model_id"]: step for step in steps}
    return [by_name[name] for name in names]


def resting_on(source: Source, root: str) -> dict[str, Any] | None:
    """The root's row of gold/families; None where it has no derivative, or there is no such
    table."""
    if GOLD_FAMILIES not in source:
        return None
    columns = ("derivatives", "derivative_developers", "derivative_countries", "downloads", "share")
    rows = source.rows(GOLD_FAMILIES, columns, field("root_id") == root)
    return rows[0] if rows else None
