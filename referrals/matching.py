"""Which triggers an event fires. Pure; the rules are section 4 of the inbound contract."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from integrations.sources.parsed import EventKind, ParsedEvent
from integrations.triggers import CLOSED_TRIGGERS, TRIGGER_KEYS
from mapping.source.document import CLASSIFICATIONS, Appointment, Document
from referrals.record.snapshot import stamp

BOOKED_STATUSES = ("booked", "pending")
CANCELLED_STATUSES = ("cancelled", "canceled")

OTHER = "other"  # in place of a classification that is none of ours: it may be anything

BY_KIND = {
    EventKind.EDITED: "edited",
    EventKind.ARCHIVED: "archived",
    EventKind.MESSAGE_FROM_PROVIDER: "message_from_provider",
    EventKind.MESSAGE_FROM_REQUESTER: "message_from_requester",
    EventKind.RESCHEDULED: "rescheduled_unbooked",
    EventKind.UNBOOKED: "rescheduled_unbooked",
}


@dataclass(frozen=True, slots=True)
class Before:
    """What was known of the referral before the event.

    `classifications` are [stamp, classification] pairs in the order of time.
    """

    first: bool = True  # no message of this referral came before
    received: bool = False  # a first “received” was seen
    classifications: list[list[str]] = field(default_factory=list)
    appointment: Appointment = field(default_factory=lambda: Appointment())
    latest: datetime | None = None  # time of the latest message


def fired(event: ParsedEvent, before: Before, at: datetime, *, by_code: bool) -> list[str]:
    """Return the keys of the triggers that the event fires, in the order of `TRIGGERS`.

    `at` is the event's time. `by_code`: appointments follow the event type; otherwise they follow
    what the appointment itself says (rule 13).
    """
    keys = _by_kind(event, before) | _by_classification(event, before, at)
    keys |= _by_appointment(event, before, at, by_code=by_code)
    return [key for key in TRIGGER_KEYS if key in keys]


def chosen(
    fired: Iterable[str], on: Collection[str], *, include_routed: bool, routed: bool
) -> list[str]:
    """Return the fired triggers that a trigger config asks for, each once.

    A routed request is no “Received” unless routed ones are included.
    """
    keys = [key for key in dict.fromkeys(fired) if key in on]
    return [key for key in keys if key != "received" or include_routed or not routed]


def is_routed(document: Document) -> bool:
    """Return whether the referral was routed here from another one."""
    return bool(document.get("routed") or document.get("parent_reference"))


def remember(history: list[list[str]], at: datetime, document: Document) -> list[list[str]]:
    """Return the classifications with the one that a message of the time `at` carries."""
    classification = document.get("substatus", {}).get("classification", "")
    if not classification:
        return history
    known = classification if classification in CLASSIFICATIONS else OTHER
    return sorted([*(pair for pair in history if pair[0] != stamp(at)), [stamp(at), known]])


def _by_kind(event: ParsedEvent, before: Before) -> set[str]:
    if event.kind is EventKind.RECEIVED:
        return {"edited" if before.received else "received"}
    return {BY_KIND[event.kind]} if event.kind in BY_KIND else set()


def _by_classification(event: ParsedEvent, before: Before, at: datetime) -> set[str]:
    now = event.document.get("substatus", {}).get("classification", "")
    if event.kind is EventKind.CLOSED and not now:
        return {"closed_any"}
    if now not in CLASSIFICATIONS:
        return set()
    earlier = [value for time, value in before.classifications if time < stamp(at)]
    becomes = not earlier or earlier[-1] != now
    if now in CLOSED_TRIGGERS and (becomes or event.kind is EventKind.CLOSED):
        return {CLOSED_TRIGGERS[now], "closed_any"}
    if now == "received" and before.first:
        return set() if event.kind is EventKind.EDITED else {"received"}
    if becomes and now in ("ready", "received"):
        return {f"status_{now}"}
    return set()


def _by_appointment(event: ParsedEvent, before: Before, at: datetime, *, by_code: bool) -> set[str]:
    appointment = event.document.get("appointment")
    status = (appointment or {}).get("status", "")
    if status in CANCELLED_STATUSES:
        return {"rescheduled_unbooked"}
    if by_code:
        return {"booked"} if event.kind is EventKind.BOOKED else set()
    if not appointment:
        return set()
    known = before.appointment
    if not known or known.get("status") in CANCELLED_STATUSES:
        return {"booked"} if status in BOOKED_STATUSES else set()
    stale = before.latest is not None and at < before.latest
    return {"rescheduled_unbooked"} if not stale and _moved(known, appointment) else set()


def _moved(known: Appointment, now: Appointment) -> bool:
    return (
        ("start" in now and _instant(now["start"]) != _instant(known.get("start", "")))
        or ("location" in now and now["location"] != known.get("location"))
        or (
            "provider_full_name" in now
            and now["provider_full_name"] != known.get("provider_full_name")
        )
    )


def _instant(text: str) -> datetime | str:
    # Endpoints write the same instant differently.
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text
