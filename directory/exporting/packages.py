"""What the descriptions of tabular data packages have in common."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def tables_of(standard: Path) -> tuple[dict[str, Any], ...]:
    """Return the tables as the standard in this folder describes them, in its order."""
    return tuple(json.loads((standard / "datapackage.json").read_text())["resources"])


def paths_of(standard: Path) -> dict[str, str]:
    """Return the names of the tables' files, by table."""
    return {table["name"]: str(table["path"]) for table in tables_of(standard)}


def as_json(
    standard: str, version: str, tables: Iterable[Mapping[str, Any]], license: Mapping[str, str]
) -> str:
    """Return a data package as JSON; `license` (name, url) is that of the directory's content."""
    described: dict[str, Any] = {
        "name": "human_services_data",
        "profile": "tabular-data-package",
        "title": "Human services data",
        "description": f"Organizations, services and locations, in the tables of {standard}.",
        "version": version,
        "resources": list(tables),
    }
    if license:
        named = {"title": license.get("name"), "path": license.get("url")}
        described["licenses"] = [{name: value for name, value in named.items() if value}]
    return json.dumps(described, ensure_ascii=False, indent=2)


def as_resource(resource: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return one table of a package: a CSV file as we write it."""
    return {
        "name": resource["name"],
        "path": resource["path"],
        "description": resource["description"],
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {
            "delimiter": ",",
            "lineTerminator": "\r\n",
            "quoteChar": '"',
            "doubleQuote": True,
        },
        "schema": dict(schema),
    }
