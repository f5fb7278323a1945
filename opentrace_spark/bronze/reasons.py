"""Why a row is not used: the first reason that applies, and what the row said.

Every bronze table has all rows of its folder. `reason` is null for those that are used.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, Window, functions as F

LONGEST_NAME = 300
_CONTROL = "[\\x00-\\x1f\\x7f-\\x9f]"


def flag_first(rows: DataFrame, rules: Iterable[tuple[Column, str]]) -> DataFrame:
    """Set `reason` of the rows that have none to that of the first condition that holds."""
    reasons = [F.when(condition, F.lit(reason)) for condition, reason in rules]
    return rows.withColumn("reason", F.coalesce(F.col("reason"), *reasons))


def name_rules(*columns: str) -> list[tuple[Column, str]]:
    """What makes a name useless: `empty_id`, then `invalid_id`, of any of the columns."""
    empty, invalid = F.lit(False), F.lit(False)
    for name in columns:
        column = F.col(name)
        empty = empty | column.isNull() | (column == "")
        invalid = invalid | (F.char_length(column) > LONGEST_NAME) | column.rlike(_CONTROL)
    return [(empty, "empty_id"), (invalid, "invalid_id")]


def flag_later_rows(rows: DataFrame, key: str, reason: str) -> DataFrame:
    """Flag every row of a key but the first, by file and row. For small tables: sorts all rows."""
    of_key = Window.partitionBy(F.col("reason").isNull(), key).orderBy("source_file", "source_row")
    numbered = rows.withColumn("number", F.row_number().over(of_key))
    return flag_first(numbered, [(F.col("number") > 1, reason)]).drop("number")


def repeated_rows(rows: DataFrame, *key: str) -> tuple[DataFrame, DataFrame]:
    """Split rows into those whose key is surely there once, and those where it may be more often.

    Rows without a whole key are in the first frame. One aggregation of 64-bit hashes, which reads
    nothing but the key, finds the repeats; they are expected to be few (their hashes are sent to
    every task), and all other rows are never shuffled. Rows of the second frame may stand alone:
    rejected rows were counted too.
    """
    whole = F.lit(True)
    for name in key:
        whole = whole & F.col(name).isNotNull()
    hashes = rows.filter(whole).select(F.xxhash64(*key).alias("key_hash"))
    counts = hashes.groupBy("key_hash").agg(F.count("*").alias("n"))
    repeated = F.broadcast(counts.filter("n > 1").select("key_hash"))
    keyed = rows.withColumn("key_hash", F.when(whole, F.xxhash64(*key)))
    once = keyed.join(repeated, "key_hash", how="left_anti").drop("key_hash")
    again = keyed.join(repeated, "key_hash", how="left_semi").drop("key_hash")
    return once, again


def flag_repeated_counts(rows: DataFrame, count: str, *key: str) -> DataFrame:
    """Flag what counts a key twice; `count` names the column of the counts.

    `conflicting_counts`: all rows, where the counts differ. `duplicate_row`: all but the first,
    by file and row, where they agree.
    """
    once, again = repeated_rows(rows, *key)
    same = Window.partitionBy(*key, F.col("reason").isNull())
    numbered = again.withColumns(
        {
            "differ": F.min(count).over(same) != F.max(count).over(same),
            "number": F.row_number().over(same.orderBy("source_file", "source_row")),
        }
    )
    flagged = flag_first(
        numbered,
        [(F.col("differ"), "conflicting_counts"), (F.col("number") > 1, "duplicate_row")],
    )
    return once.unionByName(flagged.drop("differ", "number"))


def with_raw_values(rows: DataFrame, *columns: str) -> DataFrame:
    """Fill `raw_values` of flagged rows: JSON of the columns that are not null."""
    said = F.when(F.col("reason").isNotNull(), F.to_json(F.struct(*columns)))
    return rows.withColumn("raw_values", F.coalesce(F.col("raw_values"), said))
