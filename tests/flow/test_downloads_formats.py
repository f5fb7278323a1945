"""The same reports in columns of different types, spread over tasks."""

from collections import Counter
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark.config import load_config
from tests.flow.landings import write_small_landing
from tests.pipeline import run_tables

OLD, BETWEEN, NEW = date(2024, 6, 3), date(2024, 6, 10), date(2024, 6, 17)
REPORTS = [
    # Weeks in any order; a name in another case, a renamed one beside its id, an unknown one.
    (NEW, "lab/base", 7),
    (OLD, "LAB/base", 3),
    (OLD, "lab/base", 4),
    (NEW, "old-base", 5),
    (NEW, "corp/base", 6),
    (OLD, "gone/model", 2),
    (OLD, "user/a", 0),
    # Said twice, and said twice otherwise.
    (OLD, "user/b", 8),
    (OLD, "user/b", 8),
    (NEW, "user/b", 8),
    (NEW, "user/b", 9),
    (NEW, "gone/model", 1),
    (NEW, "gone/model", 1),
    # A week that nothing is known of for certain.
    (BETWEEN, "user/a", 1),
    (BETWEEN, "user/a", 2),
    # Of no use.
    (None, "lab/base", 1),
    (date(1999, 12, 27), "lab/base", 1),
    (OLD, None, 1),
    (OLD, "", 1),
    (OLD, "x" * 301, 1),
    (OLD, "quant/base-GGUF", None),
    (OLD, "quant/base-GGUF", -1),
]
EXPECTED = {
    (OLD, "lab/base", 7, "recased,summed"),
    (OLD, "gone/model", 2, "no_metadata"),
    (OLD, "user/a", 0, None),
    (OLD, "user/b", 8, None),
    (NEW, "lab/base", 7, None),
    (NEW, "corp/base", 11, "renamed,summed"),
    (NEW, "gone/model", 1, "no_metadata"),
}
REASONS = {
    "missing_week": 1,
    "unparsable_week": 1,
    "empty_id": 2,
    "invalid_id": 1,
    "missing_count": 1,
    "negative_count": 1,
    "duplicate_row": 2,
    "conflicting_counts": 4,
}
TYPES = {
    "plain": (pa.date32(), pa.string(), pa.int64()),
    "plain, other widths": (pa.date32(), pa.large_string(), pa.int32()),
    "others": (pa.date64(), pa.dictionary(pa.int32(), pa.string()), pa.int64()),
}


@pytest.mark.parametrize("types", TYPES)
def test_reports_are_the_same_in_every_type(spark, tmp_path, types):
    """A row group is a task of its own, so that every week is spread over tasks."""
    landing = write_small_landing(tmp_path / "landing")
    for file in (landing / "downloads").iterdir():
        file.unlink()
    week, name, count = TYPES[types]
    table = pa.table(
        {
            "week": pa.array([day for day, _, _ in REPORTS], week),
            "id": pa.array([name_ for _, name_, _ in REPORTS], name),
            "count": pa.array([count_ for _, _, count_ in REPORTS], count),
        }
    )
    pq.write_table(table, landing / "downloads" / "reports.parquet", row_group_size=3)
    tables = run_tables(spark, landing, tmp_path / "warehouse", load_config(), ("core",))
    names = {row["model_key"]: row["model_id"] for row in tables["silver_lineage"]}
    found = {
        (row["week_start"], names[row["model_key"]], row["download_count"], row["flags"])
        for row in tables["silver_model_weeks"]
    }
    assert found == EXPECTED
    assert len(tables["silver_model_weeks"]) == len(EXPECTED)
    assert [row["week_start"] for row in tables["gold_weeks"] if row["is_missing"]] == [BETWEEN]
    assert Counter(row["reason"] for row in tables["silver_rejects"]) == REASONS
