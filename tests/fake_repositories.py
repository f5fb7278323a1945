"""Repositories of a small Hub that can be written to, over real HTTP on the loopback address.

Speaks what `opentrace publish` uses of the Hub: creating repositories, large files by Git LFS, and
commits that apply whole or not at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

Answer = tuple[int, Any]


@dataclass
class Repository:
    """Files by path, and what was said of it: messages of commits, `private`, `sdk`."""

    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    private: bool = False
    sdk: str | None = None


class FakeRepositories:
    """Serves until closed; `url` is what the Hub's endpoint must be, `token` may write.

    repositories: `datasets/ORG/NAME` and the like. refuse: part of a path -> status with which
    requests of such paths are answered, once each in that order.
    """

    def __init__(self, token: str) -> None:
        self.token = token
        self.repositories: dict[str, Repository] = {}
        self.refuse: dict[str, list[int]] = {}
        self.stored: dict[str, bytes] = {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                path = unquote(urlsplit(self.path).path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, content = hub._answer(self.command, path, self.headers, body)
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.send_header("content-type", "application/json")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        for part, statuses in self.refuse.items():
            if part in path and statuses:
                return statuses.pop(0), {"error": "mood"}
        if path.startswith("/lfs/"):  # storage: its addresses are secrets of their own
            assert method == "PUT"
            assert hashlib.sha256(body).hexdigest() == path.removeprefix("/lfs/")
            self.stored[path.removeprefix("/lfs/")] = body
            return 200, {}
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, {"error": "Invalid credentials"}
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            head = json.loads(body)["content"].split("---\n")[1]
            return 200, {"errors": [] if yaml.safe_load(head) else ["no head"], "warnings": []}
        steps = path.strip("/").split("/")
        if path.endswith(".git/info/lfs/objects/batch"):
            return self._batch(json.loads(body))
        place = "/".join(steps[1:4])
        if place not in self.repositories:
            return 404, {"error": "no such repository"}
        return self._of_repository(self.repositories[place], place, steps[4:], body)

    def _create(self, asked: dict[str, Any]) -> Answer:
        place = f"{asked['type']}s/{asked['organization']}/{asked['name']}"
        if place in self.repositories:
            return 409, {"error": "You already created this repo", "url": f"{self.url}/{place}"}
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        self.repositories[place] = Repository(private=private, sdk=asked.get("sdk"))
        self.repositories[place].files[".gitattributes"] = b"*.parquet filter=lfs\n"
        return 200, {"url": f"{self.url}/{place}", "name": place.partition("/")[2], "id": "1"}

    def _batch(self, asked: dict[str, Any]) -> Answer:
        objects = []
        for each in asked["objects"]:
            upload = {"href": f"{self.url}/lfs/{each['oid']}"}
            missing = {} if each["oid"] in self.stored else {"actions": {"upload": upload}}
            objects.append({**each, **missing})
        return 200, {"transfer": "basic", "objects": objects}

    def _of_repository(
        self, repository: Repository, place: str, rest: list[str], body: bytes
    ) -> Answer:
        if rest[:1] == ["preupload"]:
            files = json.loads(body)["files"]
            return 200, {"files": [self._mode(repository, each["path"]) for each in files]}
        if rest[:1] == ["tree"]:
            files = repository.files.items()
            return 200, [
                {"type": "file", "path": path, "size": len(data), "oid": "0" * 40}
                for path, data in sorted(files)
            ]
        if rest[:1] == ["commit"]:
            return self._commit(repository, place, body)
        if not rest or rest[:1] == ["revision"]:
            siblings = [{"rfilename": path} for path in sorted(repository.files)]
            return 200, {"id": place.partition("/")[2], "sha": "c" * 40, "siblings": siblings}
        return 404, {"error": "unknown"}

    def _mode(self, repository: Repository, path: str) -> dict[str, Any]:
        mode = "lfs" if path.endswith(".parquet") else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": None}

    def _commit(self, repository: Repository, place: str, body: bytes) -> Answer:
        files, summary = dict(repository.files), ""
        for line in body.splitlines():
            action = json.loads(line)
            key, value = action["key"], action["value"]
            if key == "header":
                summary = value["summary"]
            elif key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.stored[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
            else:
                return 400, {"error": f"unknown action {key}"}
        repository.files = files
        repository.commits.append(summary)
        url = f"{self.url}/{place}/commit/{len(repository.commits):040x}"
        return 200, {"success": True, "commitUrl": url, "commitOid": "c" * 40, "hookOutput": ""}
