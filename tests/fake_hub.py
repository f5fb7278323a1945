"""A small Hub over real HTTP on the loopback address, with the moods of the real one.

Speaks what `opentrace collect` uses: the list of models in pages by Link headers, overviews and
pages of accounts, trees and files of datasets. `moods` says what goes wrong, request by request.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

ALWAYS = ("_id", "id")
COMMIT = "c" * 40


def model(number: int, **changes: Any) -> dict[str, Any]:
    """Model `number` as the Hub knows it; a larger number was created earlier."""
    created = datetime(2026, 1, 1, tzinfo=timezone.utc) - timedelta(minutes=number)
    return {
        "_id": f"{number:024x}",
        "id": f"owner-{number % 977}/model-{number}",
        "author": f"owner-{number % 977}",
        "createdAt": created.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "lastModified": created.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "tags": ["transformers", "license:mit", f"base_model:owner-1/model-{number + 1}"],
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "likes": number % 7,
        "downloads": number % 1009,
        "downloadsAllTime": number % 100_003,
        "cardData": {"license": "mit", "base_model": f"owner-1/model-{number + 1}"},
        "safetensors": {"parameters": {"F32": 10 + number}, "total": 10 + number},
        "siblings": [{"rfilename": "config.json"}, {"rfilename": "model.safetensors"}],
        "usedStorage": 40 + number,
        "gated": False,
        "private": False,
        "baseModels": {
            "relation": "finetune",
            "models": [{"_id": f"{number + 1:024x}", "id": f"owner-1/model-{number + 1}"}],
        },
        **changes,
    }


class ManyModels(Sequence):
    """Models 0 to n - 1, made when asked for; they never change. Light work for their number."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(self.count))]
        light = {"cardData": {"text": f"{place} " * 80}, "siblings": None, "safetensors": None}
        return model(place, **light, baseModels=None, usedStorage=None)


@dataclass
class Dataset:
    """Files of a dataset repository: path -> content. `dates`: of their last commits."""

    files: dict[str, bytes]
    dates: dict[str, str] = field(default_factory=dict)
    commit: str = COMMIT


@dataclass(frozen=True)
class Request:
    """What was asked, and the status that was answered."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    status: int


Mood = str | tuple[str, Any]
"""What goes wrong with a request:

