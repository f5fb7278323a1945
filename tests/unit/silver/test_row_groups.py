"""Files with a row group per key: what is written comes back by key, in order, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from opentrace_spark.silver.row_groups import read_run, runs_by, write_run

SCHEMA = pa.schema([("model", pa.string()), ("count", pa.int64())])


def written(folder: Path, keys: list[int]) -> list[dict]:
    """Rows that say where those with some keys are; each is named by its key and its place."""
    names = [f"{key} {place}" for place, key in enumerate(keys)]
    counts = [None if key == 0 else key for key in keys]
    rows = pa.table({"label": names, "model": names, "count": pa.array(counts, pa.int64())})
    groups = write_run(rows, np.array(keys, dtype=np.int64), SCHEMA, f"file://{folder}")
    for key, group, place in groups:
        assert group["label"].to_pylist() == read_run(place)["model"].to_pylist()
        assert place["rows"] == len(group) == keys.count(key)
    return [{"key": key, **place} for key, _, place in groups]


@pytest.mark.parametrize("keys", [[5], [3, 3], [2, -7, 0, 2, -7, 0, 0], [1, 2, 2, 9]])
def test_a_row_group_has_the_rows_of_its_key_in_their_order(tmp_path, keys):
    said = written(tmp_path / "new", keys)
    assert [run["key"] for run in said] == sorted(set(keys))
    for run in said:
        expected = [f"{key} {place}" for place, key in enumerate(keys) if key == run["key"]]
        rows = read_run(run)
        assert rows.schema.names == SCHEMA.names
        assert rows["model"].to_pylist() == expected
        assert read_run(run, ["count"]).column_names == ["count"]
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_no_rows_make_no_file(tmp_path):
    assert written(tmp_path / "none", []) == []
    assert not (tmp_path / "none").exists()


def test_runs_by_brings_the_files_of_a_key_together(tmp_path):
    runs = written(tmp_path, [4, 1, 1]) + written(tmp_path, [9, 4])
    batches = [pa.RecordBatch.from_pylist([run]) for run in runs]
    together = {
        key: sorted(name for run in of_key for name in read_run(run)["model"].to_pylist())
        for key, of_key in runs_by("key", batches)
    }
    assert together == {1: ["1 1", "1 2"], 4: ["4 0", "4 1"], 9: ["9 0"]}
    assert list(together) == [1, 4, 9]
