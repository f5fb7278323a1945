"""How far labels agree: Krippendorff's alpha, and a share with its interval."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from scipy import stats


def krippendorff_alpha(units: Sequence[Sequence[Hashable]]) -> float | None:
    """Krippendorff's alpha at the nominal level: 1 - observed / expected disagreement.

    `units` are the labels that each unit was given, one per annotator who gave one; units with a
    single label tell nothing. Two labels are the same or they differ (alpha's nominal distance).
    None where alpha is not defined: no unit has two labels, or only one label occurs, so that no
    disagreement could be expected. The same units in the same order give the same bits.

    Source: Krippendorff, Content Analysis (2004), chapter 11; computed by NLTK.
    """
    from nltk.metrics.agreement import AnnotationTask  # seconds to import, for few runs

    pairable = [unit for unit in units if len(unit) > 1]
    if len({label for unit in pairable for label in unit}) < 2:
        return None
    triples = [
        (annotator, place, label)
        for place, unit in enumerate(pairable)
        for annotator, label in enumerate(unit)
    ]
    return float(AnnotationTask(data=triples).alpha())


def wilson_interval(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion, without continuity correction.

    Raises ValueError where there is no trial. Source: Wilson, JASA 22 (1927); computed by SciPy.
    """
    found = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)
