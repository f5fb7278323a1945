"""gold/derivation_flows: every chain of first parents walked by itself, in exact parts."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.reference.labelled import Rows, counted, labels_of, periods_of, samples_of
from tests.reference.usage import Facts
from tests.reference.words import categories

UNKNOWN = ["Undocumented"]
NOT_DERIVED = ["not derived"]
ENDED = ["ended"]
Parts = dict[tuple[str, str, str], Fraction]


def derivation_flows_table(facts: Facts) -> Rows:
    """gold/derivation_flows."""
    by_model: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    for week, model_id, window, count in counted(facts, facts.complete_weeks):
        for sample in samples_of(facts.models[model_id]):
            for period in periods_of(facts, week):
                by_model[sample, period, window][model_id] += count
    parts = {model_id: parts_of(facts, model_id) for model_id in facts.population}
    rows = []
    for (sample, period, window), models in by_model.items():
        total = sum(models.values())
        sums: defaultdict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
        for model_id, count in models.items():
            for pair, part in parts[model_id].items():
                sums[pair] += count * part
        for (step, before, after), downloads in sums.items():
            rows.append(
                {
                    "sample": sample,
                    "period": period,
                    "recency_window": window,
                    "step": step,
                    "previous_method": before,
                    "method": after,
                    "downloads": float(downloads),
                    "share": float(downloads / total),
                }
            )
    return rows


def parts_of(facts: Facts, model_id: str) -> Parts:
    """Step, method before and method -> which part of the model's downloads; 1 for each step."""
    parts: defaultdict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for step, transitions in _steps(_chain(facts, model_id)).items():
        for before, after in transitions:
            for one in before:
                for other in after:
                    pairs = len(transitions) * len(before) * len(after)
                    parts[step, one, other] += Fraction(1, pairs)
    return parts


def _chain(facts: Facts, model_id: str) -> list[list[str]]:
    """How each model was made, from the root to this one."""
    made: list[list[str]] = []
    at = model_id
    while facts.lineage[at]["status"] == "attributed":
        made.insert(0, _derived(facts, at))
        at = facts.lineage[at]["parent_id"]
    if facts.lineage[at]["kind"] is None:  # it names no parent
        return [_methods(facts, at), *made]
    return [UNKNOWN, _derived(facts, at), *made]


def _methods(facts: Facts, model_id: str) -> list[str]:
    return categories("training_methods", labels_of(facts.models[model_id], "training_methods"))


def _derived(facts: Facts, model_id: str) -> list[str]:
    """The methods of a derived model: what pretrains it goes on with another's pretraining."""
    methods = _methods(facts, model_id)
    return list(
        dict.fromkeys(
            "continued pretraining" if name.startswith("Pretraining") else name for name in methods
        )
    )


def _steps(chain: list[list[str]]) -> dict[str, list[tuple[list[str], list[str]]]]:
    """The transitions of step 1, of step 2 and of all later ones."""
    if len(chain) == 1:
        idle = [(NOT_DERIVED, NOT_DERIVED)]
        return {"1": [(chain[0], NOT_DERIVED)], "2": idle, "3+": idle}
    padded = [*pairwise(chain), (chain[-1], ENDED), (ENDED, ENDED), (ENDED, ENDED)]
    later = [*pairwise(chain)][2:] or padded[2:3]
    return {"1": padded[:1], "2": padded[1:2], "3+": later}
