"""Airflow DAG: collect, update on a Spark cluster, upkeep; every Monday.

Put it into Airflow's DAG folder and change the places below; docs/operations.md says what must lie
there. The Spark connection `spark_default` names the master and deploy mode client.
"""

from datetime import datetime, timedelta, timezone

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = "/srv/opentrace/project"  # a checkout in which scripts/setup has run
WHEEL = "/srv/opentrace/opentrace_spark.zip"  # the wheel under a name that Spark takes
JOB_CONF = "/srv/opentrace/job.conf"  # packages.conf and cluster.conf of conf/spark, joined
LANDING = "/srv/opentrace/landing"
WAREHOUSE = "/srv/opentrace/warehouse"
METRICS = "/var/lib/node_exporter/textfile/opentrace.prom"

with DAG(
    dag_id="opentrace_weekly",
    schedule="30 5 * * 1",  # Mondays, UTC
    start_date=datetime(2026, 1, 5, tzinfo=timezone.utc),
    catchup=False,  # one update takes in all that is new
    max_active_runs=1,  # one run at a time may write a warehouse
    default_args={"retries": 2, "retry_delay": timedelta(hours=1)},
):
    collect = BashOperator(
        task_id="collect",
        bash_command=f"{PROJECT}/.venv/bin/opentrace collect --source hub --out {LANDING}"
        " --log-format json",
        execution_timeout=timedelta(hours=8),
    )
    update = SparkSubmitOperator(
        task_id="update",
        application=f"{PROJECT}/jobs/update.py",
        application_args=[
            *("--landing", LANDING),
            *("--warehouse", WAREHOUSE),
            *("--metrics", METRICS),
            *("--log-format", "json"),
        ],
        py_files=WHEEL,
        properties_file=JOB_CONF,
        env_vars={"PYSPARK_PYTHON": f"{PROJECT}/.venv/bin/python"},
        name="opentrace-update",
        execution_timeout=timedelta(hours=4),
    )
    upkeep = BashOperator(
        task_id="upkeep",
        bash_command=f"{PROJECT}/.venv/bin/opentrace upkeep --warehouse {WAREHOUSE}"
        " --log-format json",
    )
    collect >> update >> upkeep
