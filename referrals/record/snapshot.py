"""Merge partial messages into one view of a referral. Pure: no Django, no clock, no database.

The snapshot is a map from a path to what is known there and since when; `view` turns it into a
`Document`. A value gives way only to one from a later message, so messages that carry their time
lead to the same snapshot in whatever order they come, and an older one fills only what is empty.

Shapes of value (contract, section 3, rules 12, 16 and 17, and section 2):

- a field, or a list that a message holds whole (names, phones of a FHIR message): the latest wins;
- a form: it replaces itself whole;
- a list whose items have a key (answers without a form, messages, notes, attachments, also sent,
  unreadable): item by item;
- the appointment: field by field for each appointment id; the one last spoken of is shown;
- what a sender withdraws: a time of its own; what that sender sent no later is not shown;
- what a sender withdraws by an id that may be the message's own: what that sender had sent under
  that id until then, where it can only mean one thing;
- what staff are warned of, by part of the message: until its sender sends that part in order.

| path | value |
|---|---|
| `reason`, `registrant.first_name` | a field |
| `registrant.addresses/main/city` | a part of an item with a named place |
| `form_answers@SENDER/FORM` | the answers of a form, as a list |
| `PART@SENDER/KEY` | an item of a list |
| `appointment@SENDER/FIELD/ID` | a field of an appointment |
| `withdrawn@SENDER/PART/KEY` | that the sender withdrew it |
| `withdrawn_id@SENDER/PART/TIME/ID` | that the sender withdrew what has this id; the key without |
| `ids@SENDER` | since when a thing of the sender's has an id beside its key |
| `warned@SENDER/[FIELD, CAUSE]` | until when parts of the message had this fault |
| `quoted@SENDER/[FIELD, CAUSE]` | the same of what is quoted in `unreadable` |
| `parts@SENDER` | when the sender last sent each part |

Before version 1 of reading, paths named no sender (`form_answers/KEY`, `appointment/FIELD/ID`);
those are shown, too, until the snapshot is built again.
"""

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from mapping.source.document import Alias, Document, Warned

Snapshot = dict[str, list[Any]]  # path -> [time, position, value]

ACTIVE = "active"  # of a request: it settles that it was withdrawn, and goes without saying
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
# Entries that hold a time for each of many things: the first one, or the latest.
FIRST, LATEST = ("ids@",), ("warned@", "quoted@", "parts@")
OF_THE_DOCUMENT = "/"  # begins the path of a value of the document, in place of a part's name
LISTS = (*KEYED, "appointment")
BY_FIELD = ("registrant", "requester")
SLOT_BY_FIELD = ("addresses",)
# What a message says of itself, beside the referral.
OF_MESSAGES = ("withdrawn", "aliases", "parts", "warned")
PLACE = "place-"  # begins the key of a form that only its place in the message identifies
EARLIER = ""  # the sender of what was merged before senders were named


@dataclass(frozen=True, slots=True)
class _Item:
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


