"""The example DAG in an Airflow of its own: it is imported, and its commands are this program's."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.operate.test_schedules import parsed

ROOT = Path(__file__).parents[2]
AIRFLOW = ROOT / ".airflow" / "bin" / "python"
ASK = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook

bag = DagBag(sys.argv[1])
dags = {}
for name, dag in bag.dags.items():
    tasks = []
    for task in dag.topological_sort():
        told = {"id": task.task_id, "after": sorted(task.upstream_task_ids)}
        told["operator"] = type(task).__name__
        if told["operator"] == "SparkSubmitOperator":
            told["command"] = task._get_hook()._build_spark_submit_command(task.application)
        else:
            told["command"] = task.bash_command
        tasks.append(told)
    dags[name] = {
        "tasks": tasks,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "schedule": dag.schedule,
    }
print("found", json.dumps({"errors": bag.import_errors, "dags": dags}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow finds in the folder of schedules, with a Spark connection to a cluster."""
    if not AIRFLOW.exists():
        pytest.skip("needs an Airflow of its own in .airflow: run scripts/airflow, which makes it")
    environment = {
        "PATH": "/usr/bin:/bin",
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SPARK_DEFAULT": "spark://spark%3A%2F%2Fmaster:7077?deploy-mode=client",
    }
    done = subprocess.run(
        [AIRFLOW, "-c", ASK, ROOT / "jobs" / "schedules"],
        capture_output=True,
        text=True,
        env=environment,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("found ")]
    assert len(lines) == 1, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(lines[0].removeprefix("found "))
    return answer


@pytest.mark.slow
def test_the_dag_is_imported(found: dict[str, Any]) -> None:
    assert found["errors"] == {}
    (dag,) = found["dags"].values()
    assert set(found["dags"]) == {"opentrace_weekly"}
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
    assert dag["schedule"] == "30 5 * * 1"
    assert [(task["id"], task["after"], task["operator"]) for task in dag["tasks"]] == [
        ("collect", [], "BashOperator"),
        ("update", ["collect"], "SparkSubmitOperator"),
        ("upkeep", ["update"], "BashOperator"),
    ]


@pytest.mark.slow
def test_its_commands_are_those_of_the_program(found: dict[str, Any]) -> None:
    (dag,) = found["dags"].values()
    collect, update, upkeep = (task["command"] for task in dag["tasks"])
    for command, name in ((collect, "collect"), (upkeep, "upkeep")):
        program, *arguments = shlex.split(command)
        assert program.endswith("/.venv/bin/opentrace")
        assert parsed(arguments).name == name
    # As the operator calls spark-submit: options, then the job, then the job's own arguments.
    (place,) = [n for n, word in enumerate(update) if word.endswith("/jobs/update.py")]
    assert (ROOT / "jobs" / Path(update[place]).name).is_file()
    assert update[: update.index("--master") + 2][-1] == "spark://master:7077"
    options = parsed(["update", *update[place + 1 :]])
    assert options.landing == "/srv/opentrace/landing"
    assert options.warehouse == parsed(shlex.split(upkeep)[1:]).warehouse
    assert str(options.metrics).endswith(".prom")
