"""How a model was derived: the documented relation, else what its tags and library tell."""

from __future__ import annotations

from pyspark.sql import Column, functions as F


def kind(relation: Column, parent_count: Column, from_tags: Column) -> Column:
    """The kind of a model with `parent_count` distinct parents other than itself.

    The relation where one is documented; else merge for two or more parents; else `from_tags` (of
    `tag_kind`). Null without a parent: nothing was derived.
    """
    return F.when(
        parent_count > 0,
        F.coalesce(relation, F.when(parent_count > 1, F.lit("merge")), from_tags),
    )