def stamp(at: datetime) -> str:
    """Return the instant as text that sorts by time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def merge(snapshot: Snapshot, document: Document, at: datetime, sender: str = EARLIER) -> Snapshot:
    """Return the snapshot with what a sender's message of the time `at` says.

    `sender` must not contain a slash. Neither input changes.
    """
    merged = dict(snapshot)
    time = stamp(at)
    for path, position, value in [
        *_entries(document, sender),
        *_of_message(document, sender, time),
    ]:
        _put_later(merged, path, [time, position, value])
    return merged


def combine(one: Snapshot, other: Snapshot) -> Snapshot:
    """Return what both know of a referral that turned out to be the same."""
    merged = dict(one)
    for path, entry in other.items():
        _put_later(merged, path, entry)
    return merged


def view(snapshot: Snapshot) -> Document:
    """Return the referral as the snapshot shows it."""
    shown: dict[str, Any] = {}
    for path in sorted(snapshot):  # by name: the view must not depend on the order of messages
        if "/" not in path and "@" not in path:  # a field of the referral
            _put(shown, path, snapshot[path][2])
    _put_slots(shown, snapshot)
    standing = _standing(snapshot)
    unreadable = standing.pop("unreadable", [])
    for name, items in standing.items():
        show: Callable[[list[_Item]], Any] = _SHOWN.get(name, _by_key)
        shown[name] = show(items)
    shown["unreadable"] = _unsettled(unreadable, snapshot)
    if shown.get("request_status") == ACTIVE:
        del shown["request_status"]
    return cast(Document, {name: value for name, value in shown.items() if value != []})


def withdrawn(snapshot: Snapshot, part: str) -> set[str]:
    """Return the keys that some sender has withdrawn of a part; they may have come again since."""
    return {key for _, named, key in _withdrawals(snapshot) if named == part}


def withdrawn_files(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Return key and hash of the files that a message contained and no sender sends any more."""
    received = {
        (value.get("key", ""), value["sha256"])
        for path, (_, _, value) in snapshot.items()
        if path.startswith(("attachments@", "attachments/")) and value.get("sha256")
    }
    standing = _standing(snapshot).get("attachments", [])
    return received - {(item.key, item.value.get("sha256", "")) for item in standing}


def newly_withdrawn(before: Snapshot, after: Snapshot) -> set[tuple[str, str]]:
    """Return part and key of what is withdrawn since `before`, perhaps once more."""
    known = _withdrawals(before)
    return {
        (part, key)
        for (sender, part, key), time in _withdrawals(after).items()
        if known.get((sender, part, key)) != time
    }


def key_of(part: str, item: Any) -> str:
    """Return the key by which an item of a document can be withdrawn; empty where by none."""
    key = str(item.get(WITHDRAWABLE[part]) or "")
    return key or (_path_key(part, item) if part == "messages" else "")


