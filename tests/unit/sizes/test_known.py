"""Published counts that cannot be right, one real-looking case for every test."""

from __future__ import annotations

import pytest

from opentrace_spark.sizes.known import TESTS, wrong_known
from opentrace_spark.sizes.repository import Repository, evidence_of
from opentrace_spark.sizes.settings import SizeSettings

SETTINGS = SizeSettings()
SAFE, MLX, GGUF = ["safetensors"], ["safetensors", "mlx"], ["gguf"]

# id, tags, published count, bytes: the test that finds it wrong
COUNTS = [
    ("a/Qwen3-8B", SAFE, 8.19e9, 16.4e9, None),
    ("a/Qwen3-8B-with-history", SAFE, 8.19e9, 160e9, None),
    ("a/bert-with-checkpoints", SAFE, 1.1e8, 8e10, None),
    ("a/Qwen3-8B-lora", SAFE, 4e6, 16e6, None),
    ("a/Qwen3-27B-DFlash2", SAFE, 1.9e9, 3.8e9, None),
    ("a/Qwen3-27B-MTP-head", SAFE, 4.6e8, 9.2e8, None),
    ("a/Qwen3-8B-FP8", SAFE, 8.19e9, 9.4e9, None),
    ("a/Qwen3-8B-FP8-uploaded-twice", SAFE, 8.19e9, 18.8e9, None),
    ("a/Qwen3-8B-AWQ", SAFE, 8.19e9, 6.1e9, None),
    ("a/Bonsai-8B-1bit-gguf", GGUF, 8.19e9, 1.16e9, None),
    ("a/nullnet", SAFE, 2e16, 5e11, "impossible_density"),
    ("a/Qwen3-0.6B-only-a-lora", SAFE, 6e8, 1.1e7, "impossible_density"),
    ("a/Qwen3-27B-oQ4", MLX, 4.8e9, 16.7e9, "packed_words"),
    ("a/anything-mlx-8Bit", MLX, 7.57e9, 28.6e9, "packed_words"),
    ("a/anything-4bit", SAFE, 1.0e9, 4.0e9, "packed_words"),
    ("a/Qwen3-27B-exl3-5.0bpw", SAFE, 10.1e9, 20.2e9, "packed_words"),
    ("a/OLMo-3-7B-sft", SAFE, 528384, 14.6e9, "named_size"),
    ("a/OpenThinker3-7B-eighth", SAFE, 951952128, 91e9, "named_size"),
    ("a/Qwen3-27B-MTP-GGUF", GGUF, 4.6e8, 1.4e11, "named_size"),
    ("a/m-071", SAFE, 3.05e6, 3.8e11, "stray_bytes"),
    ("a/unknown", SAFE, None, 3.8e11, None),
    ("a/no-bytes-8B", SAFE, 8e9, None, None),
]


@pytest.mark.parametrize(("name", "tags", "count", "size", "expected"), COUNTS)
def test_wrong_known_names_the_test(name, tags, count, size, expected):
    total = {"gguf_total" if "gguf" in tags else "safetensors_total": count}
    row = evidence_of(Repository(name, tags, storage_bytes=size, **total), SETTINGS)
    assert wrong_known(row, SETTINGS) == expected


def test_wrong_known_sees_packed_words_by_dtype_without_bytes():
    packed = Repository(
        "a/b-GPTQ", SAFE, dtypes={"I32": 9 * 10**8, "F16": 10**8}, safetensors_total=1e9
    )
    whole = Repository("a/b-FP8", SAFE, dtypes={"F8_E4M3": 10**9}, safetensors_total=1e9)
    assert wrong_known(evidence_of(packed, SETTINGS), SETTINGS) == "packed_dtype"
    assert wrong_known(evidence_of(whole, SETTINGS), SETTINGS) is None


def test_every_test_has_a_name_that_is_listed():
    assert {expected for *_, expected in COUNTS} - {None} | {"packed_dtype"} == set(TESTS)
