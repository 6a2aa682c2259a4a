"""The home page: what needs attention, the last 14 days, and how each connection does.

It shows numbers and no person's data; each part stands there for those who may open what it is of.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import scope
from access.roles import EDIT_DIRECTORY, SEE_LINKED_SERVICE
from core.database import clock
from directory import linking
from directory.editing import confidential
from directory.models import Correction, Pull
from integrations import capabilities
from integrations.capabilities import Capability
from integrations.models import Destination, ServiceListing, TriggerConfig
from referrals import advice, delivering
from referrals.advice import Actor
from referrals.answers import dashboard
from referrals.answers.causes import CAUSES, PAUSED_BY, Cause
from referrals.models import Delivery, InboundEvent
from workplace.shell import has_directory

SHOWN_CONNECTIONS = 5
SHOWN_LISTINGS = 5
DAYS = 14  # in the picture
WEEK = 7
WIDTH, HEIGHT, GROUND = 340, 112, 122  # of the picture, in its units; where its bars stand
SPARK = (76, 24)
WHAT = {
    Capability.SEARCH_FINDS: gettext_lazy("whether its search finds what is there"),
    Capability.RECOGNIZES_KEYS: gettext_lazy("whether it keeps one copy of a file sent twice"),
}
# Whose turn it is, for each role that a person may have.
MINE = {
    Actor.SUPPORT: "referrals.decide_delivery",
    Actor.LIAISON: "mapping.change_mapping",
    Actor.ADMINISTRATOR: "integrations.change_destination",
}
GOOD_NEWS = ("succeeded", "again")  # causes that are no trouble any more
STATES = {
    dashboard.Health.WORKING: "good",
    dashboard.Health.UNUSED: "calm",
    dashboard.Health.SUSPENDED: "wait",
    dashboard.Health.FAILING: "wait",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cause is met, with the link to exactly those imports."""

    need: dashboard.Need
    url: str


@dataclass(frozen=True, slots=True)
class Button:
    """What fixes a whole row with one press: it posts `data` to `url`."""

    label: str
    url: str
    data: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One cause: how often it is met and where, whose turn it is, and what fixes all of it."""

    cause: Cause
    places: list[Place]
    url: str
    mine: bool
    button: Button | None

    @property
    def count(self) -> int:
        return sum(place.need.count for place in self.places)

    @property
    def since(self) -> datetime:
        return min(place.need.since for place in self.places)

    @property
    def age(self) -> str:
        return _age(self.since)

    @property
    def state(self) -> str:
        return "good" if self.cause.key in GOOD_NEWS else "bad"


@dataclass(frozen=True, slots=True)
class Trend:
    """A number, and that of the week before."""

    count: int
    before: int

    @property
    def change(self) -> int:
        return self.count - self.before

    @property
    def size(self) -> int:
        return abs(self.change)


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the picture."""

    date: date
    imported: int
    failed: int
    left: float
    imported_height: float
    failed_height: float
    labeled: bool

    @property
    def imported_top(self) -> float:
        return GROUND - self.imported_height

    @property
    def failed_top(self) -> float:
        return self.imported_top - self.failed_height - 1

    @property
    def middle(self) -> float:
        return self.left + 7.5


@dataclass(frozen=True, slots=True)
class Connection:
    destination: Any
    health: dashboard.Health
    queue: int = 0
    waiting: int = 0  # deliveries that could go, were it not for its limits
    why: str = ""  # nothing goes, for those who may not read a destination's words
    failures: str = ""  # the points of its line

    @property
    def age(self) -> str:
        moment = self.destination.paused_at or self.destination.last_success
        return _age(moment) if moment else ""

    @property
    def state(self) -> str:
        return STATES.get(self.health, "bad")


