"""What a step of the flow is: data, and one pure function from frames to a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from opentrace_spark.config import Config
    from opentrace_spark.sources.landing import Landing


_TASKS_PER_CORE = 8


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

    @property
    def tasks_by_week(self) -> int:
        """Into how many tasks work on weeks is shared out. A task holds one week after the other;
        many tasks even out that late weeks are larger."""
        return _TASKS_PER_CORE * self.spark.sparkContext.defaultParallelism

    @property
    def constants(self) -> dict[str, Any]:
        """The columns that every row of a run shares."""
        return constants_of(self.config, self.run_id, self.started)


CONSTANTS = ("parameters", "run_id", "processed_at")
"""The columns that every row of a run shares, in those tables that have them."""


def constants_of(config: Config, run_id: str, started: datetime) -> dict[str, Any]:
    """CONSTANTS with their values."""
    return dict(zip(CONSTANTS, (config.parameters, run_id, started), strict=True))


Build = Callable[[Mapping[str, "DataFrame"], Context], "DataFrame"]


@dataclass(frozen=True)
class Step:
    """A step: the tables it reads, the one it writes, and the function between.

    `build(inputs, context)` starts no Spark job unless the step is marked `acts`. A step that
    writes a table of `tables.py` publishes it; others write scratch that ends with the run.
    `files_of` names an earlier step whose tasks have written the table's files into its scratch
    folder: they are kept where they are, and `context.scratch` is that folder. `folders` are what
    the step sees of the landing: folders (`models/`), or its manifest. `needs`: one of these
    folders must be in the landing, else the step is not run, and those that read its table do
    without; a step that needs none always runs.
    """

    name: str
    reads: tuple[str, ...]
    writes: str
    build: Build
    acts: bool = False
    files_of: str = ""
    folders: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
