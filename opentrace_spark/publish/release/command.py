"""`opentrace publish`: builds a release in a folder, and puts it on the Hub in one commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import SpaceCardData

from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.history import last_run, versions_now
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.release.card import card
from opentrace_spark.publish.release.croissant import croissant
from opentrace_spark.publish.release.tables import Shared, sha256, shared_specs, write_table
from opentrace_spark.publish.release.upload import address_of, check_token, upload
from opentrace_spark.tables import GOLD_RUNS, TABLES

CARD, CROISSANT, SUMS = "README.md", "croissant.json", "SHA256SUMS"


DATASET, SPACE = "dataset", "space"


@dataclass(frozen=True)
class Order:
    """What to publish where: dataset and Space (None: no Space) as ORG/NAME, the tables' license,
    whether new repositories are private, and whether nothing is sent (`is_dry`)."""

    repo_id: str
    space: str | None
    license: str
    private: bool
    is_dry: bool


def publish(
    warehouse: Warehouse,
    order: Order,
    out: Path | None,
    counted: Callable[[str, int, int], None] | None = None,
) -> Iterator[str]:
    """Build a release in `out` (None: a folder that is removed), put it on the Hub, say what
    happened.

    Everything is built before anything is sent. Raises UsageError for wrong names, folders and
    tokens, ContentError for tables that must not be published and a Hub that fails.
    """
    places = {DATASET: order.repo_id} | ({SPACE: order.space} if order.space else {})
    addresses = {kind: address_of(repo_id, kind) for kind, repo_id in places.items()}
    if order.is_dry and out is None:
        raise UsageError("--dry-run needs --out DIR, the folder to build in")
    if not order.is_dry:
        check_token()
    with _folder(out) as folder:
        release = write_release(
            warehouse, addresses[DATASET], order.license, folder / DATASET, counted
        )
        for sentence in release.left_out:
            yield f"left out: {sentence}"
        yield (
            f"{len(release.tables)} tables of run {release.run_id}, {release.size:,} bytes"
            f"{f' in {out}' if out else ''}"
        )
        if order.space:
            write_space(warehouse, addresses[DATASET], order, folder / SPACE)
        for kind, repo_id in places.items():
            if order.is_dry:
                yield f"nothing sent: {addresses[kind]} is as it was"
            else:
                message = f"Tables of run {release.run_id}"
                yield upload(folder / kind, repo_id, kind, message, order.private)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        _make_empty(out)
        yield out
        return
    with TemporaryDirectory(prefix="opentrace-publish-") as folder:
        yield Path(folder)


def write_space(warehouse: Warehouse, dataset: str, order: Order, out: Path) -> None:
    """Write a static Space to a new folder: the report's page, and a card."""
    from opentrace_spark.publish.report.command import PAGE, read_content
    from opentrace_spark.publish.report.page import page

    out.mkdir(parents=True)
    (out / PAGE).write_text(page(read_content(warehouse)), encoding="utf-8")
    head = SpaceCardData(
        title="Who shapes the open-model ecosystem",
        sdk="static",
        license=order.license,
        datasets=[order.repo_id],
    )
    text = f"---\n{head.to_yaml()}\n---\n\nThe tables behind this page: {dataset}\n"
    (out / CARD).write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Release:
    """What was built: its tables, those that the warehouse lacks or that have no rows, and the
    run that they are of."""

    tables: tuple[Shared, ...]
    left_out: tuple[str, ...]
    run_id: str

    @property
    def size(self) -> int:
        """Bytes of the tables' files."""
        return sum(part.size for table in self.tables for part in table.parts)


def write_release(
    warehouse: Warehouse,
    address: str,
    license_name: str,
    out: Path,
    counted: Callable[[str, int, int], None] | None = None,
) -> Release:
    """Write the dataset to a new folder; `address` is where it will be.

    The same tables give the same bytes. Raises UsageError for a warehouse without a finished run,
    ContentError for tables that must not be published.
    """
    run = last_run(warehouse)
    if run is None:
        raise UsageError(f"warehouse {warehouse.location}: no run has ended there; run it first")
    warehouse.check_version(TABLES)
    _check_whole(warehouse, run)
    specs, shared, left_out = shared_specs(), [], []
    for done, spec in enumerate(specs):
        if counted:
            counted(spec.path, done, len(specs))
        table = write_table(warehouse, spec, out)
        if table and table.parts:
            shared.append(table)
        else:
            left_out.append(f"{spec.path} ({'no rows' if table else 'not in the warehouse'})")
    _check_whole(warehouse, run)  # still: no run has published while this one read
    out.mkdir(parents=True, exist_ok=True)
    (out / CARD).write_text(card(shared, run, address, license_name), encoding="utf-8")
    (out / CROISSANT).write_text(croissant(shared, run, address, license_name), encoding="utf-8")
    sums = {part.path: part.sha256 for table in shared for part in table.parts}
    sums |= {name: sha256(out / name) for name in (CARD, CROISSANT)}
    lines = [f"{digest}  {path}\n" for path, digest in sorted(sums.items())]
    (out / SUMS).write_text("".join(lines), encoding="utf-8")
    return Release(tuple(shared), tuple(left_out), run["run_id"])


def _make_empty(out: Path) -> None:
    try:
        if out.exists() and any(out.iterdir()):
            raise UsageError(f"--out {out}: is not empty; name a new or empty folder")
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None


def _check_whole(warehouse: Warehouse, run: dict[str, Any]) -> None:
    """Tables of two runs must not meet in one release; some may be missing."""
    committed = json.loads(run["table_versions"])
    for path, version in versions_now(warehouse).items():
        # gold/runs cannot say of itself which version holds its row.
        if version is not None and path != GOLD_RUNS.path and committed.get(path) != version:
            raise ContentError(
                f"{path} is not as the last run left it, so the tables are not of one run; run "
                "again without --only, then publish"
            )
