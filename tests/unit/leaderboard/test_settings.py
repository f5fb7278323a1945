"""Values of the section leaderboard that make no sense."""

from __future__ import annotations

import pytest

from opentrace_spark.config import load_config
from opentrace_spark.errors import UsageError


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('repeated = "worst"', "leaderboard.repeated: 'worst' is not best or first or latest"),
        ("smooth_weeks = 4", "leaderboard.smooth_weeks: is even"),
        ("smooth_weeks = 0", "leaderboard.smooth_weeks: below 1"),
        ("architectures = 0", "leaderboard.architectures: below 1"),
        ("architecture_floor = 1.0", "leaderboard.architecture_floor: not from 0"),
        ("size_tolerance = -0.1", "leaderboard.size_tolerance: not from 0"),
        ("gain_reached = 0.0", "leaderboard.gain_reached: not above 0"),
        ("log_base = 1", "leaderboard.log_base: not above 1"),
        ("size_bounds = []", "leaderboard.size_bounds: not ascending"),
        ("size_bounds = [3, 1]", "leaderboard.size_bounds: not ascending"),
        ("size_bounds = [0, 1]", "leaderboard.size_bounds: not ascending"),
        ("score_percents = [50, 101]", "leaderboard.score_percents: a score above the best"),
        ("score_percents = [50, 50]", "leaderboard.score_percents: not ascending"),
    ],
)
def test_senseless_values_are_refused(tmp_path, line, message):
    file = tmp_path / "conf.toml"
    file.write_text(f"[leaderboard]\n{line}\n")
    with pytest.raises(UsageError, match=message):
        load_config(file)
