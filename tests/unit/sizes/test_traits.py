"""Bits of a weight, packaging and one copy's bytes, from metadata as they are published."""

from __future__ import annotations

import pytest

from opentrace_spark.sizes.traits import dtype_bits, traits_of, weight_bytes

# name, tags, library: bits, packaging
REPOSITORIES = [
    ("a/Qwen3-8B", ["safetensors"], "transformers", None, "safetensors"),
    ("a/Qwen3-8B-FP8", ["safetensors"], "transformers", 8.0, "safetensors"),
    ("a/Qwen3-8B-AWQ", ["safetensors", "4-bit"], "transformers", 4.5, "safetensors"),
    ("a/Qwen3-8B", ["safetensors", "gptq"], "transformers", 4.5, "safetensors"),
    ("a/Qwen3-8B-NVFP4", ["safetensors"], "vllm", 4.5, "safetensors"),
    ("a/Qwen3-8B-W4A16", ["safetensors"], "vllm", 4.5, "safetensors"),
    ("a/Qwen3-8B-W8A8", ["safetensors"], "vllm", 8.0, "safetensors"),
    ("a/Qwen3-8B-exl3-3.8bpw", ["safetensors"], None, 3.8, "safetensors"),
    ("a/Qwen3-8B-BF16", ["safetensors"], None, 16.0, "safetensors"),
    ("a/Qwen3-8B-fp32", ["safetensors"], None, 32.0, "safetensors"),
    ("a/Qwen3-8B-oQ6e-mtp", ["mlx", "safetensors", "6-bit"], None, 6.5, "mlx"),
    ("a/Qwen3-8B-mlx-8Bit", ["safetensors", "mlx"], "mlx", 8.0, "mlx"),
    ("a/Qwen3-8B-Q4_K_M-GGUF", ["gguf"], None, 4.8, "gguf"),
    ("a/Qwen3-8B-IQ2_XXS-GGUF", ["gguf"], None, 2.9, "gguf"),
    ("a/Qwen3-8B-Q8_0", ["gguf"], None, 8.5, "gguf"),
    ("a/Qwen3-8B-GGUF", ["gguf", "imatrix"], None, None, "gguf"),
    ("a/bitnet-ternary", ["safetensors"], None, 2.0, "safetensors"),
    ("a/sd", ["diffusers", "safetensors"], "diffusers", None, "diffusers"),
    ("a/bert-onnx", ["onnx"], None, None, "onnx"),
    ("a/nothing", None, None, None, "other"),
]


@pytest.mark.parametrize(("name", "tags", "library", "bits", "packaging"), REPOSITORIES)
def test_traits_of_repositories(name, tags, library, bits, packaging):
    traits = traits_of(name, tags, library)
    assert (traits.bits, traits.packaging) == (bits, packaging)


@pytest.mark.parametrize(
    ("name", "library", "expected"),
    [
        ("a/Qwen3-8B-lora", None, True),
        ("a/Qwen3-8B", "peft", True),
        ("a/Qwen3-8B-DFlash2", None, True),
        ("a/Qwen3-8B-speculator.eagle3", None, True),
        ("a/Qwen3-8B-mmproj", None, True),
        ("a/Explorarium-8B", None, False),
        ("a/Qwen3-8B", "transformers", False),
    ],
)
def test_traits_tell_parts_of_another_model(name, library, expected):
    assert traits_of(name, [], library).is_part is expected


def test_traits_take_the_quantization_of_files_where_all_agree():
    one = ["model-Q4_K_M-00001-of-00002.gguf", "model-Q4_K_M-00002-of-00002.gguf", "README.md"]
    assert traits_of("a/b", files=one).bits == 4.8
    assert traits_of("a/b", files=one).packaging == "gguf"
    assert traits_of("a/b", files=[*one, "model-Q8_0.gguf"]).bits is None


def test_traits_keep_telling_words_only():
    tags = ["ACT", "license:mit", "base_model:x/y", "en", "dataset:z", "region:us"]
    assert traits_of("a/b", tags, "LeRobot", "robotics").words == {
        "act",
        "lerobot",
        "pipeline robotics",
    }


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        ({"BF16": 10}, 16.0),
        ({"F32": 10, "BF16": 30}, 20.0),
        ({"F8_E4M3": 10}, 8.0),
        ({"I32": 10, "F16": None}, 32.0),
        ({"BOOL": 5}, None),
        ({}, None),
        (None, None),
    ],
)
def test_dtype_bits(dtypes, expected):
    assert dtype_bits(dtypes) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.safetensors": 10, "pytorch_model.bin": 11, "optimizer.pt": 40}, 10.0),
        ({"a-00001-of-00002.safetensors": 10, "a-00002-of-00002.safetensors": 5}, 15.0),
        ({"a-Q4.gguf": 4, "a-Q8.gguf": 8, "a-Q2.gguf": 2}, 8.0),
        ({"a-Q4-00001-of-00002.gguf": 4, "a-Q4-00002-of-00002.gguf": 5, "b.gguf": 8}, 9.0),
        ({"pytorch_model.bin": 11, "README.md": 1}, 11.0),
        ({"a.safetensors": None}, None),
        ({"README.md": 1}, None),
        ({}, None),
        (None, None),
    ],
)
def test_weight_bytes_are_those_of_one_copy(files, expected):
    assert weight_bytes(files) == expected
