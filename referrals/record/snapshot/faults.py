"""What could not be read, and what staff are warned of, until a later message settles it."""

import json
from typing import Any

from referrals.record.snapshot.items import Item, in_order, latest_of, own_key
from referrals.record.snapshot.keys import KEYED, OF_THE_DOCUMENT, Snapshot, fault


def warned(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return field and cause of what staff are still to be warned of, without a text.

    A fault is settled when its sender has sent each part in which it stood, or a value of the
    document for which it was a warning is known, by a later message without it.
    """
    found: dict[tuple[str, str], str] = {}
    known = _known_since(snapshot)
    for path, (_, _, faulty) in snapshot.items():
        if not path.startswith("warned@"):
            continue
        head, _, rest = path.partition("/")
        sent = snapshot.get(f"parts@{head.partition('@')[2]}", ["", 0, {}])[2]
        if any(not _is_settled(part, time, sent, known) for part, time in faulty.items()):
            field, cause = json.loads(rest)  # of several senders, perhaps
            found[field, cause] = max(*faulty.values(), found.get((field, cause), ""))
    return sorted(found, key=lambda one: (found[one], one), reverse=True)


def unsettled(items: list[Item], snapshot: Snapshot) -> list[Any]:
    """Return what could not be read, without that for which a later message gave a value."""
    if not items:
        return []
    known = _known_since(snapshot)
    return [
        item.value
        for item in in_order(latest_of(items, own_key))
        if not _has_come_since(item, snapshot, known)
    ]


def _has_come_since(item: Item, snapshot: Snapshot, known: dict[str, str]) -> bool:
    """Return whether a later message gave the value, or its sender sent its part in order."""
    if path := item.value.get("path"):
        return _is_settled(f"{OF_THE_DOCUMENT}{path}", item.time, {}, known)
    faulty = snapshot.get(f"quoted@{item.sender}/{fault(item.value)}", ["", 0, {}])[2]
    sent = snapshot.get(f"parts@{item.sender}", ["", 0, {}])[2]
    return bool(faulty) and all(_is_settled(p, time, sent, known) for p, time in faulty.items())


def _known_since(snapshot: Snapshot) -> dict[str, str]:
    """Return since when each field is known, by its path in the document; without the lists."""
    known: dict[str, str] = {}
    for path, (time, *_) in snapshot.items():
        head, _, rest = path.partition("/")
        part = head.partition("@")[0]
        if part in KEYED or ("@" in head and part != "appointment"):
            continue
        field = f"appointment.{rest.partition('/')[0]}" if part == "appointment" else head
        known[field] = max(time, known.get(field, ""))
    return known


def _is_settled(part: str, time: str, sent: dict[str, str], known: dict[str, str]) -> bool:
    """Return whether a part that had a fault at a time has come later without it."""
    if not part.startswith(OF_THE_DOCUMENT):
        return sent.get(part, "") > time
    wanted = part.removeprefix(OF_THE_DOCUMENT)
    return any(time < since and _is_at(wanted, path) for path, since in known.items())


def _is_at(wanted: str, path: str) -> bool:
    """Return whether the value at `path` is the wanted one, is a part of it, or holds it."""
    return bool(wanted) and (
        wanted == path
        or wanted.startswith((f"{path}.", f"{path}["))
        or path.startswith(f"{wanted}.")
    )
