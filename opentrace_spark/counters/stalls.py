"""Snapshots in which nearly all counters stand still: nothing was counted, not nothing downloaded.

A snapshot is a stall where, of the models that were active before, at least a share (a named value)
shows no change since the snapshot before it. Active are those whose counter rose to the last
snapshot that is no stall. Models that one of these snapshots lacks tell nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from opentrace_spark.metrics.exact import Integers

Pair = tuple[int, int]
"""Places of two snapshots: the last one that is no stall, and the one to be judged."""
Count = Callable[[Sequence[Pair]], dict[Pair, tuple[int, int]]]
"""Pairs -> how many models were active at the first, and how many of them stand still at the
second."""


def find_stalls(snapshots: int, count: Count, share: Fraction) -> tuple[list[bool], list[Pair]]:
    """Whether each of `snapshots` is a stall, and the pair that each was judged by, from the third
    on. The first two can't be judged: nothing is known of the time before.

    `count` is asked for all neighbours at once, then once for every further snapshot of a run of
    stalls.
    """
    is_stalled = [False] * snapshots
    pairs = [(place - 1, place) for place in range(2, snapshots)]
    counted = count(pairs) if pairs else {}
    judged, last = [], 1
    for place in range(2, snapshots):
        pair = (last, place)
        if pair not in counted:
            counted |= count([pair])
        active, unchanged = counted[pair]
        is_stalled[place] = active > 0 and unchanged >= share * active
        judged.append(pair)
        last = last if is_stalled[place] else place
    return is_stalled, judged


def count_unchanged(
    model: Integers, snapshot: Integers, counter: Integers, pairs: Sequence[Pair]
) -> tuple[Integers, Integers]:
    """Of each pair, how many of these models were active, and how many of them stand still.

    The arrays have a place per sighting, ascending by model and snapshot.
    """
    follows = (model[1:] == model[:-1]) & (snapshot[1:] == snapshot[:-1] + 1)
    change = np.flatnonzero(follows) + 1
    model, snapshot = model[change], snapshot[change]
    rise = counter[change] - counter[change - 1]
    active, unchanged = np.zeros((2, len(pairs)), dtype=np.int64)
    of_snapshot: dict[int, Integers] = {
        place: np.flatnonzero(snapshot == place) for place in {p for pair in pairs for p in pair}
    }
    for number, (before, place) in enumerate(pairs):
        rose = of_snapshot[before][rise[of_snapshot[before]] > 0]
        seen = of_snapshot[place]
        is_active = np.isin(model[seen], model[rose])
        active[number] = np.count_nonzero(is_active)
        unchanged[number] = np.count_nonzero(rise[seen[is_active]] == 0)
    return active, unchanged
