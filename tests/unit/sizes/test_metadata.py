"""What the Hub's JSON says of files and tensors, and what other JSON does not."""

from __future__ import annotations

import json

import pytest

from opentrace_spark.sizes.metadata import COLUMNS, repository_of

EMPTY = dict.fromkeys(COLUMNS) | {"id": "a/b"}


def repository(**cells):
    row = EMPTY | {
        n: c if n in ("tags", "usedStorage") else json.dumps(c) for n, c in cells.items()
    }
    return repository_of(row, [])


def test_a_row_as_the_hub_writes_it():
    found = repository(
        safetensors={"parameters": {"BF16": 7_000, "F32": 10}, "total": 7_010},
        gguf={"total": 8_000, "architecture": "llama"},
        siblings=[{"rfilename": "a.safetensors", "size": 99}, {"rfilename": "README.md"}],
        usedStorage=123,
        tags=["x", None, "y"],
    )
    assert (found.safetensors_total, found.gguf_total, found.storage_bytes) == (7010, 8000, 123)
    assert found.dtypes == {"BF16": 7000, "F32": 10}
    assert found.files == {"a.safetensors": 99, "README.md": None}
    assert found.tags == ["x", "y"]


def test_a_row_with_its_id_alone_says_nothing():
    found = repository_of(EMPTY, ["c/d"])
    assert (found.id, found.base_models) == ("a/b", ["c/d"])
    assert (found.files, found.dtypes, found.safetensors_total, found.gguf_total) == (None,) * 4


@pytest.mark.parametrize(
    "total", [0, -5, 0.5, True, "7", None, [7], {"a": 7}, 1e18, 10**400, 1e308]
)
def test_what_is_no_count_says_nothing(total):
    found = repository(safetensors={"total": total, "parameters": {"F32": total}})
    assert found.safetensors_total is None
    assert found.dtypes == {"F32": None}


def test_a_count_may_be_written_as_a_float():
    assert repository(gguf={"total": 7e9}).gguf_total == 7_000_000_000


@pytest.mark.parametrize("cell", [7, "text", [], [1, None, "a.bin"], {}, {"rfilename": 1}, None])
def test_json_of_another_shape_says_nothing(cell):
    found = repository(safetensors=cell, gguf=cell, siblings=cell)
    assert (found.safetensors_total, found.gguf_total, found.files) == (None, None, None)


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"total": ' + "9" * 5_000 + "}"])
def test_json_that_python_cannot_read_says_nothing(text):
    found = repository_of(EMPTY | {"safetensors": text, "siblings": text}, [])
    assert (found.safetensors_total, found.files) == (None, None)


@pytest.mark.parametrize("used", [0, -1, 10**18, 2**63 - 1])
def test_storage_that_no_disk_has_says_nothing(used):
    assert repository(usedStorage=used).storage_bytes is None
