"""The report of `opentrace check`."""

from __future__ import annotations

import io
from datetime import date

import pytest
from rich.console import Console

from opentrace_spark.check import check_landing, print_report
from opentrace_spark.config import dated, load_config
from opentrace_spark.errors import ContentError

DOWNLOADS = (
    "week,id,count\n2024-07-10,a/b,5\n2024-07-31,a/b,5\n2024-07-10,c,-1\n"
    "2024-07-10,c,-1\n2024-07-10,c,-1\n2024-07-10,c,-1\n2024-07-10,,1\n"
)
ORGANIZATIONS = "org,country,org_type\na,USA,classroom\nb,Germania,firm\nc,User,\nd,Germania,user\n"


def test_check_landing_tells_columns_of_annotations_that_are_misspelt(spark, make_landing):
    sheet = "id,language,languages,licence,hub_page\na/b,en,,,x\na/b,,fr,,\n"
    report = check_landing(spark, make_landing({"annotations/a.csv": sheet}), load_config())
    # Of a column without cells nothing is lost.
    assert report.unknown_words == (
        "annotations/: column 'language' is not read; did you mean 'languages'?",
    )


def test_check_landing_reports_and_prints(spark, make_landing):
    files = {"downloads/d.csv": DOWNLOADS, "organizations/o.csv": ORGANIZATIONS}
    landing = make_landing({**files, "downloads/e.csv": "week,id,count\n"})
    report = check_landing(spark, landing, load_config())
    downloads = {kind.kind: kind for kind in report.kinds}["downloads"]
    assert (downloads.files, downloads.rows, downloads.accepted) == (2, 7, 2)
    assert [(r.reason, r.rows) for r in downloads.rejections] == [
        ("empty_id", 1),
        ("negative_count", 4),
    ]
    assert downloads.rejections[1].examples == tuple(("downloads/d.csv", n) for n in (3, 4, 5))
    assert (report.first_week, report.last_week) == (date(2024, 7, 8), date(2024, 7, 29))
    assert report.missing_weeks == (date(2024, 7, 15), date(2024, 7, 22))
    assert report.unknown_words == (
        "not in conf's list of countries, kept as written: 'Germania' (2)",
        "not in conf's list of kinds of organisation, kept as written: 'firm' (1)",
    )
    out = io.StringIO()
    print_report(report, Console(file=out, width=60))
    for line in (
        "downloads/: 4 negative_count (downloads/d.csv row 3; downloads/d.csv row 4; "
        "downloads/d.csv row 5 and more)",
        "weeks: 2024-07-08 to 2024-07-29, missing 2024-07-15, 2024-07-22",
        "not in conf's list of countries, kept as written: 'Germania' (2)",
        "no annotations/ in the landing: labels and parents come from metadata alone, "
        "and nothing tells how right they are",
    ):
        assert line in out.getvalue().splitlines()


def test_check_landing_reads_the_snapshots_that_a_run_would(spark, make_landing):
    counted = "id,downloadsAllTime\na/b,5\n"
    landing = make_landing(
        {
            "snapshots/2024-07-01/models.csv": counted,
            "snapshots/2024-07-08/models.csv": counted + "a/c,-5\n",
        }
    )
    both = check_landing(spark, landing, load_config())
    assert (len(both.snapshots), rejected(both, "snapshots")) == (2, [("negative_count", 1)])
    first = check_landing(spark, landing, dated(load_config(), "2024-07-07"))
    assert (first.snapshots, rejected(first, "snapshots")) == ((date(2024, 7, 1),), [])


def rejected(report, folder):
    rejections = {kind.kind: kind.rejections for kind in report.kinds}[folder]
    return [(rejection.reason, rejection.rows) for rejection in rejections]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("week,id,count\n2024-07-08,a,1\n2024-07-09,a,1\n", "downloads/ mixes weekdays"),
        (b"week,id,count\n2024-07-08,caf\xe9,1\n", r"downloads/d.csv: not UTF-8"),
        ("week,id\n", "downloads/d.csv: the header has no column count"),
    ],
)
def test_check_landing_stops_as_a_run_does(spark, make_landing, content, message):
    with pytest.raises(ContentError, match=f"^{message}"):
        check_landing(spark, make_landing({"downloads/d.csv": content}), load_config())
