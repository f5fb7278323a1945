"""gold/annotation_quality: whose labels are held to whose, and how often they agree."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from nltk.metrics.agreement import AnnotationTask

from opentrace_spark.config import Config
from tests.reference.annotations import ATTRIBUTE, Annotator, Said
from tests.reference.labelled import Rows
from tests.reference.lineage import annotated_parents
from tests.reference.names import Names
from tests.reference.words import categories

Value = tuple[str, ...]
NOT_DERIVED = ("No",)


@dataclass(frozen=True)
class Given:
    """A filled cell."""

    who: Annotator
    labels: Value


@dataclass
class Pool:
    """All that is compared for one field, source and reference."""

    units: list[list[Value]]
    people: set[tuple[str, str]]


def annotation_quality_table(
    said: list[Said], derived: dict[str, dict[str, Value]], names: Names, config: Config
) -> Rows:
    """gold/annotation_quality; `derived` is what the metadata of each annotated model give."""
    pools: defaultdict[tuple[str, str, str], Pool] = defaultdict(lambda: Pool([], set()))
    for field in (*ATTRIBUTE.values(), "derived_from"):
        given: defaultdict[str, list[Given]] = defaultdict(list)
        for row in sorted(said, key=lambda row: row.place):
            if labels := _labels(row, field, names):
                given[row.model_id].append(Given(row.annotator, labels))
        for model_id, cells in sorted(given.items()):
            own = derived[model_id].get(field, ()) if field != "derived_from" else ()
            for source, reference, values, people in _comparisons(cells, own):
                pool = pools[field, source, reference]
                pool.units.append(values)
                pool.people |= people
    return [
        {
            "attribute": field,
            "granularity": granularity,
            "source": source,
            "reference": reference,
            "annotators": len(pool.people),
            "models": len(pool.units),
            **measured,
        }
        for (field, source, reference), pool in pools.items()
        for granularity in ("label", "category")
        for measured in _measured(pool, field, granularity, source, reference, config)
    ]


def _labels(row: Said, field: str, names: Names) -> Value:
    if field != "derived_from":
        return row.labels.get(field, ())
    parents = annotated_parents(row.parents, names) if row.parents else None
    if parents is None:
        return ()
    return tuple(parent.target or parent.name for parent in parents) or NOT_DERIVED


def _comparisons(
    cells: list[Given], own: Value
) -> Iterator[tuple[str, str, list[Value], set[tuple[str, str]]]]:
    """Source, reference, the values that are compared, and whose they are: of one model's field."""
    people = [c for c in cells if c.who.role == "human"]
    reviews = [c for c in cells if c.who.role == "review"]
    machines = [c for c in cells if c.who.role == "machine"]
    one_each: dict[tuple[str, str], Value] = {}
    for cell in (*people, *reviews):
        one_each.setdefault(cell.who.identity, cell.labels)
    if len(one_each) > 1:
        yield "human", "human", list(one_each.values()), set(one_each)
    for person in people[:1]:
        others = [r for r in reviews if r.who.identity != person.who.identity]
        for right in others[:1]:
            both = {person.who.identity, right.who.identity}
            yield "human", "review", [person.labels, right.labels], both
    for reference, truths in (("human", [*reviews, *people]), ("review", reviews)):
        for right in truths[:1]:
            for machine in machines[:1]:
                both = {machine.who.identity, right.who.identity}
                yield "machine", reference, [machine.labels, right.labels], both
            if own:
                yield "derived", reference, [own, right.labels], {right.who.identity}


def _measured(
    pool: Pool, field: str, granularity: str, source: str, reference: str, config: Config
) -> Iterator[dict[str, Any]]:
    units = [[_value(labels, field, granularity) for labels in unit] for unit in pool.units]
    agreeing = sum(len(set(unit)) == 1 for unit in units)
    if reference == "human":
        yield {
            "measure": "agreement",
            "agreeing": agreeing,
            "value": _alpha(units),
            **dict.fromkeys(("low", "high", "is_below_bar")),
        }
    if (source, reference) != ("human", "human"):
        low, high = _wilson(agreeing, len(units), config.annotations.confidence)
        yield {
            "measure": "accuracy",
            "agreeing": agreeing,
            "value": agreeing / len(units),
            "low": low,
            "high": high,
            "is_below_bar": agreeing / len(units) < config.annotations.bar,
        }


def _value(labels: Value, field: str, granularity: str) -> Value:
    """Labels as the one value that is compared: a set, but parents in their order."""
    if field == "derived_from":
        if granularity == "label":
            return labels
        return ("no" if labels == NOT_DERIVED else "yes",)
    return tuple(sorted(labels if granularity == "label" else categories(field, labels)))


def _alpha(units: list[list[Value]]) -> float | None:
    """Krippendorff's alpha by NLTK; null where only one value occurs."""
    if len({value for unit in units for value in unit}) < 2:
        return None
    data = [
        (rater, item, value) for item, unit in enumerate(units) for rater, value in enumerate(unit)
    ]
    return float(AnnotationTask(data=data).alpha())


def _wilson(successes: int, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (successes + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(successes * (n - successes) / n + z * z / 4)
    return max(0.0, middle - half), min(1.0, middle + half)
