"""Values of asked keys from a table: nulls, repeats, chunks, nothing."""

import pyarrow as pa
import pytest

from opentrace_spark.bronze.lookup import look_up


def chunked(*chunks: list[tuple[str | None, int | None]]) -> pa.Table:
    schema = pa.schema([("name", pa.string()), ("value", pa.int64())])
    parts = [pa.table([*zip(*chunk, strict=True)], schema=schema) for chunk in chunks if chunk]
    return pa.concat_tables([schema.empty_table(), *parts])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["b", "a", None, "z", "b"], [2, 1, None, None, 2]),
        (["n"], [None]),
        ([None], [None]),
        ([], []),
    ],
)
def test_look_up_gives_each_asked_key_its_value(asked, told):
    table = chunked([("a", 1), (None, 9)], [("c", 3), ("b", 2), ("n", None)])
    assert look_up(pa.array(asked, pa.string()), table, "name", "value").to_pylist() == told


def test_look_up_finds_nothing_in_an_empty_table():
    assert look_up(pa.array(["a", None]), chunked(), "name", "value").to_pylist() == [None, None]