def context_of(request: HttpRequest) -> dict[str, Any]:
    """Return what the home page shows this person."""
    now = timezone.localtime(clock.now())
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    destinations = dashboard.destinations_with_figures(_rows(request, Destination), today)
    days = dashboard.days([one.pk for one in destinations], today - timedelta(days=DAYS - 1))
    shown: dict[str, Any] = {"now": now}
    if request.user.has_perm("referrals.view_delivery"):
        shown |= _imports(request, destinations, now, days)
    elif request.user.has_perm("integrations.change_triggerconfig"):
        shown |= _listings(_rows(request, ServiceListing))
    if request.user.has_perm("integrations.view_destination"):
        shown |= _connections(destinations, today.date(), days)
    if request.user.has_perm("integrations.change_destination"):
        shown["to_confirm"] = _to_confirm(destinations)
    if request.user.has_perm(SEE_LINKED_SERVICE) and has_directory(request):
        ended = scope.limited(linking.ended(), request.user, "listing__organization")
        shown["ended_services"] = list(ended[:SHOWN_LISTINGS])
        shown["further_ended_services"] = max(0, ended.count() - SHOWN_LISTINGS)
    if request.user.has_perm(EDIT_DIRECTORY) and has_directory(request):
        shown["directory_tasks"] = _directory_tasks()
    return shown


def _rows(request: HttpRequest, model: Any) -> QuerySet[Any]:
    return scope.limited(model.objects.all(), request.user)


# -- For support -----------------------------------------------------------------------------------


def _imports(
    request: HttpRequest,
    destinations: list[Destination],
    now: datetime,
    days: list[dashboard.Day],
) -> dict[str, Any]:
    events = scope.limited(InboundEvent.objects.all(), request.user, "referral__organization")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    causes = _by_cause(request, dashboard.needs(destinations))
    bars = _bars(days, today.date())
    received = dashboard.received(events, now, today)
    return {
        "sees_imports": True,
        "causes": causes,
        "needing": sum(row.count for row in causes if row.state == "bad"),
        "received": Trend(received.this_week, received.week_before),
        "imported": _trend([bar.imported for bar in bars]),
        "failures": _trend([bar.failed for bar in bars]),
        "oldest": (oldest := dashboard.oldest_unfinished(destinations)),
        "oldest_age": _age(oldest.opened_at) if oldest else "",
        "restored": dashboard.after_restore(destinations),
        "hosts": delivering.asking().count(),
        "admit_host": advice.ADMIT_HOST,
        "unopened": _unopened(events),
        "flow": dashboard.flow(destinations, received.today),
        "bars": bars,
        "picture": _sums(bars),
        "days_table": _table(bars, days, destinations),
    }


def _by_cause(request: HttpRequest, needs: list[dashboard.Need]) -> list[Row]:
    """Return the causes with where each is met: mine first, good news last."""
    needs = sorted(needs, key=lambda need: CAUSES.index(need.cause))
    rows = [
        _row(request, cause, [*group]) for cause, group in groupby(needs, key=lambda it: it.cause)
    ]
    return sorted(rows, key=lambda row: (row.state == "good", not row.mine))


def _row(request: HttpRequest, cause: Cause, needs: list[dashboard.Need]) -> Row:
    permission = MINE.get(cause.advice.actor)
    return Row(
        cause,
        [Place(need, _work_list(need.cause, need.destination)) for need in needs],
        _work_list(cause),
        bool(permission and request.user.has_perm(permission)),
        _button(request, cause, needs),
    )


def _age(since: datetime) -> str:
    """Return how long ago it was, in its largest unit: "3 days"."""
    return timesince(since, depth=1)


def _button(request: HttpRequest, cause: Cause, needs: list[dashboard.Need]) -> Button | None:
    """Return the button that fixes all of it, where one does and the person may press it."""
    count = sum(need.count for need in needs)
    connection = cause.key in PAUSED_BY.values() and len(needs) == 1
    if connection and request.user.has_perm("integrations.change_destination"):
        url = reverse("admin:integrations_destination_test", args=[needs[0].destination.pk])
        return Button(_("Test connection"), url)
    if not request.user.has_perm("referrals.decide_delivery"):
        return None
    # What the action of the work list is sent when all of a filtered list is chosen.
    everything = {"index": "0", "select_across": "1", ACTION_CHECKBOX_NAME: "all"}
    if cause.key == Delivery.Reason.RETRIES_EXHAUSTED.value:
        label = _("Retry %(count)s") % {"count": count}
        return Button(label, _work_list(cause), {**everything, "action": "retry"})
    if cause.key == "succeeded":
        label = _("Clear %(count)s") % {"count": count}
        return Button(label, _work_list(cause), {**everything, "action": "clear_errors"})
    return None


def _work_list(cause: Cause, destination: Destination | None = None) -> str:
    query = {"error": "all", "reason": cause.key}
    if destination:
        query["destination"] = str(destination.pk)
    return f"{reverse('admin:referrals_delivery_changelist')}?{urlencode(query)}"


