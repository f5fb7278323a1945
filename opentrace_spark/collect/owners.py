"""Accounts of owners: user or organisation, and of what type: `accounts/accounts.csv`.

An account is asked for once. The file grows by one line each, so that nothing is asked again after
an interruption. Of users nothing is recorded but that they are users.

The Hub's interface tells users from organisations, but not an organisation's type: that stands on
its page alone, as one lower-case word.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

from opentrace_spark.collect.folders import landing_of_ours
from opentrace_spark.collect.transport import FaultError, Hub, NotThereError
from opentrace_spark.errors import ContentError

ACCOUNTS = Path("accounts", "accounts.csv")
COLUMNS = ("account", "kind", "org_type", "current_name", "as_of")
"""account: as in the warehouse. kind: user, organization, or gone. org_type: the Hub's word, empty
where its page has none. current_name: where the Hub answers with another. as_of: the day, UTC."""

ORG_TYPES = ("company", "university", "non-profit", "community", "government", "classroom")

Progress = Callable[[str, int, int], None]


def collect_owners(out: Path, owners: Iterable[str], hub: Hub, progress: Progress) -> Counter[str]:
    """Ask for the owners that the landing `out` does not have yet; how many there are of each kind.

    Raises ContentError, UsageError.
    """
    with landing_of_ours(out):
        path = out / ACCOUNTS
        known = _known(path)
        missing = sorted(set(owners) - known)
        added: Counter[str] = Counter()
        with path.open("a", encoding="utf-8", newline="") as file:
            for number, owner in enumerate(missing, start=1):
                row = _asked(hub, owner)
                file.write(_line(row))
                file.flush()
                added[row["kind"]] += 1
                progress("accounts", number, len(missing))
        added["known"] = len(known)
        return added


def _known(path: Path) -> set[str]:
    """The accounts in the file, which is made where it is not; half a line at its end is cut off.

    Raises ContentError for a file of other columns.
    """
    header = _line({name: name for name in COLUMNS}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        file.seek(0)
        content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        file.truncate(len(whole))
        if not whole:
            file.write(header)
            return set()
    if not whole.startswith(header):
        raise ContentError(
            f"{path}: its columns are not {', '.join(COLUMNS)}; move the file away, it is made anew"
        )
    rows = csv.DictReader(io.StringIO(whole.decode("utf-8", "replace"), newline=""))
    return {row["account"] for row in rows}


def _line(row: dict[str, str]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerow(row)
    return text.getvalue()


def _asked(hub: Hub, owner: str) -> dict[str, str]:
    """What the Hub says of an account."""
    row = {"account": owner, "kind": "gone", "org_type": "", "current_name": ""}
    row["as_of"] = hub.clock.now().date().isoformat()
    for kind, collection, read in _KINDS:
        path = f"/api/{collection}/{quote(owner, safe='')}/overview"
        try:
            name = hub.ask(f"account {owner}", path, "", read).value
        except NotThereError:
            continue
        row["kind"], row["current_name"] = kind, name if name != owner else ""
        if kind == "organization":
            row["org_type"] = _org_type(hub, name)
        break
    return row


def _user_name(body: bytes) -> str:
    return _text_of(body, "user")


def _organization_name(body: bytes) -> str:
    return _text_of(body, "name")


def _text_of(body: bytes, key: str) -> str:
    try:
        return str(json.loads(body)[key])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FaultError("invalid_json", "an answer without the account's name") from None


_KINDS = (
    ("user", "users", _user_name),
    ("organization", "organizations", _organization_name),
)


def _org_type(hub: Hub, name: str) -> str:
    try:
        return hub.ask(f"page of {name}", f"/{quote(name, safe='')}", "", org_type_of).value
    except NotThereError:
        return ""


def org_type_of(page: bytes) -> str:
    """The type that an organisation's page shows, empty where it shows none."""
    words = _Words()
    words.feed(page.decode("utf-8", "replace"))
    return words.found


class _Words(HTMLParser):
    """The first text of a page that is nothing but a type; menus write them with a capital."""

    found = ""

    def handle_data(self, data: str) -> None:
        if not self.found and data.strip() in ORG_TYPES:
            self.found = data.strip()
