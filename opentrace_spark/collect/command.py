"""What `opentrace collect` does, in sentences for its user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from opentrace_spark.collect.datasets import Downloaded, collect_dataset
from opentrace_spark.collect.owners import ACCOUNTS, collect_owners
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
    elif source is not None:
        told.append(_dataset_words(collect_dataset(out, source, since, hub, progress)))
    if owners is not None:
        told.append(_owner_words(out, collect_owners(out, owners, hub, progress)))
    return told


def _snapshot_words(done: Collected) -> str:
    manifest = done.manifest
    if not done.is_new:
        return f"{done.folder} is there since {manifest['finished']}: nothing to do today"
    counts = manifest["counts"]
    left_out = [f"{counts[name]:,} {word}" for name, word in _WORDS.items() if counts.get(name)]
    told = f"{done.folder}: {manifest['rows']:,} models in {len(manifest['files']):,} files"
    return f"{told}; left out: {', '.join(left_out)}" if left_out else told


def _dataset_words(done: Downloaded) -> str:
    if not done.folders:
        return f"{done.repository}: nothing new, {done.unchanged:,} folders are as they should be"
    first, last = done.folders[0], done.folders[-1].name
    named = str(first) if len(done.folders) == 1 else f"{first} to {last}"
    size = f"{done.size / 1e9:,.1f} GB" if done.size >= 1e8 else f"{done.size:,} bytes"
    told = f"{done.repository}: {len(done.folders):,} new ({named}, {size})"
    return f"{told}; {done.unchanged:,} as before" if done.unchanged else told


def _owner_words(out: Path, added: Counter[str]) -> str:
    return (
        f"{out / ACCOUNTS}: {added['user']:,} users and {added['organization']:,} organisations "
        f"added, {added['gone']:,} that are gone; {added['known']:,} were there"
    )