429, 500, 503, 403, ...    the status; ("429", 7) with Retry-After: 7
("429 date", 7)            Retry-After as a date in 7 s; ("429 reset", 7) as a rate limit's reset
refuse                     the connection is reset before an answer
cut                        it is reset in the middle of the body, which is shorter than announced
close                      the body ends early, and nothing has announced its length
("drip", 10)               the body comes in pieces of 10 bytes, one every 20 ms
silent                     nothing comes for a second
invalid                    the body is no JSON
object                     it is JSON, but no list
repeat                     it is that of the page before, with other counters
itself                     its link leads to itself
last                       it has no link, as if it were the last
whole                      a file comes as a whole, although a range of it was asked for
short                      a model that the list still had is gone when its page is made
"""


class FakeHub:
    """Serves until closed; `url` is what HF_ENDPOINT must be.

    models: sorted as the list has them, by date of creation from the newest on. moods: for the n-th
    page of the list, or a path, what goes wrong at the first, second, ... request of it.
    between: for the n-th page, what happens to the Hub before that page is asked for the first
    time. accounts: name -> {"kind": "user" or "organization", "org_type", "name"}.
    """

    def __init__(self, models: Sequence[dict[str, Any]] = ()) -> None:
        self.models = models
        self.moods: dict[int | str, list[Mood]] = {}
        self.between: dict[int, Callable[[FakeHub], None]] = {}
        self.datasets: dict[str, Dataset] = {}
        self.accounts: dict[str, dict[str, str]] = {}
        self.damage: Callable[[bytes], bytes] | None = None  # of files, on their way
        self.token: str | None = None
        self.link_host: str | None = None
        self.requests: list[Request] = []
        self.pages: dict[str, int] = {}
        self._last_page = b"[]"
        self._lists: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page_requests(self) -> list[int]:
        """The numbers of the pages that were asked for, in order."""
        with self._lock:
            return [
                self.pages[request.query.get("cursor", [""])[0]]
                for request in self.requests
                if request.path == "/api/models"
            ]

    def _handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = parse_qs(parts.query)
                path = unquote(parts.path)
                key: int | str = path
                if path == "/api/models":
                    key = hub._page_number(query.get("cursor", [""])[0])
                mood = hub._mood(key)
                self.asked = (path, query)
                if hub.token is not None and self.headers.get("authorization") not in (
                    None,
                    f"Bearer {hub.token}",
                ):
                    mood = "401"
                hub._answer(self, path, query, mood)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _page_number(self, cursor: str) -> int:
        with self._lock:
            is_new = cursor not in self.pages
            number = self.pages.setdefault(cursor, len(self.pages) + 1)
            happens = self.between.get(number) if is_new else None
        if happens:
            happens(self)
        return number

    def _mood(self, key: int | str) -> Mood | None:
        with self._lock:
            waiting = self.moods.get(key)
            return waiting.pop(0) if waiting else None

    def _answer(
        self, handler: Any, path: str, query: dict[str, list[str]], mood: Mood | None
    ) -> None:
        name, detail = mood if isinstance(mood, tuple) else (mood, None)
        if name == "refuse":
            self._log(handler, 0)
            return _reset(handler)
        if name == "silent":
            self._log(handler, 0)
            time.sleep(1)
            handler.close_connection = True
            return None
        if name and name[:3].isdigit():
            return self._refuse(handler, int(name[:3]), name, detail)
        if name == "whole":
            del handler.headers["range"]
        status, headers, body = self._content(handler, path, query)
        if name == "invalid":
            body = body[:-1] + b"oops"
        elif name == "object":
            body = b'{"error": "soon"}'
        elif name == "short":
            body = json.dumps(json.loads(body)[1:]).encode()
        elif name == "repeat":
            again = json.loads(self._last_page)
            body = json.dumps(
                [{**row, "downloads": row["downloads"] + 1} for row in again]
            ).encode()
        elif name == "last":
            headers.pop("link", None)
        elif name == "itself":
            headers["link"] = f'<{self.url}{handler.path}>; rel="next"'
        elif path == "/api/models":
            self._last_page = body
        self._log(handler, status)
        handler.send_response(status)
        for header, value in headers.items():
            handler.send_header(header, value)
        if name == "close":
            handler.send_header("connection", "close")
            body = body[: len(body) // 2]
        else:
            handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        if handler.command == "HEAD":
            return None
        try:
            if name == "cut":
                handler.wfile.write(body[: len(body) // 2])
                handler.wfile.flush()
                time.sleep(0.05)  # a reset also takes back what has not been read yet
                return _reset(handler)
            if name == "drip":
                for place in range(0, len(body), detail):
                    handler.wfile.write(body[place : place + detail])
                    time.sleep(0.02)
                return None
            handler.wfile.write(body)
            if name == "close":
                handler.close_connection = True
        except OSError:
            handler.close_connection = True  # the client was killed or lost patience
        return None

    def _log(self, handler: Any, status: int) -> None:
        path, query = handler.asked
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            self.requests.append(Request(handler.command, path, query, headers, status))

    def _refuse(self, handler: Any, status: int, name: str, detail: Any) -> None:
        self._log(handler, status)
        body = json.dumps({"error": f"mood: {name}"}).encode()
        handler.send_response(status)
        if name.endswith("date"):
            then = datetime.now(timezone.utc) + timedelta(seconds=detail)
            handler.send_header("retry-after", format_datetime(then, usegmt=True))
        elif name.endswith("reset"):
            handler.send_header("ratelimit", f'"api";r=0;t={detail}')
        elif detail is not None:
            handler.send_header("retry-after", str(detail))
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _content(
        self, handler: Any, path: str, query: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], bytes]:
        steps = path.strip("/").split("/")
        if path == "/api/models":
            return self._list(query)
        if steps[:2] == ["api", "datasets"]:
            return self._dataset(steps[2:])
        if steps[0] == "datasets" and "resolve" in steps:
            return self._file(handler, steps)
        if steps[0] == "api" and steps[-1] == "overview":
            return self._overview(steps[1], steps[2])
        account = self.accounts.get(steps[0], {})
        if len(steps) == 1 and account.get("kind") == "organization":
            kind = account.get("org_type", "")
            label = f'<span class="capitalize">{kind}</span>' if kind else ""
            page = f"<html><nav>Community</nav><h1>Full name</h1>{label}<p>about</p>Company</html>"
            return 200, {"content-type": "text/html"}, page.encode()
        return _missing()

    def _list(self, query: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        key = json.dumps(query) if isinstance(self.models, ManyModels) else ""
        if key in self._lists:
            return self._lists[key]
        limit = int(query.get("limit", ["1000"])[0])
        fields = {*ALWAYS, *query.get("expand", [])}
        start = 0
        if "cursor" in query:
            after = tuple(json.loads(base64.urlsafe_b64decode(query["cursor"][0])))
            start = bisect.bisect_right(self.models, after, key=place_of)
        rows = self.models[start : start + limit]
        headers = {"content-type": "application/json; charset=utf-8"}
        if start + limit < len(self.models):
            cursor = base64.urlsafe_b64encode(json.dumps(place_of(rows[-1])).encode()).decode()
            following = [(k, v) for k, vs in query.items() if k != "cursor" for v in vs]
            host = self.link_host or self.url
            address = f"{host}/api/models?{urlencode([*following, ('cursor', cursor)])}"
            headers["link"] = f'<{address}>; rel="next"'
        shown = [{name: row[name] for name in row if name in fields} for row in rows]
        answer = 200, headers, json.dumps(shown).encode()
        if key:
            self._lists[key] = answer
        return answer

    def _overview(self, kind: str, name: str) -> tuple[int, dict[str, str], bytes]:
        account = self.accounts.get(name, {})
        if kind == "users" and account.get("kind") == "user":
            said = {"user": account.get("name", name), "type": "user", "fullname": "A. Person"}
        elif kind == "organizations" and account.get("kind") == "organization":
            said = {"name": account.get("name", name), "fullname": f"{name} Inc."}
        else:
            return _missing()
        return 200, {"content-type": "application/json"}, json.dumps(said).encode()

    def _dataset(self, steps: list[str]) -> tuple[int, dict[str, str], bytes]:
        dataset = self.datasets.get("/".join(steps[:2]))
        if dataset is None:
            return _missing()
        if len(steps) == 2 or steps[2] == "revision":
            said: Any = {"_id": "d" * 24, "id": "/".join(steps[:2]), "sha": dataset.commit}
        else:
            said = [_tree_entry(dataset, path) for path in sorted(dataset.files)]
        return 200, {"content-type": "application/json"}, json.dumps(said).encode()

    def _file(self, handler: Any, steps: list[str]) -> tuple[int, dict[str, str], bytes]:
        dataset = self.datasets.get("/".join(steps[1:3]))
        content = dataset.files.get("/".join(steps[5:])) if dataset else None
        if dataset is None or content is None:
            return _missing()
        headers = {"etag": f'"{hashlib.sha256(content).hexdigest()}"'}
        content = self.damage(content) if self.damage else content
        headers |= {"x-repo-commit": dataset.commit, "accept-ranges": "bytes"}
        wanted = handler.headers.get("range")
        if wanted:
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
            headers["content-range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            return 206, headers, content[first:]
        return 200, headers, content


def place_of(row: dict[str, Any]) -> tuple[int, str]:
    """Where a model is in the list: the newest first, then by `_id`."""
    created = datetime.fromisoformat(row["createdAt"].replace("Z", "+00:00"))
    return -int(created.timestamp()), row["_id"]


def _tree_entry(dataset: Dataset, path: str) -> dict[str, Any]:
    content = dataset.files[path]
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": blob}
    if path.endswith(".parquet"):
        sha256 = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
    date = dataset.dates.get(path, "2026-11-18T03:04:05.000Z")
    entry["lastCommit"] = {"id": dataset.commit, "title": "update", "date": date}
    return entry


def _missing() -> tuple[int, dict[str, str], bytes]:
    return 404, {"content-type": "application/json"}, b'{"error": "not found"}'


def _reset(handler: Any) -> None:
    """End the connection with a reset rather than an orderly close."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    handler.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients are killed and lose patience: not worth a word."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """The Hub while it is needed."""
    try:
        yield hub
    finally:
        hub.close()
