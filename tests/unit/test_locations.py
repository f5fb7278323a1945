"""Paths and URIs as people write them."""

import pytest
from pyarrow.fs import LocalFileSystem

from opentrace_spark.errors import UsageError
from opentrace_spark.locations import filesystem_of, first_line, local_path, spark_uri


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/data//landing/", "/data/landing"),
        ("/data/a%20b#c?", "/data/a%20b#c?"),
        ("/data/s3://x", "/data/s3:/x"),
        ("file:///data/a%20b%23c", "/data/a b#c"),
        ("file:/data/landing", "/data/landing"),
        ("s3://bucket/landing", None),
        ("abfss://container@account/landing", None),
    ],
)
def test_local_path(written, path):
    assert local_path(written) == path


def test_local_path_is_absolute_and_knows_home(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert local_path("landing") == str(tmp_path / "landing")
    assert local_path("~/landing") == "/home/ada/landing"
    assert local_path("~landing~") == str(tmp_path / "~landing~")


@pytest.mark.parametrize("written", ["", "  ", "file://host/data", "file:data"])
def test_local_path_refuses(written):
    with pytest.raises(UsageError):
        local_path(written)


def test_filesystem_of_takes_any_character_in_a_path():
    for uri in ("/data/a b#c%20?", "file:///data/a b#c%20?"):
        filesystem, path = filesystem_of(uri)
        assert isinstance(filesystem, LocalFileSystem)
        assert path == "/data/a b#c%20?"


def test_filesystem_of_names_a_scheme_that_is_not_known():
    with pytest.raises(UsageError, match="gopher://x/y can't be opened"):
        filesystem_of("gopher://x/y")


@pytest.mark.parametrize(
    ("written", "uri"),
    [
        ("/data/a b%20c/", "file:///data/a b%20c"),
        ("file:/data/landing", "file:///data/landing"),
        ("s3://bucket/warehouse/", "s3a://bucket/warehouse"),
        ("s3a://bucket/warehouse", "s3a://bucket/warehouse"),
        ("abfss://container@account/warehouse", "abfss://container@account/warehouse"),
    ],
)
def test_spark_uri_names_its_file_system(written, uri):
    assert spark_uri(written) == uri


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("a\nb", "a"),
        ("\n  An exception was thrown from the Python worker.\nTraceback", None),
        (" \n", "ValueError"),
        ("", "ValueError"),
    ],
)
def test_first_line_says_something(said, line):
    """Spark's errors of workers begin with an empty line."""
    assert first_line(ValueError(said)) == (
        line or "An exception was thrown from the Python worker."
    )
