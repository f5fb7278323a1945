"""Pages of the Hub's list of models: each asked once, checked, and kept on disk as it came."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from opentrace_spark.collect.folders import write_bytes
from opentrace_spark.collect.rows import EXPAND
from opentrace_spark.collect.transport import (
    RESUME,
    FaultError,
    Hub,
    NotThereError,
    TooSlowError,
)
from opentrace_spark.errors import ContentError
from opentrace_spark.sources.cells import read_json

PATH = "/api/models"
PAGE_ROWS = 1000
"""The most that the Hub gives at once."""
_HALVINGS = 3
"""Times that a page which takes the Hub too long is asked for at half the length."""

FIRST_QUERY = urlencode(
    [*(("expand", name) for name in EXPAND), ("limit", PAGE_ROWS), ("sort", "createdAt")]
)
"""By date of creation, which never changes: no model moves between pages while they are read."""


@dataclass(frozen=True)
class Page:
    """What is known of a page without its body.

    number: from 1. rows: its records, of which `asked` were wished. next_query: of the page after
    it, None for the last. digest: of its models, to know a page that comes twice. faults: before
    it came, by kind.
    """

    number: int
    rows: int
    asked: int
    next_query: str | None
    digest: str
    faults: dict[str, int]


def ask_page(hub: Hub, number: int, query: str, known: set[str]) -> tuple[Page, bytes]:
    """A page and its body. `known` are digests of the pages before it.

    Raises what `Hub.ask` does.
    """

    what = f"page {number:,} of the list of models"

    def read(body: bytes) -> tuple[bytes, int, str]:
        records = parse(body)
        digest = _digest(records)
        if records and digest in known:
            raise FaultError("repeated_pages", "the models of an earlier page")
        return body, len(records), digest

    limit = int(dict(parse_qsl(query)).get("limit", PAGE_ROWS))
    lengths = [limit >> halving for halving in range(_HALVINGS + 1)]
    faults: Counter[str] = Counter()
    for asked in lengths:
        try:
            answer = hub.ask(what, PATH, _with_limit(query, asked), read, faults)
            break
        except TooSlowError:
            if asked == lengths[-1]:
                raise
        except NotThereError:
            raise ContentError(f"{what}: {hub.name} has none; is it a Hub? (HF_ENDPOINT)") from None
    following = answer.next_query and _with_limit(answer.next_query, limit)
    if following == _with_limit(query, limit):
        raise ContentError(f"{what} at {hub.name} leads to itself; {RESUME}")
    body, rows, digest = answer.value
    return Page(number, rows, asked, following, digest, dict(faults)), body


def _with_limit(query: str, limit: int) -> str:
    pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "limit"]
    return urlencode([*pairs, ("limit", limit)])


def parse(body: bytes) -> list[Any]:
    """The records of a page. Raises FaultError for what is no JSON list."""
    try:
        records = read_json(body)
    except (ValueError, RecursionError):
        raise FaultError(
            "invalid_json", f"an answer that is no JSON ({len(body):,} bytes)"
        ) from None
    if not isinstance(records, list):
        raise FaultError("invalid_json", "an answer that is no list")
    return records


def _digest(records: list[Any]) -> str:
    """Of who the models are: their counters may have grown when a page comes again. Short enough to
    keep those of all pages in memory."""
    digest = hashlib.sha256()
    for record in records:
        known = isinstance(record, dict) and (record.get("_id") or record.get("id"))
        digest.update(f"{known or record!r}\n".encode(errors="replace"))
    return digest.hexdigest()[:32]


def keep(folder: Path, page: Page, body: bytes) -> None:
    """Write a page to `folder`: its file is there whole or not at all."""
    head = json.dumps(asdict(page)).encode()
    write_bytes(path_of(folder, page.number), head + b"\n" + body)


def kept(folder: Path, number: int) -> Page | None:
    """A page that `keep` wrote, None where it is not there."""
    try:
        with path_of(folder, number).open("rb") as file:
            return Page(**json.loads(file.readline()))
    except FileNotFoundError:
        return None


def kept_records(folder: Path, number: int) -> list[Any]:
    """The records of a page that `keep` wrote."""
    return parse(path_of(folder, number).read_bytes().partition(b"\n")[2])


def path_of(folder: Path, number: int) -> Path:
    """The file of a page."""
    return folder / f"_page-{number:06}.json"
