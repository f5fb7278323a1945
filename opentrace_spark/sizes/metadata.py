"""A row of models/ as the estimate sees it: what the Hub's JSON says of files and tensors.

A cell of these columns may hold any JSON: what is not as the Hub writes it says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentrace_spark.sizes.repository import Repository
from opentrace_spark.sizes.settings import MOST_PARAMETERS

COLUMNS = (
    "id",
    "tags",
    "pipeline_tag",
    "library_name",
    "usedStorage",
    "siblings",
    "safetensors",
    "gguf",
)
"""The columns of models/ that `repository_of` looks at."""


def repository_of(row: Mapping[str, Any], base_models: Sequence[str]) -> Repository:
    """A repository from the COLUMNS of its row; `base_models` are the names of its parents."""
    tensors, gguf = _object(row["safetensors"]), _object(row["gguf"])
    dtypes = tensors.get("parameters")
    return Repository(
        row["id"],
        tags=[tag for tag in row["tags"] or () if tag],
        pipeline_tag=row["pipeline_tag"],
        library_name=row["library_name"],
        storage_bytes=_count(row["usedStorage"]),
        files=_files(row["siblings"]),
        dtypes=_counts(dtypes) if isinstance(dtypes, dict) else None,
        safetensors_total=_count(tensors.get("total")),
        gguf_total=_count(gguf.get("total")),
        base_models=base_models,
    )


def _object(text: str | None) -> dict[str, Any]:
    said = _parsed(text)
    return said if isinstance(said, dict) else {}


def _files(text: str | None) -> dict[str, int | None] | None:
    """Name -> bytes (None: not told) of `[{"rfilename": "model.safetensors", "size": 123}]`."""
    said = _parsed(text)
    entries = [entry for entry in said if isinstance(entry, dict)] if isinstance(said, list) else []
    named = [(entry.get("rfilename"), entry.get("size")) for entry in entries]
    return {name: _count(size) for name, size in named if isinstance(name, str)} or None


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):  # deeper nested, or of more digits, than Python reads
        return None


def _counts(said: Mapping[str, Any]) -> dict[str, int | None]:
    return {name: _count(value) for name, value in said.items()}


def _count(value: Any) -> int | None:
    """A number as a count: whole, positive and of a size that can be, else None. 7e9 is one, too.

    No disk has as many bytes as no model has parameters.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 1 <= value < MOST_PARAMETERS else None
