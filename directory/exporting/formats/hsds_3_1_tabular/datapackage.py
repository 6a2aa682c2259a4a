"""The data package of a tabular file: its tables and columns as they are in this file.

It is made from the standard's own, which does not list all columns and calls unique what is not.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from directory.exporting.packages import as_json, as_resource, paths_of, tables_of

STANDARD = Path(__file__).parents[3] / "standards" / "hsds-3.1"
# Which the standard calls unique: a code is so within its taxonomy, an organization may have
# several programs.
_NOT_UNIQUE = {("taxonomy_term", "code"), ("program", "organization_id")}
_ROW_SCHEMA = ("name", "title", "description", "format", "example")
_TIME_WITH_OFFSET = "any"


@cache
def columns() -> Mapping[str, tuple[str, ...]]:
    """Return the columns of each table, in the standard's order."""
    return {
        resource["name"]: tuple(field["name"] for field in _fields(resource))
        for resource in tables_of(STANDARD)
    }


def paths() -> Mapping[str, str]:
    """Return the names of the tables' files."""
    return paths_of(STANDARD)


def describe(license: Mapping[str, str]) -> str:
    """Return the data package as JSON; `license` (name, url) is that of the directory's content."""
    return as_json("HSDS 3.1", "3.1", map(_resource, tables_of(STANDARD)), license)


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"primaryKey": "id", "fields": _fields(resource)}
    if keys := resource["schema"].get("foreignKeys"):
        schema["foreignKeys"] = keys
    return as_resource(resource, schema)


def _fields(resource: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the columns of a table: of its schema, where the standard does not list them."""
    name = resource["name"]
    listed = {field["name"]: field for field in resource["schema"]["fields"]}
    schema = json.loads((STANDARD / "schema" / f"{name}.json").read_text())
    flat = {
        column: value
        for column, value in schema["properties"].items()
        if value.get("type") != "array" and "$ref" not in value
    }
    names = list(listed) if set(listed) == set(flat) else list(flat)
    return [_field(name, listed.get(column) or _made(column, schema)) for column in names]


def _made(column: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    value = schema["properties"][column]
    required = column in schema.get("required", ()) or column in schema.get("tabular_required", ())
    found = {name: value[name] for name in _ROW_SCHEMA if name in value}
    kind = value.get("datapackage_type") or value["type"]
    found |= {"type": "datetime" if value.get("format") == "date-time" else kind}
    return found | {"constraints": {"required": required, "unique": column == "id"}}


def _field(table: str, listed: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in listed.items() if name not in ("core", "example")}
    constraints = dict(found.get("constraints", {}))
    if (table, found["name"]) in _NOT_UNIQUE:
        constraints["unique"] = False
    if found["type"] in ("time", "datetime"):
        found["format"] = _TIME_WITH_OFFSET
    return {**found, "constraints": constraints}
