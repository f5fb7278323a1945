"""`opentrace collect` as a user calls it: words, exit status, token, terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from opentrace_spark.cli import main
from opentrace_spark.collect import transport
from opentrace_spark.collect.datasets import REPOSITORIES
from opentrace_spark.publish.progress import TerminalBar
from opentrace_spark.tables import SILVER_MODELS
from tests.fake_hub import Dataset, model
from tests.unit.publish.small_tables import write_table

ROOT = Path(__file__).parents[3]
TOKEN = "hf_" + "SecretOfThisTest" * 2


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Waits of the command itself pass at once."""
    fast = transport.Patience(attempts=3, first_wait=0, longest_asked=100)
    monkeypatch.setattr(transport, "Patience", lambda: fast)


def collect(out: Path, *options: str) -> int:
    return main(["collect", "--out", str(out), *options])


def last_line(capsys) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def test_collect_says_what_there_is_now(fake, tmp_path, capsys):
    fake.models = [model(number) for number in range(1_500)]
    fake.models[3] = model(3, private=True)
    assert collect(tmp_path, "--source", "hub") == 0
    (folder,) = (tmp_path / "snapshots").iterdir()
    told = f"{folder}: 1,499 models in 1 files; left out: 1 private to the token's account\n"
    assert capsys.readouterr() == (told, "")
    assert collect(tmp_path, "--source", "hub") == 0
    assert "nothing to do today" in capsys.readouterr().out
    assert collect(tmp_path, "--source", "hub", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_collect_of_a_dataset_says_what_is_new(fake, tmp_path, capsys, parquet_file):
    repository = REPOSITORIES["weekly-snapshots"]
    days = ("2026-11-11", "2026-11-18")
    fake.datasets[repository] = Dataset(
        {f"models/{day}/models.parquet": parquet_file for day in days}
    )
    assert collect(tmp_path, "--source", "weekly-snapshots", "--since", "2026-11-18") == 0
    size = len(parquet_file)
    folder = tmp_path / "snapshots" / "2026-11-18"
    assert capsys.readouterr().out == f"{repository}: 1 new ({folder}, {size:,} bytes)\n"
    assert collect(tmp_path, "--source", "weekly-snapshots") == 0
    assert "1 new" in (told := capsys.readouterr().out)
    assert told.endswith("; 1 as before\n")
    assert collect(tmp_path, "--source", "weekly-snapshots") == 0
    assert "nothing new, 2 folders are as they should be" in capsys.readouterr().out


@pytest.fixture
def parquet_file() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": ["a/b"]}), buffer)
    return buffer.getvalue()


def test_collect_owners_of_a_warehouse(fake, tmp_path, capsys):
    fake.accounts = {"ann": {"kind": "user"}, "acme": {"kind": "organization"}}
    warehouse = tmp_path / "warehouse"
    models = [
        {"model_id": "ann/a", "developer": "ann", "in_population": True},
        {"model_id": "acme/a", "developer": "acme", "in_population": True},
        {"model_id": "acme/b", "developer": "acme", "in_population": True},
        {"model_id": "small/a", "developer": "small", "in_population": False},
        {"model_id": "gpt2", "developer": "(no owner)", "in_population": True},
    ]
    write_table(warehouse, SILVER_MODELS, models)
    assert collect(tmp_path / "landing", "--owners-of", str(warehouse)) == 0
    assert capsys.readouterr().out == (
        f"{tmp_path}/landing/accounts/accounts.csv: 1 users and 1 organisations added, 0 that are "
        "gone; 0 were there\n"
    )
    asked = {request.path.split("/")[3] for request in fake.requests if "/api/" in request.path}
    assert asked == {"ann", "acme"}


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        ([], 2, "name a --source, or --owners-of a warehouse"),
        (
            ["--source", "hub", "--since", "2026-01-01"],
            2,
            "--since is of --source weekly-snapshots",
        ),
        (["--owners-of", "nowhere"], 2, "--owners-of nowhere: no silver/models there"),
        (["--source", "hub"], 1, "page 1 of the list of models at http"),
        (["--source", "model-cards"], 1, "the list of files of the dataset librarian-bots/"),
    ],
)
def test_collect_ends_with_what_is_wrong(
    fake, tmp_path, capsys, monkeypatch, options, status, told
):
    monkeypatch.chdir(tmp_path)
    fake.moods[1] = ["500", "500", "500"]
    assert collect(tmp_path / "out", *options) == status
    assert last_line(capsys).startswith(f"opentrace: {told}")


def test_collect_refuses_an_endpoint_that_is_none(fake, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "hub.example")
    assert collect(tmp_path, "--source", "hub") == 2
    assert last_line(capsys).startswith("opentrace: HF_ENDPOINT is no address")


