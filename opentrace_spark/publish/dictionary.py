"""The table dictionary and the README's diagram, generated from `tables.py` and `flow.py`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opentrace_spark.bi_tables import BI_TABLES
from opentrace_spark.steps import Step
from opentrace_spark.tables import TABLES, TABLES_VERSION, TableSpec

_BEGIN, _END = "<!-- flow:begin, made by scripts/docs -->", "<!-- flow:end -->"
_GROUPS = {
    "bronze": "bronze: the landing's rows, accepted or with a reason",
    "silver": "silver: weekly counts, models, lineage",
    "gold": "gold: what people read",
}


def table_dictionary(tables: Sequence[TableSpec] = (*TABLES, *BI_TABLES)) -> str:
    """Markdown with every table's grain, key, layout and columns."""
    head = (
        "# Tables\n\nDelta tables below the warehouse, layout version "
        f"{TABLES_VERSION}. Made by `scripts/docs` from `opentrace_spark/tables.py` and, of those "
        "that `opentrace bi` writes, `bi_tables.py`; the same texts are the comments in the "
        "tables. How the figures come about: [method](method.md).\n"
    )
    return "\n".join([head, *(described(spec, spec.path) for spec in tables)])


def described(spec: TableSpec, name: str) -> str:
    """Markdown of a table under a name: grain, key, layout and columns."""
    partitioned = (
        f" Partitioned by {', '.join(spec.partitioned_by)}." if spec.partitioned_by else ""
    )
    key = ", ".join(f"`{name}`" for name in spec.key)
    lines = [
        f"## {name}",
        f"{spec.description}\n",
        f"One row per {spec.grain}. Key: {key}.{partitioned}\n",
        "| column | type | null | meaning |",
        "|---|---|---|---|",
        *(
            f"| `{column.name}` | {column.type} | {'yes' if column.nullable else ''} "
            f"| {column.comment.replace('|', chr(92) + '|')} |"
            for column in spec.columns
        ),
    ]
    return "\n".join(lines) + "\n"


def flow_diagram(flow: Sequence[Step]) -> str:
    """A Mermaid flowchart of the tables that are read or published.

    Scratch tables are passed through: an arrow says that the one table's rows reach the other's.
    """
    published = {spec.id: spec.path for spec in TABLES}
    reached: dict[str, list[str]] = {}
    lines = ["```mermaid", "flowchart LR"]
    for step in flow:
        origins = [origin for table in step.reads for origin in reached[table]]
        origins = list(dict.fromkeys(origins))
        is_scratch = step.writes.startswith("work_")
        reached[step.writes] = origins if is_scratch else [step.writes]
    for layer, title in _GROUPS.items():
        lines.append(f'  subgraph {layer} ["{title}"]')
        for step in flow:
            if step.writes.startswith(f"{layer}_"):
                name = published.get(step.writes, step.writes.replace("_", "/", 1))
                lines.append(f'    {step.writes}["{name}"]')
        lines.append("  end")
    lines += _arrows(flow, reached)
    return "\n".join([*lines, "```"])


def _arrows(flow: Sequence[Step], reached: dict[str, list[str]]) -> list[str]:
    """Arrows from each table to those made of it, but for those that a longer way implies."""
    parents = {
        step.writes: {origin for table in step.reads for origin in reached[table]}
        for step in flow
        if not step.writes.startswith("work_")
    }

    def ancestors(table: str) -> set[str]:
        above = parents[table]
        return above.union(*(ancestors(parent) for parent in above)) if above else set()

    arrows = []
    for table, above in parents.items():
        implied = set().union(*(ancestors(parent) for parent in above)) if above else set()
        arrows += [f"  {parent} --> {table}" for parent in sorted(above - implied)]
    return arrows


def readme_with_diagram(readme: str, flow: Sequence[Step]) -> str:
    """The README with its diagram made anew between the two markers.

    Raises ValueError where a marker is missing.
    """
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the marker {_BEGIN} or {_END}")
    return f"{before}{begin}\n{flow_diagram(flow)}\n{end}{after}"


def write_documents(root: Path) -> None:
    """Write docs/tables.md and the README's diagram below the repository's root."""
    from opentrace_spark.flow import FLOW

    (root / "docs" / "tables.md").write_text(table_dictionary(), encoding="utf-8")
    readme = root / "README.md"
    text = readme_with_diagram(readme.read_text(encoding="utf-8"), FLOW)
    readme.write_text(text, encoding="utf-8")
