"""Who may work on a delivery: a lease, won by one conditional update, by the database's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber

from core import clock
from integrations.models import Destination, Organization
from referrals import versions
from referrals.models import Attempt, Delivery, Version

State = Delivery.State

MAX_DEATHS = 5
NUDGE_AGAIN = timedelta(seconds=15)  # a nudge that led to nothing by then was lost


class LeaseLost(Exception):
    """Somebody else may be working on the delivery by now: stop, and change nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a delivery until its end, and the version that it has to bring.

    The token is also the attempt's.
    """

    delivery_id: UUID
    token: UUID
    version: Version

    def extend(self) -> datetime:
        """Prolong the lease, before a remote effect; raises LeaseLost when it has run out.

        Returns the time that it is.
        """
        now = clock.now()
        held = Delivery.objects.filter(
            pk=self.delivery_id, state=State.RUNNING, lease_token=self.token, lease_until__gt=now
        )
        if not held.update(lease_until=now + settings.LEASE_TIME):
            raise LeaseLost
        return now


def open_destinations() -> QuerySet[Destination]:
    """Return the destinations that may be sent to: not held, the organization active, entitled."""
    return Destination.objects.filter(
        held_at__isnull=True,
        organization__active=True,
        organization__plan__in=Organization.IMPORTING_PLANS,
    )


def claimable(now: datetime) -> Q:
    """Return the condition on a row that is due: queued, or imported with files to follow."""
    return Q(state__in=[State.QUEUED, State.IMPORTED], due_at__lte=now)


def claim(delivery_id: UUID) -> Lease | None:
    """Win the delivery, or None when it is not due or somebody else has it; inserts the attempt."""
    now = clock.now()
    token = uuid4()
    with transaction.atomic():
        # Every condition stands on the row itself, or two winners would be possible.
        won = Delivery.objects.filter(
            claimable(now), pk=delivery_id, destination__in=open_destinations()
        ).update(
            state=State.RUNNING,
            due_at=None,
            nudged_at=None,
            lease_token=token,
            lease_until=now + settings.LEASE_TIME,
        )
        if not won:
            return None
        version = versions.next_of(delivery_id, tried=Max("delivery__attempts__number"))
        Attempt.objects.create(
            delivery_id=delivery_id,
            version=version,
            number=(version.tried or 0) + 1,  # type: ignore[attr-defined]
            lease_token=token,
            started_at=now,
        )
    return Lease(delivery_id, token, version)


def due_deliveries(limit: int) -> Sequence[UUID]:
    """Return due deliveries, the oldest first within an organization, the organizations in turn.

    Who has deliveries running has had these turns: a slow destination does not hold up the others.
    """
    organization = F("destination__organization")
    turn = Window(RowNumber(), partition_by=organization, order_by=F("due_at").asc())
    due = Delivery.objects.filter(claimable(clock.now()), destination__in=open_destinations())
    ranked = due.annotate(turn=turn, running=Coalesce(_running_beside(), 0))
    in_turn = ranked.order_by(F("turn") + F("running"), "due_at")
    return list(in_turn.values_list("pk", flat=True)[:limit])


def _running_beside() -> Subquery:
    """Count the running deliveries of a delivery's organization."""
    beside = Delivery.objects.filter(
        state=State.RUNNING, destination__organization=OuterRef("destination__organization")
    )
    counted = beside.order_by().values("destination__organization").annotate(count=Count("pk"))
    return Subquery(counted.values("count"))


def due_deliveries_of_event(event_id: UUID) -> Sequence[UUID]:
    """Return the due deliveries of the referral that an event speaks of."""
    due = Delivery.objects.filter(
        claimable(clock.now()), referral__events=event_id, destination__in=open_destinations()
    )
    return list(due.values_list("pk", flat=True))


def mark_nudged(delivery_id: UUID) -> bool:
    """Say that a worker was told; False when one was told a moment ago."""
    now = clock.now()
    fresh = Q(nudged_at__isnull=True) | Q(nudged_at__lte=now - NUDGE_AGAIN)
    return bool(
        Delivery.objects.filter(fresh, claimable(now), pk=delivery_id).update(nudged_at=now)
    )


def release_lost() -> int:
    """Take deliveries back whose worker is gone; one that keeps killing workers is quarantined."""
    now = clock.now()
    lost = Delivery.objects.filter(state=State.RUNNING, lease_until__lt=now)
    rows = lost.values_list("pk", "lease_token", "deaths")
    return sum(_release(pk, token, deaths, now) for pk, token, deaths in rows if token)


def _release(delivery_id: UUID, token: UUID, deaths: int, now: datetime) -> int:
    with transaction.atomic():
        mine = Delivery.objects.filter(
            pk=delivery_id, state=State.RUNNING, lease_token=token, lease_until__lt=now
        )
        released: dict[str, object] = {
            "lease_token": None,
            "lease_until": None,
            "last_kind": "",
            "last_code": "",
        }
        if deaths + 1 >= MAX_DEATHS:
            changed = mine.update(
                state=State.NEEDS_ATTENTION,
                reason=Delivery.Reason.QUARANTINED,
                deaths=deaths + 1,
                message=f"Importing it stopped its worker {MAX_DEATHS} times in a row.",
                error_at=now,
                error_cleared_at=None,
                **released,
            )
        else:
            changed = mine.update(state=State.QUEUED, due_at=now, deaths=deaths + 1, **released)
        if changed:
            Attempt.objects.filter(lease_token=token, ended_at=None).update(
                ended_at=now, outcome=Attempt.Outcome.LOST
            )
    return changed
