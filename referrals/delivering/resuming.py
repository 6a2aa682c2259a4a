"""What waited for the configuration goes again once that has changed.

`referrals.apps` binds these functions to the hooks of the layers below, which call them wherever
the configuration is changed. What waited for a destination goes in turn: one first, then two, then
four, and so on. What comes back may not bear all of it at once; and a referral that had stopped it
goes last.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from core.database import clock
from integrations.models import Destination, TriggerConfig
from mapping.models import Mapping
from referrals.models import Delivery

State, Reason = Delivery.State, Delivery.Reason

MOST_AT_ONCE = 32


def resume_destination(destination: Destination) -> None:
    """Give each import that waited for the destination its time."""
    now = clock.now()
    stopped = Q(state=State.NEEDS_ATTENTION, reason=Reason.CONNECTION)
    due = Q(state__in=[State.QUEUED, State.IMPORTED], due_at__lte=now)
    waiting = Delivery.objects.filter(stopped | due, destination=destination)
    if destination.batches:  # one run takes all of them
        waiting.filter(stopped).update(state=State.QUEUED, reason="", due_at=now)
        return
    due_at = now
    for turn in _turns(waiting.order_by("opened_at", "pk").values_list("pk", "stopped_at")):
        theirs = Delivery.objects.filter(pk__in=turn)
        theirs.filter(due).update(due_at=due_at)
        theirs.filter(stopped).update(state=State.QUEUED, reason="", due_at=due_at)
        due_at += settings.BULK_RETRY_PAUSE


def resume_mapping(mapping: Mapping) -> None:
    """Queue what the mapping had stopped, once its new rules can be read by everybody.

    Not before the commit: an attempt would still go by the old rules, and the taking in of a long
    configuration would keep the deliveries locked.
    """
    transaction.on_commit(lambda: _resume(Reason.MAPPING, trigger_config__mapping=mapping.pk))


def resume_connection(config: TriggerConfig) -> None:
    """Queue what stopped because this listing and this destination were no longer connected."""
    _resume(
        Reason.DISCONNECTED,
        referral__listing=config.listing_id,
        destination=config.destination_id,
    )


def _resume(reason: str, **where: Any) -> None:
    stopped = Delivery.objects.filter(state=State.NEEDS_ATTENTION, reason=reason)
    theirs = stopped.filter(**where).values("pk")
    stopped.filter(pk__in=theirs).update(state=State.QUEUED, reason="", due_at=clock.now())


def _turns(waiting: Iterable[tuple[UUID, datetime | None]]) -> Iterator[list[UUID]]:
    """Yield who goes together, the oldest first; each that had stopped the destination by itself.

    A referral that is stopped again thus keeps no other from going.
    """
    rows = list(waiting)
    others = [pk for pk, stopped_at in rows if stopped_at is None]
    at_once = 1
    while others:
        yield others[:at_once]
        others, at_once = others[at_once:], min(2 * at_once, MOST_AT_ONCE)
    yield from ([pk] for pk, stopped_at in rows if stopped_at is not None)
