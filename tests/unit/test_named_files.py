"""Files that tasks write themselves: a table is those that finished tasks have named."""

import pyarrow as pa
import pytest

from opentrace_spark.io import Warehouse, named_files, write_partition
from opentrace_spark.tables import SILVER_MODEL_WEEKS

PARTITION = "week_start=2024-07-08"
TEXTS = ("flags", "week_label", "reported_as")
STORED = "_work/run/scratch/work_weeks"


def rows(*counts: int) -> pa.Table:
    absent = {name: pa.nulls(len(counts)) for name in (*TEXTS, "raw_difference")}
    return pa.table({"model_key": range(len(counts)), "download_count": counts, **absent})


@pytest.fixture(params=["plain", "a + {b}*? #ü"])
def warehouse(tmp_path, request) -> Warehouse:
    return Warehouse(str(tmp_path / request.param))


def test_what_a_killed_task_left_behind_is_in_no_table(spark, warehouse):
    folder = warehouse.uri(STORED)
    lost = write_partition(folder, SILVER_MODEL_WEEKS, PARTITION, rows(1, 2))
    kept = write_partition(folder, SILVER_MODEL_WEEKS, PARTITION, rows(1, 2))
    frame = named_files(spark, SILVER_MODEL_WEEKS, folder, [kept])
    # The executor that was given up goes on: a whole file more, and half of one.
    write_partition(folder, SILVER_MODEL_WEEKS, PARTITION, rows(1, 2))
    with warehouse.filesystem.open_output_stream(
        f"{warehouse.path}/{STORED}/{PARTITION}/part-half.parquet"
    ) as half:
        half.write(b"PAR1")
    files = warehouse.files_of(frame, STORED)
    assert [file.path for file in files] == [kept] != [lost]
    assert frame.count() == sum(file.rows for file in files) == 2
    warehouse.commit(SILVER_MODEL_WEEKS, STORED, files, "run")
    assert warehouse.read(SILVER_MODEL_WEEKS, ["download_count"]).to_pydict() == {
        "download_count": [1, 2]
    }


def test_no_files_are_an_empty_table(spark, warehouse):
    frame = named_files(spark, SILVER_MODEL_WEEKS, warehouse.uri(STORED), [])
    assert frame.columns == [column.name for column in SILVER_MODEL_WEEKS.columns]
    assert warehouse.files_of(frame, STORED) == []
    warehouse.commit(SILVER_MODEL_WEEKS, STORED, [], "run")
    assert warehouse.read(SILVER_MODEL_WEEKS).num_rows == 0
