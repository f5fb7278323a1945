"""What figures make of their tables: places of bands, countries on the map, what is drawn when."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import altair as alt
import pandas as pd
import pytest

from opentrace_spark.config import load_config
from opentrace_spark.io import Warehouse
from opentrace_spark.publish.report import geography, sizes
from opentrace_spark.publish.report.command import FIGURES, read_content
from opentrace_spark.publish.report.data import Tables
from opentrace_spark.publish.report.draw import drawing, file_name
from opentrace_spark.publish.report.figure import Choice, Figure, periods_of, word
from opentrace_spark.publish.report.flows import laid_out
from opentrace_spark.publish.report.marks import marks
from opentrace_spark.publish.report.numbers import numbers
from opentrace_spark.tables import GOLD_ANOMALIES, GOLD_SIZE_DISTRIBUTION, GOLD_WEEKS
from tests.unit.publish.report.hub_tables import week, write_core
from tests.unit.publish.small_tables import write_table

TOO_SMALL = {
    *("Andorra", "Antigua and Barbuda", "Bahrain", "Barbados", "Bermuda", "Cape Verde", "Comoros"),
    *("Dominica", "Grenada", "Hong Kong", "Kiribati", "Liechtenstein", "Macau", "Maldives"),
    *("Malta", "Marshall Islands", "Mauritius", "Micronesia", "Monaco", "Nauru", "Palau"),
    *("Saint Kitts and Nevis", "Saint Lucia", "Saint Vincent and the Grenadines", "Samoa"),
    *("San Marino", "Sao Tome and Principe", "Seychelles", "Singapore", "Tonga", "Tuvalu"),
    "Vatican City",
}


def flow(stage: int, source: str, target: str, share: float, cell: str = "x") -> dict:
    same = {"cell": cell, "downloads": share * 100}
    return {**same, "stage": stage, "source": source, "target": target, "share": share}


def placed(*flows: dict) -> pd.DataFrame:
    return laid_out(pd.DataFrame(flows), ["cell"])


def test_bands_fill_their_nodes_without_overlap() -> None:
    rows = placed(
        flow(0, "a", "c", 0.3),
        flow(0, "a", "d", 0.2),
        flow(0, "b", "c", 0.4),
        flow(1, "c", "e", 0.5),  # of c's 0.7, the rest ends here
        flow(1, "d", "e", 0.2),
    )
    nodes = rows[rows["part"] == "node"].set_index(["stage", "source"])
    shares = {(0, "a"): 0.5, (0, "b"): 0.4, (1, "c"): 0.7, (1, "d"): 0.2, (2, "e"): 0.7}
    assert nodes["share"].to_dict() == pytest.approx(shares)
    assert (nodes["_end"] - nodes["_top"]).to_dict() == pytest.approx(shares)
    flows = rows[rows["part"] == "flow"]
    for column, ends in (("_a", "source"), ("_b", "target")):
        step = 0 if ends == "source" else 1
        for (stage, name), group in flows.groupby(["stage", ends]):
            node = nodes.loc[(stage + step, name)]
            at = node["_top"]
            for band in group.sort_values(column).to_dict("records"):
                assert band[column] == pytest.approx(at)
                at += band["share"]
            assert at <= node["_end"] + 1e-12
    for _, stage in nodes.reset_index().sort_values("_top").groupby("stage"):
        assert (stage["_top"].iloc[1:].to_numpy() > stage["_end"].iloc[:-1].to_numpy()).all()


def test_a_cell_of_one_band_keeps_its_names() -> None:
    rows = placed(flow(0, "a", "b", 1.0), flow(0, "z", "z", 0.5, cell="y"))
    names = rows[rows["part"] == "node"].groupby("cell")["source"].agg(list).to_dict()
    assert names == {"x": ["a", "b"], "y": ["z", "z"]}


def test_every_country_is_on_the_map_or_too_small_for_it() -> None:
    drawn = geography.shapes()
    known = {shape["properties"]["name"] for shape in drawn["objects"]["subunits"]["geometries"]}
    named = {name for names in load_config().regions.values() for name in names}
    absent = {name for name in named if geography.OTHER_NAMES.get(name, name) not in known}
    assert absent == TOO_SMALL
    assert set(geography.OTHER_NAMES) <= named


def figure(rows: list[dict], **options) -> Figure:
    chart = alt.Chart(alt.NamedData("rows")).mark_point().encode(x="value:Q")
    texts = {"name": "one", "section": "usage", "title": "{level}, {what}", "caption": ""}
    return Figure(**texts, chart=chart, rows=pd.DataFrame(rows), **options)


ROWS = [
    {"what": "a", "level": "model", "value": 1},
    {"what": "a", "level": "developer", "value": 2},
    {"what": "b", "level": "country", "value": 3},
]
CHOICE = Choice("what", "What", {"a": "A!", "b": "B!", "none": "?"}, pictured=True)


def test_what_has_no_rows_falls_back_and_choices_go_before_switches() -> None:
    one = figure(ROWS, switches=("level",), choices=(CHOICE,))
    assert one.settled({"level": "model"})["level"] == "model"
    state = one.settled({"level": "model", "what": "b"})
    assert (state["what"], state["level"]) == ("b", "country")
    assert one.chosen(state)["value"].tolist() == [3]
    assert one.settled({"level": "org_type", "what": "none"})["level"] == "developer"
    assert [(s["what"], s["level"]) for s in one.states()] == [("a", "developer"), ("b", "country")]


def test_titles_name_what_is_chosen_and_data_are_never_read_as_titles() -> None:
    one = figure([{**ROWS[1], "who": "{level}"}], switches=("level",), choices=(CHOICE,))
    (state,) = one.states()
    drawn = drawing(one, state, pd.DataFrame())
    assert drawn["title"]["text"] == "developers, A!"
    assert drawn["datasets"]["rows_0"][0]["who"] == "{level}"
    assert file_name(one, state) == "one-a"


def test_periods_are_offered_from_the_last() -> None:
    rows = pd.DataFrame({"period": ["2020", "then", "all", "now", "odd"]})
    periods = periods_of(rows, ["2020", "then", "now", "future"])
    assert list(periods.words) == ["all", "now", "then", "2020", "odd"]


@pytest.mark.parametrize(
    ("value", "words"), [("none", "any age"), ("365d", "first 365 days"), ("x", "any age")]
)
def test_windows_in_words(value: str, words: str) -> None:
    assert word("recency_window", value) == words


def test_a_figure_whose_table_is_empty_is_left_out(core: Path, tmp_path: Path) -> None:
    warehouse = write_core(tmp_path / "warehouse")
    write_table(warehouse, GOLD_SIZE_DISTRIBUTION, [])
    left_out = read_content(Warehouse(str(warehouse))).left_out
    assert left_out["sizes"] == "its tables have no rows for it"
    assert left_out["world"] == "gold/leaderboards is not in the warehouse"
    assert not {"concentration", "shares"} & set(left_out)


def test_numbers_without_a_week_a_year_before_or_without_any(tmp_path: Path) -> None:
    warehouse = write_core(tmp_path / "warehouse")
    row = {"is_complete": True, "known_breaks": None}
    # The week 52 weeks before the last one has no data.
    weeks = [{**row, "week_start": week(n), "is_missing": n == 2} for n in range(55)]
    write_table(warehouse, GOLD_WEEKS, weeks)
    found = numbers(Tables(Warehouse(str(warehouse)), []))
    assert (found.week, found.week_before) == (week(54).isoformat(), None)
    assert found.rows["before"].isna().all()
    write_table(warehouse, GOLD_WEEKS, [{**row, "week_start": week(0), "is_missing": True}])
    found = numbers(Tables(Warehouse(str(warehouse)), []))
    assert found.week is None
    assert found.rows.empty


def test_sizes_are_of_the_year_as_text(tmp_path: Path) -> None:
    cell = {"sample": "head", "basis": "created", "weighting": "models", "recency_window": "none"}
    row = {**cell, "year": 2024, "bin_low": 1e6, "bin_high": 1e7, "share": 1.0, "n": 1}
    row |= dict.fromkeys(("known_share", "mean", "quartile_1", "median", "quartile_3"), 1.0)
    write_table(tmp_path, GOLD_SIZE_DISTRIBUTION, [row])
    made = sizes.distribution(Tables(Warehouse(str(tmp_path)), []))
    assert made.settled({"recency_window": "365d"})["recency_window"] == "none"
    assert made.rows["year"].tolist() == ["2024"]


def test_marks_join_weeks_on_end_that_say_the_same(tmp_path: Path) -> None:
    rows = [
        *((0, False, "a"), (1, False, "a"), (2, True, None), (3, False, "a"), (4, False, "b")),
        *((5, True, None), (6, True, None)),
    ]
    weeks = [
        {"week_start": week(n), "is_missing": gone, "is_complete": True, "known_breaks": said}
        for n, gone, said in rows
    ]
    write_table(tmp_path, GOLD_WEEKS, weeks)
    surges = [(1, "x/b", 5), (1, "x/a", 5), (1, "x/c", 9), (1, "x/d", 1), (2, "x/a", 5)]
    write_table(
        tmp_path,
        GOLD_ANOMALIES,
        [{"model_id": m, "week_start": week(n), "downloads": d} for n, m, d in surges]
        + [{"model_id": "x/whole", "week_start": None, "downloads": 7}],
    )
    periods = [
        {"name": "early", "first": None, "last": week(1).isoformat()},
        {"name": "late", "first": week(2).isoformat(), "last": None},
        {"name": "never", "first": "2030-01-01", "last": None},
    ]
    found = marks(Tables(Warehouse(str(tmp_path)), []), periods)
    told = [
        (row["kind"], row["start"], row["end"], row["text"]) for row in found.to_dict("records")
    ]

    def at(number: int) -> str:
        return week(number).isoformat()

    assert told == [
        ("period", at(0), (week(1) + timedelta(days=1)).isoformat(), "early"),
        ("period", at(2), at(7), "late"),
        ("censored", at(0), at(2), "a"),
        ("missing", at(2), at(3), "no downloads were reported"),
        ("censored", at(3), at(4), "a"),
        ("censored", at(4), at(5), "b"),
        ("missing", at(5), at(7), "no downloads were reported"),
        ("anomaly", at(1), at(2), "x/c; x/a; x/b; 1 more"),
        ("anomaly", at(2), at(3), "x/a"),
    ]


def test_every_figure_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[4] / "docs" / "report.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in guide.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(FIGURES)
