"""What a row of an export says, whatever its columns are called and however cells are written."""

from __future__ import annotations

from datetime import date

import pytest

from opentrace_spark.leaderboard.cells import UnreadableError, read_result
from opentrace_spark.leaderboard.columns import missing_columns, version_of
from opentrace_spark.leaderboard.words import shipped_words

WORDS = shipped_words()
V1 = {
    "T": "🤝",
    "Model": "lab/m-7B",
    "Average ⬆️": "50.5",
    "ARC": "60",
    "HellaSwag": "41",
    "Type": "🤝 base merges and moerges",
    "Architecture": "MistralForCausalLM",
    "Precision": "float16",
    "Merged": "False",
    "Hub License": "mit",
    "#Params (B)": "7",
    "Hub ❤️": "12",
    "Available on the hub": "True",
    "Flagged": "True",
    "date": "2024-05-05T12:22:44Z",
}
LINK = (
    '<a target="_blank" href="https://huggingface.co/lab/m" style="color: red">lab/m</a>  '
    '<a href="https://huggingface.co/datasets/x/lab__m-details">📑</a>'
)
V2 = {
    "eval_name": "lab_m_float16",
    "Model": LINK,
    "Average ⬆️": 30.25,
    "IFEval Raw": 0.4,
    "IFEval": 40.0,
    "MMLU-PRO": 20.5,
    "Type": "💬 chat models (RLHF, DPO, IFT, ...)",
    "#Params (B)": -1,
    "Upload To Hub Date": "2024-06-01",
    "Submission Date": "",
    "Base Model": "lab/base",
    "MoE": False,
}


def test_read_result_understands_a_row_of_v1():
    row = read_result(V1, WORDS)
    assert (row["version"], row["name"], row["score"]) == ("v1", "lab/m-7B", 50.5)
    assert row["scores"] == '{"ARC": 60.0, "HellaSwag": 41.0}'
    assert (row["type"], row["size"], row["likes"]) == ("merge", 7.0, 12)
    assert (row["merged"], row["flagged"], row["available"], row["moe"]) == (
        False,
        True,
        True,
        None,
    )
    assert (row["submitted"], row["uploaded"]) == (date(2024, 5, 5), None)


def test_read_result_understands_a_row_of_v2():
    row = read_result(V2, WORDS)
    assert (row["version"], row["name"], row["score"]) == ("v2", "lab/m", 30.25)
    assert row["scores"] == '{"IFEval": 40.0, "MMLU-PRO": 20.5}'  # the raw column is another scale
    assert (row["type"], row["size"], row["base"]) == ("chat", -1.0, "lab/base")
    assert (row["submitted"], row["uploaded"]) == (None, date(2024, 6, 1))


def test_read_result_understands_nested_json():
    record = {
        "model": {"name": "lab/m", "average_score": 12.5, "type": "🟢 pretrained"},
        "evaluations": {"ifeval": {"name": "IFEval", "value": 0.3, "normalized_score": 31.0}},
        "features": {"is_flagged": False},
        "metadata": {"params_billions": 1.5, "submission_date": "2025-01-02"},
    }
    row = read_result(record, WORDS)
    assert (row["version"], row["name"], row["score"]) == ("v2", "lab/m", 12.5)
    assert (row["type"], row["size"], row["flagged"]) == ("pre-trained", 1.5, False)
    assert row["scores"] == '{"IFEval": 31.0}'
    assert row["submitted"] == date(2025, 1, 2)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("owner/n", "owner/n"),
        (" owner/n", " owner/n"),  # no trimming: a name is data
        (LINK, "lab/m"),
        ("<a href='x'>a/b &amp; c</a>", "a/b & c"),
        ("<p>Baseline</p>", "Baseline"),
        ("<a href='x'></a>", ""),  # an empty name, which is rejected later
    ],
)
def test_names_are_taken_out_of_links_and_else_left_alone(written, name):
    assert read_result({**V1, "Model": written}, WORDS)["name"] == name


def test_a_plain_name_is_taken_before_a_link():
    assert read_result({**V2, "fullname": "lab/plain"}, WORDS)["name"] == "lab/plain"


