"""Entries by hours: which are open at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from directory.hours.opening import parse_schedule
from directory.models import (
    HIDDEN,
    Closing,
    Directory,
    Hours,
    Kind,
    Membership,
    Schedule,
    Service,
    ServiceAtLocation,
    View,
)
from directory.tables import TABLES

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Begun:
    """Hours that have begun on a day and hold at the moment. Closings of that day close them."""

    day: date
    hours: tuple[int, ...]


def open_at(moment: datetime, kind: Kind, view: View, directory: Directory) -> Q:
    """Return the condition that a service, or a service at a location, is open at the moment."""
    local = moment.astimezone(directory.zone).replace(tzinfo=None)
    shown = Shown(view)
    begun = _begun(local, directory, view)
    if kind is Kind.SERVICE_AT_LOCATION:
        return Q(pk__in=_open_places(begun, shown).values("pk"))
    places = ServiceAtLocation.objects.filter(_member(view), service=OuterRef("pk"))
    open_places = _open_places(begun, shown).filter(_member(view))
    without = Service.objects.filter(~Exists(places)).filter(_alone(begun, shown))
    return Q(pk__in=open_places.values("service")) | Q(
        pk__in=without.exclude(status=Service.Status.TEMPORARILY_CLOSED).values("pk")
    )


@dataclass(frozen=True)
class Shown:
    """Hours and closings, as far as a view shows them: what it does not show is absent."""

    view: View

    def schedules(self, parent: str, of: str) -> "QuerySet[Schedule]":
        if not self.view.shows(f"schedule.{parent}_id"):
            return Schedule.objects.none()
        return Schedule.objects.filter(**{parent: OuterRef(of)}).order_by()

    def holding(self, schedules: "QuerySet[Schedule]", begun: Begun) -> "QuerySet[Schedule]":
        """Return the schedules whose hours hold, unless they are closed on the day these began."""
        closed = self._closings(begun.day, "schedule.notes").filter(schedule=OuterRef("pk"))
        return schedules.filter(~Exists(closed), hours__hours__in=begun.hours)

    def closings_of_services(self, day: date) -> "QuerySet[Closing]":
        return self._closings(day, "service.alert")

    def _closings(self, day: date, column: str) -> "QuerySet[Closing]":
        """Return the closings of a day, which answers write at the head of a column."""
        if not self.view.shows(column):
            return Closing.objects.none()
        return Closing.objects.filter(first_day__lte=day, last_day__gte=day).order_by()


def _begun(local: datetime, directory: Directory, view: View) -> list[Begun]:
    """Return the hours that hold, by the day on which they began: that day, or the day before."""
    today, yesterday = local.date(), local.date() - _DAY
    found: dict[date, list[int]] = {today: [], yesterday: []}
    hidden = {name for name in TABLES["schedule"].columns if not view.shows(f"schedule.{name}")}
    for key, columns in Hours.objects.values_list("pk", "columns"):
        if hidden:
            columns = {name: value for name, value in columns.items() if name not in hidden}
        schedule = parse_schedule(columns, directory.zone, local.year)
        for opening in schedule.openings(yesterday, today):
            if opening.covers(local):
                found[opening.start.date()].append(key)
    return [Begun(day, tuple(hours)) for day, hours in found.items()]


def _open_places(begun: Iterable[Begun], shown: Shown) -> "QuerySet[ServiceAtLocation]":
    """Services at locations by their own schedules; without any, by the service's, the location's.

    What is confidential of a location is not read: it has no hours.
    """
    own = shown.schedules("service_at_location", "pk")
    service = shown.schedules("service", "service")
    location = shown.schedules("location", "location")
    not_hidden = ~Q(location__entry__secrecy__in=HIDDEN)
    is_open: Any = Q()
    for one in begun:
        chain: Any = Q(Exists(shown.holding(own, one))) | (
            ~Exists(own)
            & (
                Exists(shown.holding(service, one))
                | (~Exists(service) & Exists(shown.holding(location, one)) & not_hidden)
            )
        )
        closed = shown.closings_of_services(one.day).filter(service=OuterRef("service"))
        is_open |= Q(~Exists(closed)) & chain
    found = ServiceAtLocation.objects.filter(is_open)
    return found.exclude(service__status=Service.Status.TEMPORARILY_CLOSED)


def _alone(begun: Iterable[Begun], shown: Shown) -> Any:
    """Return the condition that a service is open by its own schedules."""
    own = shown.schedules("service", "pk")
    is_open: Any = Q()
    for one in begun:
        closed = shown.closings_of_services(one.day).filter(service=OuterRef("pk"))
        is_open |= Q(Exists(shown.holding(own, one))) & ~Exists(closed)
    return is_open


def _member(view: View) -> Exists:
    return Exists(Membership.objects.filter(view=view, present=True, entry=OuterRef("pk")))
