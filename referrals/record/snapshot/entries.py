"""From a message to the entries of a snapshot: path, position, value."""

import json
from collections.abc import Iterator
from typing import Any, cast

from mapping.source.document import Alias, Document, Warned
from referrals.record.snapshot.keys import (
    BY_FIELD,
    KEYED,
    OF_MESSAGES,
    OF_THE_DOCUMENT,
    SLOT_BY_FIELD,
    WITHDRAWABLE,
    fault,
    is_empty,
    named_key,
    path_key,
)


def entries_of(document: Document, sender: str) -> Iterator[tuple[str, int, Any]]:
    for name, value in document.items():
        if is_empty(value):
            continue
        if name == "appointment":
            yield from _appointment_entries(cast(dict[str, Any], value), sender)
        elif name in OF_MESSAGES:
            continue
        elif name in KEYED:
            yield from _keyed_entries(name, cast(list[dict[str, Any]], value), sender)
        elif name in BY_FIELD:
            yield from _field_entries(name, cast(dict[str, Any], value))
        else:
            yield name, 0, value


def _field_entries(name: str, fields: dict[str, Any]) -> Iterator[tuple[str, int, Any]]:
    for field, value in fields.items():
        if is_empty(value):
            continue
        if isinstance(value, list) and any(isinstance(i, dict) and i.get("slot") for i in value):
            yield from _slot_entries(f"{name}.{field}", field, value)
        else:
            yield f"{name}.{field}", 0, value


def _slot_entries(
    path: str, field: str, items: list[dict[str, Any]]
) -> Iterator[tuple[str, int, Any]]:
    for position, item in enumerate(items):
        slot = item.get("slot", "main")
        if field not in SLOT_BY_FIELD:
            yield f"{path}/{slot}", position, item
            continue
        for part, value in item.items():
            if not is_empty(value):
                yield f"{path}/{slot}/{part}", position, value


def _keyed_entries(
    name: str, items: list[dict[str, Any]], sender: str
) -> Iterator[tuple[str, int, Any]]:
    forms: dict[str, tuple[int, list[Any]]] = {}
    for position, item in enumerate(items):
        if is_empty(item):
            continue
        if name == "form_answers" and item.get("form"):
            forms.setdefault(item["form"], (position, []))[1].append(item)
        else:
            yield f"{name}@{sender}/{path_key(name, item)}", position, item
    for form, (position, answers) in forms.items():
        yield f"{name}@{sender}/{form}", position, answers


def _appointment_entries(
    appointment: dict[str, Any], sender: str
) -> Iterator[tuple[str, int, Any]]:
    identity = appointment.get("id", "")
    for field, value in appointment.items():
        if not is_empty(value):
            yield f"appointment@{sender}/{field}/{identity}", 0, value


def message_entries(document: Document, sender: str, time: str) -> Iterator[tuple[str, int, Any]]:
    """Yield what a message says of itself: what it takes back, its ids, its parts, its faults."""
    for item in document.get("withdrawn", []):
        part = item.get("part", "")
        if part not in WITHDRAWABLE:
            continue
        if "id" in item:
            value = {"key": item.get("key", ""), "quiet": item.get("quiet", False)}
            # By time, too: the same id may mean another thing in the next message.
            yield f"withdrawn_id@{sender}/{part}/{time}/{item['id']}", 0, value
        else:
            yield f"withdrawn@{sender}/{part}/{named_key(part, item)}", 0, True
    if ids := [_id_entry(alias) for alias in document.get("aliases", [])]:
        yield f"ids@{sender}", 0, dict.fromkeys(ids, time)
    if parts := document.get("parts", []):
        yield f"parts@{sender}", 0, dict.fromkeys(parts, time)
    for warning in document.get("warned", []):
        name = fault(warning)
        head = "quoted" if warning.get("is_quoted") else "warned"
        yield f"{head}@{sender}/{name}", 0, dict.fromkeys(_faulty(warning, parts), time)


def _id_entry(alias: Alias) -> str:
    part, keys = alias["part"], alias.get("keys") or [named_key(alias["part"], alias)]
    return json.dumps([part, alias["id"], sorted(keys)])


def _faulty(warning: Warned, parts: list[str]) -> list[str]:
    """Return the parts of a message that must come again in order to settle a warning.

    Those of the field; where the field is in no part, all. A part is named as its field is, with
    what distinguishes it from others of its kind behind a "#".
    """
    if path := warning.get("path"):
        return [f"{OF_THE_DOCUMENT}{path}"]
    if concerned := warning.get("parts"):
        return concerned
    field = warning.get("field", "")
    holders = {p: p.partition("#")[0] for p in parts}
    within = [p for p, name in holders.items() if f"{field}.".startswith(f"{name}.")]
    longest = max((len(holders[p]) for p in within), default=0)
    return [p for p in within if len(holders[p]) == longest] or parts or [""]
