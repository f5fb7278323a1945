"""`--source hub` against a Hub that is well, and one that is not."""

from __future__ import annotations

import pyarrow.parquet as pq

from opentrace_spark.collect.snapshot import collect_hub
from tests.fake_hub import model


def silent(*_):
    pass


def rows_of(folder):
    return [
        row for file in sorted(folder.glob("*.parquet")) for row in pq.read_table(file).to_pylist()
    ]


def test_collect_hub_lists_every_model_once(fake, client, tmp_path):
    fake.models = [model(number) for number in range(2_500)]
    done = collect_hub(tmp_path, client(), silent)
    assert done.is_new
    assert [row["id"] for row in rows_of(done.folder)] == [row["id"] for row in fake.models]
    assert done.manifest["pages"] == 3
    print(done.manifest)
