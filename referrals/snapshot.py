"""Merge partial messages into one view of a referral. Pure: no Django, no clock, no database.

The snapshot is a map from a path to what is known there and since when; `view` turns it into a
`Document`. A value gives way only to one from a later message, so messages that carry their time
lead to the same snapshot in whatever order they come, and an older one fills only what is empty.

Three shapes of value (contract, section 3, rule 12, and section 2):

- a field, or a list that a message holds whole (names, phones of a FHIR message): the latest wins;
- a list whose items have a key (form answers, messages, notes, attachments): item by item;
- the appointment: field by field for each appointment id; the one last spoken of is shown.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

from mapping.document import Document

Snapshot = dict[str, list[Any]]  # path -> [time, position, value]

WHOLE = ("organization", "listing", "substatus")  # a part of one never stays beside a new other
KEYED = {
    "form_answers": ("key", "label"),
    "messages": ("id",),
    "notes": (),
    "attachments": ("key",),
}
BY_FIELD = ("registrant", "requester")
SLOT_BY_FIELD = ("addresses",)


def stamp(at: datetime) -> str:
    """Return the instant as text that sorts by time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def merge(snapshot: Snapshot, document: Document, at: datetime) -> Snapshot:
    """Return the snapshot with what a message of the time `at` says; neither input changes."""
    merged = dict(snapshot)
    time = stamp(at)
    for path, position, value in _entries(document):
        entry = [time, position, value]
        if path not in merged or _rank(entry) > _rank(merged[path]):
            merged[path] = entry
    return merged


def unite(one: Snapshot, other: Snapshot) -> Snapshot:
    """Return what both know of a referral that turned out to be the same."""
    united = dict(one)
    for path, entry in other.items():
        if path not in united or _rank(entry) > _rank(united[path]):
            united[path] = entry
    return united


def view(snapshot: Snapshot) -> Document:
    """Return the referral as the snapshot shows it."""
    shown: dict[str, Any] = {}
    for path in sorted(snapshot):
        if "/" not in path:
            _put(shown, path, snapshot[path][2])
    _put_slots(shown, snapshot)
    for name in KEYED:
        if items := _items(snapshot, name):
            shown[name] = items
    if appointment := _appointment(snapshot):
        shown["appointment"] = appointment
    return cast(Document, shown)


def has_details(document: Document) -> bool:
    """Return whether the referral says whom it is about; an import waits until it does."""
    registrant = document.get("registrant", {})
    return bool(registrant.get("first_name") or registrant.get("last_name"))


def _rank(entry: list[Any]) -> tuple[str, str]:
    # Two messages of the same instant must not depend on the order in which they came.
    return entry[0], json.dumps(entry[1:], sort_keys=True)


def _entries(document: Document) -> Iterator[tuple[str, int, Any]]:
    for name, value in document.items():
        if _is_empty(value):
            continue
        if name == "appointment":
            yield from _appointment_entries(cast(dict[str, Any], value))
        elif name in KEYED:
            yield from _keyed_entries(name, cast(list[dict[str, Any]], value))
        elif name in BY_FIELD:
            yield from _field_entries(name, cast(dict[str, Any], value))
        else:
            yield name, 0, value


def _field_entries(name: str, fields: dict[str, Any]) -> Iterator[tuple[str, int, Any]]:
    for field, value in fields.items():
        if _is_empty(value):
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
            if not _is_empty(value):
                yield f"{path}/{slot}/{part}", position, value


def _keyed_entries(name: str, items: list[dict[str, Any]]) -> Iterator[tuple[str, int, Any]]:
    for position, item in enumerate(items):
        if _is_empty(item):
            continue
        key = next((str(item[part]) for part in KEYED[name] if item.get(part)), _digest(item))
        yield f"{name}/{key}", position, item


def _appointment_entries(appointment: dict[str, Any]) -> Iterator[tuple[str, int, Any]]:
    identity = appointment.get("id", "")
    for field, value in appointment.items():
        if not _is_empty(value):
            yield f"appointment/{field}/{identity}", 0, value


def _put(shown: dict[str, Any], path: str, value: Any) -> None:
    parent, _, field = path.rpartition(".")
    (shown.setdefault(parent, {}) if parent else shown)[field] = value


def _put_slots(shown: dict[str, Any], snapshot: Snapshot) -> None:
    """Lay items with a named place over the complete list of the same field, if that is older."""
    for name in BY_FIELD:
        slotted = {p.partition("/")[0] for p in snapshot if "/" in p and p.startswith(f"{name}.")}
        for path in sorted(slotted):
            field = path.rpartition(".")[2]
            since, _, whole = snapshot.get(path, ["", 0, []])
            slots = _slots(snapshot, path, since)
            if slots:
                taken = {position for position, _ in slots}
                rest = [item for index, item in enumerate(whole) if index not in taken]
                shown.setdefault(name, {})[field] = [item for _, item in slots] + rest


def _slots(snapshot: Snapshot, path: str, since: str) -> list[tuple[int, dict[str, Any]]]:
    items: dict[str, tuple[int, dict[str, Any]]] = {}
    for key in sorted(snapshot):
        time, position, value = snapshot[key]
        if not key.startswith(f"{path}/") or time < since:
            continue
        slot, _, part = key[len(path) + 1 :].partition("/")
        _, known = items.get(slot, (position, {}))
        items[slot] = (position, known | ({part: value} if part else value))
    return sorted(items.values(), key=lambda item: item[0])


def _items(snapshot: Snapshot, name: str) -> list[Any]:
    """Items of the latest message first, in its order; then what only older ones had."""
    entries = [(path, entry) for path, entry in snapshot.items() if path.startswith(f"{name}/")]
    entries.sort(key=lambda pair: (pair[1][1], pair[0]))
    entries.sort(key=lambda pair: pair[1][0], reverse=True)
    items = [entry[2] for _, entry in entries]
    if name in ("messages", "notes"):
        items.sort(key=lambda item: item.get("at", ""))
    return items


def _appointment(snapshot: Snapshot) -> dict[str, Any]:
    """The appointment last spoken of; a message that names none speaks of that one."""
    by_id: dict[str, dict[str, tuple[str, Any]]] = {}
    for path in sorted(snapshot):
        kind, _, rest = path.partition("/")
        if kind == "appointment":
            field, _, identity = rest.partition("/")
            time, _, value = snapshot[path]
            by_id.setdefault(identity, {})[field] = (time, value)
    nameless = by_id.pop("", {})
    latest = max(by_id.values(), key=_last_time, default={})
    since = min((time for time, _ in latest.values()), default="")
    over = {
        field: (time, value)
        for field, (time, value) in nameless.items()
        if time > latest.get(field, (since, None))[0] or not latest
    }
    return {field: value for field, (_, value) in {**latest, **over}.items()}


def _last_time(fields: dict[str, tuple[str, Any]]) -> tuple[str, str]:
    return max(time for time, _ in fields.values()), str(fields.get("id", ("", ""))[1])


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_empty(part) for part in value.values())
    if isinstance(value, list):
        return all(_is_empty(part) for part in value)
    return value is None or value == ""


def _digest(item: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:24]
