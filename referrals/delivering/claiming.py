"""Leases: which worker may work on a delivery, won by one conditional UPDATE.

Every time is the database's, taken within the statement that needs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import BooleanField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from core.database import clock
from core.database.clock import Now, Time
from core.database.rows import update_one
from core.encryption import EncryptionError
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
BEGUN = "EXISTS (SELECT 1 FROM referrals_step WHERE version_id = referrals_version.id)"
SKIPS = (
    "NOT EXISTS (SELECT 1 FROM referrals_version AS before"
    " WHERE before.delivery_id = referrals_version.delivery_id"
    " AND before.number = referrals_version.number - 1 AND before.state = 'accepted')"
)
WITHDRAWN = (
    "EXISTS (SELECT 1 FROM referrals_referralfile AS file"
    " JOIN referrals_delivery AS its ON its.referral_id = file.referral_id"
    " WHERE its.id = referrals_version.delivery_id"
    " AND file.state = 'withdrawn' AND file.sha256 <> '')"
)
# All around a version, but for its delivery's restore, which it hardly ever has, and for the
# organization of the referral, which is nearly always the destination's.
AROUND = (
    "delivery__referral__listing",
    "delivery__destination__organization",
    "delivery__destination__partner",
    "delivery__trigger_config__mapping",
)
# Of each open destination the oldest that are due, by an index, and no more than could be returned:
# a look costs the same however long a backlog is.
OLDEST = """
    SELECT id FROM referrals_delivery
    WHERE destination_id = open.at AND due_at <= {now} AND state IN ('queued', 'imported')
    ORDER BY due_at LIMIT %s
