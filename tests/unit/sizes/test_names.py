"""Sizes written in names, with what looks like a size and is none."""

from __future__ import annotations

import pytest

from opentrace_spark.sizes.names import named_size, named_sizes

NAMES = [
    # plain sizes
    ("meta-llama/Llama-3.1-8B-Instruct", 8e9),
    ("Qwen/Qwen2.5-0.5B", 0.5e9),
    ("Qwen/Qwen2.5-1.5B-Instruct-GPTQ-Int4", 1.5e9),
    ("facebook/opt-350m", 350e6),
    ("facebook/opt125m", 125e6),
    ("EleutherAI/pythia-2.8b-deduped", 2.8e9),
    ("microsoft/phi-2-2.7b", 2.7e9),
    ("lmsys/vicuna-13b-v1.5", 13e9),
    ("lmsys/vicuna13b", 13e9),
    ("TheBloke/Llama-2-70B-chat-GGUF", 70e9),
    ("bigscience/bloom-560m", 560e6),
    ("bigscience/bloom-7b1", 7.1e9),
    ("a/m-1_5b2", 1.5e9),  # its tenths are there already
    ("bigscience/bloomz-1b7", 1.7e9),
    ("stabilityai/stablelm-2-1_6b", 1.6e9),
    ("someone/llama-2_7b", 7e9),
    ("someone/model-1p5b", 1.5e9),
    ("someone/qwen3-06b-tuned", 0.6e9),
    ("meta-llama/Llama-3.1-405B", 405e9),
    ("someone/falcon_7b_instruct", 7e9),
    ("someone/model-7billion", 7e9),
    ("google/gemma-3-270m-it", 270e6),
    ("someone/Behemoth-128B-v3-mlx-6Bit", 128e9),
    ("moonshot/model-1T", 1e12),
    ("someone/Qwen3.8-27B-oQ4-fp16-mtp", 27e9),
    ("someone/Qwen3.6-27B-MLX-AXQ-4bit", 27e9),
    ("someone/Llama-3.2-3B-Instruct-Q4_K_M-GGUF", 3e9),
    ("someone/Qwen3.5-397B-VQ-3.1bpw", 397e9),
    ("allenai/OLMo-3-7B-school-of-reward-hacks-sft-seed2", 7e9),
    ("HuggingFaceTB/SmolLM2-135M-Instruct", 135e6),
    # experts, active and effective sizes
    ("mistralai/Mixtral-8x7B-v0.1", 46_690_000_000),
    ("mistralai/Mixtral-8x22B", 146_740_000_000),
    ("someone/MoE-2x1.5B", 2_715_000_000),
    ("Qwen/Qwen3-30B-A3B", 30e9),
    ("Qwen/Qwen3.8-2.4T-A95B-FP8", 2.4e12),
    ("Qwen/Qwen3-235B-A22B-Instruct-2507", 235e9),
    ("ai9stars/G9v3-39A5B", None),
    ("Qwen/Qwen1.5-MoE-A2.7B", None),
    ("google/gemma-3n-E4B-it", None),
    ("meta-llama/Llama-4-Scout-17B-16E-Instruct", None),
    # versions and dates
    ("mistralai/Mistral-Large-Instruct-2407", None),
    ("lmsys/vicuna-v1.5", None),
    ("openai/whisper-large-v3", None),
    ("someone/model-v2b", None),
    ("microsoft/phi-1_5", None),
    ("someone/Llama-3.1", None),
    ("MIT/ast-finetuned-audioset-10-10-0.4593", None),
    ("someone/rwkv-vl-1.5v100m-nv", None),
    # contexts, steps, tokens, data
    ("microsoft/Phi-3-mini-128k-instruct", None),
    ("someone/Phi-3-mini-4k", None),
    ("gradientai/Llama-3-8B-Instruct-1048k", 8e9),
    ("Qwen/Qwen2.5-7B-Instruct-1M", 7e9),
    ("internlm/internlm2_5-chat-1m", None),
    ("ciaociao/pusht-act-100k", None),
    ("someone/act-1000k-steps", None),
    ("TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T", 1.1e9),
    ("microsoft/bitnet-b1.58-2B-4T", 2e9),
    ("someone/llama-100B-tokens", None),
    ("someone/gpt-10B_tokens-350M", 350e6),
    ("someone/model-10BT", None),
    ("fpadovani/eng-baseline-100mb_seed10", None),
    ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", None),
    ("laion/CLIP-ViT-bigG-14-laion2B-39B-b160k", None),
    ("someone/vit_base_clip_laion400m_e32", None),
    ("someone/flamingo-3b-laion-400M", 3e9),
    ("laion/captioner-7B", 7e9),
    ("someone/qwen-REAP-512GB", None),
    # bits, quantisations, hardware, hashes
    ("someone/model-4bit", None),
    ("someone/model-5.0bpw", None),
    ("someone/model-w4a16-int8", None),
    ("someone/llama-bnb-nf4", None),
    ("0199ae31-6bb7-7c8d-bb6e-a4d8862d23fd/model", None),
    ("7B/owner-is-no-name", None),
    ("someone/gr00t_n17_libero_20k_seed42", None),
    ("someone/0b-model", None),
    ("someone/999x9999T", None),  # more than tables can hold
    ("someone/999x9999T-7B", 7e9),
    ("gpt2", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_named_size_of_real_looking_names(name, expected):
    assert named_size(name, expert_share=0.81) == expected


def test_named_size_counts_experts_by_the_given_share():
    assert named_size("a/8x7B", expert_share=1.0) == 56e9


def test_named_sizes_are_distinct_and_in_order():
    names = ["a/tuned", "b/Qwen3-8B", None, "c/Qwen3-8b-base", "d/Qwen3-4B"]
    assert named_sizes(names, 0.81) == (8e9, 4e9)
