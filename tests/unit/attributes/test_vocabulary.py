"""The shipped lists are complete and consistent; a mistake in one is told with file and line."""

from __future__ import annotations

import pickle
import re
import shutil
from pathlib import Path

import pytest

from opentrace_spark.attributes import gating, method, modality
from opentrace_spark.attributes.data import AVAILABLE, NOT_DISCLOSED, PARTIALLY, UNAVAILABLE
from opentrace_spark.attributes.license import STRICTEST_FIRST
from opentrace_spark.attributes.taxonomy import ATTRIBUTES
from opentrace_spark.attributes.vocabulary import Vocabulary, load_vocabulary
from opentrace_spark.config import CONF_DIR, ORG_TYPES
from opentrace_spark.errors import UsageError

# What the Hub documents, beyond what a capture happens to hold.
LICENSES = """apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m
bigscience-bloom-rail-1.0 bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause
bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0
cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0
cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c
ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl open-mdw openrail++ osl-3.0 postgresql ofl-1.1 ncsa
unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3
llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown other"""
TASKS = """text-generation fill-mask feature-extraction sentence-similarity text-classification
token-classification table-question-answering question-answering zero-shot-classification
translation summarization text2text-generation text-ranking text-to-speech text-to-audio
automatic-speech-recognition audio-to-audio audio-classification audio-text-to-text
voice-activity-detection depth-estimation image-classification object-detection image-segmentation
text-to-image image-to-text image-to-image image-to-video unconditional-image-generation
video-classification video-to-video reinforcement-learning robotics tabular-classification
tabular-regression tabular-to-text table-to-text multiple-choice text-retrieval
time-series-forecasting text-to-video image-text-to-text image-text-to-image image-text-to-video
visual-question-answering document-question-answering zero-shot-image-classification graph-ml
mask-generation zero-shot-object-detection text-to-3d image-to-3d image-feature-extraction
video-text-to-text keypoint-detection visual-document-retrieval any-to-any conversational
other"""


def test_attributes_are_those_of_the_tables(words: Vocabulary) -> None:
    assert tuple(words.attributes) == ATTRIBUTES
    exclusive = {name for name, each in words.attributes.items() if each.exclusive}
    assert exclusive == {
        "org_type",
        "data_availability",
        "osi_data_criterion",
        "license_class",
        "modality",
        "size_class",
    }


def test_every_license_and_task_of_the_hub_is_listed(words: Vocabulary) -> None:
    assert set(LICENSES.split()) <= set(words.licenses)
    assert set(TASKS.split()) <= set(words.pipeline_tags)


def test_words_of_the_rules_are_in_the_taxonomy(words: Vocabulary) -> None:
    known = {name: set(each.category_of) for name, each in words.attributes.items()}
    assert {NOT_DISCLOSED, PARTIALLY, UNAVAILABLE, AVAILABLE} == known["data_availability"]
    assert {gating.OPEN, gating.ACCEPT, gating.AGREE} == known["gated"]
    assert set(STRICTEST_FIRST) - {"undocumented"} == known["license_class"]
    assert set(ORG_TYPES) - {"unknown"} == known["org_type"]
    assert set(modality._BY_ARCHITECTURE) <= known["architecture"]
    assert set(modality._MEDIUM) | {"Other"} == known["input_modality"] | known["output_modality"]
    for made in method.METHODS:
        tags = ("dpo", "instruct", "distillation", "sft")
        assert set(method.training_labels(made, tags, None, ())) <= known["training_methods"]


def test_labels_count_in_the_categories_of_the_paper(words: Vocabulary) -> None:
    architecture = words.attributes["architecture"]
    assert architecture.categories_of(("GRU", "LSTM")) == ("LSTM / GRU",)
    assert architecture.categories_of(("Other", "Transformer: Image Decoder-only")) == (
        "Transformer: Image",
        "Other",
    )
    assert architecture.categories_of(()) == ("Undocumented",)
    methods = words.attributes["training_methods"]
    assert methods.categories_of(("Reinforcement learning from feedback",)) == ("RLHF",)
    assert "RLHF" not in methods.category_of  # a category, which no sheet may hold