def _unopened(events: QuerySet[InboundEvent]) -> int:
    return events.filter(state=InboundEvent.State.QUARANTINED).order_by().count()


# -- The last 14 days ------------------------------------------------------------------------------


def _trend(counts: list[int]) -> Trend:
    return Trend(sum(counts[-WEEK:]), sum(counts[:-WEEK]))


def _dates(today: date) -> list[date]:
    return [today - timedelta(days=ago) for ago in reversed(range(DAYS))]


def _bars(days: list[dashboard.Day], today: date) -> list[Bar]:
    imported: Counter[date] = Counter()
    failed: Counter[date] = Counter()
    for day in days:
        imported[day.date] += day.imported
        failed[day.date] += day.failed
    dates = _dates(today)
    unit = (HEIGHT - 10) / max(1, *(imported[one] + failed[one] for one in dates))
    return [
        Bar(
            one,
            imported[one],
            failed[one],
            left=round(27 + place * (WIDTH - 27) / DAYS, 1),
            imported_height=round(imported[one] * unit, 1),
            failed_height=round(failed[one] * unit, 1),
            labeled=(DAYS - 1 - place) % 4 == 0,
        )
        for place, one in enumerate(dates)
    ]


def _sums(bars: list[Bar]) -> dict[str, Any]:
    most = max(bars, key=lambda bar: bar.imported + bar.failed)
    return {
        "imported": sum(bar.imported for bar in bars),
        "failed": sum(bar.failed for bar in bars),
        "most": most,
        "highest": most.imported + most.failed,
    }


def _table(
    bars: list[Bar], days: list[dashboard.Day], destinations: list[Destination]
) -> list[tuple[date, str, int, int]]:
    """Return the picture's numbers by day and destination, the newest first."""
    names = {one.pk: str(one) for one in destinations}
    return [
        (day.date, names[day.destination], day.imported, day.failed)
        for day in reversed(days)
        if day.date >= bars[0].date
    ]


def _line(failures: list[int]) -> str:
    """Return the points of a line of failures, a day each; empty when there were none."""
    if not any(failures):
        return ""
    width, height = SPARK
    step, unit = width / (len(failures) - 1), (height - 4) / max(failures)
    return " ".join(
        f"{place * step:.0f},{height - 2 - count * unit:.0f}"
        for place, count in enumerate(failures)
    )


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
    return [
        (one, get_text_list([str(WHAT[it]) for it in its], _("and")))
        for one, its in untested
        if its
    ]


# -- For those who edit the directory --------------------------------------------------------------


def _directory_tasks() -> list[tuple[str, int, str]]:
    """Return what waits for an editor: its name, how much it is, and where it is done."""
    open_corrections = Correction.objects.filter(state=Correction.State.OPEN).count()
    corrections = reverse("admin:directory_corrections")
    decisions = reverse("admin:directory_undecided")
    return [
        (_("Corrections to review"), open_corrections, corrections),
        (_("Held back until you decide"), len(confidential.undecided()), decisions),
        *_waiting_pulls(),
    ]


def _waiting_pulls() -> list[tuple[str, int, str]]:
    """Return the pulls that would withdraw too much, if there are any."""
    waiting = Pull.objects.filter(outcome=Pull.Outcome.WAITS).count()
    suppliers = reverse("admin:directory_suppliers")
    return [(_("Pulls that would withdraw too much"), waiting, suppliers)] if waiting else []


# -- For everybody ---------------------------------------------------------------------------------


def _connections(destinations: list[Any], today: date, days: list[dashboard.Day]) -> dict[str, Any]:
    worst = list(dashboard.Health)
    waiting = dashboard.waiting_for_turn(destinations)
    failed = {(day.destination, day.date): day.failed for day in days}
    connections = [
        Connection(
            one,
            dashboard.health(one),
            one.queued,
            waiting.get(one.pk, 0),
            shut.unquoted if (shut := dashboard.shut_gate(one)) else "",
            _line([failed.get((one.pk, day), 0) for day in _dates(today)]),
        )
        for one in destinations
    ]
    connections.sort(key=lambda connection: worst.index(connection.health))
    return {
        "connections": connections[:SHOWN_CONNECTIONS],
        "further_connections": len(connections[SHOWN_CONNECTIONS:]),
    }
