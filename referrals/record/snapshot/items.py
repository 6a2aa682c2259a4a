"""The items of a snapshot's lists, and which of them count."""

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from referrals.record.snapshot.keys import EARLIER, path_key


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list, or a field of an appointment.

    `key` is the one by which the sender knows it: of the form, of the appointment; may be empty.
    """

    path: str
    part: str
    sender: str
    key: str
    time: str
    position: int
    value: Any

    @property
    def rank(self) -> tuple[str, str, str]:
        # Two messages of the same instant must not depend on the order in which they came.
        return self.time, json.dumps([self.position, self.value], sort_keys=True), self.path


def latest_of(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[Item]:
    """Return the latest item of each key, whoever sent it."""
    found: dict[Hashable, Item] = {}
    for item in items:
        known = found.get(identity := key(item))
        if known is None or item.rank > known.rank:
            found[identity] = item
    return list(found.values())


def in_order(items: Iterable[Item]) -> list[Item]:
    """Return items of the latest message first, in its order; then what only older ones had."""
    in_place = sorted(items, key=lambda item: (item.position, item.path))
    return sorted(in_place, key=lambda item: item.time, reverse=True)


def own_key(item: Item) -> str:
    if item.sender != EARLIER:
        return item.path.partition("/")[2]
    return path_key(item.part, item.value)
