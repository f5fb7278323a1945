"""Requests to the Hub that survive its bad moments: one patient client for all sources.

Endpoint, token and HTTP client are those of huggingface_hub, so HF_ENDPOINT, HF_TOKEN, proxies and
the offline mode work as everywhere. The token goes into the header of a request, nowhere else.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, get_session, parse_ratelimit_headers

import opentrace_spark
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import first_line

T = TypeVar("T")

LIBRARY = "opentrace-spark"
RESUME = "what has arrived is kept: run the same command again to go on from there"

_TRANSIENT = dict.fromkeys((425, 500, 502, 503, 520, 521, 522, 523), "server_errors")
_TRANSIENT |= dict.fromkeys((408, 504, 524), "timeouts") | {429: "rate_limited"}
"""Statuses after which the same request may succeed, and what they are counted as; 52x are those of
proxies before the Hub."""


@dataclass(frozen=True)
class Patience:
    """How long to try; all but `attempts` in seconds.

    attempts: failures in a row before the run stops. first_wait: before the second attempt, doubled
    each time up to longest_wait, of which between half and all is waited (at random, so that many
    clients do not come back at once). longest_asked: the longest wait that the Hub may ask for.
    silence: without a byte. body: for a whole answer; a file may take any time.
    """

    attempts: int = 10
    first_wait: float = 1.0
    longest_wait: float = 120.0
    longest_asked: float = 3600.0
    silence: float = 60.0
    body: float = 600.0


def written(moment: datetime) -> str:
    """A moment as the Hub writes them: UTC, with milliseconds."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")[:23] + "Z"


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Clock:
    """Time and chance, to be replaced where nobody wants to wait."""

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


