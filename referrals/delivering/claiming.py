"""Who may work on a delivery: a lease, won by one conditional update, by the database's clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import RowNumber

from core.database import clock
from core.database.rows import update_one
from integrations.models import Destination
from integrations.pacing import UNLIMITED, take_turn
from referrals import gates, sentences
from referrals.delivering.restore import looking
from referrals.models import Attempt, Delivery, Run, Version
from referrals.record import versions

State = Delivery.State

MAX_LOST_WORKERS = 5
WAKE_AGAIN = timedelta(seconds=15)  # a wake-up that led to nothing by then was lost
# As SQL, because Django takes twice as long to write it: it is asked for each attempt.
TRIED = (
    "SELECT MAX(number) FROM referrals_attempt WHERE delivery_id = referrals_version.delivery_id"
)
# Django nests no window in another: first the place of each at its destination, then its turn
# among all of its organization. However long a backlog is, the second looks at few of each.
IN_TURN = """
WITH due AS ({due}), busy AS (
    SELECT delivery.destination_id AS at, destination.organization_id AS organization,
        COUNT(*) AS running
    FROM referrals_delivery AS delivery
    JOIN integrations_destination AS destination ON destination.id = delivery.destination_id
    WHERE delivery.state = 'running' AND delivery.lease_until > %s
    GROUP BY delivery.destination_id, destination.organization_id
)
SELECT id FROM (
    SELECT due.id, due.due_at,
        ROW_NUMBER() OVER (
            PARTITION BY due.organization
            ORDER BY due.place + COALESCE(busy.running, 0), due.due_at
        ) + COALESCE(
            (SELECT SUM(running) FROM busy WHERE busy.organization = due.organization), 0
        ) AS turn
    FROM due LEFT JOIN busy ON busy.at = due.at
    WHERE due.place <= %s
        AND (due.at_once IS NULL OR due.place + COALESCE(busy.running, 0) <= due.at_once)
        AND (due.paused_until IS NULL OR due.place = 1)
) AS turns ORDER BY turn, due_at LIMIT %s
"""


class LeaseLost(Exception):
    """Somebody else may be working on the delivery by now: stop, and change nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a delivery until its end, and the version that it has to bring.

    The token is also the attempt's. In a run it is the run's, which has no attempts.
    """

    delivery_id: UUID
    token: UUID
    version: Version
    attempt: Attempt | None = field(default=None, repr=False, compare=False)

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


def single_destinations(now: datetime) -> QuerySet[Destination]:
    """Return the open destinations to which each delivery goes by itself, and not in a run."""
    return gates.open_destinations(now).filter(batches=False)


def claimable(now: datetime) -> Q:
    """Return the condition on a row that is due: queued, or imported with files to follow."""
    return Q(state__in=[State.QUEUED, State.IMPORTED], due_at__lte=now)


def claim(delivery_id: UUID) -> Lease | None:
    """Win the delivery, or None when it is not due or somebody else has it; inserts the attempt.

    Also None where this host may not deliver.
    """
    if not looking.may_deliver():
        return None
    now = clock.now()
    token = uuid4()
    # What has no limits takes no turns. Each condition less is CPU time of each delivery.
    unlimited = Destination.objects.filter(gates.OPEN, UNLIMITED, batches=False).order_by()
    with transaction.atomic():
        if not _win(delivery_id, token, unlimited, now):
            limited = _take_seat(delivery_id, single_destinations(now).exclude(UNLIMITED), now)
            if limited is None:
                return None
            if not _win(delivery_id, token, limited, now):
                transaction.set_rollback(True)  # somebody else has the delivery: give the turn back
                return None
        version = versions.next_of(delivery_id, tried=RawSQL(TRIED, []))  # noqa: S611 - a constant
        attempt = Attempt.objects.create(
            delivery_id=delivery_id,
            version=version,
            number=(version.tried or 0) + 1,  # type: ignore[attr-defined]
            lease_token=token,
            started_at=now,
        )
    return Lease(delivery_id, token, version, attempt)


def _win(
    delivery_id: UUID, token: UUID, destinations: QuerySet[Destination], now: datetime
) -> bool:
    # Every condition stands on the row itself, or two winners would be possible.
    due = Delivery.objects.filter(claimable(now), pk=delivery_id, destination__in=destinations)
    return bool(
        due.update(
            state=State.RUNNING,
            due_at=None,
            woken_at=None,
            lease_token=token,
            lease_until=now + settings.LEASE_TIME,
        )
    )


def _take_seat(
    delivery_id: UUID, limited: QuerySet[Destination], now: datetime
) -> QuerySet[Destination] | None:
    """Take a seat at the delivery's destination, if that has limits and one is free.

    The seat is the lease itself, so it is free again when the lease ends, however it ends. The lock
    on the destination's row makes all who want one count one after the other: whoever waits for it
    sees, in statements of their own, what the one before has taken.
    """
    its = Delivery.objects.filter(claimable(now), pk=delivery_id).values("destination")
    locked = limited.filter(pk__in=its).order_by().select_for_update(of=("self",))
    destination = locked.only("at_once", "per_minute", "turn_at", "paused_until").first()
    if destination is None:
        return None
    if destination.at_once is not None:
        seated = Delivery.objects.filter(
            state=State.RUNNING, destination=destination, lease_until__gt=now
        )
        if seated.count() >= destination.at_once:
            return None
    if not take_turn(destination, now):
        return None
    return Destination.objects.filter(pk=destination.pk)


def due_deliveries(limit: int) -> Sequence[UUID]:
    """Return due deliveries that may go now: the organizations in turn, within one its
    destinations in turn, and of a destination the oldest first.

    Who has deliveries running has had these turns, so a slow destination holds up no other. Of one
    with limits no more are returned than it has free seats; of a paused one, a single one.
    """
    now = clock.now()
    place = Window(RowNumber(), partition_by=F("destination"), order_by=F("due_at").asc())
    due = Delivery.objects.filter(claimable(now), destination__in=single_destinations(now))
    placed = due.order_by().values(
        "id",
        "due_at",
        place=place,
        at=F("destination"),
        organization=F("destination__organization"),
        at_once=F("destination__at_once"),
        paused_until=F("destination__paused_until"),
    )
    sql, params = placed.query.sql_with_params()
    moment = connection.ops.adapt_datetimefield_value(now)
    in_turn = Delivery.objects.raw(IN_TURN.format(due=sql), [*params, moment, limit, limit])
    return [delivery.pk for delivery in in_turn]


def due_deliveries_of_event(event_id: UUID) -> Sequence[UUID]:
    """Return the due deliveries of the referral that an event speaks of, for whoever claims them.

    Whether they may go now, the claim asks.
    """
    due = Delivery.objects.filter(
        claimable(clock.now()), referral__events=event_id, destination__batches=False
    )
    return list(due.order_by().values_list("pk", flat=True))


def mark_woken(delivery_id: UUID) -> bool:
    """Say that a worker was told; False when one was told a moment ago."""
    now = clock.now()
    fresh = Q(woken_at__isnull=True) | Q(woken_at__lte=now - WAKE_AGAIN)
    return bool(Delivery.objects.filter(fresh, claimable(now), pk=delivery_id).update(woken_at=now))


def release_lost() -> int:
    """Take deliveries back whose worker is gone; one that keeps killing workers is quarantined."""
    now = clock.now()
    # What is in a run goes with that: it may have arrived.
    in_a_run = Exists(Run.objects.filter(pk=OuterRef("lease_token")))
    lost = Delivery.objects.filter(~in_a_run, state=State.RUNNING, lease_until__lt=now)
    rows = lost.only("lease_token", "lost_workers", "row_key")
    return sum(_release(row, row.lease_token, now) for row in rows if row.lease_token)


def _release(delivery: Delivery, token: UUID, now: datetime) -> bool:
    lost_workers = delivery.lost_workers
    with transaction.atomic():
        mine = Delivery.objects.filter(state=State.RUNNING, lease_token=token, lease_until__lt=now)
        released: dict[str, object] = {
            "lease_token": None,
            "lease_until": None,
            "last_kind": "",
            "last_code": "",
        }
        if lost_workers + 1 >= MAX_LOST_WORKERS:
            changed = update_one(
                mine,
                delivery,
                state=State.NEEDS_ATTENTION,
                reason=Delivery.Reason.QUARANTINED,
                lost_workers=lost_workers + 1,
                message=sentences.LOST_WORKERS(times=MAX_LOST_WORKERS),
                error_at=now,
                error_cleared_at=None,
                **released,
            )
        else:
            changed = update_one(
                mine,
                delivery,
                state=State.QUEUED,
                due_at=now,
                lost_workers=lost_workers + 1,
                **released,
            )
        if changed:
            Attempt.objects.filter(lease_token=token, ended_at=None).update(
                ended_at=now, outcome=Attempt.Outcome.LOST
            )
    return changed
