"""What a model was built on, by the best evidence there is."""

from __future__ import annotations

from datetime import date

import pytest

from opentrace_spark.leaderboard.bases import Base, base_of, family_by_name
from opentrace_spark.leaderboard.words import shipped_families, shipped_words

FAMILIES, WORDS = shipped_families(), shipped_words()
MISTRAL = "mistralai/Mistral-7B-v0.1"
LATE = date(2025, 1, 1)


def base(model_id="a/m", **values):
    model = {
        **dict.fromkeys(("architecture", "size", "root_id", "base_id", "base_root", "base_name")),
        **{"model_id": model_id, "type": "fine-tuned", "date": LATE},
    }
    return base_of({**model, **values}, FAMILIES, WORDS, 0.15)


def test_lineage_comes_first():
    found = base("a/llama-2-7b-x", root_id=MISTRAL, base_id="b/c", size=7.0)
    assert found == Base(MISTRAL, "Mistral", "lineage")


def test_a_root_that_is_the_model_itself_tells_nothing():
    assert base(root_id="a/m") == Base(None, None, None)


def test_the_base_that_the_board_names_is_followed_to_its_root():
    assert base(base_id="b/c", base_root=MISTRAL) == Base(MISTRAL, "Mistral", "leaderboard")
    assert base(base_name="lost/thing") == Base("lost/thing", "other", "leaderboard")
    assert base(base_name="a/m", type="pre-trained").evidence == "type"


def test_a_pretrained_model_is_its_own_base():
    assert base("new/lab-7b", type="pre-trained", architecture="LlamaForCausalLM") == Base(
        "new/lab-7b", "other", "type"
    )


@pytest.mark.parametrize(
    ("model_id", "size", "expected"),
    [
        ("a/Llama-2-7b-chat-x", 6.0, "meta-llama/Llama-2-7b-hf"),  # the board cuts 6.74 to 6
        ("a/Llama-2-7b-chat-x", 7.0, "meta-llama/Llama-2-7b-hf"),
        ("a/llama2-x", 13.0, "meta-llama/Llama-2-13b-hf"),
        ("a/llama2-x", 20.0, None),  # no Llama 2 is so large
        ("a/llama2-x", None, None),
        ("a/Pythia-x", 1.0, None),  # two are of a billion and something
    ],
)
def test_a_name_tells_the_family_and_with_a_size_the_base(model_id, size, expected):
    found = base(model_id, size=size, architecture="MistralForCausalLM")
    assert (found.model_id, found.evidence) == (expected, "name")


def test_architecture_is_the_last_resort():
    found = base(architecture="MistralForCausalLM", size=7.0)
    assert found == Base(MISTRAL, "Mistral", "architecture")
    assert base(architecture="LlamaForCausalLM", size=7.0) == Base(
        None, "Llama-like", "architecture"
    )
    assert base(architecture="NewForCausalLM") == Base(None, None, None)


def test_nothing_is_built_on_what_was_released_later():
    early = date(2024, 2, 1)
    assert base("a/llama-3-8b", size=8.0, date=early) == Base(None, None, None)
    assert base("a/llama-3-8b", size=8.0).model_id == "meta-llama/Meta-Llama-3-8B"
    merged = {"architecture": "MistralForCausalLM", "size": 12.0}
    assert base(**merged).model_id == "mistralai/Mistral-Nemo-Base-2407"
    assert base(**merged, date=early).model_id is None
    assert base("a/llama-3-8b", size=8.0, date=None).family == "Llama 3"


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("x/TinyLlama-1.1B-Chat", "TinyLlama"),
        ("x/open_llama_7b-ft", "OpenLLaMA"),
        ("x/CodeLlama-34b", "Code Llama"),
        ("x/Meta-Llama-3.1-8B-Instruct", "Llama 3.1"),
        ("x/Llama-3-8B", "Llama 3"),
        ("x/L3-8B-Stheno", "Llama 3"),
        ("x/Nous-Hermes-L2-13b", "Llama 2"),
        ("x/llama-7b-ft", "LLaMA"),
        ("x/Mixtral-8x7B-ft", "Mixtral"),
        ("x/Ministral", None),
        ("llama/other", None),  # an owner is no name
        ("x/Yi-34B-200K", "Yi"),
        ("x/Yi-1.5-9B", "Yi 1.5"),
        ("x/tiny-yield", None),
        ("x/Qwen2.5-7B", "Qwen 2.5"),
        ("x/Qwen2-7B", "Qwen 2"),
        ("x/Qwen1.5-7B", "Qwen 1.5"),
        ("x/Qwen-7B", "Qwen"),
        ("x/gemma-2-9b", "Gemma 2"),
        ("x/gemma-2b", "Gemma"),
        ("x/dolphin-2", None),
        ("x/phi-2-x", "Phi"),
        ("x/gpt-neox-20b", "GPT-NeoX"),
        ("x/gpt-neo-125m", "GPT-Neo"),
        ("x/option", None),
    ],
)
def test_family_by_name(name, family):
    assert family_by_name(name, FAMILIES) == family


def test_releases_are_there_once_and_are_called_like_their_family():
    names = [each.model_id for each in FAMILIES.releases]
    assert len(names) == len(set(names))
    assert {family_by_name(each.model_id, FAMILIES) for each in FAMILIES.releases} == {
        each.family for each in FAMILIES.releases
    }
    for each in FAMILIES.releases:
        assert family_by_name(each.model_id, FAMILIES) == each.family, each.model_id
        assert base(each.model_id, size=each.parameters).family == each.family


def test_families_of_architectures_are_listed_or_say_that_they_are_none():
    named = {family for family, _ in FAMILIES.names} | {"Llama-like"}
    assert set(WORDS.architecture_families.values()) <= named
