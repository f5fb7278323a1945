"""Judge conf/organizations.csv: its rules, its coverage, and where outside lists disagree.

Exit status 1 where a row breaks a rule or a disagreement is not settled in the column evidence,
which it is by the words `Hub says`, `Epoch says` or `ATOM says` and the reason for our answer.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import pandas as pd

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("org", "organization", "country", "org_type", "since", "evidence")
ORG_TYPES = ("company", "university", "non-profit", "community", "government", "user", "other")
NO_COUNTRY = ("User", "International", "Online")
MIN_DOWNLOADS = 200
LARGEST = 20
HUB_TYPES = {"classroom": "university", "No Type Found": "", "": ""}
HUB_TAKEN, ATOM_TAKEN = date(2024, 2, 29), date(2026, 8, 31)
NOT_LISTED = "not among the Hub's organisations"
EPOCH_TYPES = {
    "Industry": {"company"},
    "Academia": {"university"},
    "Government": {"government"},
    "Research collective": {"community", "non-profit"},
}
EPOCH_COUNTRIES = {
    "Iran (Islamic Republic of)": "Iran",
    "Korea (Republic of)": "South Korea",
    "Macao": "Macau",
    "United Kingdom of Great Britain and Northern Ireland": "UK",
    "United States of America": "USA",
}
EPOCH_NAMES = {
    "Alibaba": ("Alibaba DAMO Academy",),
    "Bavarian State Library": ("Bayerische Staatsbibliothek Muenchen",),
    "Cohere": ("Cohere for AI",),
    "Databricks": ("MosaicML",),
    "Google": ("Google DeepMind", "Google Research"),
    "HUMAIN": ("Saudi Company for Artificial Intelligence",),
    "Huawei": ("Huawei Noah's Ark Lab",),
    "IBM": ("IBM Research",),
    "Intel": ("Intel Labs",),
    "International Digital Economy Academy": ("IDEA CCNL",),
    "Karakuri": ("KARAKURI Inc.",),
    "Kunlun": ("Kunlun Inc.",),
    "Liquid AI": ("Liquid",),
    "LMSYS": ("Large Model Systems Organization",),
    "Meta": ("Meta AI", "Facebook", "Facebook AI Research"),
    "Microsoft": ("Microsoft Research",),
    "Moonshot AI": ("Moonshot",),
    "NAVER": ("Naver AI Lab", "Naver Clova"),
    "Preferred Networks": ("Preferred Networks Inc",),
    "RWKV": ("RWKV Foundation",),
    "Red Hat": ("Neural Magic",),
    "SDAIA": ("Saudi Data and Artificial Intelligence Authority",),
    "Salesforce": ("Salesforce Research",),
    "SambaNova Systems": ("SambaNova Systems, Inc",),
    "Shanghai AI Laboratory": ("Shanghai AI Lab",),
    "TAIDE": ("National Science and Technology Council",),
    "Xiaomi": ("Xiaomi Corp",),
}
"""Names under which Epoch lists our organisations, where the name itself is not found."""


@dataclass(frozen=True)
class Row:
    """One row of the table, and the line that it ends on."""

    line: int
    org: str
    organization: str
    country: str
    org_type: str
    since: str
    evidence: str


@dataclass(frozen=True)
class Disagreement:
    """What an outside list says otherwise about a row."""

    row: Row
    source: str
    ours: str
    theirs: str

    @property
    def is_settled(self) -> bool:
        """Whether the evidence answers the source."""
        return re.search(rf"\b{self.source} says\b", self.row.evidence) is not None


class TableError(Exception):
    """The table cannot be read row by row."""


def read_table(path: Path) -> list[Row]:
    """All rows; raises where the header or the number of cells is wrong."""
    with path.open(encoding="utf-8", newline="") as file:
        records = csv.reader(file)
        if (header := next(records, [])) != list(COLUMNS):
            raise TableError(f"line 1: the header is {','.join(header)}; write {','.join(COLUMNS)}")
        rows = []
        for cells in records:
            if len(cells) != len(COLUMNS):
                raise TableError(
                    f"line {records.line_num}: {cells[0] if cells else 'empty line'}: "
                    f"{len(cells)} cells; write {len(COLUMNS)}, in quotes where one holds a comma"
                )
            rows.append(Row(records.line_num, *cells))
    return rows


def read_countries(path: Path) -> dict[str, str]:
    """Country -> region."""
    regions = tomllib.loads(path.read_text(encoding="utf-8"))["regions"]
    return {country: region for region, countries in regions.items() for country in countries}


def problems(rows: list[Row], countries: Iterable[str]) -> list[str]:
    """What breaks a rule: line, account and remedy."""
    known = {*countries, *NO_COUNTRY}
    found = [
        f"line {row.line}: {row.org or '(no account)'}: {problem}"
        for row in rows
        for problem in _row_problems(row, known)
    ]
    accounts: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        accounts[row.org.casefold()].append(row)
    for same in accounts.values():
        found += [
            f"line {row.line}: {row.org}: {problem}"
            for first, row in pairwise(same)
            if (problem := _repeat_problem(first, row))
        ]
        if same[0].since:
            found.append(
                f"line {same[0].line}: {same[0].org}: the first row of an account has a date; "
                "leave since empty, it holds from the beginning"
            )
    found += [
        f"line {row.line}: {row.org}: {row.organization} is {row.country}, {row.org_type} here and "
        f"{usual} elsewhere; correct it, or begin the reason in evidence with "
        f"`unlike {row.organization}`"
        for row, usual in exceptions(rows)
        if f"unlike {row.organization}" not in row.evidence
    ]
    return sorted(found, key=lambda message: int(message.split(":")[0].split()[1]))


def exceptions(rows: list[Row]) -> list[tuple[Row, str]]:
    """Rows whose country or type is not the usual one of their organisation, and the usual one."""
    organizations: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        organizations[row.organization].append(row)
    found = []
    for members in organizations.values():
        kinds = [(row.country, row.org_type) for row in members]
        usual = max(dict.fromkeys(kinds), key=kinds.count)
        found += [
            (row, ", ".join(usual))
            for row, kind in zip(members, kinds, strict=True)
            if kind != usual
        ]
    return found


def _row_problems(row: Row, known: set[str]) -> Iterator[str]:
    for column in ("org", "organization", "country", "org_type", "evidence"):
        value = getattr(row, column)
        if not value.strip():
            yield f"{column} is empty; fill it or remove the row"
        elif value != value.strip():
            yield f"{column} has blanks at an end; remove them"
    if row.country and row.country not in known:
        yield f"unknown country {row.country}; spell it as conf/countries.toml does"
    if row.org_type and row.org_type not in ORG_TYPES:
        yield f"unknown org_type {row.org_type}; take one of {', '.join(ORG_TYPES)}"
    if (row.country == "User") != (row.org_type == "user"):
        yield "country User and org_type user belong together; write both or neither"
    if row.since and not _is_date(row.since):
        yield f"since {row.since} is no date; write YYYY-MM-DD"


def _repeat_problem(first: Row, row: Row) -> str:
    """What is wrong with a later row of the same account, if anything."""
    if row.org != first.org:
        return (
            f"differs only by case from {first.org} in line {first.line}; keep the Hub's spelling"
        )
    if row.since == first.since:
        return f"repeats line {first.line} with the same since; remove one"
    if row.since < first.since:
        return f"since comes after a later date in line {first.line}; put the earlier first"
    if row.country == first.country:
        return f"the country is that of line {first.line}; since is for a changed country only"
    return ""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def owner_downloads(data: Path) -> pd.Series:
    """Downloads of the real landing's population by owner, largest first."""
    landing = data / "landing_2024-07"
    counts = pd.concat(
        pd.read_parquet(path, columns=["id", "count"])
        for path in sorted((landing / "downloads").glob("*.parquet"))
    )
    aliases = pd.read_csv(landing / "aliases" / "aliases.csv").drop_duplicates("legacy_id")
    current = aliases.set_index("legacy_id")["current_id"]
    has_owner = counts["id"].str.contains("/", regex=False)
    ids = counts["id"].where(has_owner, counts["id"].map(current).fillna(counts["id"]))
    models = counts["count"].groupby(ids).sum()
    models = models[models >= MIN_DOWNLOADS]
    owners = models.index.to_series().str.extract(r"^(.*?)/", expand=False).fillna("(no owner)")
    return models.groupby(owners).sum().sort_values(ascending=False, kind="stable")


