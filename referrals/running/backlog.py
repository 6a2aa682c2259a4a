"""How much work waits, how long, and whether it is done: for `/health` and `/metrics`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.database import clock
from core.web import health
from integrations.pacing import UNLIMITED
from referrals.delivering.claiming import claimable
from referrals.gates import open_destinations
from referrals.models import Attempt, Delivery, InboundEvent, Run

STALLED = timedelta(seconds=30)
LATE = timedelta(minutes=5)  # by then the dispatcher has looked hundreds of times


def waiting_since() -> timedelta:
    """Return for how long the oldest due row has been due; zero when nothing is.

    What waits for its turn at a destination with limits is not late.
    """
    now = clock.now()
    events = InboundEvent.objects.filter(
        state=InboundEvent.State.RECEIVED, due_at__lte=now
    ).aggregate(oldest=Min("due_at"))
    deliveries = Delivery.objects.filter(
        claimable(now), destination__in=open_destinations(now).filter(UNLIMITED)
    ).aggregate(oldest=Min("due_at"))
    oldest = min((row["oldest"] for row in (events, deliveries) if row["oldest"]), default=now)
    return max(now - oldest, timedelta(0))


@dataclass(frozen=True, slots=True)
class Stalled:
    """How many rows are due for STALLED while nothing was begun, and since when the oldest is."""

    count: int
    since: datetime


def stalled() -> Stalled | None:
    """Return what is due while nobody begins anything; None while somebody does.

    Programs that are busy begin something meanwhile, however long their backlog is.
    """
    now = clock.now()
    long_ago = now - STALLED
    events = InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED, due_at__lte=long_ago)
    deliveries = Delivery.objects.filter(
        claimable(long_ago), destination__in=open_destinations(now).filter(UNLIMITED)
    )
    found = [
        rows.aggregate(count=Count("pk"), since=Min("due_at"))
        for rows, is_begun in ((events, _is_opening), (deliveries, _is_claiming))
        if rows.exists() and not is_begun(now)
    ]
    count = sum(row["count"] for row in found)
    return Stalled(count, min(row["since"] for row in found if row["since"])) if count else None


def _is_opening(now: datetime) -> bool:
    """Return whether an event is being opened, or one has led to a delivery a moment ago."""
    taken = InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED, due_at__gt=now)
    return taken.exists() or Delivery.objects.filter(opened_at__gt=now - STALLED).exists()


def _is_claiming(now: datetime) -> bool:
    long_ago = now - STALLED
    alone = Attempt.objects.filter(started_at__gt=long_ago)
    return alone.exists() or Run.objects.filter(until__gt=long_ago).exists()


def check_stalled() -> str:
    """Say that somebody does what is due; raises NotReady when nobody does."""
    found = stalled()
    if found:
        raise health.NotReady(
            f"{found.count} due, and none begun for {STALLED.seconds} s: do the dispatcher and the "
            "workers run?"
        )
    return health.OK


def check() -> str:
    """Say that due work is done; raises NotReady when the dispatcher seems to be gone."""
    waiting = waiting_since()
    if waiting > LATE:
        minutes = int(waiting.total_seconds() // 60)
        raise health.NotReady(f"due for {minutes} minutes: is the dispatcher running?")
    return health.OK


class BacklogCollector(Collector):
    """Figures of the backlog, counted when they are asked for."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        deliveries = GaugeMetricFamily(
            "dovetail_import_jobs", "Deliveries by state", labels=["state"]
        )
        counts = Delivery.objects.values_list("state").annotate(Count("pk")).order_by()
        for state, count in counts:
            deliveries.add_metric([state], count)
        yield deliveries
        yield GaugeMetricFamily(
            "dovetail_uncleared_errors",
            "Deliveries with an error that nobody has cleared",
            Delivery.objects.filter(error_at__isnull=False, error_cleared_at=None).count(),
        )
        yield GaugeMetricFamily(
            "dovetail_oldest_due_seconds",
            "For how long the oldest due row has been due",
            waiting_since().total_seconds(),
        )
        found = stalled()
        yield GaugeMetricFamily(
            "dovetail_stalled",
            "Rows that are due while nothing was begun for 30 seconds",
            found.count if found else 0,
        )
        yield GaugeMetricFamily(
            "dovetail_clock_offset_seconds",
            "How far this host's clock is ahead of the database's",
            clock.offset().total_seconds(),
        )

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing, so that registering it asks the database nothing."""
        return iter(())


def register() -> None:
    """Make both known; a late backlog does not take a web process out of service."""
    health.register("backlog", check, essential=False)
    health.register_for_delivery("dispatching", check_stalled)
    REGISTRY.register(BacklogCollector())
