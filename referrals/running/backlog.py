"""How much work waits, and how long: for `/readyz` and `/metrics`."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.database import clock
from core.web import health
from integrations.pacing import UNLIMITED
from referrals.delivering.claiming import claimable
from referrals.gates import open_destinations
from referrals.models import Delivery, InboundEvent

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

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing, so that registering it asks the database nothing."""
        return iter(())


def register() -> None:
    """Make both known; a late backlog does not take a web process out of service."""
    health.register("backlog", check, essential=False)
    REGISTRY.register(BacklogCollector())
