"""Which repositories there are, and which of them a name means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from tests.reference.reading import Record

NO_OWNER = "(no owner)"
EARLIEST = datetime.min.replace(tzinfo=timezone.utc)


@dataclass
class Names:
    """The kept rows of models/ by id, and every other way to name them."""

    models: dict[str, Record] = field(default_factory=dict)
    by_hub_id: dict[str, str] = field(default_factory=dict)
    former: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    by_lower: dict[str, str] = field(default_factory=dict)

    def resolve(self, name: str) -> tuple[str | None, str]:
        """The model that a name means (None: unknown), and how it was found."""
        if name in self.models:
            return name, "exact"
        if name in self.former:
            return self.former[name], "renamed"
        if self.aliases.get(name) in self.models:
            return self.aliases[name], "renamed"
        if name.lower() in self.by_lower:
            return self.by_lower[name.lower()], "recased"
        return None, "no_metadata"


def settle_names(
    models: list[Record], aliases: list[Record], written: Iterable[Record] = ()
) -> tuple[Names, list[dict[str, Any]]]:
    """One row per repository, every name of it, and the rows of models/ that lost.

    `written`: further rows that tell names.
    """
    rejects = []
    names = Names()
    groups: dict[Any, list[Record]] = {}
    for record in models:
        identity = record.get("_id") or (record.file, record.row)
        groups.setdefault(identity, []).append(record)
    survivors = []
    renamed: list[tuple[Record, str]] = []
    for group in groups.values():
        latest = _latest(group)
        survivors.append(latest)
        for loser in group:
            if loser is not latest:
                if _is_dated(loser):
                    continue
                rejects.append(loser.rejected("duplicate_row"))
                renamed.append((loser, latest.get("id")))
    by_id: dict[str, list[Record]] = {}
    for record in sorted(survivors, key=lambda r: (r.file, r.row)):
        by_id.setdefault(record.get("id"), []).append(record)
    for model_id, group in by_id.items():
        names.models[model_id] = latest = _latest(group)
        lost = [r for r in group if r is not latest and not _is_dated(r)]
        rejects += [r.rejected("duplicate_row") for r in lost]
    of_hub_id = {record.get("_id"): model_id for model_id, record in names.models.items()}
    for record in written:
        if record.get("_id") and record.get("_id") in of_hub_id:
            renamed.append((record, of_hub_id[record.get("_id")]))
    for loser, current in sorted(renamed, key=lambda pair: (pair[0].file, pair[0].row)):
        if loser.get("id") not in names.models:
            names.former.setdefault(loser.get("id"), current)
    for model_id in sorted(names.models):
        names.by_lower.setdefault(model_id.lower(), model_id)
        if hub_id := names.models[model_id].get("_id"):
            names.by_hub_id[hub_id] = model_id
    for record in aliases:
        legacy = record.get("legacy_id")
        if legacy in names.aliases:
            rejects.append(record.rejected("ambiguous_alias"))
        else:
            names.aliases[legacy] = record.get("current_id")
    return names, rejects


def _latest(group: Iterable[Record]) -> Record:
    """The row with the latest lastModified; of equal ones one of snapshots/, else the first."""
    return max(group, key=lambda row: (row.get("lastModified") or EARLIEST, _is_dated(row)))


def _is_dated(record: Record) -> bool:
    return record.file.startswith("snapshots/")


def owner(model_id: str) -> str:
    """The developer: what stands before the slash."""
    return model_id.partition("/")[0] if model_id.find("/") > 0 else NO_OWNER
