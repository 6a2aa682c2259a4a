"""What senders have withdrawn, and what stands: the rest."""

import json
from dataclasses import dataclass
from typing import Any

from referrals.record.snapshot.items import Item
from referrals.record.snapshot.keys import EARLIER, KEYED, LISTS, WITHDRAWABLE, Snapshot


def withdrawn(snapshot: Snapshot, part: str) -> set[str]:
    """Return the keys that some sender has withdrawn of a part; they may have come again since."""
    return {key for _, named, key in _withdrawals(snapshot) if named == part}


def newly_withdrawn(before: Snapshot, after: Snapshot) -> set[tuple[str, str]]:
    """Return part and key of what is withdrawn since `before`, perhaps once more."""
    known = _withdrawals(before)
    return {
        (part, key)
        for (sender, part, key), time in _withdrawals(after).items()
        if known.get((sender, part, key)) != time
    }


def withdrawn_files(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Return key and hash of the files that a message contained and no sender sends any more."""
    received = {
        (value.get("key", ""), value["sha256"])
        for path, (_, _, value) in snapshot.items()
        if path.startswith(("attachments@", "attachments/")) and value.get("sha256")
    }
    standing = standing_items(snapshot).get("attachments", [])
    return received - {(item.key, item.value.get("sha256", "")) for item in standing}


def withdrawn_unknown(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Return sender and time of each message that withdraws nobody knows what."""
    ids = _sent_ids(snapshot)
    return {
        (one.sender, one.time)
        for one in _withdrawn_ids(snapshot)
        if not one.is_quiet and not _keys_of(one, ids)
    }


def standing_items(snapshot: Snapshot) -> dict[str, list[Item]]:
    """Return the items of each list that nobody has withdrawn."""
    gone = _withdrawals(snapshot)
    standing: dict[str, list[Item]] = {}
    for path, (time, position, value) in snapshot.items():
        head, slash, rest = path.partition("/")
        part, _, sender = head.partition("@")
        if not slash or part not in LISTS:
            continue
        # Left out here, not deleted when it is withdrawn: messages may come in any order.
        item = Item(path, part, sender, _sent_key(part, rest, value), time, position, value)
        if not (gone and _is_withdrawn(item, gone)):
            standing.setdefault(part, []).append(item)
    return standing


def _sent_key(part: str, rest: str, value: Any) -> str:
    """Return the key by which the sender knows an item, and may withdraw it."""
    if part == "appointment":
        return rest.partition("/")[2]
    if part == "form_answers":
        return rest if isinstance(value, list) else ""
    rule = KEYED[part][0] if KEYED[part] else ()
    known = str(value.get(rule[0]) or "") if rule else ""
    return known or (rest if part == "messages" else "")


def _is_withdrawn(item: Item, gone: dict[tuple[str, str, str], str]) -> bool:
    if item.part not in WITHDRAWABLE or (not item.key and item.part != "appointment"):
        return False
    if item.sender != EARLIER:
        return item.time <= gone.get((item.sender, item.part, item.key), "")
    # Whose it was, nobody knows any more: anyone's withdrawal counts.
    times = (time for (_, *what), time in gone.items() if what == [item.part, item.key])
    return item.time <= max(times, default="")


def _withdrawals(snapshot: Snapshot) -> dict[tuple[str, str, str], str]:
    """Return until when what was withdrawn, by sender, part and key."""
    found: dict[tuple[str, str, str], str] = {}
    for path, (time, _, _) in snapshot.items():
        if path.startswith("withdrawn@"):
            head, _, rest = path.partition("/")
            part, _, key = rest.partition("/")
            found[head.partition("@")[2], part, key] = time
    by_id = _withdrawn_ids(snapshot)
    ids = _sent_ids(snapshot) if by_id else {}
    for one in by_id:
        # What came with the very message stays: it may have this id, and be in the other's place.
        before = one.time.removesuffix("Z")
        for key in _keys_of(one, ids):
            what = (one.sender, one.part, key)
            found[what] = max(before, found.get(what, ""))
    return found


@dataclass(frozen=True, slots=True)
class _WithdrawnId:
    """That a sender withdrew what has this id; `key` is what it means where nobody knows the id.

    What is `quiet` is nothing to warn of when it means nothing.
    """

    sender: str
    part: str
    id: str
    time: str
    key: str
    is_quiet: bool


def _withdrawn_ids(snapshot: Snapshot) -> list[_WithdrawnId]:
    found = []
    for path, (time, _, value) in snapshot.items():
        if path.startswith("withdrawn_id@"):
            head, part, _, id_ = path.split("/", 3)
            sender = head.partition("@")[2]
            found.append(_WithdrawnId(sender, part, id_, time, value["key"], value["quiet"]))
    return found


def _sent_ids(snapshot: Snapshot) -> dict[tuple[str, str, str], list[tuple[str, frozenset[str]]]]:
    """Return by sender, part and id since when it was an id of which things, by their keys."""
    found: dict[tuple[str, str, str], list[tuple[str, frozenset[str]]]] = {}
    for path, (_, _, times) in snapshot.items():
        if path.startswith("ids@"):
            sender = path.partition("@")[2]
            for name, since in times.items():
                part, id_, keys = json.loads(name)
                found.setdefault((sender, part, id_), []).append((since, frozenset(keys)))
    return found


def _keys_of(
    one: _WithdrawnId, ids: dict[tuple[str, str, str], list[tuple[str, frozenset[str]]]]
) -> frozenset[str]:
    """Return the keys that a withdrawn id can only mean; none where it may mean several things."""
    sent = ids.get((one.sender, one.part, one.id), [])
    earlier = [keys for since, keys in sent if since < one.time]
    if not earlier:
        return frozenset([one.key]) if one.key else frozenset()
    # One thing may have several files, and not all of them in every message.
    return frozenset.union(*earlier) if frozenset.intersection(*earlier) else frozenset()
