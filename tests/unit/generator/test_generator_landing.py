"""The landing directory as a whole: same bytes, layout, types, sizes, wrong use."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import opentrace_spark
from opentrace_spark.generator import generate_landing

from .conftest import Landing, read_landing, read_models


def digests(path: Path) -> dict[str, str]:
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {
        file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def test_same_arguments_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    generate_landing(tmp_path / "a", models=3_000, weeks=35, seed=5)
    code = (
        "import sys; from pathlib import Path; from opentrace_spark.generator import *; "
        "generate_landing(Path(sys.argv[1]), models=3_000, weeks=35, seed=5)"
    )
    root = str(Path(opentrace_spark.__file__).parents[1])
    environment = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "PYTHONPATH": root}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], check=True, env=environment)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_another_seed_gives_other_files(tmp_path: Path) -> None:
    generate_landing(tmp_path / "a", models=500, weeks=2, seed=1)
    generate_landing(tmp_path / "b", models=500, weeks=2, seed=2)
    first, second = digests(tmp_path / "a"), digests(tmp_path / "b")
    assert first.keys() == second.keys()
    assert all(first[file] != second[file] for file in first)


def test_generator_needs_no_spark() -> None:
    code = "import sys, opentrace_spark.generator; sys.exit('pyspark' in sys.modules)"
    root = str(Path(opentrace_spark.__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": root})


def test_columns_have_the_types_of_the_hub(landing: Landing) -> None:
    schema = read_models(landing.result.path).schema
    text, number, time = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC")
    expected = {
        "_id": text, "id": text, "author": text, "createdAt": time, "lastModified": time,
        "pipeline_tag": text, "library_name": text, "likes": number, "downloads": number,
        "downloadsAllTime": number, "cardData": text, "usedStorage": number, "gated": text,
    }  # fmt: skip
    assert {name: schema.field(name).type for name in expected} == expected
    assert schema.field("tags").type.value_type == text
    assert schema.field("safetensors").type.field("total").type == number
    base_models = schema.field("baseModels").type
    assert base_models.field("relation").type == text
    assert [field.name for field in base_models.field("models").type.value_type] == ["_id", "id"]
    week = pq.read_schema(next((landing.result.path / "downloads").iterdir()))
    assert dict(zip(week.names, week.types, strict=True)) == {
        "week": pa.date32(), "id": text, "count": number,
    }  # fmt: skip


def test_result_counts_what_was_written(landing: Landing) -> None:
    result = landing.result
    rows = [row for week in landing.weeks.values() for row in week]
    assert result.models == len(landing.models) == 5_000
    assert (result.weeks, result.missing_weeks) == (len(landing.weeks), 60 - len(landing.weeks))
    assert result.downloads_rows == len(rows)
    assert result.downloads == sum(count for _, count in rows)
    assert result.aliases == len(landing.aliases)
    assert result.organizations == len(landing.organizations)
    assert result.files == sum(1 for file in result.path.rglob("*") if file.is_file())


@pytest.mark.parametrize("models", [1, 2, 3, 10, 60, 499, 500])
@pytest.mark.parametrize("weeks", [1, 2, 31])
def test_any_small_size_works(tmp_path: Path, models: int, weeks: int) -> None:
    out = tmp_path / "landing"
    out.mkdir()  # an empty folder may exist
    small = read_landing(generate_landing(out, models=models, weeks=weeks, seed=3))
    assert len(small.ids) == models
    assert max(small.weeks) == dt.date(2025, 8, 18)
    assert small.weeks[dt.date(2025, 8, 18)]
    assert len(small.weeks) == weeks - small.result.missing_weeks


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": 0}, "number of models must be at least 1, not 0"),
        ({"weeks": -2}, "number of weeks must be at least 1, not -2"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, arguments: dict[str, int], message: str) -> None:
    values = {"models": 5, "weeks": 1, "seed": 1, **arguments}
    with pytest.raises(ValueError, match=message):
        generate_landing(tmp_path / "landing", **values)
    assert not (tmp_path / "landing").exists()


def test_folder_with_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        generate_landing(tmp_path, models=5, weeks=1, seed=1)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_progress_is_reported_to_the_end(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    generate_landing(
        tmp_path / "landing", models=700, weeks=3, seed=1,
        progress=lambda stage, done, total: seen.append((stage, done, total)),
    )  # fmt: skip
    last = {stage: (done, total) for stage, done, total in seen}
    assert last == {"hub": (1, 1), "downloads": (3, 3), "models": (700, 700)}
