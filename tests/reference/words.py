"""The words of attributes: conf/taxonomy.toml as it stands, and names of licenses and languages."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONF = Path(__file__).parents[2] / "conf"
TAXONOMY: dict[str, Any] = tomllib.loads((CONF / "taxonomy.toml").read_text(encoding="utf-8"))
ATTRIBUTES = tuple(TAXONOMY)
COLUMN = {name: {"gated": "gating", "language": "languages"}.get(name, name) for name in ATTRIBUTES}
"""Attribute -> column of silver/models."""
STRICTEST_FIRST = (
    *("non_commercial", "acceptable_use_policy", "other", "attribution", "open_use"),
    "undocumented",
)


def _rows(name: str) -> list[dict[str, str]]:
    with (CONF / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


_LICENSES = _rows("licenses.csv")
LICENSE_CLASS = {
    **{row["spdx"].lower(): row["license_class"] for row in reversed(_LICENSES)},
    **{row["hub_id"]: row["license_class"] for row in _LICENSES},
}
LANGUAGE = {row["code"]: row["canonical"] for row in _rows("languages.csv")}


def absent(attribute: str) -> str:
    """What stands for no label."""
    word: str = TAXONOMY[attribute]["absent"]
    return word


def category(attribute: str, label: str) -> str:
    """The category that a label counts in; a label without one is its own."""
    found: str = TAXONOMY[attribute].get("labels", {}).get(label, label)
    return found


def categories(attribute: str, labels: Iterable[str]) -> list[str]:
    """The categories of labels, each once, in the taxonomy's order; the word for absent of none."""
    found = {category(attribute, label) for label in labels} or {absent(attribute)}
    order = [*TAXONOMY[attribute].get("categories", ()), absent(attribute)]
    known = [name for name in order if name in found]
    return known + sorted(found - set(known))


def label_of(attribute: str, word: str) -> str | None:
    """The label that a word in an annotation's cell means; None where there is no such label."""
    if attribute == "language":
        code = word.lower()
        if code not in LANGUAGE:
            code = re.sub("[-_][A-Za-z0-9]+$", "", word)
        return LANGUAGE.get(code)
    section = TAXONOMY[attribute]
    labels = section.get("labels", {})
    if word in labels or (word in section["categories"] and word not in labels.values()):
        return word
    if attribute != "license_class":
        return None
    return word if word == absent(attribute) else LICENSE_CLASS.get(word.strip().lower())
