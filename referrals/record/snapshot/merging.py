"""Messages become one snapshot, in whatever order they come."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mapping.source.document import Document
from referrals.record.snapshot.entries import entries_of, message_entries
from referrals.record.snapshot.keys import EARLIER, Snapshot, stamp

# Entries that hold a time for each of many things: the first one, or the latest.
FIRST, LATEST = ("ids@",), ("warned@", "quoted@", "parts@")


def merge(snapshot: Snapshot, document: Document, at: datetime, sender: str = EARLIER) -> Snapshot:
    """Return the snapshot with what a sender's message of the time `at` says.

    `sender` must not contain a slash. Neither input changes.
    """
    merged = dict(snapshot)
    time = stamp(at)
    for path, position, value in [
        *entries_of(document, sender),
        *message_entries(document, sender, time),
    ]:
        _put_later(merged, path, [time, position, value])
    return merged


def combine(one: Snapshot, other: Snapshot) -> Snapshot:
    """Return what both know of a referral that turned out to be the same."""
    merged = dict(one)
    for path, entry in other.items():
        _put_later(merged, path, entry)
    return merged


def _put_later(snapshot: Snapshot, path: str, entry: list[Any]) -> None:
    """Put the entry at its path, unless a later one is there."""
    known = snapshot.get(path)
    if known is None:
        snapshot[path] = entry
    elif path.startswith((*FIRST, *LATEST)):
        # Merged, not replaced: two messages that each know other things may come in either order.
        snapshot[path] = _both(known, entry, min if path.startswith(FIRST) else max)
    elif _is_later(entry, known):
        snapshot[path] = entry


def _both(one: list[Any], other: list[Any], choose: Callable[[str, str], str]) -> list[Any]:
    """Return the times of both entries; where both have one, the one that is chosen."""
    times: dict[str, str] = dict(one[2])
    for name, time in other[2].items():
        times[name] = choose(time, times.get(name, time))
    return [max(one[0], other[0]), 0, times]


def _is_later(entry: list[Any], known: list[Any]) -> bool:
    if entry[0] != known[0]:
        return bool(entry[0] > known[0])
    # Two messages of the same instant must not depend on the order in which they came.
    one, other = (json.dumps(each[1:], sort_keys=True) for each in (entry, known))
    return one > other
