"""jobs/*.py under spark-submit give the tables of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from opentrace_spark.config import load_config
from tests.flow.landings import write_small_landing
from tests.pipeline import read_tables, run_pipeline

ROOT = Path(__file__).parents[2]
RUN_COLUMNS = {"run_id", "processed_at"}


def rows_of(warehouse):
    return {
        table: sorted(
            repr([value for name, value in row.items() if name not in RUN_COLUMNS]) for row in rows
        )
        for table, rows in read_tables(warehouse).items()
    }


@pytest.mark.slow
def test_job_under_spark_submit_equals_the_command_line(spark, tmp_path):
    landing = write_small_landing(tmp_path / "landing")
    run_pipeline(spark, landing, tmp_path / "here", load_config())
    properties = tmp_path / "job.conf"
    properties.write_text(
        "".join(
            (ROOT / "conf" / "spark" / name).read_text() for name in ("packages.conf", "local.conf")
        )
        + f"\nspark.jars {','.join(map(str, (Path(sys.prefix) / 'jars').glob('*.jar')))}\n"
    )
    lines = properties.read_text().splitlines()
    properties.write_text("\n".join(x for x in lines if not x.startswith("spark.jars.")) + "\n")
    environment = os.environ | {
        "PYSPARK_PYTHON": sys.executable,
        "JAVA_HOME": str(Path(sys.prefix) / "java"),
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
    }
    done = subprocess.run(
        [
            str(Path(pyspark.__file__).parent / "bin" / "spark-submit"),
            *("--master", "local[2]", "--properties-file", str(properties)),
            *(str(ROOT / "jobs" / "run.py"), "--landing", str(landing)),
            *("--warehouse", str(tmp_path / "there")),
        ],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "tables     15 in" in done.stdout
    assert rows_of(tmp_path / "there") == rows_of(tmp_path / "here")
