"""The home page: what needs a person, today's flow, and how each connection does.

It shows numbers and no person's data; each part stands there for those who may open what it is of.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from access import scope
from core.database import clock
from integrations import capabilities
from integrations.capabilities import Capability
from integrations.models import Destination, ServiceListing, TriggerConfig
from referrals import advice, delivering
from referrals.answers import dashboard
from referrals.answers.causes import CAUSES, Cause
from referrals.models import InboundEvent

SHOWN_CONNECTIONS = 12
SHOWN_LISTINGS = 5
TALLEST = 70  # units of the picture
WHAT = {
    Capability.SEARCH_FINDS: "whether its search finds what is there",
    Capability.RECOGNIZES_KEYS: "whether it keeps one copy of a file sent twice",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cause is met, with the link to exactly those imports."""

    need: dashboard.Need
    url: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One column of the picture."""

    label: str
    count: int
    left: int
    height: int

    @property
    def top(self) -> int:
        return 100 - self.height

    @property
    def middle(self) -> int:
        return self.left + 25


@dataclass(frozen=True, slots=True)
class Connection:
    destination: Any
    health: dashboard.Health
    waiting: int = 0  # deliveries that could go, were it not for its limits
    why: str = ""  # nothing goes, for those who may not read a destination's words


def context_of(request: HttpRequest) -> dict[str, Any]:
    """Return what the home page shows this person."""
    today = timezone.localtime(clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    destinations = dashboard.destinations_with_figures(_rows(request, Destination), today)
    shown: dict[str, Any] = {}
    if request.user.has_perm("referrals.view_delivery"):
        shown |= _imports(request, destinations, today)
    elif request.user.has_perm("integrations.change_triggerconfig"):
        shown |= _listings(_rows(request, ServiceListing))
    if request.user.has_perm("integrations.view_destination"):
        shown |= _connections(destinations)
    if request.user.has_perm("integrations.change_destination"):
        shown["to_confirm"] = _to_confirm(destinations)
    return shown


def _rows(request: HttpRequest, model: Any) -> QuerySet[Any]:
    return scope.limited(model.objects.all(), request.user)


# -- For support -----------------------------------------------------------------------------------


def _imports(
    request: HttpRequest, destinations: list[Destination], today: datetime
) -> dict[str, Any]:
    events = scope.limited(InboundEvent.objects.all(), request.user, "referral__organization")
    flow = dashboard.flow(destinations, events, today)
    return {
        "sees_imports": True,
        "causes": _by_cause(dashboard.needs(destinations)),
        "oldest": dashboard.oldest_unfinished(destinations),
        "restored": dashboard.after_restore(destinations),
        "hosts": delivering.asking().count(),
        "admit_host": advice.ADMIT_HOST,
        "unopened": _unopened(events),
        "flow": flow,
        "bars": _bars(flow),
    }


def _by_cause(needs: list[dashboard.Need]) -> list[tuple[Cause, list[Place]]]:
    """Return the causes, always in the same order, each with where it is met."""
    needs = sorted(needs, key=lambda need: CAUSES.index(need.cause))
    return [
        (cause, [Place(need, _work_list(need)) for need in group])
        for cause, group in groupby(needs, key=lambda need: need.cause)
    ]


def _work_list(need: dashboard.Need) -> str:
    query = {"error": "all", "reason": need.cause.key, "destination": need.destination.pk}
    return f"{reverse('admin:referrals_delivery_changelist')}?{urlencode(query)}"


def _unopened(events: QuerySet[InboundEvent]) -> int:
    return events.filter(state=InboundEvent.State.QUARANTINED).order_by().count()


def _bars(flow: dashboard.Flow) -> list[Bar]:
    counts = {
        "Received": flow.received,
        "Matched": flow.matched,
        "Imported": flow.imported,
        "Failed": flow.failed,
    }
    most = max(*counts.values(), 1)
    return [
        Bar(label, count, left=25 + 100 * place, height=max(2, round(TALLEST * count / most)))
        for place, (label, count) in enumerate(counts.items())
    ]


# -- For liaisons ----------------------------------------------------------------------------------


def _listings(listings: QuerySet[ServiceListing]) -> dict[str, Any]:
    on = TriggerConfig.objects.filter(listing=OuterRef("pk"), enabled=True)
    listings = listings.annotate(is_on=Exists(on))
    counts = listings.aggregate(all=Count("pk"), on=Count("pk", filter=Q(is_on=True)))
    off = listings.filter(is_on=False).select_related("organization")
    return {"listings": counts, "unconnected": off.order_by("name")[:SHOWN_LISTINGS]}


# -- For administrators ----------------------------------------------------------------------------


def _to_confirm(destinations: list[Destination]) -> list[tuple[Destination, str]]:
    """Return the destinations that nobody has tested or confirmed since the upgrade, and in what.

    By what is recorded alone: the options stay encrypted.
    """
    untested = [
        (one, capabilities.declared_at_upgrade(one.capabilities, untested=True))
        for one in destinations
    ]
    return [(one, " and ".join(WHAT[it] for it in its)) for one, its in untested if its]


# -- For everybody ---------------------------------------------------------------------------------


def _connections(destinations: list[Destination]) -> dict[str, Any]:
    worst = list(dashboard.Health)
    waiting = dashboard.waiting_for_turn(destinations)
    connections = [
        Connection(
            one,
            dashboard.health(one),
            waiting.get(one.pk, 0),
            shut.unquoted if (shut := dashboard.shut_gate(one)) else "",
        )
        for one in destinations
    ]
    connections.sort(key=lambda connection: worst.index(connection.health))
    return {
        "connections": connections[:SHOWN_CONNECTIONS],
        "further_connections": len(connections[SHOWN_CONNECTIONS:]),
    }
