"""What the flow tests run on: a small landing of which every table has rows, a generated one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from opentrace_spark.config import load_config
from opentrace_spark.generator import generate_landing

SHIPPED = load_config()
HUB_CONFIG = replace(SHIPPED, population=replace(SHIPPED.population, head_size=100))
"""The shipped values, with a head sample that is not half of the generated Hub."""


def write_generated_landing(folder: Path) -> Path:
    """A Hub of 2,000 models in 60 weeks, the last of which is not complete."""
    generate_landing(folder, models=2000, weeks=60, seed=3)
    (folder / "manifest.json").write_text('{"last_complete_week": "2025-08-11"}')
    return folder


def write_small_landing(folder: Path) -> Path:
    """Two developers' roots, a quantiser, a merge, a cycle, a rename; three weeks, one missing."""
    files = {
        "models/models.csv": [
            "id,createdAt,tags,library_name,usedStorage,safetensors",
            "lab/base,2024-01-10T00:00:00Z,license:mit,transformers,14000000000,"
            '"{""total"": 7000000000}"',
            "corp/base,2022-03-02T23:29:04Z,,transformers,,",
            "quant/base-GGUF,2024-05-01T00:00:00Z,"
            "gguf;base_model:lab/base;base_model:quantized:lab/base,gguf,4000000000,",
            "user/merge,2024-05-20T00:00:00Z,base_model:corp/base;base_model:lab/base;merge,,,",
            "user/a,2024-02-01T00:00:00Z,base_model:user/b,,,",
            "user/b,2024-02-02T00:00:00Z,base_model:user/a,,,",
        ],
        "aliases/aliases.csv": ["legacy_id,current_id", "old-base,corp/base"],
        "organizations/organizations.csv": [
            "org,country,org_type",
            "lab,France,non-profit",
            "corp,USA,company",
            "user,User,user",
        ],
        "downloads/2024-06-03.csv": [
            "week,id,count",
            "2024-06-03,lab/base,300",
            "2024-06-03,old-base,500",
            "2024-06-03,quant/base-GGUF,400",
            "2024-06-03,user/merge,250",
            "2024-06-03,user/a,200",
        ],
        "downloads/2024-06-17.csv": [
            "week,id,count",
            "2024-06-17,lab/base,100",
            "2024-06-17,corp/base,100",
            "2024-06-17,quant/base-GGUF,700",
            "2024-06-17,gone/model,250",
        ],
    }
    for name, lines in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def annotate_small_landing(folder: Path) -> Path:
    """Labels by a person, a reviewer and a machine; Ada's own review and empty rows count nowhere.

    Ada and her reviewer differ in one input and one architecture; `LAB/base` is `lab/base`.
    """
    header = "id,input_modality,derived_from,architecture,training_methods,license,note,annotator"
    files = {
        "a_sheet.csv": [
            header,
            "lab/base,Text,No,Transformer: Text Decoder-only,,mit,,Ada",
            "corp/base,Text,,CNN,,,,Ada",
            "quant/base-GGUF,Text,lab/base,,Quantization,,, Ada",
            "quant/base-GGUF,Video,,,,,,Ada",
            "user/a,Image,,,,,,Ada",
            "user/merge,,,Unsure,,,,Ada",
            "user/b,,,,,,,Ada",
        ],
        "b_review.csv": [
            header,
            "lab/base,Text,no,Transformer: Text Encoder-only,,,,review:Bob",
            'quant/base-GGUF,"Image, Text",LAB/base,,Quantization,,,review:Bob',
            "user/a,Video,,,,,,review: Ada",
            "user/b,,,,,,,review:Bob",
        ],
        "machine.csv": [
            header,
            "corp/base,Text,,LSTM,,,,machine:m",
            "user/merge,,,,,apache-2.0,,machine:m",
        ],
    }
    (folder / "annotations").mkdir()
    for name, lines in files.items():
        (folder / "annotations" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def rank_small_landing(folder: Path) -> Path:
    """Results of both versions of the leaderboard, and contributors.

    v1 has `Merged` and `Flagged` the wrong way round; `old-base` is an alias of `corp/base`,
    `LAB/base` another case of `lab/base`; `corp/base` was submitted twice, `user/a` is flagged.
    """
    files = {
        "leaderboard/v1.csv": [
            "T,Model,Average ⬆️,ARC,Type,Architecture,Precision,Merged,Hub License,#Params (B),"
            "Hub ❤️,Available on the hub,Flagged,date",
            "🟢,LAB/base,50.0,50.0,🟢 pretrained,LlamaForCausalLM,float16,True,mit,7,5,True,True,"
            "2024-05-06T00:00:00Z",
            "🟢,old-base,40.0,40.0,🟢 pretrained,GPT2LMHeadModel,4bit,True,,0,0,True,True,"
            "2024-05-07T00:00:00Z",
            "🟢,corp/base,42.5,42.5,🟢 pretrained,GPT2LMHeadModel,float16,True,,1,0,True,True,"
            "2024-05-09T00:00:00Z",
            "🔶,quant/base-GGUF,60.0,60.0,🔶 fine-tuned,LlamaForCausalLM,float16,True,mit,7,1,True,"
            "True,2024-05-13T00:00:00Z",
            "🤝,user/merge,70.0,70.0,🤝 base merges and moerges,?,float16,False,,7,0,True,True,",
            "💬,user/a,90.0,90.0,💬 chat models,LlamaForCausalLM,float16,True,,7,0,True,False,"
            "2024-05-14T00:00:00Z",
            "🔶,new/Mistral-7B-x,65.0,65.0,,MistralForCausalLM,float16,True,,7,0,True,True,"
            "2024-05-27T00:00:00Z",
        ],
        "leaderboard/v2.csv": [
            "Model,fullname,Average ⬆️,IFEval,Type,Architecture,#Params (B),Submission Date,"
            "Upload To Hub Date,Base Model,Flagged",
            "<a href='https://huggingface.co/lab/base'>lab/base</a>,,20.5,20.5,🟢 pretrained,"
            "LlamaForCausalLM,7.0,2024-07-01,2024-01-10,,False",
            "<a href='https://huggingface.co/x/y'>x/y</a>,x/y,30.5,30.5,💬 chat,,-1,,2024-07-02,"
            "LAB/base,False",
        ],
        "contributors/c.jsonl": [
            '{"id": "lab/base", "contributors": ["Ada", "Bob", "Ada"]}',
            '{"id": "x/y", "contributors": 1}',
        ],
    }
    for name, lines in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