def withdrawn_unknown(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Return sender and time of each message that withdraws nobody knows what."""
    ids = _sent_ids(snapshot)
    return {
        (one.sender, one.time)
        for one in _withdrawn_ids(snapshot)
        if not one.is_quiet and not _keys_of(one, ids)
    }


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


def has_details(document: Document) -> bool:
    """Return whether the referral says whom it is about; an import waits until it does."""
    registrant = document.get("registrant", {})
    return bool(registrant.get("first_name") or registrant.get("last_name"))


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


# -- From a message ------------------------------------------------------------------------------


def _entries(document: Document, sender: str) -> Iterator[tuple[str, int, Any]]:
    for name, value in document.items():
        if _is_empty(value):
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


def _keyed_entries(
    name: str, items: list[dict[str, Any]], sender: str
) -> Iterator[tuple[str, int, Any]]:
    forms: dict[str, tuple[int, list[Any]]] = {}
    for position, item in enumerate(items):
        if _is_empty(item):
            continue
        if name == "form_answers" and item.get("form"):
            forms.setdefault(item["form"], (position, []))[1].append(item)
        else:
            yield f"{name}@{sender}/{_path_key(name, item)}", position, item
    for form, (position, answers) in forms.items():
        yield f"{name}@{sender}/{form}", position, answers


def _path_key(name: str, item: dict[str, Any]) -> str:
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


def _of_message(document: Document, sender: str, time: str) -> Iterator[tuple[str, int, Any]]:
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
            yield f"withdrawn@{sender}/{part}/{_named_key(part, item)}", 0, True
    if ids := [_id_entry(alias) for alias in document.get("aliases", [])]:
        yield f"ids@{sender}", 0, dict.fromkeys(ids, time)
    if parts := document.get("parts", []):
        yield f"parts@{sender}", 0, dict.fromkeys(parts, time)
    for warning in document.get("warned", []):
        name = _fault(warning)
        head = "quoted" if warning.get("is_quoted") else "warned"
        yield f"{head}@{sender}/{name}", 0, dict.fromkeys(_faulty(warning, parts), time)


def _fault(warning: Any) -> str:
    return json.dumps([warning.get("field", ""), warning.get("cause", "")])


def _named_key(part: str, item: Any) -> str:
    """Return the key of a thing; a message without an id is named by its time and its text."""
    key = str(item.get("key", ""))
    if key or part != "messages":
        return key
    return _path_key(part, {"at": item.get("at", ""), "text": item.get("text", "")})


def _id_entry(alias: Alias) -> str:
    part, keys = alias["part"], alias.get("keys") or [_named_key(alias["part"], alias)]
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


def _appointment_entries(
    appointment: dict[str, Any], sender: str
) -> Iterator[tuple[str, int, Any]]:
    identity = appointment.get("id", "")
    for field, value in appointment.items():
        if not _is_empty(value):
            yield f"appointment@{sender}/{field}/{identity}", 0, value


# -- To the view: fields -------------------------------------------------------------------------


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


# -- To the view: lists --------------------------------------------------------------------------


def _standing(snapshot: Snapshot) -> dict[str, list[_Item]]:
    """Return the items of each list that nobody has withdrawn."""
    gone = _withdrawals(snapshot)
    standing: dict[str, list[_Item]] = {}
    for path, (time, position, value) in snapshot.items():
        head, slash, rest = path.partition("/")
        part, _, sender = head.partition("@")
        if not slash or part not in LISTS:
            continue
        # Left out here, not deleted when it is withdrawn: messages may come in any order.
        item = _Item(path, part, sender, _sent_key(part, rest, value), time, position, value)
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


def _is_withdrawn(item: _Item, gone: dict[tuple[str, str, str], str]) -> bool:
    if item.part not in WITHDRAWABLE or (not item.key and item.part != "appointment"):
        return False
    if item.sender != EARLIER:
        return item.time <= gone.get((item.sender, item.part, item.key), "")
    # Whose it was, nobody knows any more: anyone's withdrawal counts.
    times = (time for (_, *what), time in gone.items() if what == [item.part, item.key])
    return item.time <= max(times, default="")


def _latest(items: Iterable[_Item], key: Callable[[_Item], Hashable]) -> list[_Item]:
    """Return the latest item of each key, whoever sent it."""
    found: dict[Hashable, _Item] = {}
    for item in items:
        known = found.get(identity := key(item))
        if known is None or item.rank > known.rank:
            found[identity] = item
    return list(found.values())


def _in_order(items: Iterable[_Item]) -> list[_Item]:
    """Return items of the latest message first, in its order; then what only older ones had."""
    in_place = sorted(items, key=lambda item: (item.position, item.path))
    return sorted(in_place, key=lambda item: item.time, reverse=True)


def _by_key(items: list[_Item]) -> list[Any]:
    return [item.value for item in _in_order(_latest(items, _own_key))]


def _by_time(items: list[_Item]) -> list[Any]:
    return sorted(_by_key(items), key=lambda item: _instant(item.get("at", "")))


def _own_key(item: _Item) -> str:
    if item.sender != EARLIER:
        return item.path.partition("/")[2]
    return _path_key(item.part, item.value)


def _instant(text: str) -> tuple[float, str]:
    """Return what orders times as instants, whatever their offsets: none first, oddities last."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp(), text
    except (ValueError, OverflowError):
        return (float("inf") if text else float("-inf")), text


def _answers(items: list[_Item]) -> list[Any]:
    forms = _latest((i for i in items if isinstance(i.value, list)), _form)
    alone = _latest((i for i in items if not isinstance(i.value, list)), _own_key)
    asked: dict[str, str] = {}
    for form in forms:
        for answer in form.value:
            question = _path_key(form.part, answer)
            asked[question] = max(form.time, asked.get(question, ""))
    # Before forms were named, their answers were merged alone: they would be shown twice.
    alone = [i for i in alone if i.sender != EARLIER or asked.get(_own_key(i), "") < i.time]
    ordered = _in_order(item for item in [*forms, *alone] if not _is_repeated(item, forms))
    return [a for i in ordered for a in (i.value if isinstance(i.value, list) else [i.value])]


def _is_repeated(item: _Item, forms: list[_Item]) -> bool:
    """Return whether its sender repeats all of it in a form by which it is known since then.

    A sender may begin to name a form of which only the place was known, or nothing.
    """
    if isinstance(item.value, list) and not item.key.startswith(PLACE):
        return False
    pairs = _pairs(item)
    return any(
        form.sender == item.sender and form.time > item.time and pairs <= _pairs(form)
        for form in forms
        if form.key != item.key
    )


def _pairs(item: _Item) -> set[tuple[str, str]]:
    """Return question and value of each answer."""
    answers = item.value if isinstance(item.value, list) else [item.value]
    return {(_path_key(item.part, answer), answer.get("value", "")) for answer in answers}


def _form(item: _Item) -> tuple[str, str]:
    """Return what identifies a form; a place in a message does so for one sender only."""
    return item.key, item.sender if item.key.startswith(PLACE) else ""


def _attachments(items: list[_Item]) -> list[Any]:
    """Return the files: those of one key with other bytes are others, one without bytes is not."""
    by_key: dict[str, list[_Item]] = {}
    for item in items:
        by_key.setdefault(item.key or _own_key(item), []).append(item)
    shown: list[_Item] = []
    for found in by_key.values():
        whole = [item for item in found if item.value.get("sha256")]
        files = _latest(whole, lambda item: item.value["sha256"])
        shown += files if len(files) > 1 else [_as_one(found, files)]
    return [item.value for item in _in_order(shown)]


def _as_one(found: list[_Item], whole: list[_Item]) -> _Item:
    """Return the latest description of one file, with the bytes that a message contained."""
    latest = max(found, key=lambda item: item.rank)
    if not whole:
        return latest
    return replace(latest, value={**latest.value, "sha256": whole[0].value["sha256"]})


def _appointment(items: list[_Item]) -> dict[str, Any]:
    """The appointment last spoken of; a message that names none speaks of that one."""
    by_id: dict[str, dict[str, tuple[str, Any]]] = {}
    for item in sorted(_latest(items, lambda item: (item.key, _field(item))), key=_field):
        by_id.setdefault(item.key, {})[_field(item)] = (item.time, item.value)
    nameless = by_id.pop("", {})
    latest = max(by_id.values(), key=_last_time, default={})
    # What was sent without an id before this appointment was first named was about another one.
    since = min((time for time, _ in latest.values()), default="")
    over = {
        field: (time, value)
        for field, (time, value) in nameless.items()
        if time > latest.get(field, (since, None))[0] or not latest
    }
    return {field: value for field, (_, value) in {**latest, **over}.items()}


def _field(item: _Item) -> str:
    return item.path.split("/")[1]


def _last_time(fields: dict[str, tuple[str, Any]]) -> tuple[str, str]:
    return max(time for time, _ in fields.values()), str(fields.get("id", ("", ""))[1])


_SHOWN: dict[str, Callable[[list[_Item]], Any]] = {
    "form_answers": _answers,
    "messages": _by_time,
    "notes": _by_time,
    "attachments": _attachments,
    "appointment": _appointment,
}


# -- To the view: what could not be read ---------------------------------------------------------


def _unsettled(items: list[_Item], snapshot: Snapshot) -> list[Any]:
    """Return what could not be read, without that for which a later message gave a value."""
    if not items:
        return []
    known = _known_since(snapshot)
    return [
        item.value
        for item in _in_order(_latest(items, _own_key))
        if not _has_come_since(item, snapshot, known)
    ]


def _has_come_since(item: _Item, snapshot: Snapshot, known: dict[str, str]) -> bool:
    """Return whether a later message gave the value, or its sender sent its part in order."""
    if path := item.value.get("path"):
        return _is_settled(f"{OF_THE_DOCUMENT}{path}", item.time, {}, known)
    faulty = snapshot.get(f"quoted@{item.sender}/{_fault(item.value)}", ["", 0, {}])[2]
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


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_empty(part) for part in value.values())
    if isinstance(value, list):
        return all(_is_empty(part) for part in value)
    return value is None or value == ""
