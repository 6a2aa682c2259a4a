"""The figures of the home page: what needs a person, today's flow, how each connection does.

Everything is asked for some destinations, those of a person's organizations. On tables of a million
rows each question is answered from an index: what is counted is a day's work, or what people have
left undone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, TruncDate
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from core.database import clock
from integrations.models import Destination
from referrals import delivering, gates
from referrals.advice import Actor
from referrals.answers.causes import (
    AWAKE,
    BY_KEY,
    PAUSED_BY,
    UNCLEARED,
    WAITS_FOR_CONNECTION,
    Cause,
    cause_key,
)
from referrals.models import Delivery, InboundEvent, Version

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Need:
    """Imports into one destination that need a person for the same cause, and since when."""

    cause: Cause
    destination: Destination
    count: int
    since: datetime


class Health(StrEnum):
    """How a connection does, the worst first."""

    PAUSED = _("Paused")
    DOWN = _("Unreachable")
    FAILING = _("Failing")
    SUSPENDED = _("Suspended")
    UNUSED = _("Nothing sent yet")
    WORKING = _("Working")

    @property
    def label(self) -> str:
        """How it does, in the reader's language."""
        return gettext(self.value)


HEALTH = {
    gates.UNREACHABLE.key: Health.DOWN,
    gates.PAUSED.key: Health.PAUSED,
    gates.MAY_NOT_IMPORT.key: Health.SUSPENDED,
}


@dataclass(frozen=True, slots=True)
class Flow:
    """How many came and went since a moment."""

    received: int
    matched: int
    imported: int
    failed: int


def destinations_with_figures(
    destinations: QuerySet[Destination], since: datetime
) -> list[Destination]:
    """Return the destinations, each with when it last worked and failed, and its flow.

    The attributes are `last_success`, `last_failure`, `matched`, `imported`, `failed`, `queued`,
    and, of one whose deliveries travel in runs, `behind_since`: when the oldest change was made
    that is not there yet.
    """
    return list(
        destinations.select_related("organization")
        .defer("options")
        .annotate(
            last_success=_last("imported_at"),
            last_failure=_last("connection_failed_at"),
            matched=_count(opened_at__gte=since),
            imported=_count(imported_at__gte=since),
            failed=_count(error_at__gte=since),
            queued=_count(state=State.QUEUED),
            behind_since=Subquery(_still_to_be_brought().values("asked_at")[:1]),
        )
    )


def _still_to_be_brought() -> QuerySet[Version]:
    waiting = Version.objects.filter(
        state=Version.State.OPEN,
        delivery__state__in=[State.QUEUED, State.RUNNING],
        delivery__destination=OuterRef("pk"),
        delivery__destination__batches=True,
    )
    return waiting.order_by("asked_at")


def _deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.filter(destination=OuterRef("pk")).order_by()


def _last(moment: str) -> Subquery:
    happened = _deliveries().filter(**{f"{moment}__isnull": False}).order_by(f"-{moment}")
    return Subquery(happened.values(moment)[:1])


def _count(**condition: Any) -> Coalesce:
    counted = _deliveries().filter(**condition).values("destination").annotate(count=Count("pk"))
    return Coalesce(Subquery(counted.values("count")), 0)


def health(destination: Any) -> Health:
    """Return how the connection to a destination with figures does."""
    if shut := shut_gate(destination):
        return HEALTH[shut.gate.key]
    if destination.paused_until or (destination.last_failure and not _worked_since(destination)):
        return Health.FAILING
    return Health.WORKING if destination.last_success else Health.UNUSED


def shut_gate(destination: Destination) -> gates.Shut | None:
    """Return the gate of the connection that is shut, or None when it is open."""
    return gates.first_shut(gates.Facts(destination=destination), *gates.OF_THE_CONNECTION)


def waiting_for_turn(destinations: Iterable[Destination]) -> dict[int, int]:
    """Return how many deliveries are due, of destinations with limits that are open."""
    limited = [one.pk for one in destinations if one.limits and not one.paused_at]
    if not limited:
        return {}
    due = Delivery.objects.filter(
        state=State.QUEUED, due_at__lte=clock.now(), destination__in=limited
    )
    counted = due.order_by().values("destination").annotate(count=Count("pk"))
    return dict(counted.values_list("destination", "count"))


def _worked_since(destination: Any) -> bool:
    worked: datetime | None = destination.last_success
    return worked is not None and worked >= destination.last_failure


def flow(destinations: Iterable[Any], received: int) -> Flow:
    """Return what came and went, of destinations with figures; so many events were received."""
    known = list(destinations)
    return Flow(
        received=received,
        matched=sum(one.matched for one in known),
        imported=sum(one.imported for one in known),
        failed=sum(one.failed for one in known),
    )


# -- Days and weeks --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    """What one day brought to one destination."""

    date: date
    destination: int
    imported: int = 0
    failed: int = 0


