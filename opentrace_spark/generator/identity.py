"""The names that models go by: odd ids, names that differ in case, renames and deleted models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opentrace_spark.generator.calibration import Calibration, planted_count
from opentrace_spark.generator.names import spell_codes

# Legal, and a trap each: for SQL, CSV, JSON, globs, paths, formulas, trimming, case folding.
ODD_IDS = (
    "a'; drop table models",
    'quo"ted/na"me',
    "comma,owner/na,me;x",
    "back\\slash/C:\\temp",
    " leading/space",
    "trailing/space ",
    "ünïcode-lab/模型-β",
    "emoji/🤗-model",
    "null/NaN",
    "=1+1/@SUM(A1)",
    "../..",
    "owner/name/extra",
    "percent%25/100%_like",
    "$var/{braces}[0]*",
    "İstanbul/ıI-ß",
    "combining/cafe\u0301",
    "long/" + "x" * 295,
)


@dataclass(frozen=True)
class Renames:
    """model: renamed models. legacy: their former names. week: last week (weeks before the end)
    in which downloads came under the former name, -1 where they never did.

    rows: all rows of the alias table, in its order: also those whose former name is a model again,
    names with two rows, and targets that do not exist.
    """

    model: np.ndarray
    legacy: tuple[str, ...]
    week: np.ndarray
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Identities:
    """ids: current id per model. renames: see there. variant_of, variants: models that downloads
    and parents sometimes name in another case, and that spelling. unknown: ids of deleted models.
    """

    ids: pa.Array
    renames: Renames
    variant_of: np.ndarray
    variants: tuple[str, ...]
    unknown: pa.Array


def build_identities(
    names: pa.Array,
    is_child: np.ndarray,
    age: np.ndarray,
    rank: np.ndarray,
    rng: np.random.Generator,
    fit: Calibration,
) -> Identities:
    """Give some models odd names, then rename some, and list the ids that metadata do not know.

    names: ordinary `owner/name` per model. age: weeks before the last one, within the history, so
    that renames fall in it. rank: by downloads, 0 = never downloaded.
    """
    models = len(names)
    free = _older_first(rng.permutation(np.flatnonzero((rank > 20) & ~is_child)), age)
    ids, free, pairs = _plant_names(names, free, models, fit)
    popular = np.flatnonzero((rank > 1) & (rank <= 20) & ~is_child)
    renames = _build_renames(ids, np.concatenate([free, popular]), age, rank, rng, fit)
    free = _older_first(rng.permutation(np.setdiff1d(free, renames.model)), age)
    cased = free[: planted_count(fit.case_references, 5, models)]
    variants = [_swap_case(ids[int(i)].as_py()) for i in cased]
    # A third spelling of two models that differ in case: only a rule can tell which one is meant.
    third = [ids[int(i)].as_py().upper() for i in pairs[:1]]
    unknown = planted_count(fit.unknown_ids * (1 - fit.never_downloaded), 4, models)
    return Identities(
        ids,
        renames,
        np.concatenate([cased, pairs[:1]]).astype(np.int64),
        (*variants, *third),
        _deleted_ids(unknown, rng),
    )


def _older_first(models: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Models with a quarter of a year of history come first, else in the order given."""
    return models[np.argsort(age[models] < 13, kind="stable")]


def _swap_case(name: str) -> str:
    """The same name with the case of its first letter and of the rest of its owner changed."""
    owner, slash, rest = name.partition("/")
    return owner.swapcase() + slash + rest


def _plant_names(
    names: pa.Array, free: np.ndarray, models: int, fit: Calibration
) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Odd ids, pairs that differ in case, ids without owner. Returns ids, unused models, pairs."""
    odd = free[: planted_count(0, len(ODD_IDS), models)]
    given = dict(zip(odd.tolist(), ODD_IDS, strict=False))  # fewer where few models are left
    free = free[len(odd) :]
    pairs = min(planted_count(fit.case_pairs, 3, models), len(free) // 4)
    first, second, free = free[:pairs], free[pairs : 2 * pairs], free[2 * pairs :]
    for model, twin in zip(first.tolist(), second.tolist(), strict=True):
        owner, _, name = names[model].as_py().partition("/")
        given[twin] = f"{owner}/{name.swapcase()}"
    bare = free[: planted_count(fit.without_owner, 3, models)]
    free = free[len(bare) :]
    for nth, model in enumerate(bare.tolist()):
        given[model] = names[model].as_py().partition("/")[2] + f"-{nth}"
    mask = np.zeros(models, dtype=bool)
    mask[list(given)] = True
    values = pa.array([given[i] for i in sorted(given)], pa.string())
    return pc.replace_with_mask(names, pa.array(mask), values), free, first


def _build_renames(
    ids: pa.Array,
    free: np.ndarray,
    age: np.ndarray,
    rank: np.ndarray,
    rng: np.random.Generator,
    fit: Calibration,
) -> Renames:
    """Mostly popular models change their name: half had none but a bare one, half another owner."""
    models = len(ids)
    count = min(planted_count(fit.renames, 10, models), len(free) // 2)
    old = free[age[free] >= min(8, int(age.max()))]
    popular = old[np.argsort(rank[old], kind="stable")]
    half = popular[: count // 2]
    others = np.setdiff1d(free, half)[: count - len(half)] if count else free[:0]
    renamed = rng.permutation(np.concatenate([half, others]))
    legacy = tuple(_former_name(ids[int(m)].as_py(), n) for n, m in enumerate(renamed))
    week = np.where(age[renamed] >= 3, 1 + (rng.random(count) * (age[renamed] - 2)), -1)
    rows = list(zip(legacy, (ids[int(m)].as_py() for m in renamed), strict=True))
    if count >= 10:
        rows += _odd_rows(rows, ids, np.setdiff1d(free, renamed))
    return Renames(renamed, legacy, week.astype(np.int64), tuple(rows))


def _former_name(current: str, nth: int) -> str:
    """A former name that no other model has: bare, or of an owner that has only this one."""
    owner, _, name = current.partition("/")
    return f"{name}-r{nth}" if nth % 2 == 0 else f"{owner}-was{nth}/{name}"


def _odd_rows(
    rows: list[tuple[str, str]], ids: pa.Array, unused: np.ndarray
) -> list[tuple[str, str]]:
    """Rows that must not be followed, or not to the end."""
    spare = [ids[int(i)].as_py() for i in unused[:6]]
    return [
        (spare[0], spare[1]),  # the former names are models again: never renamed
        (spare[2], spare[3]),
        (rows[0][0], spare[4]),  # a second row of the same former name: the first one wins
        (rows[1][0], spare[5]),
        ("gone-owner/renamed-away", "gone-owner/not-there"),  # no such model
        ("two-hops/start", rows[2][0]),  # leads to a former name: one hop only
    ]


def _deleted_ids(count: int, rng: np.random.Generator) -> pa.Array:
    codes = np.arange(count) * 7_919 + int(rng.integers(100**3))
    words = spell_codes(codes, 4)
    owners = spell_codes(rng.integers(100**3, size=count), 3)
    return pc.binary_join_element_wise(pc.binary_join_element_wise(owners, "gone", "-"), words, "/")
