"""Which base model a model was built on, and what says so.

In this order: `lineage`, the documented root of its chain of parents; `leaderboard`, the base model
that the board names, and that one's root; `type`, a pre-trained model is its own base; `name`, the
model is called like a family; `architecture`, it has that of a family. The last two give the base
itself only where just one model of the family is about as large, and nothing that was released
after the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from opentrace_spark.leaderboard.words import Families, Release, Words

OTHER_FAMILY = "other"
"""Family of a known base that conf/base_models.toml does not list."""


class Base(NamedTuple):
    """`model_id` None: only the family is known; `evidence` None: nothing is."""

    model_id: str | None
    family: str | None
    evidence: str | None


def base_of(model: Mapping[str, Any], families: Families, words: Words, tolerance: float) -> Base:
    """The base of a kept submission; reads model_id, type, architecture, date, root_id (None where
    no chain leads anywhere), base_id, base_name and base_root; size, in billions, None where
    nothing tells it."""
    model_id = model["model_id"]
    if model["root_id"] is not None and model["root_id"] != model_id:
        return _documented(model["root_id"], "lineage", families)
    named = model["base_root"] or model["base_id"] or model["base_name"]
    if named is not None and named != model_id:
        return _documented(named, "leaderboard", families)
    if model["type"] == "pre-trained":
        return _documented(model_id, "type", families)
    size = model["size"]
    family = family_by_name(model_id, families, model["date"])
    evidence = "name"
    if family is None:
        family = words.architecture_families.get(model["architecture"] or "")
        evidence = "architecture"
    if family is None:
        return Base(None, None, None)
    there = [each for each in families.releases if _is_before(each, model["date"])]
    release = _only_release(family, size, there, tolerance)
    return Base(release.model_id if release else None, family, evidence)


def family_by_name(model_id: str, families: Families, day: date | None = None) -> str | None:
    """The first family whose pattern is in the name after the owner, in lower case; none of which
    nothing was released by the `day`."""
    name = model_id.rpartition("/")[2].lower()
    there = {each.family for each in families.releases if _is_before(each, day)}
    named = (family for family, names in families.names if names.search(name))
    return next((family for family in named if family in there), None)


def _is_before(release: Release, day: date | None) -> bool:
    return day is None or release.released <= day


def _documented(base: str, evidence: str, families: Families) -> Base:
    listed = next((each.family for each in families.releases if each.model_id == base), None)
    return Base(base, listed or family_by_name(base, families) or OTHER_FAMILY, evidence)


def _only_release(
    family: str, size: float | None, releases: Sequence[Release], tolerance: float
) -> Release | None:
    """The one release of a family that is about so large; boards cut sizes to whole billions."""
    if size is None:
        return None
    near = [
        each
        for each in releases
        if each.family == family
        and (
            abs(each.parameters - size) <= tolerance * each.parameters
            or int(each.parameters) == size
        )
    ]
    return near[0] if len(near) == 1 else None
