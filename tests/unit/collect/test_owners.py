"""`--owners-of`: what kind the accounts of owners are."""

from __future__ import annotations

import csv

import pytest

from opentrace_spark.collect.owners import ACCOUNTS, COLUMNS, collect_owners, org_type_of
from opentrace_spark.errors import ContentError


@pytest.fixture
def accounts(fake):
    fake.accounts = {
        "ann": {"kind": "user"},
        "acme": {"kind": "organization", "org_type": "company"},
        "odd #1?": {"kind": "organization", "org_type": "university"},
        "plain": {"kind": "organization"},
        "old-name": {"kind": "organization", "org_type": "non-profit", "name": "new-name"},
    }
    fake.accounts["new-name"] = fake.accounts["old-name"]
    return fake


def silent(*_):
    pass


def rows(out):
    with (out / ACCOUNTS).open(encoding="utf-8", newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


def overviews(fake):
    return [request.path for request in fake.requests if request.path.endswith("/overview")]


def test_collect_owners_tells_kinds_and_types(accounts, client, tmp_path):
    told = []
    owners = ["plain", "acme", "ann", "nobody, Inc.", "old-name", "odd #1?", "acme"]
    added = collect_owners(tmp_path, owners, client(), lambda *words: told.append(words))
    day = "2026-11-23"
    assert rows(tmp_path) == [
        ("acme", "organization", "company", "", day),
        ("ann", "user", "", "", day),
        ("nobody, Inc.", "gone", "", "", day),
        ("odd #1?", "organization", "university", "", day),
        ("old-name", "organization", "non-profit", "new-name", day),
        ("plain", "organization", "", "", day),
    ]
    assert added == {"organization": 4, "user": 1, "gone": 1, "known": 0}
    assert told == [("accounts", number, 6) for number in range(1, 7)]
    assert "A. Person" not in (tmp_path / ACCOUNTS).read_text()


def test_collect_owners_asks_for_an_account_once(accounts, client, tmp_path):
    collect_owners(tmp_path, ["ann", "nobody"], client(), silent)
    accounts.requests.clear()
    added = collect_owners(tmp_path, ["ann", "nobody", "acme"], client(), silent)
    assert overviews(accounts) == ["/api/users/acme/overview", "/api/organizations/acme/overview"]
    assert added == {"organization": 1, "known": 2}
    assert [row[0] for row in rows(tmp_path)] == ["ann", "nobody", "acme"]


def test_collect_owners_goes_on_after_an_interruption(accounts, client, tmp_path):
    accounts.moods["/api/users/nobody/overview"] = ["500", "500"]
    with pytest.raises(ContentError, match=r"account nobody at \S+: status 500, 2 times in a row"):
        collect_owners(tmp_path, ["acme", "ann", "nobody"], client(attempts=2), silent)
    with (tmp_path / ACCOUNTS).open("a") as file:
        file.write("nob")  # a line that a killed process did not finish
    accounts.requests.clear()
    collect_owners(tmp_path, ["acme", "ann", "nobody"], client(), silent)
    assert [row[:2] for row in rows(tmp_path)] == [
        ("acme", "organization"),
        ("ann", "user"),
        ("nobody", "gone"),
    ]
    assert all("nobody" in path for path in overviews(accounts))


def test_collect_owners_survives_a_bad_answer(accounts, client, quiet, tmp_path):
    accounts.moods["/api/users/ann/overview"] = ["invalid", ("429", 3), "object"]
    collect_owners(tmp_path, ["ann"], client(), silent)
    assert rows(tmp_path)[0][:2] == ("ann", "user")
    assert quiet.waits == [0.75, 3.5, 3.0]


def test_collect_owners_refuses_a_file_of_other_columns(accounts, client, tmp_path):
    path = tmp_path / ACCOUNTS
    path.parent.mkdir()
    path.write_text("org,country\nacme,USA\n")
    with pytest.raises(ContentError, match=f"columns are not {', '.join(COLUMNS)}; move the file"):
        collect_owners(tmp_path, ["ann"], client(), silent)
    assert path.read_text() == "org,country\nacme,USA\n"


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (
            b"<nav>Community</nav><h1>Full</h1><span class='x'>\n university </span>Company",
            "university",
        ),
        (b"<p>a company</p><p>non-profit</p>", "non-profit"),
        (b"<h1>Full</h1>Company", ""),
        (b"\xff<", ""),
        (b"", ""),
    ],
)
def test_org_type_of_reads_the_word_of_the_page(page, found):
    assert org_type_of(page) == found
