"""The API's own description: OpenAPI 3.1, and the profile in words.

Written from the tables and the parameters, and in our own words: the standard's are its own.
"""

from collections.abc import Iterable
from typing import Any

from directory.listing.parameters import EVERYWHERE, OF_ENTRIES, OF_LISTS, PARAMETERS, PATHS
from directory.models import Directory, Kind
from directory.tables import LISTS, OBJECTS, TABLES, WITHOUT_ATTRIBUTES, Column, Sort, Table

Json = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_BY_NESTING = frozenset({"unit_id", "taxonomy_term_id", "link_id", "link_entity"})
_PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_PAGE_FIELDS: Json = {
    "total_items": {"type": "integer", "minimum": 0},
    "total_pages": {"type": "integer", "minimum": 0},
    "page_number": {"type": "integer", "minimum": 1},
    "size": {"type": "integer", "minimum": 0},
    "first_page": {"type": "boolean"},
    "last_page": {"type": "boolean"},
    "empty": {"type": "boolean"},
}
_REFUSALS = {
    "400": "A parameter is unknown, given twice, empty or malformed; `errors` names it.",
    "401": "The directory is read with a token, or the token is not known.",
    "404": "There is nothing of this kind, or no such page.",
    "429": "Too many requests at once; `Retry-After` says when to try again.",
}


