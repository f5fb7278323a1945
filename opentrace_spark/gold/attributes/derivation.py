"""gold/derivation_flows: how models were made, step by step from the root (Fig. 11)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from opentrace_spark.attributes.taxonomy import Attribute
from opentrace_spark.attributes.vocabulary import shipped_vocabulary
from opentrace_spark.gold.attributes.labels import categories_of_text, label_text, samples
from opentrace_spark.gold.usage.pooled import downloads_of_periods
from opentrace_spark.metrics.chains import LATER, Chains, steps_of
from opentrace_spark.metrics.exact import Integers
from opentrace_spark.metrics.units import find_places
from opentrace_spark.steps import Context

NOT_DERIVED, ENDED = "not derived", "ended"
"""Methods of models that name no parent, and of chains that are over before the step."""
CONTINUED = "continued pretraining"
"""What the pretraining of a derived model is."""
STEPS = {1: "1", 2: "2", LATER: f"{LATER}+"}
_PRETRAINING = "Pretraining: "
_CELL = ["sample", "period", "recency_window"]
_PAIR = ["step", "previous_method", "method"]
_WALKED = pa.schema(
    [
        ("model_key", pa.int64()),
        *((name, pa.string()) for name in _PAIR),
        ("parts", pa.int64()),
        ("of", pa.int64()),
    ]
)
_FLOWS = pa.schema(
    [
        *((name, pa.string()) for name in (*_CELL, *_PAIR)),
        ("downloads", pa.float64()),
        ("share", pa.float64()),
    ]
)


def build_derivation_flows(inputs: Mapping[str, DataFrame], context: Context) -> DataFrame:
    """Downloads by step, how the model before it was made, and how that of the step was.

    Reads `silver_models`, `silver_lineage`, `work_pooled`, `gold_weeks`. Models are counted by the
    sets of methods of both, which are few, and the sets are shared out last.
    """
    silver = inputs["silver_models"]
    models = silver.select(
        "model_key",
        "in_population",
        "in_head_sample",
        label_text(silver, "training_methods").alias("methods"),
    )
    lineage = inputs["silver_lineage"]
    members = models.where("in_population")
    named = lineage.where("kind is not null").select("model_key")
    alone = members.join(named, "model_key", how="left_anti")
    pairs = alone.select("model_key", _not_derived()).unionByName(_walked(models, lineage))
    counted = (
        downloads_of_periods(inputs, context)
        .join(members.select("model_key", samples("in_head_sample")), "model_key", how="inner")
        .join(pairs, "model_key", how="inner")
        .groupBy(*_CELL, *_PAIR, "parts", "of")
        .agg(F.sum("downloads").alias("downloads"))
    )
    return counted.groupBy(*_CELL).applyInArrow(share_out, from_arrow_schema(_FLOWS))


def _not_derived() -> Column:
    """Generator of the three steps of a model that names no parent."""
    one = F.lit(1).cast("bigint")
    return F.inline(
        F.array(
            *(
                F.struct(
                    F.lit(name).alias("step"),
                    (F.col("methods") if step == 1 else F.lit(NOT_DERIVED)).alias(
                        "previous_method"
                    ),
                    F.lit(NOT_DERIVED).alias("method"),
                    one.alias("parts"),
                    one.alias("of"),
                )
                for step, name in STEPS.items()
            )
        )
    )


def _walked(models: DataFrame, lineage: DataFrame) -> DataFrame:
    """The steps of every model of the population that names a parent: rows of _WALKED.

    All chains are walked in one task, as root finding does: most models are on none.
    """
    linked = lineage.select(
        "model_key",
        "root_key",
        F.when(F.col("depth") > 0, F.xxhash64("parent_id")).alias("parent_key"),
        "depth",
        F.col("kind").isNotNull().alias("names_parent"),
    )
    named = linked.where("names_parent")
    roots = named.select(F.col("root_key").alias("model_key"))
    ends = linked.where("not names_parent").join(roots, "model_key", how="left_semi")
    nodes = named.unionByName(ends).join(models, "model_key", how="inner")
    return nodes.coalesce(1).mapInArrow(_walk, from_arrow_schema(_WALKED))


def _walk(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    nodes = pa.Table.from_batches(batches) if (batches := list(batches)) else None
    if nodes is None:
        return
    nodes = nodes.sort_by("model_key")
    methods = nodes["methods"].combine_chunks().dictionary_encode()
    # Above a root that names a parent stands one more node, for all that nobody knows.
    words = pa.concat_arrays([methods.dictionary, pa.array(["", ENDED])])
    unknown, ended = len(words) - 2, len(words) - 1
    chains = _chains(nodes, np.append(methods.indices.to_numpy(), unknown).astype(np.int64))
    wanted = pc.and_(nodes["in_population"], nodes["names_parent"]).to_numpy()
    steps = steps_of(chains, np.flatnonzero(wanted), ended)
    yield from pa.table(
        {
            "model_key": nodes["model_key"].take(steps.place),
            "step": pa.array(STEPS.values()).take(steps.step - 1),
            "previous_method": words.take(steps.before),
            "method": words.take(steps.after),
            "parts": steps.parts,
            "of": steps.of,
        },
        schema=_WALKED,
    ).to_batches(max_chunksize=1 << 16)


def _chains(nodes: pa.Table, codes: Integers) -> Chains:
    """The chains of the nodes, by ascending key, and of the unknown one, whose place is the last.

    A root that names a parent, one that is missing or on a cycle, was derived from the unknown one.
    """
    keys = nodes["model_key"].to_numpy()
    names_parent = nodes["names_parent"].to_numpy()
    is_root = nodes["depth"].to_numpy() == 0
    up = np.where(
        is_root,
        np.where(names_parent, len(keys), np.arange(len(keys))),
        find_places(keys, nodes["parent_key"].fill_null(0).to_numpy()),
    )
    is_deeper = names_parent[find_places(keys, nodes["root_key"].to_numpy())]
    depth = nodes["depth"].to_numpy().astype(np.int64) + is_deeper
    return Chains(np.append(up, len(keys)), np.append(depth, 0), codes)


def share_out(rows: pa.Table) -> pa.Table:
    """One sample, period and window: downloads shared out equally over pairs of methods.

    Takes _CELL, _PAIR (as sets of labels), parts, of, downloads; gives _FLOWS. Sums are whole
    numbers, one per denominator; each is divided once, and `math.fsum` rounds the sum of the
    quotients once: the order of rows can't show.
    """
    methods = shipped_vocabulary().attributes["training_methods"]
    sums: defaultdict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
    total = 0
    for row in rows.to_pylist():
        if row["step"] == STEPS[1]:
            total += row["downloads"]
        before = _methods(row["previous_method"], methods, is_derived=row["step"] != STEPS[1])
        after = _methods(row["method"], methods, is_derived=True)
        denominator = row["of"] * len(before) * len(after)
        for pair in product((row["step"],), before, after):
            sums[pair][denominator] += row["downloads"] * row["parts"]
    cell = {name: rows[name][0].as_py() for name in _CELL}
    return pa.Table.from_pylist(
        [
            cell
            | dict(zip(_PAIR, pair, strict=True))
            | {
                "downloads": math.fsum(n / of for of, n in terms.items()),
                "share": math.fsum(n / (of * total) for of, n in terms.items()),
            }
            for pair, terms in sorted(sums.items())
        ],
        schema=_FLOWS,
    )


def _methods(text: str, attribute: Attribute, is_derived: bool) -> tuple[str, ...]:
    """The methods that a set of labels counts as."""
    if text in (NOT_DERIVED, ENDED):
        return (text,)
    categories = categories_of_text(text, attribute)
    if not is_derived:
        return categories
    named = (CONTINUED if name.startswith(_PRETRAINING) else name for name in categories)
    return tuple(dict.fromkeys(named))
