"""A Hub in which nearly everything hangs on one model, one developer and one week."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from opentrace_spark.config import load_config
from tests.compare import assert_same_tables, exact_rows
from tests.pipeline import changed_settings, read_tables, run_pipeline
from tests.reference import reference_tables

MODELS, WEEKS, ROWS = 1_000, 30, 6_000
FIRST_WEEK = date(2024, 1, 1)
HEAVY = 20
SPLIT_SKEWED_JOINS = {
    "spark.sql.shuffle.partitions": "7",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    # A partition twice the usual size and above a kilobyte is one to split.
    "spark.sql.adaptive.skewJoin.skewedPartitionFactor": "2",
    "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes": "1024",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "1024",
}


def write_skewed_landing(folder: Path) -> Path:
    """Half of the models and their rows in one family of one developer; a week with a tenth of all
    rows, none of which is in another week's row group."""
    random.seed(1)
    names = ["giant/base", *(f"giant/child-{n}" for n in range(MODELS // 2))]
    names += [f"owner-{n}/model" for n in range(MODELS - len(names))]
    parents = [None, *("giant/base" for _ in range(MODELS // 2))]
    parents += [None] * (len(names) - len(parents))
    models = {
        "id": names,
        "createdAt": [f"2023-0{1 + n % 9}-01T00:00:00Z" for n in range(len(names))],
        "tags": [[f"base_model:{parent}"] if parent else [] for parent in parents],
    }
    weeks, ids, counts = [], [], []
    for week in range(WEEKS):
        rows = ROWS // 10 if week == HEAVY else ROWS * 9 // 10 // (WEEKS - 1)
        for name in random.sample(names, rows):
            weeks.append(FIRST_WEEK + timedelta(weeks=week))
            ids.append(name)
            counts.append(random.choice([0, 1, 50, 300, 10**6]))
    downloads = {"week": weeks, "id": ids, "count": counts}
    for kind, columns, rows in (("models", models, 100), ("downloads", downloads, ROWS // 10)):
        (folder / kind).mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / kind / "x.parquet", row_group_size=rows)
    return folder


def test_skew_changes_no_row(spark, tmp_path):
    """Once with few partitions; once, for the core, with joins that split what is skewed."""
    config = load_config()
    landing = write_skewed_landing(tmp_path / "landing")
    run_pipeline(spark, landing, tmp_path / "plain", config)
    plain = read_tables(tmp_path / "plain")
    assert_same_tables(plain, reference_tables(landing, config))
    with changed_settings(spark, SPLIT_SKEWED_JOINS):
        run_pipeline(spark, landing, tmp_path / "split", config, only=("core",))
    split = read_tables(tmp_path / "split")
    assert exact_rows(split) == exact_rows({table: plain[table] for table in split})
    sizes = [row["family_size"] for row in plain["silver_lineage"]]
    assert max(sizes) == sizes.count(max(sizes)) == 1 + MODELS // 2
