"""Languages among tags that mean other things."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.language import language_labels
from opentrace_spark.attributes.vocabulary import Vocabulary

CODES = (
    "af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is "
    "it ja ka kk km kn ko lo lt lv mk ml mn mr my ne nl no pa"
)
FIFTY = tuple(CODES.split())
assert len(set(FIFTY)) == 50
CASES = [
    # tags, card, languages
    (("transformers", "tf", "en", "is", "region:us"), {}, ("en", "is")),
    (("fr", "en", "fr"), {}, ("en", "fr")),
    (("pytorch", "rust", "onnx", "en"), {}, ("en",)),  # rust: a file of weights
    ((), {"language": ["en", "Rust", "python"]}, ("Python", "Rust", "en")),
    ((), {"language": "en"}, ("en",)),
    (("de",), {"language": "en"}, ("en",)),  # the card goes first
    (("de",), {"language": ["English-ish"]}, ("de",)),  # unless it says nothing known
    ((), {"language": [False, "da"]}, ("da", "no")),  # YAML 1.1 reads no as false
    (("eng", "deu", "ger", "zho", "cmn"), {}, ("de", "en", "zh")),
    (("iw", "he"), {}, ("he",)),
    (("zh-CN", "pt-br", "sv-SE", "eng_Latn"), {}, ("en", "pt", "sv", "zh")),
    (("zh-tiny", "gpt-j", "la-canine", "ms_marco", "en-atc", "vit_mae"), {}, ()),
    (("EN", "De"), {}, ()),  # as tags, codes are in lower case
    (("sd", "text-to-image"), {}, ()),  # Stable Diffusion
    (("sd", "hi"), {}, ("hi",)),
    (("en", "ts", "translation"), {}, ("en", "ts")),  # Tsonga, not TypeScript
    (("ts", "translation"), {}, ()),
    (("cat", "spa", "lora"), {}, ()),
    (("sd", "hi", "ur"), {}, ("hi", "sd", "ur")),
    (("gan", "min", "new"), {}, ()),  # doubtful ones don't support each other
    ((), {"language": "sd"}, ("sd",)),
    (("sd-PK",), {}, ("sd",)),  # a region makes it clear
    (("llm", "moe", "opt", "ner", "art", "unk", "rnn"), {}, ()),
    (("code", "en"), {}, ("code", "en")),
    (("multilingual",), {}, ("multilingual",)),
    (("multilingual", "en", "fr"), {}, ("en", "fr")),
    (("mul",), {}, ("multilingual",)),
    (FIFTY, {}, tuple(sorted(FIFTY))),
    ((*FIFTY, "eng"), {}, tuple(sorted(FIFTY))),  # one language twice
    ((*FIFTY, "zu"), {}, ("multilingual",)),
    ((), {"language": [*FIFTY, "zu"]}, ("multilingual",)),
    ((), {"language": {"en": 1}}, ()),
    ((), {}, ()),
]


@pytest.mark.parametrize(("tags", "card", "languages"), CASES)
def test_language_labels_expected(words: Vocabulary, tags, card, languages) -> None:
    assert language_labels(tags, card, words) == languages
