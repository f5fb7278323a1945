"""What results of the Open LLM Leaderboard say: pure functions on values, no Spark."""