class FaultError(Exception):
    """What the next attempt may mend. `kind` is counted; `wait`: seconds that the Hub asks for."""

    def __init__(self, kind: str, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.kind = kind
        self.wait = wait


class TooSlowError(ContentError):
    """The last failure in a row was one of time: a smaller request may succeed."""


class NotThereError(Exception):
    """The Hub answers that there is no such thing (404 or 410)."""


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What was read from a body, and the query of the next page."""

    value: T
    next_query: str | None


class Hub:
    """The Hub at HF_ENDPOINT, asked with the token that huggingface_hub finds, if any.

    Raises UsageError where HF_ENDPOINT is no address.
    """

    def __init__(self, patience: Patience | None = None, clock: Clock | None = None) -> None:
        self.patience = patience or Patience()
        self.clock = clock or Clock()
        self.endpoint = str(constants.ENDPOINT)
        self.name = _without_credentials(self.endpoint)
        self._headers = build_hf_headers(
            library_name=LIBRARY, library_version=opentrace_spark.__version__
        )
        # huggingface_hub's own requests would wait for ever.
        get_session().timeout = self.patience.silence

    def ask(
        self,
        what: str,
        path: str,
        query: str,
        read: Callable[[bytes], T],
        faults: Counter[str] | None = None,
    ) -> Answer[T]:
        """GET `path`, below the endpoint, and what `read` makes of the body.

        `what` names the request in messages; `read` raises FaultError for a body that may be better
        next time; `faults` are added up by kind. Raises NotThereError; TooSlowError or another
        ContentError when patience ends, ContentError when the Hub refuses; UsageError in offline
        mode.
        """
        url = f"{self.endpoint}{path}{'?' if query else ''}{query}"

        def attempt() -> Answer[T]:
            body = bytearray()
            end = self.clock.monotonic() + self.patience.body
            with self._response(what, url, {}) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if self.clock.monotonic() > end:
                        raise FaultError("timeouts", f"no end after {self.patience.body:g} s")
            following = response.links.get("next", {}).get("url")
            # The query alone: a mirror may name another host, and the token must not go there.
            return Answer(read(bytes(body)), urlsplit(following).query if following else None)

        return self.patiently(what, attempt, Counter() if faults is None else faults)

    def download(
        self, what: str, url: str, target: Path, size: int, progress: Callable[[int], None]
    ) -> None:
        """Bring `target` to `size` bytes, after those that it has.

        `progress` is told how many bytes are there. Raises as `ask` does.
        """
        self.patiently(
            what,
            lambda: self._go_on(what, url, target, size, progress),
            Counter(),
            lambda: _size(target),
        )

    def _go_on(
        self, what: str, url: str, target: Path, size: int, progress: Callable[[int], None]
    ) -> None:
        have = _size(target)
        if have > size:
            target.unlink()
            have = 0
        # A compressed answer has other bytes than the file.
        headers = {"accept-encoding": "identity"} | ({"range": f"bytes={have}-"} if have else {})
        with target.open("ab") as file:
            if have == size:
                return
            with self._response(what, url, headers) as response:
                if response.status_code != 206:
                    file.truncate(have := 0)
                for chunk in response.iter_bytes():  # as they come: none may wait in memory
                    have += file.write(chunk)
                    progress(have)
        if have != size:
            raise FaultError("truncated_bodies", f"{have:,} bytes instead of {size:,}")

    def patiently(
        self,
        what: str,
        attempt: Callable[[], T],
        faults: Counter[str],
        reached: Callable[[], int] = lambda: 0,
    ) -> T:
        """What an attempt gives, repeated while it raises FaultError, each of which is counted.

        Failures between which `reached` grows are not in a row. Raises ContentError at the end of
        all patience.
        """
        failures, before = 0, reached()
        while True:
            try:
                return attempt()
            except FaultError as caught:
                fault = caught
            faults[fault.kind] += 1
            if reached() > before:
                failures, before = 0, reached()
            failures += 1
            if failures >= self.patience.attempts:
                kind = TooSlowError if fault.kind == "timeouts" else ContentError
                raise kind(f"{what} at {self.name}: {fault}, {failures} times in a row; {RESUME}")
            self.clock.sleep(self._wait(what, fault, failures))

    def _wait(self, what: str, fault: FaultError, failures: int) -> float:
        chance = self.clock.random()
        if fault.wait is None:
            longest = min(
                self.patience.first_wait * 2 ** (failures - 1), self.patience.longest_wait
            )
            return longest * (1 + chance) / 2
        if fault.wait > self.patience.longest_asked:
            raise ContentError(
                f"{what} at {self.name}: the Hub asks to wait {fault.wait:.0f} s before the next "
                f"request; do so (a token allows more requests), then go on: {RESUME}"
            )
        return fault.wait + chance

    @contextmanager
    def _response(self, what: str, url: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        """A good response whose body is still to be read; every other end as an exception."""
        has_begun = False
        try:
            with get_session().stream(
                "GET", url, headers=self._headers | headers, timeout=self.patience.silence
            ) as response:
                self.check_status(what, response)
                has_begun = True
                yield response
        except OfflineModeIsEnabled:
            raise UsageError(
                "HF_HUB_OFFLINE is set, so nothing can be collected; unset it"
            ) from None
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise UsageError(f"{self.name} can't be asked ({first_line(error)})") from None
        except httpx2.TimeoutException:
            raise FaultError("timeouts", f"no byte for {self.patience.silence:g} s") from None
        except httpx2.RequestError as error:
            if has_begun:
                raise FaultError("truncated_bodies", f"cut off ({first_line(error)})") from None
            raise FaultError("connection_errors", f"no connection ({first_line(error)})") from None

    def check_status(self, what: str, response: httpx2.Response) -> None:
        """Raise FaultError, NotThereError or ContentError for a response that is not good."""
        status = response.status_code
        if status in (200, 206):
            return
        if status in _TRANSIENT:
            raise FaultError(_TRANSIENT[status], f"status {status}", self._asked_wait(response))
        if status in (404, 410):
            raise NotThereError(what)
        if status == 416:
            raise FaultError("server_errors", "status 416")
        if status in (401, 403):
            remedy = "renew the token (HF_TOKEN, or hf auth login), or take it away: none is needed"
            raise ContentError(f"{what} at {self.name}: refused with status {status}; {remedy}")
        raise ContentError(
            f"{what} at {self.name}: status {status}, which no further attempt will change; see "
            "whether a newer version of opentrace-spark knows this Hub"
        )

    def _asked_wait(self, response: httpx2.Response) -> float | None:
        """The longer of Retry-After (seconds or a date) and the reset of an empty rate limit."""
        waits = []
        after = response.headers.get("retry-after", "").strip()
        if after.isdecimal():
            waits.append(float(after))
        elif after:
            try:
                moment = parsedate_to_datetime(after)
                waits.append(max(0.0, (moment - self.clock.now()).total_seconds()))
            except (ValueError, TypeError):
                pass
        limit = parse_ratelimit_headers(response.headers)
        if response.status_code == 429 and limit is not None and limit.remaining == 0:
            waits.append(float(limit.reset_in_seconds))
        return max(waits, default=None)


def _without_credentials(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint)
        host, scheme = parts.hostname, parts.scheme
    except ValueError:
        host, scheme = None, ""
    if not host or scheme not in ("http", "https"):
        raise UsageError("HF_ENDPOINT is no address of a Hub: unset it, or write https://...")
    return f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
