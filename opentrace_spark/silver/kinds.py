"""How a model was derived: the documented relation, else what its tags and library tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, functions as F

from opentrace_spark.attributes.method import tag_kind
from opentrace_spark.silver.listing import listing_of


def kind(relation: Column, parent_count: Column, from_tags: Column) -> Column:
    """The kind of a model with `parent_count` distinct parents other than itself.

    The relation where one is documented; else merge for two or more parents; else `from_tags` (of
    `tag_kind`). Null without a parent: nothing was derived.
    """
    return F.when(
        parent_count > 0,
        F.coalesce(relation, F.when(parent_count > 1, F.lit("merge")), from_tags),
    )


def own_kind(model: Mapping[str, Any]) -> str | None:
    """The kind that a row of models/ tells itself, whatever parent an annotation gave: by the rule
    of `kind`, on names as they are written.
    """
    listing = listing_of(None, model["cardData"], model["baseModels"], model["tags"])
    entries = listing.entries if listing else ()
    others = [e for e in entries if e.is_listed and e.name and not _same(e.name, model["id"])]
    if not others:
        return None
    from_tags = tag_kind(model["tags"], model["library_name"])
    return others[0].relation or ("merge" if len(others) > 1 else from_tags)


def _same(left: str, right: str) -> bool:
    return left.lower() == right.lower()
