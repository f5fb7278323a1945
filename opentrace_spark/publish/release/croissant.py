"""The dataset's metadata for machines, in Croissant 1.0 (docs.mlcommons.org/croissant)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentrace_spark.publish.release.card import LIMITS, TITLE
from opentrace_spark.publish.release.tables import Shared

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the format prescribes."""
_TYPES = {
    "string": "sc:Text",
    "array<string>": "sc:Text",
    "boolean": "sc:Boolean",
    "int": "sc:Integer",
    "bigint": "sc:Integer",
    "double": "sc:Float",
    "date": "sc:Date",
    "timestamp": "sc:DateTime",
}
_PARQUET = "application/x-parquet"
_REPOSITORY = "repository"


def croissant(
    shared: Sequence[Shared], run: Mapping[str, Any], address: str, license_name: str
) -> str:
    """The metadata as JSON-LD; arguments as of `card`."""
    there = [table for table in shared if table.parts]
    content = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": address.rsplit("/", 1)[-1],
        "description": f"{TITLE}. {' '.join(LIMITS)}",
        "url": address,
        "license": license_name,
        "citeAs": f"{TITLE}. {address}, run {run['run_id']}",
        "datePublished": f"{run['finished_at']:%Y-%m-%d}",
        "version": f"{run['finished_at']:%Y.%-m.%-d}",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": _REPOSITORY,
                "name": _REPOSITORY,
                "description": "The repository on the Hub.",
                "contentUrl": address,
                "encodingFormat": "git+https",
                "sha256": "https://github.com/mlcommons/croissant/issues/80",
            },
            *(_files(table) for table in there),
            *(_file(part, address) for table in there for part in table.parts),
        ],
        "recordSet": [_records(table) for table in there],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _files(table: Shared) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{table.spec.name}-files",
        "name": f"{table.spec.name}-files",
        "containedIn": {"@id": _REPOSITORY},
        "encodingFormat": _PARQUET,
        "includes": table.pattern,
    }


def _file(part: Any, address: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": part.path,
        "name": part.path,
        "contentUrl": f"{address}/resolve/main/{part.path}",
        "contentSize": f"{part.size} B",
        "encodingFormat": _PARQUET,
        "sha256": part.sha256,
    }


def _records(table: Shared) -> dict[str, Any]:
    name = table.spec.name
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{table.spec.description} One row per {table.spec.grain}.",
        "key": [{"@id": f"{name}/{column}"} for column in table.spec.key],
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column.name}",
                "name": f"{name}/{column.name}",
                "description": column.comment,
                "dataType": _TYPES[column.type],
                **({"repeated": True} if column.type.startswith("array") else {}),
                "source": {
                    "fileSet": {"@id": f"{name}-files"},
                    "extract": {"column": column.name},
                },
            }
            for column in table.spec.columns
        ],
    }
