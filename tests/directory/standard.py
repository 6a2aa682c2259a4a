"""The official schemas of HSDS 3.1, formats on: `standard.check("service", answer)`."""

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FOLDER = Path("directory/standards/hsds-3.1/schema")
formats = FormatChecker(["uuid", "email", "date"])
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")


@formats.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(_URI.fullmatch(value) and urlsplit(value))


@formats.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def _registry() -> Registry:
    """Every schema under its file's name, as the references between them have it."""
    return Registry().with_resources(
        (path.name, Resource.from_contents(json.loads(path.read_text()), DRAFT202012))
        for path in FOLDER.glob("*.json")
        if path.name != "openapi.json"
    )


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    return Draft202012Validator(schema, registry=_registry(), format_checker=formats)


def check(name: str, value: Any) -> None:
    """Fail where the value is not what a schema demands, such as `compiled/service_list`."""
    errors = [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(value)]
    assert not errors, "\n".join(errors)
    check_nothing_empty(value)


def check_nothing_empty(value: Any, path: str = "$") -> None:
    """Fail where something absent is there: null, an empty text or an empty object."""
    if isinstance(value, dict):
        for name, inner in value.items():
            assert inner not in (None, "", {}), f"{path}.{name}"
            check_nothing_empty(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            check_nothing_empty(inner, f"{path}[{index}]")