def test_languages_of_iso_639_1_are_whole(words: Vocabulary) -> None:
    codes = [code for code, each in words.languages.items() if code == each.canonical]
    assert len([code for code in codes if len(code) == 2]) == 183 + 1  # and sh, withdrawn
    assert words.languages["eng"].canonical == "en"
    assert words.languages["iw"].canonical == "he"
    assert words.languages["swh"].canonical == "sw"


def test_there_are_families_enough(words: Vocabulary) -> None:
    assert len(words.model_types) >= 150


def test_the_vocabulary_travels_to_tasks(words: Vocabulary) -> None:
    assert pickle.loads(pickle.dumps(words)) == words


BROKEN = [
    # file, text to replace, by what, the message
    ("licenses.csv", "mit,MIT,open_use", "mit,MIT,open", r"licenses.csv, line 3: .*'open_use'"),
    ("licenses.csv", "mit,MIT,open_use,true", "mit,MIT,open_use,yes", r"line 3: .*is_osi_appr"),
    ("licenses.csv", "\nmit,", "\nMIT,", r"line 3: hub_id has capitals"),
    ("licenses.csv", "\nmit,", "\napache-2.0,", r"line 3: 'apache-2.0' is on line 2 already"),
    ("licenses.csv", "\nmit,MIT,", "\nmit,MIT,,", r"line 3: has 6 cells, not 5"),
    ("licenses.csv", "hub_id,spdx", "id,spdx", r"line 1: the header must be hub_id,spdx"),
    ("licenses.csv", "\nmit,MIT", '\nmit,"M"IT', r"line 3: not valid CSV"),
    ("pipeline_tags.csv", ",Text,Text Gen", ",Txt,Text Gen", r"line 2: .*mean 'Text'"),
    ("pipeline_tags.csv", "Image;Text,", "Text;Text,", r"has a label twice"),
    ("model_types.csv", "\nbert,Transformer", "\nbert,,Transformer", r"cells, not 4"),
    ("model_types.csv", "\ncnn,CNN", "\ncnn,", r"architecture is empty"),
    ("model_types.csv", "\ncnn,CNN", "\ncnn,cnn", r"unknown architecture 'cnn'; did.*'CNN'"),
    ("languages.csv", "\naa,aa,Afar,plain", "\naa,aa,Afar,", r"line 2: unknown evidence ''"),
    ("languages.csv", "\naa,aa,", "\naa,qq,", r"canonical 'qq' has no row"),
    ("dataset_names.csv", "generator,loader", "generator,made", r"line 2: unknown meaning"),
    ("taxonomy.toml", "[gated]", "[gate]", r"line \d+, \[gate\]: no such.*'gated'"),
    ("taxonomy.toml", "[language] ", "[language.x] ", r"\[language\]: unknown key x"),
    ("taxonomy.toml", 'absent = "unknown"\n', "", r"\[org_type\]: absent is missing"),
    ("taxonomy.toml", '= "RLHF"', '= "RL"', r"line \d+, \[training_methods\]: .*not listed"),
    ("taxonomy.toml", 'alone = ["N/A"]', 'alone = ["NA"]', r"alone has 'NA'"),
    ("taxonomy.toml", "bounds = [100_000_000, ", "bounds = [", r"bounds must rise"),
    ("taxonomy.toml", 'absent = "undocumented"', 'absent = "other"', r"stands for none"),
    ("taxonomy.toml", 'open = true', 'opened = true', r"unknown key opened"),
    ("taxonomy.toml", 'open = true', 'open = "yes"', r"is not a bool"),
    ("taxonomy.toml", 'several = 50', 'several = ', r"not valid TOML"),
    ("taxonomy.toml", '"university", ', '"company", ', r"listed twice"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), BROKEN)
def test_load_vocabulary_tells_where_a_mistake_is(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    for name in ("taxonomy.toml", *_lists()):
        shutil.copy(str(CONF_DIR / name), tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError) as told:
        load_vocabulary(tmp_path)
    assert re.search(message, str(told.value)), told.value


def test_load_vocabulary_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"taxonomy\.toml: No such file"):
        load_vocabulary(tmp_path)


def _lists() -> list[str]:
    return sorted(path.name for path in CONF_DIR.iterdir() if path.name.endswith(".csv"))
