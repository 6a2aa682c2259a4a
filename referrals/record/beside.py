"""What stands beside a referral and may leave with it: events, deliveries, partners' updates.

Each only where the destination names it (`mapping.source.allowing.TABLES`): none is in `all`.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from integrations.models import ServiceListing, TriggerConfig
from integrations.transport import Updates
from referrals.models import Delivery, InboundEvent, PartnerUpdate, Referral

Rows = list[dict[str, Any]]
State = Delivery.State
EVENTS, DELIVERIES, PARTNER_UPDATES = "events", "deliveries", "partner_updates"


def beside(referral: Referral, names: Collection[str]) -> Mapping[str, Rows]:
    """Return, by its name, each of these that is named."""
    makers = {EVENTS: _events, DELIVERIES: _deliveries, PARTNER_UPDATES: _partner_updates}
    return {name: make(referral) for name, make in makers.items() if name in names}


def listings_of(organization_id: int) -> Iterator[dict[str, Any]]:
    """Yield the listings of an organization, and whether they are integrated; read when asked."""
    connected = TriggerConfig.objects.filter(listing=OuterRef("pk"), enabled=True)
    listings = ServiceListing.objects.filter(organization=organization_id)
    listings = listings.select_related("organization").annotate(connected=Exists(connected))
    for one in listings.order_by("caredove_id"):
        yield {
            "id": one.caredove_id,
            "name": one.name,
            "organization_id": one.organization.caredove_id,
            "integrated": one.connected,
        }


def _events(referral: Referral) -> Rows:
    events = InboundEvent.objects.filter(referral=referral, conflict_with=None)
    found = events.order_by("received_at").values("pk", "code", "received_at", "outcome")
    return [
        {
            "id": str(one["pk"]),
            "type": one["code"],
            "received_at": one["received_at"],
            "outcome": one["outcome"],
        }
        for one in found
    ]


def _deliveries(referral: Referral) -> Rows:
    """Return how the deliveries stand, but for copies, such as the one that shows this."""
    ended = Count("attempts", filter=Q(attempts__ended_at__isnull=False))
    deliveries = Delivery.objects.filter(referral=referral).annotate(made=ended)
    return [
        {
            "destination": one.destination.name,
            # What is under way is queued still: it is shown when it has ended.
            "state": State.QUEUED if one.state == State.RUNNING else one.state,
            "cause": one.reason_for_others or one.last_kind,
            "attempts": one.made,
            "done_at": one.imported_at,
            "external_id": one.external_id,
        }
        for one in deliveries.select_related("destination").order_by("destination__name")
        if one.destination.transport().updates is not Updates.LATEST
    ]


def _partner_updates(referral: Referral) -> Rows:
    updates = PartnerUpdate.objects.filter(delivery__referral=referral)
    found = updates.select_related("event__source").order_by("at", "number")
    return [
        {
            "number": one.number,
            "partner": one.event.source.name,
            "at": one.at,
            **_answer(one.patch or {}),
        }
        for one in found
    ]


def _answer(patch: Any) -> dict[str, Any]:
    outcome = patch.get("outcome") or {}
    return {
        "status": patch.get("status"),
        "outcome_code": outcome.get("code"),
        "outcome_text": outcome.get("text"),
        "record_id": patch.get("record_id"),
    }
