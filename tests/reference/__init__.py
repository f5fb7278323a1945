"""The independent truth: every table computed from a landing in plain Python.

Written from the contract and `docs/method.md` alone, it shares no code with the jobs but the
configuration's class, the tables' column names, and the pure rules on one model's metadata
(`opentrace_spark.attributes`, `opentrace_spark.sizes`), which their unit tests hold to cases by
hand. Clear and slow on purpose.
"""

from tests.reference.leaderboard import leaderboard_tables
from tests.reference.pipeline import reference_tables
from tests.reference.robustness import robustness_tables

__all__ = ["leaderboard_tables", "reference_tables", "robustness_tables"]
