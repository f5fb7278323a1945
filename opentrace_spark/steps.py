"""What a step of the flow is: data, and one pure function from frames to a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from opentrace_spark.config import Config
    from opentrace_spark.sources.landing import Landing


@dataclass(frozen=True)
class Context:
    """What a builder may use beside its input frames.

    `locations` are the URIs of the stored tables of this run (a folder of Parquet files each), for
    the few functions on workers that read a small table themselves. `scratch` is the URI of a
    folder that belongs to the step alone; steps marked `acts` may write there.
    """

    spark: SparkSession
    config: Config
    landing: Landing
    run_id: str
    started: datetime
    scratch: str
    locations: Mapping[str, str] = field(default_factory=dict)


Build = Callable[[Mapping[str, "DataFrame"], Context], "DataFrame"]


@dataclass(frozen=True)
class Step:
    """A step: the tables it reads, the one it writes, and the function between.

    `build(inputs, context)` starts no Spark job unless the step is marked `acts`. A step that
    writes a table of `tables.py` publishes it; others write scratch that ends with the run.
    """

    name: str
    reads: tuple[str, ...]
    writes: str
    build: Build
    acts: bool = False
