"""The parts of a message that come whole: a later message settles a fault by sending them again.

A part is named as the fields in it are, in the sender's words; behind a "#" stands what tells it
from others of its kind. The names may be personal.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.text.lenient_json import Repair
from integrations.sources.account import is_empty, leaves
from integrations.sources.caredove import identity
from integrations.sources.caredove.fhir.bundle import Bundle, Resource
from integrations.sources.warnings import Warning

MOST = 50  # of a kind: more are one part
MOST_IN_ALL = 500  # a message of more has no parts: it comes whole
# Of these a message holds the one that counts, whatever its id.
_SINGLE = ("MessageHeader", "ServiceRequest", "Task", "Patient")
_NAMES = ("id", "key", "label", "filename", "at", "name")
_REPLACED = "\ufffd"
_EARLIER = re.compile(r" \(\d+\)\Z")  # behind a key: `core.text.lenient_json.earlier_key`
_SIDE = "unknown_side"  # which side wrote a message is told by the message, not by the header
_ELSEWHERE = frozenset({*Repair, _SIDE})


def of_bundle(bundle: Bundle) -> dict[str, Any]:
    """Return the parts of a FHIR message by name."""
    kinds: dict[str, list[Resource]] = {}
    for resource in bundle.resources:
        kinds.setdefault(resource.kind, []).append(resource)
    found: dict[str, Any] = {"Bundle": {}}
    for kind, resources in kinds.items():
        if kind in _SINGLE or len(resources) > MOST:
            found[kind] = [resource.members for resource in resources]
            continue
        for place, resource in enumerate(resources, start=1):
            name = "" if resource.has_random_key else identity.key(resource.key)
            found[f"{kind}#{name or place}"] = resource.members
    return found if len(found) <= MOST_IN_ALL else {}


def of_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a plain event by name: its objects, and each value that is in no list."""
    found: dict[str, Any] = {}
    stack: list[tuple[str, Mapping[str, Any]]] = [("", event)]
    while stack and len(found) <= MOST_IN_ALL:
        name, part = stack.pop()
        for key, value in part.items() if len(part) <= MOST else ():
            inner = f"{name}.{key}" if name else key
            if is_empty(value):
                continue
            if isinstance(value, dict):
                found[inner] = None  # what is in it stands by itself
                stack.append((inner, value))
            else:
                found |= _items(inner, value) if isinstance(value, list) else {inner: value}
    return found if len(found) <= MOST_IN_ALL else {}


def _items(name: str, items: list[Any]) -> dict[str, Any]:
    if len(items) > MOST or not all(isinstance(item, dict) for item in items):
        return {name: items}
    return {f"{name}#{_name(item) or place}": item for place, item in enumerate(items, start=1)}


def _name(item: Mapping[str, Any]) -> str:
    given = (item.get(key) for key in _NAMES)
    texts = (str(value) for value in given if value and not isinstance(value, dict | list))
    return identity.key(next(texts, ""))


def placed(warnings: Iterable[Warning], parts: Mapping[str, Any]) -> tuple[Warning, ...]:
    """Return the warnings of a message, with the parts concerned where the field does not say."""
    return tuple(
        dataclasses.replace(warning, parts=_concerned(warning.cause, parts))
        if warning.cause in _ELSEWHERE
        else warning
        for warning in warnings
    )


def _concerned(cause: str, parts: Mapping[str, Any]) -> tuple[str, ...]:
    if cause == _SIDE:
        return tuple(name for name in parts if name.startswith("Communication"))
    found = [name for name, part in parts.items() if _shows(cause, name, part)]
    if cause == Repair.REPEATED_KEY:
        found = [_EARLIER.sub("", name) for name in found]
    return tuple(found)


def _shows(cause: str, name: str, part: Any) -> bool:
    """Return whether a part has what a repair leaves behind."""
    found = list(leaves({name: part}))
    if cause == Repair.REPEATED_KEY:
        return any(_EARLIER.search(str(key)) for path, _, _, _ in found for key in path)
    texts = (value for _, _, value, _ in found if isinstance(value, str))
    if cause == Repair.CHARACTERS:
        return any(_REPLACED in text for text in texts)
    return not all(map(str.isascii, texts))
