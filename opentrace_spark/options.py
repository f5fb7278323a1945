"""The options of the command line, and what `--help` says of them."""

from __future__ import annotations

import argparse
from datetime import date
from fractions import Fraction
from pathlib import Path

import opentrace_spark
from opentrace_spark.tables import RETENTION_DAYS

_DEMO_MODELS, _DEMO_WEEKS, _DEMO_SEED = 10_000, 104, 1
_COLLECT = """Brings real data of the Hugging Face Hub into a landing directory. It can be stopped
at any moment and goes on where it was when the same command is run again. Needs no account; a token
that huggingface_hub finds (HF_TOKEN, hf auth login) only makes the Hub allow more requests.
HF_ENDPOINT names another Hub or a mirror."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of `opentrace`'s arguments.

    Beside the options these say `name`, that of the command; `after_interrupt`, what holds when it
    was stopped; and `watch`, None until something watches it.
    """
    parser = argparse.ArgumentParser(prog="opentrace", description=opentrace_spark.__doc__)
    parser.add_argument("--version", action="version", version=opentrace_spark.__version__)
    parser.set_defaults(after_interrupt="the tables are as they were", watch=None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="name")

    demo = commands.add_parser("demo", help="generate a small Hub and run everything on it")
    demo.add_argument("--out", type=Path, default=Path("demo"), help="folder (default: demo)")
    _size_options(demo, _DEMO_MODELS, _DEMO_WEEKS)
    _run_options(demo)
    _scratch_options(demo)

    generate = commands.add_parser("generate", help="write a synthetic landing directory")
    generate.add_argument("--out", type=Path, required=True, help="folder to write, empty or new")
    _size_options(generate, None, None)
    generate.add_argument("--quiet", action="store_true", help="print errors only")

    collect = commands.add_parser(
        "collect", help="bring real data of the Hub into a landing", description=_COLLECT
    )
    _collect_options(collect)
    collect.set_defaults(
        after_interrupt="what has arrived is kept: run the same command again to go on from there",
    )

    check = commands.add_parser("check", help="read and validate a landing, write nothing")
    _landing_options(check)
    _run_options(check)

    run = commands.add_parser("run", help="build every table from a landing")
    _landing_options(run)
    _warehouse_option(run)
    run.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="STEP",
        help="build these tables and what they need, for example usage_shares, or core",
    )
    run.add_argument(
        "--as-of",
        metavar="DATE",
        help="tables as they would have been on this date (UTC), from what was there before it",
    )
    _run_options(run)
    _scratch_options(run)
    _metrics_option(run)

    update = commands.add_parser(
        "update", help="bring the tables up to date, where anything is new"
    )
    _landing_options(update)
    _warehouse_option(update)
    _run_options(update)
    _scratch_options(update)
    _metrics_option(update)
    update.set_defaults(only=(), as_of=None)

    upkeep = commands.add_parser(
        "upkeep", help="combine small files of the tables, remove old versions"
    )
    _warehouse_option(upkeep)
    _upkeep_options(upkeep)
    upkeep.set_defaults(after_interrupt="every table has its rows: run the same command again")

    diff = commands.add_parser(
        "diff", help="say what differs between two warehouses, and by how much"
    )
    _diff_options(diff)

    explain = commands.add_parser(
        "explain", help="say what a name's figures are made of, down to rows and files"
    )
    _explain_options(explain)

    report = commands.add_parser(
        "report", help="draw every figure of the tables, and one page that works offline"
    )
    _warehouse_option(report)
    what = "folder to write, new, empty or an earlier report's: index.html and figures/"
    report.add_argument("--out", type=Path, required=True, metavar="DIR", help=what)
    report.add_argument("--quiet", action="store_true", help="print errors only")
    _log_option(report)
    report.set_defaults(after_interrupt="the report is not whole: run the same command again")

    publish = commands.add_parser(
        "publish", help="put the tables on the Hub as a dataset, and the report as a Space"
    )
    _warehouse_option(publish)
    _publish_options(publish)
    publish.set_defaults(after_interrupt="what is on the Hub is whole: as before, or the new one")

    bi = commands.add_parser(
        "bi", help="write a star schema and tables of the latest week, for BI tools"
    )
    _warehouse_option(bi)
    bi.add_argument("--quiet", action="store_true", help="print errors only")
    _log_option(bi)
    bi.set_defaults(after_interrupt="run the same command again, some tables may be new already")

    annotate = commands.add_parser("annotate", help="write a sheet of models for annotators")
    _warehouse_option(annotate)
    what = "new .csv, .jsonl or .parquet file: the head sample, most downloaded first"
    annotate.add_argument("--export", type=Path, required=True, metavar="FILE", help=what)
    what = "instead of it this share of the annotated models, for a review without their labels"
    annotate.add_argument("--review-sample", type=_share, metavar="SHARE", help=what)
    annotate.add_argument(
        "--seed", type=int, help="of that sample (default: 1): same seed, same models"
    )
    annotate.add_argument("--annotator", default="", metavar="NAME", help="who will fill it")
    annotate.add_argument("--quiet", action="store_true", help="print errors only")
    return parser


def _publish_options(parser: argparse.ArgumentParser) -> None:
    what = "dataset to write; the token comes from the environment variable HF_TOKEN"
    parser.add_argument("--repo-id", required=True, metavar="ORG/NAME", help=what)
    what = "put the report's page up, too, as this static Space"
    parser.add_argument("--space", metavar="ORG/NAME", help=what)
    what = "license of the tables, as the Hub names it (default: %(default)s)"
    parser.add_argument("--license", default="cc-by-4.0", metavar="NAME", help=what)
    what = "make repositories private that are not there yet"
    parser.add_argument("--private", action="store_true", help=what)
    what = "build in --out and send nothing; needs no token"
    parser.add_argument("--dry-run", action="store_true", help=what)
    what = "new or empty folder to build in and keep: dataset/, and space/ with --space"
    parser.add_argument("--out", type=Path, metavar="DIR", help=what)
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    _log_option(parser)


