"""Cumulative counters of dated snapshots to weekly counts: pure functions on arrays, no Spark."""
