"""What snapshots/ says of models: the last row of each, its names, and its states day by day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tests.reference.names import EARLIEST, Names, owner
from tests.reference.reading import Record, read_descriptions

State = Callable[[Record], dict[str, Any]]


@dataclass
class Described:
    """Models by `_id` (or `/` and name), each with its rows by day, and all days."""

    models: dict[str, dict[date, Record]] = field(default_factory=dict)
    days: list[date] = field(default_factory=list)

    def last_rows(self) -> list[Record]:
        """The last row of each model; of those with one name the row of the latest day."""
        by_name: dict[str, list[tuple[int, str, Record]]] = {}
        for key, rows in self.models.items():
            row = rows[max(rows)]
            by_name.setdefault(row.get("id"), []).append((-max(rows).toordinal(), key, row))
        return [min(rows, key=lambda entry: entry[:2])[2] for rows in by_name.values()]

    def newer(self, records: list[Record]) -> list[Record]:
        """Rows of models/ but those of models that were not modified since their last snapshot."""
        last = {row.get("id"): row for row in self.last_rows()}
        by_key = {
            key: row
            for key, rows in self.models.items()
            for row in [rows[max(rows)]]
            if last[row.get("id")] is row
        }
        return [
            record
            for record in records
            for said in [
                by_key.get(record.get("_id")) if record.get("_id") else last.get(record.get("id"))
            ]
            if said is None or (record.get("lastModified") or EARLIEST) > said.get("lastModified")
        ]

    def former(self, names: Names) -> dict[str, str]:
        """Names that kept models bore -> the one that bore it last."""
        borne: dict[str, tuple[int, str, int, str]] = {}
        for key, rows in self.models.items():
            kept = names.by_hub_id.get(key)
            for day, row in rows.items() if kept else ():
                name, place = row.get("id"), (-day.toordinal(), row.file, row.row, str(kept))
                if name != kept:
                    borne[name] = min(borne.get(name, place), place)
        return {name: place[3] for name, place in borne.items()}

    def history(self, names: Names, state: State) -> list[dict[str, Any]]:
        """silver/model_history."""
        found = []
        for key, rows in self.models.items():
            model_id = _model_id(key, rows[max(rows)].get("id"), names)
            spans: list[dict[str, Any]] = []
            for day in self.days:
                said = _state(rows[day], state) if day in rows else None
                if spans and spans[-1]["valid_to"] is None:
                    if {name: spans[-1][name] for name in said or ()} == said:
                        spans[-1]["last_seen"] = day
                        continue
                    spans[-1]["valid_to"] = day
                if said is not None:
                    spans.append({**said, "valid_from": day, "valid_to": None, "last_seen": day})
            hub_id = None if key[0] == "/" else key
            found += [{**span, "model_id": model_id, "hub_id": hub_id} for span in spans]
        return found


def read_described(landing: Path, own: Names) -> Described:
    """All rows of snapshots/ that describe a model; `own` are the names of models/ alone."""
    described = Described()
    for record in read_descriptions(landing):
        day = date.fromisoformat(record.file.split("/")[1])
        known = own.models.get(record.get("id"))
        hub_id = record.get("_id") or (known and known.get("_id"))
        rows = described.models.setdefault(hub_id or f"/{record.get('id')}", {})
        rows.setdefault(day, record)
        described.days.append(day)
    described.days = sorted(set(described.days))
    return described


def _model_id(key: str, name: str, names: Names) -> str:
    if key in names.by_hub_id:
        return names.by_hub_id[key]
    kept = names.models.get(name)
    if key[0] == "/" and kept is not None and not kept.get("_id"):
        return name
    return f"{name}#{'' if key[0] == '/' else key}"


def _state(row: Record, state: State) -> dict[str, Any]:
    return {"name": row.get("id"), "developer": owner(row.get("id")), **state(row)}