def openapi(directory: Directory, base: str) -> Json:
    """Return the API's description; `base` is the address of its first path."""
    info: Json = {
        "title": directory.name,
        "version": "3.1",
        "summary": "A resource directory, as HSDS 3.1.",
    }
    if name := directory.license.get("name"):
        url = {"url": directory.license["url"]} if directory.license.get("url") else {}
        info["license"] = {"name": name, **url}
    return {
        "openapi": "3.1.0",
        "info": info,
        "jsonSchemaDialect": _DIALECT,
        "servers": [{"url": base}],
        "paths": _paths(directory),
        "components": {
            "schemas": {**_schemas(), "Page": _page({}), "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


# -- paths ----------------------------------------------------------------------------------------


def _paths(directory: Directory) -> Json:
    described: Json = {"type": "object"}
    paths: Json = {
        "/": {"get": _operation("getApi", "What this API is.", EVERYWHERE, described, directory)},
        "/openapi.json": {
            "get": _operation("getOpenApi", "This description.", EVERYWHERE, described, directory)
        },
        "/profile": {
            "get": _operation(
                "getProfile", "How this API uses HSDS.", EVERYWHERE, described, directory
            )
        },
    }
    for name, kind in PATHS.items():
        noun = "".join(word.title() for word in name.split("_"))
        listed = _page(_flat_schema(kind))
        get = _operation(f"list{noun}", f"List {_plain(name)}.", OF_LISTS[kind], listed, directory)
        get["responses"]["200"]["content"]["application/x-ndjson"] = {"schema": {"type": "string"}}
        post = get | {
            "operationId": f"search{noun}",
            "summary": f"List {_plain(name)}, with parameters that stand in no log.",
            "requestBody": _body(OF_LISTS[kind], directory),
        }
        paths[f"/{name}"] = {"get": get, "post": post}
        of_one = f"One of {_plain(name)}."
        one = _operation(f"get{noun}ById", of_one, OF_ENTRIES[kind], _reference(kind), directory)
        one["parameters"].insert(0, _ID_IN_PATH)
        paths[f"/{name}/{{id}}"] = {"get": one}
    return paths


_ID_IN_PATH: Json = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}


def _operation(
    name: str, summary: str, parameters: Iterable[str], schema: Json, directory: Directory
) -> Json:
    refusal = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [
            {
                "name": parameter,
                "in": "query",
                "required": False,
                "description": PARAMETERS[parameter].description,
                "schema": _parameter_schema(parameter, directory),
            }
            for parameter in parameters
        ],
        "responses": {
            "200": {"description": "Found.", "content": {"application/json": {"schema": schema}}},
            "304": {"description": "Not changed since the answer with this ETag."},
            **{
                status: {"description": text, "content": refusal}
                for status, text in _REFUSALS.items()
            },
        },
    }


def _parameter_schema(name: str, directory: Directory) -> Json:
    if name == "lang":
        return {"type": "string", "enum": list(directory.languages)}
    return dict(PARAMETERS[name].schema)


def _body(parameters: Iterable[str], directory: Directory) -> Json:
    schema = {
        "type": "object",
        "properties": {name: _parameter_schema(name, directory) for name in parameters},
        "additionalProperties": False,
    }
    types = ("application/json", "application/x-www-form-urlencoded")
    return {"required": False, "content": {one: {"schema": schema} for one in types}}


def _plain(name: str) -> str:
    return name.replace("_", " ")


# -- schemas --------------------------------------------------------------------------------------


def _schemas() -> Json:
    return {name: _schema(table) for name, table in TABLES.items()}


def _schema(table: Table) -> Json:
    lists = {
        key: {"type": "array", "items": _reference(nested)}
        for key, nested in LISTS.get(table.name, {}).items()
    }
    if table.name not in WITHOUT_ATTRIBUTES:
        lists["attributes"] = {"type": "array", "items": _reference("attribute")}
    if table.name == "organization":
        lists["services"] = {"type": "array", "items": _reference("service")}
    objects = {key: _reference(nested) for key, nested in OBJECTS.get(table.name, {}).items()}
    return _object(table, {**_columns(table), **objects, **lists})


def _flat_schema(kind: Kind) -> Json:
    return {"anyOf": [_reference(kind), _minimal()]} if kind is Kind.SERVICE else _reference(kind)


def _minimal() -> Json:
    return {
        "type": "object",
        "required": ["id", "last_modified"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "last_modified": {"type": "string", "format": "date-time"},
        },
        "additionalProperties": False,
    }


def _object(table: Table, properties: Json) -> Json:
    return {"type": "object", "required": sorted(table.required), "properties": properties}


def _columns(table: Table) -> Json:
    parents = {column.name for column in table.parents}
    return {
        name: _column(table, column)
        for name, column in table.columns.items()
        if name not in parents | _BY_NESTING
    }


def _column(table: Table, column: Column) -> Json:
    is_number = column.sort is Sort.NUMBER or (table.name, column.name) == ("phone", "extension")
    schema: Json = {"type": "number" if is_number else "string"}
    if column.format:
        schema["format"] = column.format
    if column.choices:
        schema["enum"] = list(column.choices)
    return schema


def _page(item: Json) -> Json:
    return {
        "type": "object",
        "required": [*_PAGE_FIELDS, "contents"],
        "properties": {**_PAGE_FIELDS, "contents": {"type": "array", "items": item}},
    }


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


# -- profile --------------------------------------------------------------------------------------


def profile(directory: Directory) -> Json:
    """Return how this API uses HSDS, in words for people who write programs."""
    return {
        "name": directory.name,
        "hsds_version": "3.1",
        "languages": directory.languages,
        "time_zone": directory.time_zone,
        "license": directory.license,
        "times": [
            "The clock part of opens_at and closes_at is local wall time all year, if its offset "
            "is one that the time zone has in winter or in summer.",
            "A time with another offset is converted with the winter offset, and is written back "
            "as it came. The column timezone is only carried.",
            "Around the clock is 00:00 to 23:59; 23:59 lasts until midnight. Equal times are 24 "
            "hours. closes_at before opens_at is past midnight, and belongs to the day it began.",
        ],
        "closings": [
            "Days on which a schedule does not hold stand at the head of its notes, one sentence "
            "each: “Closed 2026-12-24 to 2026-12-26.” or, in French, “Fermé le 2026-12-25.” Where "
            "there is no schedule, they stand at the head of the service's alert.",
        ],
        "differences": [
            "empty is always there, and page objects are as in HSDS 3.1.1.",
            "/service_at_locations/{id} is a service_at_location, not a service.",
            "What the standard's text calls modified_date is last_modified: the time when the "
            "service last changed in this directory, in any language.",
            "timezone is a number of hours.",
            "A term's code is unique within its taxonomy only.",
            "metadata is in no answer.",
            "top_only=true lists the terms without a parent.",
            "A confidential location has an id, a type and a neutral name.",
        ],
        "extras": "extras=true adds properties named x_…, and nothing else is outside of HSDS.",
    }