def days(destinations: Iterable[int], since: datetime) -> list[Day]:
    """Return what each day since a midnight brought; days without anything are left out."""
    theirs = Delivery.objects.filter(destination__in=list(destinations)).order_by()
    counted = [
        theirs.filter(**{f"{moment}__gte": since})
        .values_list(Value(name), TruncDate(moment, tzinfo=since.tzinfo), "destination")
        .annotate(count=Count("pk"))
        for name, moment in (("imported", "imported_at"), ("failed", "error_at"))
    ]
    found: dict[tuple[date, int], dict[str, int]] = {}
    for name, day, destination, count in counted[0].union(counted[1], all=True):
        found.setdefault((day, destination), {})[name] = count
    return [Day(day, destination, **counts) for (day, destination), counts in sorted(found.items())]


@dataclass(frozen=True, slots=True)
class Received:
    """How many events came."""

    this_week: int  # the last seven days
    week_before: int
    today: int


def received(events: QuerySet[InboundEvent], now: datetime, today: datetime) -> Received:
    """Return how many events came until `now`; `today` is its midnight."""
    week = now - timedelta(days=7)
    counted = (
        events.filter(received_at__gte=week - timedelta(days=7))
        .order_by()
        .aggregate(
            this_week=Count("pk", filter=Q(received_at__gte=week)),
            week_before=Count("pk", filter=Q(received_at__lt=week)),
            today=Count("pk", filter=Q(received_at__gte=today)),
        )
    )
    return Received(**counted)


# -- What needs a person ---------------------------------------------------------------------------


def needs(destinations: Sequence[Destination], among: Q | None = None) -> list[Need]:
    """Return what needs a person, the oldest first; what is snoozed does not, until its time.

    `among` narrows it to some of the imports with an error that nobody has cleared.
    """
    by_id = {destination.pk: destination for destination in destinations}
    found: dict[tuple[str, int], list[tuple[int, datetime]]] = {}
    waiting = _waiting(destinations) if among is None else []
    for key, destination, count, since in (*_uncleared(by_id, among or AWAKE), *waiting):
        found.setdefault((key, destination), []).append((count, since))
    grouped = [
        Need(
            BY_KEY[key],
            by_id[destination],
            sum(count for count, since in counted),
            min(since for count, since in counted),
        )
        for (key, destination), counted in found.items()
        if BY_KEY[key].advice.actor != Actor.NOBODY
    ]
    return sorted(grouped, key=lambda need: need.since)


def _uncleared(destinations: Iterable[int], among: Q) -> Iterable[Any]:
    theirs = Delivery.objects.filter(UNCLEARED, among, destination__in=list(destinations))
    deliveries = theirs.order_by()
    by_cause = deliveries.annotate(cause=cause_key()).values("cause", "destination")
    counted = by_cause.annotate(count=Count("pk"), since=Min("error_at"))
    return counted.values_list("cause", "destination", "count", "since")


def _waiting(destinations: Iterable[Destination]) -> Iterable[Any]:
    """Return imports without an error of their own that wait until a connection is fixed."""
    paused = {
        one.pk: PAUSED_BY[shut.gate.key]
        for one in destinations
        if (shut := gates.first_shut(gates.Facts(destination=one), gates.UNREACHABLE, gates.PAUSED))
    }
    if not paused:
        return []
    deliveries = Delivery.objects.filter(
        WAITS_FOR_CONNECTION, ~UNCLEARED, destination__in=list(paused)
    )
    by_destination = deliveries.order_by().values("destination")
    counted = by_destination.annotate(count=Count("pk"), since=Min("opened_at"))
    rows = counted.values_list("destination", "count", "since")
    return [(paused[destination], destination, *rest) for destination, *rest in rows]


@dataclass(frozen=True, slots=True)
class AfterRestore:
    """How many imports may have arrived since a backup that was restored."""

    at: datetime
    searched: int
    asked: int  # a person has to say whether they are there


def after_restore(destinations: Iterable[Destination]) -> AfterRestore | None:
    """Return what is still to be found out after the last restore, or None."""
    theirs = delivering.doubtful().filter(destination__in=[one.pk for one in destinations])
    asked = Q(state=State.NEEDS_ATTENTION, reason=Delivery.Reason.UNCONFIRMED)
    found = theirs.order_by().aggregate(
        at=Max("restore__at"),
        searched=Count("pk", filter=~asked),
        asked=Count("pk", filter=asked),
    )
    return AfterRestore(**found) if found["at"] else None


def oldest_unfinished(destinations: Iterable[Destination]) -> Delivery | None:
    """Return the import that was started first of those that neither arrived nor were given up.

    Those of a paused destination count. One whose error a person has cleared does not: somebody
    has seen to it.
    """
    theirs = Delivery.objects.filter(destination__in=[one.pk for one in destinations])
    # Each from its own index; together in one query.
    is_first = Q(pk__in=[])
    for condition in (
        Q(state=State.QUEUED),
        Q(state=State.RUNNING),
        Q(state=State.NEEDS_ATTENTION) & UNCLEARED,
    ):
        first = theirs.filter(condition).order_by("opened_at").values("pk")[:1]
        is_first |= Q(pk=Subquery(first))
    firsts = Delivery.objects.filter(is_first).only("opened_at", "state")
    return firsts.order_by("opened_at").first()
