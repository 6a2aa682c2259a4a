"""The data package of HSDS 1.1, as the standard has it, but for what is broken there."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from directory.exporting.packages import as_json, as_resource, paths_of, tables_of

STANDARD = Path(__file__).parents[3] / "standards" / "hsds-1.1"
_KEPT = ("name", "title", "description", "type", "format", "constraints")
# Its foreign keys name one column that is of many tables, and tables that there are not.
_WITHOUT_KEYS = ("metadata",)


@cache
def columns() -> Mapping[str, tuple[str, ...]]:
    """Return the columns of each table, in the standard's order."""
    return {
        resource["name"]: tuple(field["name"] for field in resource["schema"]["fields"])
        for resource in tables_of(STANDARD)
    }


def paths() -> Mapping[str, str]:
    """Return the names of the tables' files."""
    return paths_of(STANDARD)


def describe(license: Mapping[str, str]) -> str:
    """Return the data package as JSON; `license` (name, url) is that of the directory's content."""
    return as_json("HSDS 1.1", "1.1.1", map(_resource, tables_of(STANDARD)), license)


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    schema = {
        "primaryKey": "id",
        "fields": [_field(field) for field in resource["schema"]["fields"]],
    }
    keys = resource["schema"].get("foreignKeys")
    if keys and resource["name"] not in _WITHOUT_KEYS:
        schema["foreignKeys"] = keys
    return as_resource({"description": "", **resource}, schema)


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: field[name] for name in _KEPT if field.get(name)}
    if found.get("format") == "url":
        found["format"] = "uri"  # as Table Schema calls it
    return found