def coverage(rows: list[Row], downloads: pd.Series) -> float:
    """Share of the downloads by owners that the table has."""
    return float(downloads[downloads.index.isin({row.org for row in rows})].sum() / downloads.sum())


def disagreements(rows: list[Row], data: Path, regions: dict[str, str]) -> list[Disagreement]:
    """Every disagreement with the three outside lists, in the order of the table."""
    sources = (
        _against_hub(rows, data / "hf_org_types_2024-02.csv"),
        _against_epoch(rows, data / "epoch_organizations_2025.csv"),
        _against_atom(rows, data / "atom_organization_regions.csv", regions),
    )
    return sorted((found for source in sources for found in source), key=lambda d: d.row.line)


def _valid_on(rows: list[Row], day: date) -> dict[str, Row]:
    """Account -> the row that holds on a day."""
    return {row.org: row for row in rows if row.since <= day.isoformat()}


def _against_hub(rows: list[Row], path: Path) -> Iterator[Disagreement]:
    listed = _read(path, "URL")
    for org, row in _valid_on(rows, HUB_TAKEN).items():
        if f"/{org}" not in listed:
            continue
        stated = listed[f"/{org}"]["Type"].strip()
        theirs = HUB_TYPES.get(stated, stated)
        if not theirs and (row.org_type == "user" or NOT_LISTED in row.evidence):
            theirs = "an organisation"
        if theirs and theirs != row.org_type:
            yield Disagreement(row, "Hub", row.org_type, theirs)