def test_collect_that_is_interrupted_says_how_to_go_on(fake, tmp_path, capsys):
    fake.models = [model(number) for number in range(2_500)]

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TerminalBar, "counted", stop)
        assert collect(tmp_path, "--source", "hub") == 130
    assert last_line(capsys) == (
        "opentrace: interrupted; what has arrived is kept: run the same command again to go on "
        "from there"
    )
    assert collect(tmp_path, "--source", "hub") == 0
    assert fake.page_requests() == [1, 2, 3]


def test_the_token_is_sent_and_nowhere_written(fake, tmp_path, parquet_file):
    # With all that can be said: the log of every request, traces, and a source that fails.
    fake.models = [model(number) for number in range(1_500)]
    fake.token = TOKEN
    fake.accounts = {"ann": {"kind": "user"}}
    fake.datasets[REPOSITORIES["model-cards"]] = Dataset({"data/a.parquet": parquet_file})
    write_table(
        tmp_path / "warehouse",
        SILVER_MODELS,
        [{"model_id": "ann/a", "developer": "ann", "in_population": True}],
    )
    home = tmp_path / "home"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_TOKEN": TOKEN,
        "HF_ENDPOINT": fake.url,
        "HF_HOME": str(home),
        "HOME": str(home),
        "HF_DEBUG": "1",
        "PYTHONPATH": str(ROOT),
    }
    code = "import sys; from opentrace_spark.cli import main; sys.exit(main(sys.argv[1:]))"
    said = b""
    for options in (
        ["--source", "hub", "--verbose", "--owners-of", str(tmp_path / "warehouse")],
        ["--source", "model-cards", "--verbose", "--log-format", "json"],
        ["--source", "hub-stats", "--verbose", "--log-format", "json"],
    ):
        arguments = ["collect", "--out", str(tmp_path / "out"), *options]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=environment, cwd=ROOT, capture_output=True
        )
        assert done.returncode == (1 if "hub-stats" in options else 0), done.stderr
        said += done.stdout + done.stderr
    asked = [request for request in fake.requests if request.path != "/api/agent-harnesses"]
    assert {request.headers.get("authorization") for request in asked} == {f"Bearer {TOKEN}"}
    assert len({request.path.split("/")[2] for request in asked}) > 3
    assert (tmp_path / "out" / "model_cards" / "a.parquet").exists()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert TOKEN.encode() not in said
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_the_log_as_json_tells_what_was_collected_and_what_libraries_say(fake, tmp_path):
    fake.models = [model(number) for number in range(1_500)]
    environment = {**os.environ, "HF_ENDPOINT": fake.url, "HF_HOME": str(tmp_path / "home")}
    code = (
        "import logging, sys; from huggingface_hub.utils import logging as theirs;"
        "from opentrace_spark import cli; from opentrace_spark.collect import command;"
        "collect = command.collect;"
        "command.collect = lambda *a: (theirs.get_logger().warning('busy'), collect(*a))[1];"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    arguments = ["collect", "--source", "hub", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--log-format", "json", "--quiet"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in told if line["event"] != "progress"] == [
        *("started", "log", "collected", "ended")
    ]
    assert told[1]["message"] == "busy"
    assert "1,500 models in 1 files" in told[-2]["message"]
    assert {(line["step"], line["total"]) for line in told if line["event"] == "progress"}


def test_collect_needs_no_token(fake, tmp_path, capsys):
    fake.models = [model(0)]
    assert collect(tmp_path, "--source", "hub") == 0
    assert {request.headers.get("authorization") for request in fake.requests} == {None}


def test_collect_starts_without_spark():
    code = (
        "import sys, opentrace_spark.cli, opentrace_spark.collect.command;"
        "sys.exit('pyspark' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_terminal_bar_shows_what_is_left(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal, file = io.StringIO(), io.StringIO()
    for stream, is_terminal in ((terminal, True), (file, False)):
        console = Console(file=stream, force_terminal=is_terminal, width=100)
        with TerminalBar(console) as bar:
            bar.counted("models", 1_000, 4_000)
            bar.counted("models", 2_000, 4_000)
            bar._bar.refresh()
    assert "2,000 of about 4,000" in terminal.getvalue()
    assert file.getvalue() == ""


def test_collect_help_names_every_source(capsys):
    with pytest.raises(SystemExit):
        main(["collect", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for word in ("hub-stats", "weekly-snapshots", "model-cards", "--owners-of", "HF_TOKEN"):
        assert word in text


def test_collect_names_the_endpoint_without_its_password(fake, tmp_path, capsys, monkeypatch):
    address = fake.url.replace("http://", "http://user:PassWordOfTest@")
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
    fake.models = [model(0)]
    fake.moods[1] = ["500"] * 3
    assert collect(tmp_path, "--source", "hub") == 1
    assert fake.url in (told := last_line(capsys))
    assert "PassWordOfTest" not in told
    assert collect(tmp_path, "--source", "hub") == 0
    for path in tmp_path.rglob("*.*"):
        assert path.is_dir() or b"PassWordOfTest" not in path.read_bytes()