@pytest.mark.parametrize(
    ("type_", "symbol", "expected"),
    [
        ("🟢 pretrained", None, "pre-trained"),
        ("pretrained", "🟢", "pre-trained"),
        ("🟩 continuously pretrained", None, "continually pre-trained"),
        ("🔶 fine-tuned on domain-specific datasets", "🔶", "fine-tuned"),
        ("⭕ instruction-tuned", None, "chat"),
        ("", "🤝", "merge"),
        ("", "?", "unknown"),
        ("?", None, "unknown"),
        (None, None, "unknown"),
        ("🌸 multimodal", "🌸", "unknown"),
        ("🟢\ufe0f pretrained", None, "pre-trained"),
    ],
)
def test_types(type_, symbol, expected):
    row = {key: cell for key, cell in V1.items() if key not in ("T", "Type")}
    cells = {"Type": type_, "T": symbol}
    said = {key: cell for key, cell in cells.items() if cell is not None}
    assert read_result({**row, **said}, WORDS)["type"] == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Average ⬆️": "fifty"}, "unparsable_average"),
        ({"ARC": "x"}, "unparsable_ARC"),
        ({"Average ⬆️": "100.01"}, "score_out_of_range"),
        ({"ARC": "-0.1"}, "score_out_of_range"),
        ({"Average ⬆️": "inf"}, "unparsable_average"),
        ({"#Params (B)": "7B"}, "unparsable_size"),
        ({"date": "05.05.2024"}, "unparsable_submitted"),
        ({"date": "2024-13-01"}, "unparsable_submitted"),
        ({"date": "20240-01-01"}, "unparsable_submitted"),
        ({"Flagged": "perhaps"}, "unparsable_flagged"),
        ({"Hub ❤️": "many"}, "unparsable_likes"),
    ],
)
def test_rows_that_do_not_parse_are_refused(changes, reason):
    with pytest.raises(UnreadableError, match=f"^{reason}$"):
        read_result({**V1, **changes}, WORDS)


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"Average ⬆️": "0"}, "score", 0.0),
        ({"Average ⬆️": "100"}, "score", 100.0),
        ({"Average ⬆️": "NaN"}, "score", None),  # two of six benchmarks give no average
        ({"date": "False"}, "submitted", None),
        ({"date": "None"}, "submitted", None),
        ({"Architecture": "Unknown"}, "architecture", None),
        ({"#Params (B)": "0"}, "size", 0.0),  # kept as written: it is counted
        ({"Flagged": "1"}, "flagged", True),
    ],
)
def test_cells_that_say_little(changes, name, value):
    assert read_result({**V1, **changes}, WORDS)[name] == value


def test_an_average_is_worked_out_where_all_benchmarks_are_there():
    scores = {"ARC": 10, "HellaSwag": 20, "MMLU": 30, "TruthfulQA": 40, "Winogrande": 50}
    assert read_result({"Model": "a/b", **scores, "GSM8K": 0}, WORDS)["score"] == 25.0
    assert read_result({"Model": "a/b", **scores}, WORDS)["score"] is None


@pytest.mark.parametrize(
    ("record", "version"),
    [
        ({"ARC": 1, "MMLU": 2}, "v1"),
        ({"BBH": 1}, "v2"),
        ({"Average": 1, "date": "2024-01-01"}, "v1"),
        ({"Average": 1, "Submission Date": "2024-07-01"}, "v2"),
        ({"Average": 1, "leaderboard_version": "v2", "ARC": 3}, "v2"),
        ({"Average": 1}, None),
        # A joined table has the columns of both, and in each row those of one.
        ({"ARC": None, "MMLU": None, "BBH": 3, "GPQA": "", "MUSR": 4}, "v2"),
    ],
)
def test_version_of(record, version):
    assert version_of({"Model": "a/b", **record}, WORDS) == version


def test_a_row_of_no_known_version_is_refused():
    with pytest.raises(UnreadableError, match=r"^unknown_version$"):
        read_result({"Model": "a/b", "Average": "5"}, WORDS)


def test_columns_are_known_by_name_whatever_their_order_and_case():
    shuffled = {key.upper(): V1[key] for key in sorted(V1, reverse=True)}
    assert read_result(shuffled, WORDS) == read_result(V1, WORDS)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (("Model", "Average ⬆️"), []),
        (("fullname", "BBH"), []),
        (("Average",), ["Model"]),
        (("Model", "Type"), ["Average"]),
        (("id", "count"), ["Model", "Average"]),
    ],
)
def test_missing_columns(names, missing):
    assert missing_columns(names, WORDS) == missing
