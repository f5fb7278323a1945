"""The dataset's card: what the Hub reads of it (YAML), and what people do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import DatasetCardData

from opentrace_spark.publish.counting import what_is_counted
from opentrace_spark.publish.dictionary import described
from opentrace_spark.publish.release.tables import Shared

TITLE = "Who shapes the open-model ecosystem: weekly downloads, attribution, concentration"
_FIRST = "concentration"
"""The table that the viewer opens."""
_SIZES = (
    *((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M")),
    *((10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B")),
)
_LARGER = "n>1B"
LIMITS = (
    "Downloads are a proxy for use: mirrors, copies and use without a download are not in them, "
    "automated downloads are.",
    "Survivorship: what is known of a model is what its repository says today; of models that are "
    "gone only what an earlier capture kept.",
    "Creation dates before 2 March 2022 are unknown, since the Hub floored them: windows treat "
    "those models as created on that day.",
    "Metadata are those of the last capture, also for weeks long before it.",
    "Countries are those of the headquarters of organisations, one for all weeks. Those of "
    "individual accounts are not recorded: they are `User`. Owners that nobody has listed are "
    "`Unknown`.",
    "A model is credited to the root of its first listed parent; models that name no parent are "
    "their own.",
    "Weeks that are missing stay missing; known breaks and abnormal traffic are in `weeks` and "
    "`anomalies`, and left in every figure.",
)
_PAPER = """@misc{longpre2025economies,
  title = {Economies of Open Intelligence: Tracing Power \\& Participation in the Model Ecosystem},
  author = {Longpre, Shayne and others},
  year = {2025},
  eprint = {2512.03073},
  archivePrefix = {arXiv}
}"""


def card(shared: Sequence[Shared], run: Mapping[str, Any], address: str, license_name: str) -> str:
    """The card as Markdown with a YAML head; `run` is a row of `gold/runs`, `address` that of the
    dataset."""
    there = [table for table in shared if table.parts]
    rows = sum(table.rows for table in there)
    head = DatasetCardData(
        pretty_name=TITLE,
        license=license_name,
        tags=["open-models", "downloads", "model-lineage", "market-concentration"],
        size_categories=next((size for limit, size in _SIZES if rows < limit), _LARGER),
        configs=[_config(table) for table in there],
    )
    parts = [
        f"---\n{head.to_yaml()}\n---\n",
        f"# {TITLE}\n",
        _about(run),
        _section("What is counted", _counted(run)),
        _section("Tables", _tables(there)),
        _section("Use", _use(address)),
        _section("Known limits", _bullets(LIMITS)),
        _section("Method and parameters", _method(run)),
        _section("Citation", _citation(run, address)),
        _section("License", _license(license_name)),
        _section("Columns", "\n".join(_columns(there))),
    ]
    return "\n".join(parts)


def _config(table: Shared) -> dict[str, Any]:
    config: dict[str, Any] = {"config_name": table.spec.name, "data_files": table.pattern}
    return config | ({"default": True} if table.spec.name == _FIRST else {})


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text.rstrip()}\n"


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _about(run: Mapping[str, Any]) -> str:
    return (
        "Weekly downloads of the models of the Hugging Face Hub, credited to models, developers, "
        "organisations, countries and kinds of organisation, before and after derived models are "
        "credited to the model that they derive from; shares, concentration (HHI, Gini, Theil, top "
        "k), and what the downloaded models are. Made by opentrace-spark "
        f"{run['version']}, run `{run['run_id']}`, on {run['finished_at']:%Y-%m-%d}.\n"
    )


def _counted(run: Mapping[str, Any]) -> str:
    return _bullets(what_is_counted(json.loads(run["parameters"]), json.loads(run["inputs"])))


def _tables(shared: Sequence[Shared]) -> str:
    lines = ["| table | one row per | rows |", "|---|---|---|"]
    lines += [f"| `{each.spec.name}` | {each.spec.grain} | {each.rows:,} |" for each in shared]
    return "\n".join(lines)


def _use(address: str) -> str:
    name = address.split("/datasets/")[-1]
    return (
        f'```python\nfrom datasets import load_dataset\n\nload_dataset("{name}", "{_FIRST}", '
        f'split="train").to_pandas()\n```\n\n'
        f'```sql\nSELECT * FROM "hf://datasets/{name}/data/{_FIRST}/*.parquet"  -- DuckDB\n```\n\n'
        "`SHA256SUMS` has the digest of every file (`sha256sum -c SHA256SUMS`), `croissant.json` "
        "the schema for machines."
    )


def _method(run: Mapping[str, Any]) -> str:
    values = json.dumps(json.loads(run["parameters"]), indent=2, ensure_ascii=False)
    return (
        "The method is that of the paper below; these are the values of its choices. `runs` has "
        "them for each `run_id`, with the digests of the files that were read.\n\n"
        f"<details><summary>All values</summary>\n\n```json\n{values}\n```\n\n</details>"
    )


def _citation(run: Mapping[str, Any], address: str) -> str:
    own = (
        f"@misc{{opentrace_{run['finished_at']:%Y_%m_%d},\n  title = {{{TITLE}}},\n"
        f"  year = {{{run['finished_at']:%Y}}},\n  howpublished = {{\\url{{{address}}}}},\n"
        f"  note = {{Run {run['run_id']}}}\n}}"
    )
    return f"```bibtex\n{own}\n\n{_PAPER}\n```"


def _license(name: str) -> str:
    return (
        f"The tables: {name}. Names and metadata of models come from the Hub and are their "
        "authors'; each model has a license of its own, which `models` names."
    )


def _columns(shared: Sequence[Shared]) -> list[str]:
    return [
        f"<details><summary>{each.spec.name}</summary>\n\n{described(each.spec, each.spec.name)}\n"
        "</details>\n"
        for each in shared
    ]
