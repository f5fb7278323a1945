"""The independent truth: every table computed from a landing in plain Python.

Written from the contract and `docs/method.md` alone, it shares no code with the jobs: it imports
only the configuration's class and the tables' column names. Clear and slow on purpose.
"""

from tests.reference.pipeline import reference_tables
from tests.reference.robustness import robustness_tables

__all__ = ["reference_tables", "robustness_tables"]