"""
CANDIDATES = {
    "postgresql": "JOIN LATERAL ({oldest}) AS oldest ON TRUE JOIN referrals_delivery AS due"
    " ON due.id = oldest.id",
    # SQLite knows no LATERAL; it looks up by their keys what a list of keys names.
    "sqlite": "JOIN referrals_delivery AS due ON due.id IN ({oldest})",
}
# First the place of each at its destination, then its turn among all of its organization.
IN_TURN = """
WITH open AS ({open}), due AS (
    SELECT due.id, due.due_at, open.*,
        ROW_NUMBER() OVER (PARTITION BY open.at ORDER BY due.due_at) AS place
    FROM open {candidates}
), busy AS (
    SELECT delivery.destination_id AS at, destination.organization_id AS organization,
        COUNT(*) AS running
    FROM referrals_delivery AS delivery
    JOIN integrations_destination AS destination ON destination.id = delivery.destination_id
    WHERE delivery.state = 'running' AND delivery.lease_until > {now}
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
    WHERE (due.at_once IS NULL OR due.place + COALESCE(busy.running, 0) <= due.at_once)
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

    def extend(self, *conditions: RawSQL) -> None:
        """Extend the lease, before a remote effect.

        Raises LeaseLost when it has run out, or when the delivery does not meet the conditions.
        """
        # The statement asks the clock itself: a process that was frozen since it last asked would
        # extend what another worker may have by now.
        leased = Delivery.objects.filter(
            *conditions,
            pk=self.delivery_id,
            state=State.RUNNING,
            lease_token=self.token,
            lease_until__gt=Now(),
        )
        if not leased.update(lease_until=Now() + settings.LEASE_TIME):
            raise LeaseLost


def single_destinations(now: Time) -> QuerySet[Destination]:
    """Return the open destinations to which each delivery goes by itself, and not in a run."""
    return gates.open_destinations(now).filter(batches=False)


def claimable(now: Time) -> Q:
    """Return the condition on a row that is due: queued, or imported with files to follow."""
    return Q(state__in=[State.QUEUED, State.IMPORTED], due_at__lte=now)


def claim(delivery_id: UUID) -> Lease | None:
    """Claim a due delivery and record the attempt; return its lease.

    None when it is not due, when another worker has it, or where this host may not deliver.
    """
    if not looking.may_deliver():
        return None
    token = uuid4()
    # One transaction, so that no lease is without its attempt, and no turn is taken in vain.
    with transaction.atomic():
        if not _win(delivery_id, token, _unlimited(connection.vendor)):
            limited = _take_seat(delivery_id, single_destinations(Now()).exclude(UNLIMITED))
            if limited is None:
                return None
            if not _win(delivery_id, token, limited):
                transaction.set_rollback(True)  # somebody else has the delivery: give the turn back
                return None
        version = _next_version(delivery_id)
        attempt = Attempt.objects.create(
            delivery_id=delivery_id,
            version=version,
            number=(version.tried or 0) + 1,
            lease_token=token,
            started_at=version.now,
        )
    return Lease(delivery_id, token, version, attempt)


def _next_version(delivery_id: UUID) -> Any:
    """Return what a delivery has to bring, with all around it, in one statement.

    With it comes what an attempt would have to look up otherwise: whether a step of it was begun
    before, whether numbers before it were skipped or files withdrawn, how often the delivery was
    tried, and the time.
    """
    rows = Version.objects.annotate(
        tried=RawSQL(TRIED, []),  # noqa: S611 - a constant
        was_begun=RawSQL(BEGUN, [], BooleanField()),  # noqa: S611 - a constant
        skips_some=RawSQL(SKIPS, [], BooleanField()),  # noqa: S611 - a constant
        has_withdrawn=RawSQL(WITHDRAWN, [], BooleanField()),  # noqa: S611 - a constant
        now=Now(),
    )
    try:
        version: Any = versions.next_of(delivery_id, rows.select_related(*AROUND))
    except EncryptionError:
        # What cannot be decrypted must fail the attempt: were the claim to fail, it would be due
        # forever, and come first each time.
        return versions.next_of(delivery_id, rows.defer("document", "options"))
    referral, destination = version.delivery.referral, version.delivery.destination
    if referral.organization_id == destination.organization_id:
        referral.organization = destination.organization
    return version


@cache
def _unlimited(_vendor: str) -> RawSQL:
    """Return the open destinations without limits, which take no turns.

    Written once: of each delivery, each condition is CPU time.
    """
    unlimited = Destination.objects.filter(gates.OPEN, UNLIMITED, batches=False)
    sql, params = unlimited.order_by().values("pk").query.sql_with_params()
    return RawSQL(sql, params)  # noqa: S611 - Django's own


def _win(delivery_id: UUID, token: UUID, destinations: QuerySet[Destination] | RawSQL) -> bool:
    # Check every condition on this row: with a join, two workers could both win.
    due = Delivery.objects.filter(claimable(Now()), pk=delivery_id, destination__in=destinations)
    return bool(
        due.update(
            state=State.RUNNING,
            due_at=None,
            woken_at=None,
            lease_token=token,
            lease_until=Now() + settings.LEASE_TIME,
        )
    )


def _take_seat(delivery_id: UUID, limited: QuerySet[Destination]) -> QuerySet[Destination] | None:
    """Take a seat at the delivery's destination, if that has limits and one is free.

    The seat is the lease itself, so it is free again when the lease ends, however it ends. The lock
    on the destination's row makes all who want one count one after the other: whoever waits for it
    sees, in statements of their own, what the one before has taken.
    """
    its = Delivery.objects.filter(claimable(Now()), pk=delivery_id).values("destination")
    locked = limited.filter(pk__in=its).order_by().select_for_update(of=("self",))
    destination = locked.only("at_once", "per_minute", "turn_at", "paused_until").first()
    if destination is None:
        return None
    now = clock.now()  # after the wait for the lock: the turns that others took have passed
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
    destinations = single_destinations(Now()).order_by()
    open_ = destinations.values("at_once", "paused_until", "organization", at=F("pk"))
    sql, params = open_.query.sql_with_params()
    now = clock.sql()
    candidates = CANDIDATES[connection.vendor].format(oldest=OLDEST.format(now=now))
    query = IN_TURN.format(open=sql, candidates=candidates, now=now)
    in_turn = Delivery.objects.raw(query, [*params, limit, limit])
    return [delivery.pk for delivery in in_turn]


def destinations_with_due() -> QuerySet[Destination]:
    """Return the open destinations at which a delivery is due that goes by itself."""
    its = Delivery.objects.filter(claimable(Now()), destination=OuterRef("pk")).order_by("due_at")
    # One look into the index for each destination. An EXISTS would be made a join, which may read
    # all that waits at one that is paused.
    oldest = Subquery(its.values("pk")[:1])
    return single_destinations(Now()).annotate(oldest=oldest).filter(oldest__isnull=False)


def due_deliveries_of_event(event_id: UUID) -> Sequence[UUID]:
    """Return the due deliveries of the referral that an event speaks of, for whoever claims them.

    Whether they may go now, the claim asks.
    """
    due = Delivery.objects.filter(
        claimable(Now()), referral__events=event_id, destination__batches=False
    )
    return list(due.order_by().values_list("pk", flat=True))


def mark_woken(deliveries: Sequence[UUID]) -> Sequence[UUID]:
    """Write that workers are woken for these; return those for which none was a moment ago.

    Two statements for all of them. Two dispatchers may both wake a worker for one: that is
    harmless, because only one worker claims it.
    """
    long_ago = Q(woken_at__isnull=True) | Q(woken_at__lte=Now() - WAKE_AGAIN)
    asleep = Delivery.objects.filter(long_ago, claimable(Now()), pk__in=deliveries)
    woken = set(asleep.order_by().values_list("pk", flat=True))
    if woken:
        Delivery.objects.filter(claimable(Now()), pk__in=woken).update(woken_at=Now())
    return [delivery_id for delivery_id in deliveries if delivery_id in woken]


def lost(now: Time) -> QuerySet[Delivery]:
    """Return the deliveries whose worker is gone. What is in a run goes with that: it may have
    arrived.
    """
    in_a_run = Exists(Run.objects.filter(pk=OuterRef("lease_token")))
    return Delivery.objects.filter(~in_a_run, state=State.RUNNING, lease_until__lt=now)


def release_lost() -> int:
    """Take deliveries back whose worker is gone; one that keeps killing workers is quarantined."""
    now = clock.now()
    rows = lost(now).only("lease_token", "lost_workers", "row_key")
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