def _share(text: str) -> Fraction:
    try:
        share = Fraction(text)
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and up to 1; write 0.1 for 10%")
    return share


def _landing_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--landing", required=True, help="landing directory, path or URI")
    parser.add_argument("--conf", type=Path, help="TOML file that overrides conf/default.toml")


def _warehouse_option(parser: argparse.ArgumentParser) -> None:
    what = "folder of the Delta tables, path or URI"
    parser.add_argument("--warehouse", required=True, help=what)


def _size_options(parser: argparse.ArgumentParser, models: int | None, weeks: int | None) -> None:
    needed = models is None
    parser.add_argument("--models", type=int, default=models, required=needed, help="models")
    parser.add_argument("--weeks", type=int, default=weeks, required=needed, help="weeks")
    parser.add_argument("--seed", type=int, default=_DEMO_SEED, help="same seed, same bytes")


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, help="tasks at once (default: all CPUs)")
    parser.add_argument("--memory", help="heap of the Java process, for example 4g")
    parser.add_argument("--scratch", type=Path, help="folder for spill files (default: system's)")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--quiet", action="store_true", help="print errors only")
    words.add_argument("--verbose", action="store_true", help="log every step, trace defects")
    _log_option(parser)


def _scratch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force", action="store_true", help="build every step, also where nothing has changed"
    )
    parser.add_argument(
        "--discard-scratch",
        action="store_true",
        help="keep no scratch for the next run: less disk, but that one builds everything",
    )


def _log_option(parser: argparse.ArgumentParser) -> None:
    what = "of what standard error gets: json is one object per line, without progress bars"
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help=what)


def _metrics_option(parser: argparse.ArgumentParser) -> None:
    what = "file for monitoring in Prometheus' text format, written also when the run fails"
    parser.add_argument("--metrics", type=Path, metavar="FILE", help=what)


def _upkeep_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--retention-days",
        type=int,
        default=RETENTION_DAYS,
        metavar="N",
        help="versions of the last N days stay readable (default: %(default)s, 13 weekly runs)",
    )
    what = "allow fewer than 7 days: nobody may be reading or writing a table meanwhile"
    parser.add_argument("--allow-short-retention", action="store_true", help=what)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--quiet", action="store_true", help="print errors only")
    words.add_argument("--verbose", action="store_true", help="trace defects")
    _log_option(parser)


def _collect_options(parser: argparse.ArgumentParser) -> None:
    what = (
        "hub: list every public model now, to snapshots/DATE/ (about an hour); hub-stats: today's "
        "list by others, to snapshots/DATE/; weekly-snapshots: the weekly lists by others, to "
        "snapshots/DATE/; model-cards: the texts of model cards, to model_cards/"
    )
    names = ("hub", "hub-stats", "weekly-snapshots", "model-cards")
    parser.add_argument("--source", choices=names, help=what)
    what = "landing directory, new or one to add to"
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=what)
    what = (
        "ask whether the owners of this warehouse's population are users or organisations, and of "
        "what type; adds those that are not yet there to accounts/accounts.csv"
    )
    parser.add_argument("--owners-of", metavar="WAREHOUSE", help=what)
    what = "of weekly-snapshots only those from this date on, for example 2025-03-01"
    parser.add_argument("--since", type=_date, metavar="DATE", help=what)
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--quiet", action="store_true", help="print errors only")
    words.add_argument("--verbose", action="store_true", help="trace defects")
    _log_option(parser)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no date; write it like 2025-03-01") from None


def _explain_options(parser: argparse.ArgumentParser) -> None:
    what = "a model, developer, organisation or country, under any name that it had"
    parser.add_argument("NAME", help=what)
    _warehouse_option(parser)
    what = "shares and files of the week of this day (default: the last complete one)"
    parser.add_argument("--week", type=_date, metavar="DATE", help=what)
    what = "what NAME is, where it could be several things"
    levels = ("model", "developer", "organization", "country")
    parser.add_argument("--level", choices=levels, help=what)
    what = "the landing of the last run: lists the rows of its files that a model's counts are from"
    parser.add_argument("--landing", metavar="DIR", help=what)
    parser.add_argument("--top", type=int, default=10, metavar="N", help="rows shown (default: 10)")
    parser.add_argument("--verbose", action="store_true", help="trace defects")


def _diff_options(parser: argparse.ArgumentParser) -> None:
    for name in ("A", "B"):
        parser.add_argument(name, metavar=f"WAREHOUSE_{name}", help="folder of tables, path or URI")
    parser.add_argument(
        "--level",
        nargs="+",
        choices=("model", "developer", "organization", "country", "org_type"),
        help="figures and shares of these (default: developer organization country)",
    )
    parser.add_argument(
        "--attribution",
        nargs="+",
        metavar="NAME",
        help="none, root, or none:root, that of A against that of B (default: none root)",
    )
    parser.add_argument(
        "--window",
        nargs="+",
        metavar="NAME",
        help="windows, or 365d:90d, that of A against that of B (default: none 365d)",
    )
    parser.add_argument(
        "--week",
        default="",
        metavar="DATE",
        help="week, or that of A against that of B (default: the last complete one of both)",
    )
    parser.add_argument("--top", type=int, default=10, metavar="N", help="rows shown (default: 10)")
    parser.add_argument("--out", type=Path, help="folder for every difference, new or empty")
    parser.add_argument("--verbose", action="store_true", help="trace defects")
