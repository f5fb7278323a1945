"""What code a table depends on: all that its step's module imports when it runs, and no more."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from opentrace_spark import digests

MODULES = {
    "__init__.py": "",
    "step.py": "from toy.rules import rule\n\n\ndef build():\n    from toy.deep import late\n",
    "rules/__init__.py": "from toy.rules.first import rule\n",
    "rules/first.py": "import toy.base as base\nrule = 1\n",
    "rules/other.py": "",
    "deep/__init__.py": "",
    "deep/late.py": "",
    "base.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy import words\n",
    "words.py": "",
    "io.py": "",
}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """A package in place of this one; gives the digest of its step as a new process sees it."""
    for name, text in MODULES.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(digests, "_PACKAGE", "toy")
    monkeypatch.setattr(digests, "_ALWAYS", ("toy.io",))
    monkeypatch.syspath_prepend(str(tmp_path))

    def build() -> None: ...

    build.__module__ = "toy.step"

    def digest() -> str:
        forget()
        return digests.code_digest(build)

    yield digest
    forget()


def forget() -> None:
    for cached in (digests._source, digests._imports, digests._modules_of, digests._shipped_tables):
        cached.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("module", "counts"),
    [
        ("step.py", True),
        ("rules/__init__.py", True),  # importing a package runs it
        ("rules/first.py", True),
        ("base.py", True),  # of a module of a package that is imported
        ("deep/late.py", True),  # imported inside the function
        ("io.py", True),  # stores every table
        ("rules/other.py", False),
        ("words.py", False),  # for types alone
    ],
)
def test_a_change_counts_where_it_may_change_the_table(
    toy: Callable[[], str], tmp_path: Path, module: str, counts: bool
) -> None:
    before = toy()
    assert toy() == before
    path = tmp_path / "toy" / module
    path.write_text(f"{path.read_text()}\nchanged = 1\n")
    assert (toy() != before) == counts


def test_a_package_in_a_zip_has_the_same_digest(
    toy: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As spark-submit ships it."""
    before = toy()
    with ZipFile(tmp_path / "toy.zip", "w") as archive:
        for name in MODULES:
            archive.write(tmp_path / "toy" / name, f"toy/{name}")
    (tmp_path / "toy").rename(tmp_path / "away")
    monkeypatch.syspath_prepend(str(tmp_path / "toy.zip"))
    assert toy() == before


def test_tables_of_conf_count_and_its_method_values_do_not(
    toy: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "conf"
    (conf / "spark").mkdir(parents=True)
    for name in ("default.toml", "licenses.csv"):
        (conf / name).write_text("1")
    monkeypatch.setattr(digests, "CONF_DIR", conf)
    before = toy()
    (conf / "default.toml").write_text("2")
    (conf / "spark" / "local.conf").write_text("2")
    assert toy() == before
    (conf / "licenses.csv").write_text("2")
    assert toy() != before


def test_libraries_have_versions() -> None:
    found = digests.libraries()
    assert found["pyspark"].startswith("4.")
    assert "unknown" not in found.values()
