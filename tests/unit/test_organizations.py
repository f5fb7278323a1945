"""The curated table of organisations, and the script that judges it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("OPENTRACE_REAL_DATA", ""))
HEADER = "org,organization,country,org_type,since,evidence"
GOOD = "a,A,USA,company,,headquarters Boston"


def _load():
    path = ROOT / "scripts" / "organizations.py"
    spec = importlib.util.spec_from_file_location("organizations_script", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look there for their annotations
    spec.loader.exec_module(module)
    return module


script = _load()
REGIONS = script.read_countries(ROOT / "conf" / "countries.toml")
SHIPPED = ROOT / "conf" / "organizations.csv"


@pytest.fixture
def table(tmp_path):
    """Rows of a table that is written as text."""

    def read(*lines, header=HEADER):
        path = tmp_path / "organizations.csv"
        path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
        return script.read_table(path)

    return read


def problems(rows):
    return script.problems(rows, REGIONS)


def test_shipped_table_keeps_the_rules():
    rows = script.read_table(SHIPPED)
    assert problems(rows) == []
    assert len({row.org for row in rows}) >= 700


def test_shipped_table_joins_siblings():
    organizations = {row.org: row.organization for row in script.read_table(SHIPPED)}
    for name, accounts in {
        "Google": ("google", "google-bert", "google-t5"),
        "Meta": ("facebook", "meta-llama", "FacebookAI"),
        "Zhipu AI": ("THUDM", "zai-org"),
    }.items():
        assert {organizations[account] for account in accounts} == {name}


DARMSTADT = ("", "TU Darmstadt", "Germany", "university")
HUGGING_FACE = ("Hugging Face", "USA", "company")
LARGE_ACCOUNTS = {
    "MIT": [("", "Massachusetts Institute of Technology", "USA", "university")],
    "sentence-transformers": [DARMSTADT, ("2025-10-22", *HUGGING_FACE)],
    "openai": [("", "OpenAI", "USA", "company")],
    "facebook": [("", "Meta", "USA", "company")],
    "google-bert": [("", "Google", "USA", "company")],
    "google": [("", "Google", "USA", "company")],
    "microsoft": [("", "Microsoft", "USA", "company")],
    "distilbert": [("", *HUGGING_FACE)],
    "FacebookAI": [("", "Meta", "USA", "company")],
    "jonatasgrosman": [("", "jonatasgrosman", "User", "user")],
    "mradermacher": [("", "mradermacher", "User", "user")],
    "laion": [("", "LAION", "Germany", "non-profit")],
    "cardiffnlp": [("", "Cardiff University", "UK", "university")],
    "stabilityai": [("", "Stability AI", "UK", "company")],
    "BAAI": [("", "BAAI", "China", "non-profit")],
    "google-t5": [("", "Google", "USA", "company")],
    "avichr": [("", "avichr", "User", "user")],
    "allenai": [("", "Allen Institute for AI", "USA", "non-profit")],
    "ggml-org": [("", "ggml", "Bulgaria", "company"), ("2026-02-20", *HUGGING_FACE)],
}
"""From public knowledge, not from the table: the accounts with most downloads in July 2024 whose
organisation nobody doubts, and one that moved since. Account -> since, organisation, country, type.
"""


@pytest.mark.parametrize("account", LARGE_ACCOUNTS)
def test_shipped_table_is_right_about_a_large_account(account):
    rows = [row for row in script.read_table(SHIPPED) if row.org == account]
    found = [(row.since, row.organization, row.country, row.org_type) for row in rows]
    assert found == LARGE_ACCOUNTS[account]


def test_moved_account_and_stated_exception_are_accepted(table):
    rows = table(
        GOOD,
        "a,B,France,company,2025-01-01,moved to Paris",
        'a-lab,A,UK,university,,"unlike A, it belongs to a university in London"',
        "b,b,User,user,,individual account",
        "c,C,Online,community,,volunteers who work together online",
    )
    assert problems(rows) == []
    assert [row.org for row, _ in script.exceptions(rows)] == ["a-lab"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (",B,USA,company,,why", "line 3: (no account): org is empty"),
        ("b,,USA,company,,why", "line 3: b: organization is empty"),
        ("b,B,,company,,why", "line 3: b: country is empty"),
        ("b,B,USA,,,why", "line 3: b: org_type is empty"),
        ("b,B,USA,company,,", "line 3: b: evidence is empty"),
        ("b ,B,USA,company,,why", "line 3: b : org has blanks"),
        ("b,B,United States,company,,why", "line 3: b: unknown country United States"),
        ("b,B,USA,classroom,,why", "line 3: b: unknown org_type classroom"),
        ("b,B,User,company,,why", "line 3: b: country User and org_type user"),
        ("b,B,USA,user,,why", "line 3: b: country User and org_type user"),
        ("b,B,USA,company,2025-01-01,why", "line 3: b: the first row of an account has a date"),
        ("a,B,France,company,2025-1-1,why", "line 3: a: since 2025-1-1 is no date"),
        ("a,B,France,company,,why", "line 3: a: repeats line 2"),
        ("a,B,USA,company,2025-01-01,why", "line 3: a: the country is that of line 2"),
        ("A,B,USA,company,,why", "line 3: A: differs only by case from a in line 2"),
        ("b,A,UK,company,,why", "line 3: b: A is UK, company here and USA, company elsewhere"),
    ],
)
def test_bad_row_is_refused_by_line_and_account(table, line, message):
    (found,) = problems(table(GOOD, line))
    assert found.startswith(message)


def test_dates_out_of_order_are_refused(table):
    later, earlier = (f"a,{name},{place}" for name, place in (("B", "UK"), ("C", "France")))
    rows = table(GOOD, f"{later},company,2025-02-01,why", f"{earlier},company,2025-01-01,why")
    (found,) = problems(rows)
    assert found.startswith("line 4: a: since comes after a later date in line 3")


def test_wrong_header_and_wrong_number_of_cells_are_refused(table):
    with pytest.raises(script.TableError, match="line 1: the header is org,country"):
        table(GOOD, header="org,country")
    with pytest.raises(script.TableError, match="line 3: b: 7 cells"):
        table(GOOD, "b,B,USA,company,,one, two")


@pytest.fixture
def lists(tmp_path):
    """A folder with the three outside lists, one row each."""
    for name, text in {
        "hf_org_types_2024-02.csv": "Organization Name,URL,Type\nA Inc,/a,non-profit\n",
        "epoch_organizations_2025.csv": "Organization,Country,Organization categorization\n"
        'The A Institute (A),"Multinational,France",Academia\n',
        "atom_organization_regions.csv": "hf_org,region,notes\na,china,\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_every_disagreement_is_listed_until_the_evidence_settles_it(table, lists):
    found = script.disagreements(table(GOOD), lists, REGIONS)
    assert [(one.source, one.ours, one.theirs, one.is_settled) for one in found] == [
        ("Hub", "company", "non-profit", False),
        ("Epoch", "USA", "France, International, Online", False),
        ("Epoch", "company", "Academia", False),
        ("ATOM", "USA", "china", False),
    ]
    answer = "Hub says non-profit and Epoch says France; ATOM says china: all three mean another A"
    settled = script.disagreements(table(f"a,A,USA,company,,{answer}"), lists, REGIONS)
    assert len(settled) == len(found)
    assert all(one.is_settled for one in settled)


def test_agreement_is_not_listed(table, lists):
    row = "a,The A Institute,France,university,,Hub says non-profit: it teaches"
    assert [one.source for one in script.disagreements(table(row), lists, REGIONS)] == [
        "Hub",
        "ATOM",
    ]


def test_individual_whom_the_hub_lists_as_an_organisation_disagrees(table, lists):
    hub = lists / "hf_org_types_2024-02.csv"
    hub.write_text("Organization Name,URL,Type\nA Inc,/a,No Type Found\n", encoding="utf-8")
    evidence = f"individual account: {script.NOT_LISTED}"
    found = script.disagreements(table(f"a,a,User,user,,{evidence}"), lists, REGIONS)
    assert ("Hub", "an organisation", False) in [
        (one.source, one.theirs, one.is_settled) for one in found
    ]


def test_exit_status_and_messages(tmp_path, capsys):
    bad = tmp_path / "organizations.csv"
    bad.write_text(f"{HEADER}\nb,B,Utopia,company,,why\n", encoding="utf-8")
    assert script.main(["--table", str(bad), "--data", str(tmp_path)]) == 1
    assert "line 2: b: unknown country Utopia" in capsys.readouterr().err
    assert script.main(["--data", str(tmp_path)]) == 2
    assert script.main(["--table", str(tmp_path / "absent.csv")]) == 1


@pytest.mark.real
@pytest.mark.skipif(
    not (DATA / "landing_2024-07").is_dir(),
    reason="OPENTRACE_REAL_DATA does not point at the real captures",
)
def test_real_landing_is_covered_and_every_disagreement_settled(capsys):
    rows = script.read_table(SHIPPED)
    downloads = script.owner_downloads(DATA)
    assert downloads.sum() == 1_835_549_238
    assert script.coverage(rows, downloads) >= 0.95
    assert [one for one in script.disagreements(rows, DATA, REGIONS) if not one.is_settled] == []
    assert script.main(["--data", str(DATA)]) == 0
    assert "coverage: 98." in capsys.readouterr().out
