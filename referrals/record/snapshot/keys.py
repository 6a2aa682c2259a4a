"""How a snapshot is laid out: what its paths are made of, and the keys of what it holds."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

Snapshot = dict[str, list[Any]]  # path -> [time, position, value]
READING = 2  # the version of reading by which snapshots are made now
KEYS = 1  # since this one the Reference # is never a foreign number, and keys are those of today
WHOLE = ("organization", "listing", "substatus")  # a part of one never stays beside a new other
# The parts of an item that make its key: the first rule of which a part is there.
KEYED = {
    "form_answers": (("key", "label"),),
    "messages": (("id",), ("at", "text")),
    "notes": (),
    "attachments": (("key",),),
    "also_sent": (("key",),),
    "unreadable": (("field",),),
}
# What can be withdrawn, by which of its parts.
WITHDRAWABLE = {
    "form_answers": "form",
    "messages": "id",
    "attachments": "key",
    "appointment": "id",
    "also_sent": "key",
}
OF_THE_DOCUMENT = "/"  # begins the path of a value of the document, in place of a part's name
LISTS = (*KEYED, "appointment")
BY_FIELD = ("registrant", "requester")
SLOT_BY_FIELD = ("addresses",)
# What a message says of itself, beside the referral.
OF_MESSAGES = ("withdrawn", "aliases", "parts", "warned")
PLACE = "place-"  # begins the key of a form that only its place in the message identifies
EARLIER = ""  # the sender of what was merged before senders were named


def stamp(at: datetime) -> str:
    """Return the instant as text that sorts by time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def key_of(part: str, item: Any) -> str:
    """Return the key by which an item of a document can be withdrawn; empty where by none."""
    key = str(item.get(WITHDRAWABLE[part]) or "")
    return key or (path_key(part, item) if part == "messages" else "")


def path_key(name: str, item: dict[str, Any]) -> str:
    """Return what distinguishes an item from the others of its list."""
    for rule in KEYED[name]:
        given = [str(item.get(part) or "") for part in rule]
        if any(given):
            # Two files under one key are told apart by their bytes, where a message held them.
            given += [item["sha256"]] if name == "attachments" and item.get("sha256") else []
            lengths = "".join(f"{len(part)}." for part in given[:-1])  # no two pairs are alike
            return f"{lengths}{''.join(given)}"
    # Nothing names it: it is itself, so that the same item sent again is no second one.
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:24]


def named_key(part: str, item: Any) -> str:
    """Return the key of a thing; a message without an id is named by its time and its text."""
    key = str(item.get("key", ""))
    if key or part != "messages":
        return key
    return path_key(part, {"at": item.get("at", ""), "text": item.get("text", "")})


def fault(warning: Any) -> str:
    return json.dumps([warning.get("field", ""), warning.get("cause", "")])


def is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(is_empty(part) for part in value.values())
    if isinstance(value, list):
        return all(is_empty(part) for part in value)
    return value is None or value == ""
