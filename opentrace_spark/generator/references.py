"""How models name their parents, and in which of the three places of the metadata they do."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.generator.calibration import Calibration, planted_count, weeks_before_end
from opentrace_spark.generator.identity import Identities
from opentrace_spark.generator.lineage import LOST, Lineage
from opentrace_spark.generator.popularity import Creation

# Card and tags and `baseModels`; card and tags; tags only; `baseModels` only; card only; ...
_PLACES = ((1, 1, 1), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0), (0, 1, 1))
_PLACE_ODDS = (0.50, 0.20, 0.12, 0.06, 0.07, 0.05)
# Tags say the relation since then; before, they name the parent only. Newer ones are sorted.
_RELATIONS_SINCE = int(dt.datetime(2024, 8, 1, tzinfo=dt.timezone.utc).timestamp())


@dataclass(frozen=True)
class References:
    """Per entry of the parent lists: written = the name as the author wrote it; current = today's
    name, the stale one for a few; model = index of the parent or LOST.

    Per model: offsets of its entries; in_card, in_tags, in_base_models: where they are written;
    has_relation: its tags come in pairs and sorted.
    """

    offsets: np.ndarray
    model: np.ndarray
    written: pa.Array
    current: pa.Array
    in_card: np.ndarray
    in_tags: np.ndarray
    in_base_models: np.ndarray
    has_relation: np.ndarray


def build_references(
    lineage: Lineage,
    identities: Identities,
    creation: Creation,
    rng: np.random.Generator,
    fit: Calibration,
) -> References:
    """Spell every documented parent and choose the places that mention it."""
    models = len(lineage.root)
    place = np.array(_PLACES, dtype=bool)[rng.choice(len(_PLACES), size=models, p=_PLACE_ODDS)]
    place[lineage.planted, 0] = True  # only cards keep the order, and so the chain
    place[~lineage.roles.is_child] = False
    # `baseModels` lists repositories that exist: a lost parent needs another place.
    owner = np.repeat(np.arange(models), np.diff(lineage.offsets))
    lost = owner[lineage.parents == LOST]
    only_there = lost[~place[lost, 0] & ~place[lost, 1]]
    place[only_there, 1] = True
    written, current = _spell(lineage, identities, creation, owner, rng, fit)
    return References(
        lineage.offsets, lineage.parents, written, current, place[:, 0], place[:, 1], place[:, 2],
        creation.second >= _RELATIONS_SINCE,
    )  # fmt: skip


def _spell(
    lineage: Lineage,
    identities: Identities,
    creation: Creation,
    owner: np.ndarray,
    rng: np.random.Generator,
    fit: Calibration,
) -> tuple[pa.Array, pa.Array]:
    """Written and current name of each entry."""
    parents = lineage.parents
    known = pa.array(np.maximum(parents, 0), mask=parents == LOST)
    exact = identities.ids.take(known)
    gone = _lost_names(len(parents), identities, rng)
    written = pc.if_else(pa.array(parents == LOST), gone, exact)
    renames = identities.renames
    former = _lookup(len(lineage.root), renames.model, parents)
    age = weeks_before_end(creation.second)[owner]
    before = age >= renames.week[former] if len(renames.model) else np.zeros(len(parents), bool)
    habit = rng.random(len(parents)) < np.where(before, 0.8, 0.2)
    written = _override(written, former, habit, renames.legacy)
    # The immutable `_id` beside it still tells which repository a stale name means.
    current = _override(exact, former, rng.random(len(parents)) < 0.25, renames.legacy)
    cased = _lookup(len(lineage.root), identities.variant_of, parents)
    written = _override(written, cased, rng.random(len(parents)) < 0.5, identities.variants)
    # Any popular parent is now and then written in the wrong case.
    plain = rng.permutation(np.flatnonzero((parents != LOST) & (former < 0) & (cased < 0)))
    slips = planted_count(fit.case_slips * len(plain) / len(lineage.root), 3, len(lineage.root))
    slip = np.zeros(len(parents), dtype=bool)
    slip[plain[:slips]] = True
    return pc.if_else(pa.array(slip), pc.utf8_swapcase(written), written), current


def _lookup(models: int, listed: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Position of each parent in `listed`, -1 where it is not there."""
    position = np.full(models + 1, -1, dtype=np.int64)  # the last one is for LOST
    position[listed] = np.arange(len(listed))
    return position[parents]


def _override(
    names: pa.Array, position: np.ndarray, wanted: np.ndarray, spellings: tuple[str, ...]
) -> pa.Array:
    mask = wanted & (position >= 0)
    if not mask.any():
        return names
    return pc.replace_with_mask(
        names, pa.array(mask), pa.array(spellings).take(pa.array(position[mask]))
    )


def _lost_names(count: int, identities: Identities, rng: np.random.Generator) -> pa.Array:
    """Names of parents that are gone: three in ten still have downloads, some are local paths."""
    pool = ["./output/checkpoint-500", "/content/drive/model", "private-owner/secret-7B"]
    pool += [f"deleted-owner-{n}/base-{n % 7}B" for n in range(200)]
    gone = pa.array(pool).take(pa.array(rng.integers(len(pool), size=count)))
    if len(identities.unknown) == 0:
        return gone
    counted = identities.unknown.take(pa.array(rng.integers(len(identities.unknown), size=count)))
    return pc.if_else(pa.array(rng.random(count) < 0.3), counted, gone)
