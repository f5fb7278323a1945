"""What `opentrace collect` does, in sentences for its user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from opentrace_spark.collect.snapshot import Collected, collect_hub
from opentrace_spark.collect.transport import Hub

_WORDS = {
    "repeated_rows": "listed twice",
    "private_rows": "private to the token's account",
    "malformed_rows": "malformed (_rejects.jsonl)",
}


def collect(
    out: Path,
    source: str | None,
    since: date | None,
    owners: Sequence[str] | None,
    progress: Callable[[str, int, int], None],
    hub: Hub | None = None,
) -> list[str]:
    """Collect a source, then the accounts of `owners`; says what there is now.

    `since` is of weekly-snapshots. Raises ContentError and UsageError.
    """
    hub = hub or Hub()
    told = []
    if source == "hub":
        told.append(_snapshot_words(collect_hub(out, hub, progress)))
    return told


def _snapshot_words(done: Collected) -> str:
    manifest = done.manifest
    if not done.is_new:
        return f"{done.folder} is there since {manifest['finished']}: nothing to do today"
    counts = manifest["counts"]
    left_out = [f"{counts[name]:,} {word}" for name, word in _WORDS.items() if counts.get(name)]
    told = f"{done.folder}: {manifest['rows']:,} models in {len(manifest['files']):,} files"
    return f"{told}; left out: {', '.join(left_out)}" if left_out else told
