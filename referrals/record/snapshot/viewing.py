"""A snapshot as the referral that it shows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from mapping.source.document import Document
from referrals.record.snapshot.faults import unsettled
from referrals.record.snapshot.items import Item, in_order, latest_of, own_key
from referrals.record.snapshot.keys import BY_FIELD, EARLIER, PLACE, Snapshot, path_key
from referrals.record.snapshot.withdrawals import standing_items

ACTIVE = "active"  # of a request: it settles that it was withdrawn, and goes without saying


def view(snapshot: Snapshot) -> Document:
    """Return the referral as the snapshot shows it."""
    shown: dict[str, Any] = {}
    for path in sorted(snapshot):  # by name: the view must not depend on the order of messages
        if "/" not in path and "@" not in path:  # a field of the referral
            _put(shown, path, snapshot[path][2])
    _put_slots(shown, snapshot)
    standing = standing_items(snapshot)
    unreadable = standing.pop("unreadable", [])
    for name, items in standing.items():
        show: Callable[[list[Item]], Any] = _SHOWN.get(name, _by_key)
        shown[name] = show(items)
    shown["unreadable"] = unsettled(unreadable, snapshot)
    if shown.get("request_status") == ACTIVE:
        del shown["request_status"]
    return cast(Document, {name: value for name, value in shown.items() if value != []})


def has_details(document: Document) -> bool:
    """Return whether the referral says whom it is about; an import waits until it does."""
    registrant = document.get("registrant", {})
    return bool(registrant.get("first_name") or registrant.get("last_name"))


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


def _by_key(items: list[Item]) -> list[Any]:
    return [item.value for item in in_order(latest_of(items, own_key))]


def _by_time(items: list[Item]) -> list[Any]:
    return sorted(_by_key(items), key=lambda item: _instant(item.get("at", "")))


def _instant(text: str) -> tuple[float, str]:
    """Return what orders times as instants, whatever their offsets: none first, oddities last."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp(), text
    except (ValueError, OverflowError):
        return (float("inf") if text else float("-inf")), text


def _answers(items: list[Item]) -> list[Any]:
    forms = latest_of((i for i in items if isinstance(i.value, list)), _form)
    alone = latest_of((i for i in items if not isinstance(i.value, list)), own_key)
    asked: dict[str, str] = {}
    for form in forms:
        for answer in form.value:
            question = path_key(form.part, answer)
            asked[question] = max(form.time, asked.get(question, ""))
    # Before forms were named, their answers were merged alone: they would be shown twice.
    alone = [i for i in alone if i.sender != EARLIER or asked.get(own_key(i), "") < i.time]
    ordered = in_order(item for item in [*forms, *alone] if not _is_repeated(item, forms))
    return [a for i in ordered for a in (i.value if isinstance(i.value, list) else [i.value])]


def _is_repeated(item: Item, forms: list[Item]) -> bool:
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


def _pairs(item: Item) -> set[tuple[str, str]]:
    """Return question and value of each answer."""
    answers = item.value if isinstance(item.value, list) else [item.value]
    return {(path_key(item.part, answer), answer.get("value", "")) for answer in answers}


def _form(item: Item) -> tuple[str, str]:
    """Return what identifies a form; a place in a message does so for one sender only."""
    return item.key, item.sender if item.key.startswith(PLACE) else ""


def _attachments(items: list[Item]) -> list[Any]:
    """Return the files: those of one key with other bytes are others, one without bytes is not."""
    by_key: dict[str, list[Item]] = {}
    for item in items:
        by_key.setdefault(item.key or own_key(item), []).append(item)
    shown: list[Item] = []
    for found in by_key.values():
        whole = [item for item in found if item.value.get("sha256")]
        files = latest_of(whole, lambda item: item.value["sha256"])
        shown += files if len(files) > 1 else [_as_one(found, files)]
    return [item.value for item in in_order(shown)]


def _as_one(found: list[Item], whole: list[Item]) -> Item:
    """Return the latest description of one file, with the bytes that a message contained."""
    latest = max(found, key=lambda item: item.rank)
    if not whole:
        return latest
    return replace(latest, value={**latest.value, "sha256": whole[0].value["sha256"]})


def _appointment(items: list[Item]) -> dict[str, Any]:
    """The appointment last spoken of; a message that names none speaks of that one."""
    by_id: dict[str, dict[str, tuple[str, Any]]] = {}
    for item in sorted(latest_of(items, lambda item: (item.key, _field(item))), key=_field):
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


def _field(item: Item) -> str:
    return item.path.split("/")[1]


def _last_time(fields: dict[str, tuple[str, Any]]) -> tuple[str, str]:
    return max(time for time, _ in fields.values()), str(fields.get("id", ("", ""))[1])


_SHOWN: dict[str, Callable[[list[Item]], Any]] = {
    "form_answers": _answers,
    "messages": _by_time,
    "notes": _by_time,
    "attachments": _attachments,
    "appointment": _appointment,
}
