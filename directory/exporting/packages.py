"""What the descriptions of tabular data packages have in common."""

import json
from collections.abc import Mapping
from typing import Any


def as_json(package: Mapping[str, Any], license: Mapping[str, str]) -> str:
    """Return a data package as JSON; `license` (name, url) is that of the directory's content."""
    described = dict(package)
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
