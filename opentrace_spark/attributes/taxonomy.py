"""The attributes of the paper and their words: conf/taxonomy.toml, read and checked.

Labels and categories are those of the paper's appendix E and Table 1 (Longpre et al., 2025).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentrace_spark.attributes.listed import hint, read_text
from opentrace_spark.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from opentrace_spark.config import Traversable

ATTRIBUTES = (
    "org_type",
    "data_availability",
    "osi_data_criterion",
    "gated",
    "license_class",
    "modality",
    "input_modality",
    "output_modality",
    "architecture",
    "training_methods",
    "language",
    "size_class",
)
"""Every attribute, in the order of the tables."""


@dataclass(frozen=True)
class Attribute:
    """One attribute: which category each label counts in, and how the labels may stand together.

    `category_of` has every label; an `open` attribute has further labels, each its own category.
    `paper_names` is the attribute's name in the paper's Table 1 (None where it is not there) and
    how Table 1 spells the categories that it spells otherwise.
    """

    name: str
    exclusive: bool
    absent: str
    categories: tuple[str, ...]
    category_of: dict[str, str]
    needs_note: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    open: bool = False
    many: str | None = None
    several: int | None = None
    bounds: tuple[int, ...] = ()
    in_paper: str | None = None
    paper_names: dict[str, str] | None = None

    def category(self, label: str) -> str:
        """The category of a label. Raises KeyError for a label that the attribute has not."""
        return label if self.open or label == self.absent else self.category_of[label]

    def categories_of(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The categories of a model, each once in the taxonomy's order; `absent` for no label."""
        found = {self.category(label) for label in labels}
        if len(found) < 2:
            return tuple(found) or (self.absent,)
        if self.open:
            return tuple(sorted(found))
        return tuple(name for name in (*self.categories, self.absent) if name in found)


_KEYS = {
    "exclusive": bool,
    "absent": str,
    "categories": list,
    "labels": dict,
    "needs_note": list,
    "alone": list,
    "open": bool,
    "many": str,
    "several": int,
    "bounds": list,
    "in_paper": str,
    "paper_names": dict,
}


def read_taxonomy(path: Traversable) -> dict[str, Attribute]:
    """Every attribute by name. Raises UsageError for anything missing, unknown or contradictory."""
    text = read_text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}") from None
    for name in ATTRIBUTES:
        if name not in tables:
            raise UsageError(f"{path.name}: [{name}] is missing; every attribute has its section")
    found = {}
    for name, table in tables.items():
        where = f"{path.name}, line {_line_of(text, name)}, [{name}]"
        if name not in ATTRIBUTES:
            raise UsageError(f"{where}: no such attribute; {hint(name, ATTRIBUTES)}")
        found[name] = _attribute(name, table, where)
    return {name: found[name] for name in ATTRIBUTES}


def _attribute(name: str, table: dict[str, Any], where: str) -> Attribute:
    for key, value in table.items():
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {key}; {hint(key, _KEYS)}")
        if type(value) is not _KEYS[key]:
            raise UsageError(f"{where}: {key} = {value!r} is not a {_KEYS[key].__name__}")
    for key in ("exclusive", "absent"):
        if key not in table:
            raise UsageError(f"{where}: {key} is missing; add it")
    rest: dict[str, Any] = {k: tuple(v) if type(v) is list else v for k, v in table.items()}
    categories, named = rest.pop("categories", ()), rest.pop("labels", {})
    attribute = Attribute(
        name=name,
        categories=categories,
        # A category that no label names is its own label.
        category_of=named | {c: c for c in categories if c not in named.values()},
        **rest,
    )
    _check(attribute, where)
    return attribute


def _check(attribute: Attribute, where: str) -> None:
    """That an attribute's words fit each other."""
    categories = attribute.categories
    if not categories and not attribute.open:
        raise UsageError(f"{where}: categories are missing; list them in the order of the tables")
    if len(set(categories)) < len(categories):
        raise UsageError(f"{where}: a category is listed twice; delete one")
    if attribute.absent in categories:
        raise UsageError(f"{where}: absent {attribute.absent!r} is a category; it stands for none")
    for label, category in attribute.category_of.items():
        if category not in categories:
            raise UsageError(
                f"{where}: label {label!r} has the category {category!r}, which is not listed; "
                f"{hint(category, categories)}"
            )
    for key in ("needs_note", "alone"):
        for label in getattr(attribute, key):
            if label not in attribute.category_of:
                raise UsageError(f"{where}: {key} has {label!r}, which is no label of it")
    for category in attribute.paper_names or ():
        if category not in (*categories, attribute.absent):
            raise UsageError(f"{where}: paper_names has {category!r}, which is no category of it")
    bounds = attribute.bounds
    if bounds and (sorted(set(bounds)) != list(bounds) or len(bounds) + 1 != len(categories)):
        raise UsageError(f"{where}: bounds must rise, one less than there are categories")
    if bool(bounds) != (attribute.name == "size_class"):
        raise UsageError(f"{where}: size_class, and it alone, has bounds")


def _line_of(text: str, name: str) -> int:
    """The line on which a section starts (1 where it is written in another way)."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return next((n for n, line in enumerate(lines, 1) if line.startswith(f"[{name}]")), 1)
