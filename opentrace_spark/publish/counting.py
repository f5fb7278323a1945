"""What one download is: the words of `weeks.download_definition`, for the page and the card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_OF_DOWNLOADS = {
    "unstated": "Weekly counts were taken from files as they were given; what they count as one "
    "download is not stated (weeks.download_definition).",
    "user_model_day": "One download is one user, one model, one day, however many files and "
    "requests: the definition of the paper's logs.",
    "public_counter": "Weekly counts come from the Hub's public counters, which count requests for "
    "certain files. They are less exact than logs, in which a user counts once per model and day.",
}
_OF_SNAPSHOTS = (
    "Weekly counts are worked out from snapshots of the Hub's public counter downloadsAllTime, "
    "which counts requests for certain files. They are less exact than logs, in which a user "
    "counts once per model and day."
)


def what_is_counted(parameters: Mapping[str, Any], inputs: Iterable[str]) -> list[str]:
    """Sentences on what a download is, of a run's method values and the paths of its inputs."""
    folders = {path.partition("/")[0] for path in inputs}
    sentences = []
    if "downloads" in folders:
        sentences.append(_OF_DOWNLOADS[parameters["weeks"].get("download_definition", "unstated")])
    if "snapshots" in folders:
        sentences.append(_OF_SNAPSHOTS)
    return sentences
