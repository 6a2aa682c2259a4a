"""Who was exposed: the referrals that an account has opened, seen in lists, or taken out."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from core.models import AuditEvent
from referrals.models import Delivery, InboundEvent, Referral

DOWNLOADED = "download referrals"  # as the trail has it
BATCH = 500  # events of the trail at a time
# By model, how a referral is named from one of its rows.
REFERENCES: dict[Any, str] = {
    Referral: "reference",
    Delivery: "referral__reference",
    InboundEvent: "referral__reference",
}


class Opened(NamedTuple):
    """One thing that the account did, with one referral that it saw by that; or with none."""

    at: datetime
    ip: str
    action: str
    reference: str
    what: str


def opened(username: str, since: datetime | None = None) -> Iterator[Opened]:
    """Yield what an account did, oldest first: a line for each referral that it saw by that.

    The references of referrals whose data was deleted meanwhile are named, too.
    """
    events = AuditEvent.objects.filter(username=username).order_by("pk")
    if since:
        events = events.filter(at__gte=since)
    some: list[AuditEvent] = []
    for event in events.iterator(chunk_size=BATCH):
        some.append(event)
        if len(some) == BATCH:
            yield from _lines(some)
            some = []
    yield from _lines(some)


def _lines(events: Iterable[AuditEvent]) -> Iterator[Opened]:
    rows = [(event, _named(event)) for event in events]
    references = _references({key for _, keys in rows for key in keys})
    for event, keys in rows:
        seen = dict.fromkeys(references[key] for key in keys if key in references)
        seen |= dict.fromkeys(_downloaded(event) if event.action == DOWNLOADED else ())
        what = event.object_label or event.object_type
        for reference in seen or [""]:
            yield Opened(event.at, event.ip or "", event.action, reference, what)


def _downloaded(event: AuditEvent) -> Iterable[str]:
    """Return the referrals that a downloaded list may have held, whatever their state was."""
    asked = event.detail
    found = Referral.objects.filter(organization=int(event.object_id), created_at__lte=event.at)
    if asked.get("start"):
        found = found.filter(created_at__gte=asked["start"])
    if asked.get("end"):
        found = found.filter(created_at__lt=asked["end"])
    if asked.get("listing"):
        named = Q(listing__caredove_id=asked["listing"])
        found = found.filter(named | Q(listing_caredove_id=asked["listing"]))
    return found.order_by("created_at").values_list("reference", flat=True)


def _named(event: AuditEvent) -> list[UUID]:
    """Return every key that an event names: its object's, and those of the rows of a list."""
    lists = [value for value in event.detail.values() if isinstance(value, list)]
    texts = [event.object_id, *(text for one in lists for text in one)]
    return [key for text in texts if (key := _key(text))]


def _key(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except (AttributeError, TypeError, ValueError):
        return None


def _references(keys: set[UUID]) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    for model, reference in REFERENCES.items():
        rows = model.objects.filter(pk__in=keys).values_list("pk", reference)
        found |= {pk: name for pk, name in rows if name}
    return found