def _against_epoch(rows: list[Row], path: Path) -> Iterator[Disagreement]:
    records = _read(path, "Organization")
    listed = {_folded(name): record for name, record in records.items()}
    for name, record in records.items():
        for form in _name_forms(name):
            listed.setdefault(form, record)
    for row in rows:
        names = (row.organization, *EPOCH_NAMES.get(row.organization, ()))
        for record in [listed[_folded(name)] for name in names if _folded(name) in listed]:
            countries = _epoch_countries(record["Country"])
            if row.country != "User" and countries and row.country not in countries:
                yield Disagreement(row, "Epoch", row.country, ", ".join(sorted(countries)))
            sectors = _split(record["Organization categorization"])
            if sectors and not any(row.org_type in EPOCH_TYPES[sector] for sector in sectors):
                yield Disagreement(row, "Epoch", row.org_type, ", ".join(sectors))


def _against_atom(rows: list[Row], path: Path, regions: dict[str, str]) -> Iterator[Disagreement]:
    listed = _read(path, "hf_org")
    for org, row in _valid_on(rows, ATOM_TAKEN).items():
        if org in listed:
            theirs = listed[org]["region"]
            if theirs != _atom_region(row.country, regions):
                yield Disagreement(row, "ATOM", row.country, theirs)


def _atom_region(country: str, regions: dict[str, str]) -> str:
    """ATOM's word for where a country is; `unknown` stands there for no single country."""
    if country in ("International", "Online"):
        return "unknown"
    single = {"USA": "us", "China": "china", "User": "user"}
    return single.get(country, "eu" if regions.get(country) == "Europe" else "other")


def _epoch_countries(cell: str) -> set[str]:
    names = {EPOCH_COUNTRIES.get(name, name) for name in _split(cell)}
    return names - {"Multinational"} | (
        {"International", "Online"} if "Multinational" in names else set()
    )


def _name_forms(name: str) -> set[str]:
    """A name as it stands, without its parentheses, what they hold, and each side of a slash."""
    bare = re.sub(r"\([^)]*\)", " ", name)
    forms = (name, bare, *re.findall(r"\(([^)]*)\)", name), *bare.split(" / "))
    return {_folded(form) for form in forms}


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(",") if part.strip()]


def _read(path: Path, key: str) -> dict[str, dict[str, str]]:
    """Key -> the first row of a list that has it."""
    records: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            records.setdefault(record[key], {name: cell or "" for name, cell in record.items()})
    return records


def main(arguments: list[str] | None = None) -> int:
    """Print the judgement; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/organizations", description=__doc__)
    default = os.environ.get("OPENTRACE_REAL_DATA") or ROOT.parent / "shared" / "data"
    parser.add_argument("--data", metavar="DIR", type=Path, default=Path(default))
    parser.add_argument(
        "--table", metavar="FILE", type=Path, default=ROOT / "conf" / "organizations.csv"
    )
    options = parser.parse_args(arguments)
    regions = read_countries(ROOT / "conf" / "countries.toml")
    try:
        rows = read_table(options.table)
    except (OSError, UnicodeDecodeError, TableError) as error:
        print(f"organizations: {options.table}: {error}", file=sys.stderr)
        return 1
    broken = problems(rows, regions)
    for message in broken:
        print(f"organizations: {message}", file=sys.stderr)
    print(f"{len({row.org for row in rows})} accounts, {len(rows)} rows, {len(broken)} problems")
    for row, usual in exceptions(rows):
        print(f"exception: {row.org}: {row.country}, {row.org_type}; {row.organization}: {usual}")
    if not (options.data / "landing_2024-07").is_dir():
        missing = f"no landing_2024-07 in {options.data}; name the captures with --data"
        print(f"organizations: {missing}", file=sys.stderr)
        return 1 if broken else 2
    _print_coverage(rows, owner_downloads(options.data))
    found = disagreements(rows, options.data, regions)
    _print_disagreements(found)
    return 1 if broken or not all(one.is_settled for one in found) else 0


def _print_coverage(rows: list[Row], downloads: pd.Series) -> None:
    print(f"\ncoverage: {coverage(rows, downloads):.4%} of {downloads.sum():,} downloads")
    lacking = downloads[~downloads.index.isin({row.org for row in rows})]
    print(f"the {LARGEST} largest owners that the table lacks:")
    for owner, count in lacking.head(LARGEST).items():
        print(f"  {owner}  {count:,}")


def _print_disagreements(found: list[Disagreement]) -> None:
    settled = sum(one.is_settled for one in found)
    print(f"\n{len(found)} disagreements, {settled} settled")
    for one in found:
        mark = "" if one.is_settled else "NOT SETTLED  "
        says = f"we say {one.ours}, {one.source} says {one.theirs}"
        print(f"  {mark}{one.row.org}  {says}  [{one.row.evidence}]")
        if not one.is_settled:
            print(
                f"organizations: line {one.row.line}: {one.row.org}: {says}; correct the row or "
                f"write `{one.source} says ...` and the reason into evidence",
                file=sys.stderr,
            )


if __name__ == "__main__":
    sys.exit(main())
