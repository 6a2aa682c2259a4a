"""What a search finds, in the order in which it is shown."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from django.db.models import Exists, OuterRef, QuerySet

from directory.listing import places
from directory.listing.filters import Asked, Found, find, serves
from directory.models import (
    HIDDEN,
    Directory,
    Kind,
    Location,
    Membership,
    ServiceAtLocation,
    View,
)
from directory.pages import where
from directory.pages.asking import Query
from directory.pages.where import Somewhere

PER_PAGE = 20
NEAR = 50_000  # metres: farther away, a place is not near


@dataclass(frozen=True)
class Results:
    """One page of what was found. `distances` are in metres, by the key of the service."""

    total: int
    page: int
    keys: list[int]
    distances: Mapping[int, float] = field(default_factory=dict)
    is_near: bool = False  # a place was named, and is known
    is_place_unknown: bool = False

    @property
    def pages(self) -> int:
        return -(-self.total // PER_PAGE)


def search(query: Query, view: View, directory: Directory, now: datetime) -> Results:
    """Return the services of the view that match. A page past the end is the last one.

    Near a place come first those that are at a location there, the nearest first; then those that
    are at no place that readers see, such as a crisis line, if they serve the place.
    """
    asked = Asked(Kind.SERVICE, view, directory, query.values, now)
    found = find(asked)
    place = where.find(query.where, view) if query.where else None
    if place is None:
        return _by_relevance(found, query)
    return _by_distance(asked, found, place, query.page)


def _by_relevance(found: Found, query: Query) -> Results:
    is_unknown = bool(query.where)
    if found.by_words_alone is not None:
        total, keys = found.by_words_alone.page((query.page - 1) * PER_PAGE, PER_PAGE)
        if keys or query.page == 1:
            return Results(total, query.page, keys, is_place_unknown=is_unknown)
    total = found.entries.count()
    page = _within(query.page, total)
    ordered = found.ordered.values_list("pk", flat=True)
    keys = list(ordered[(page - 1) * PER_PAGE : page * PER_PAGE])
    return Results(total, page, keys, is_place_unknown=is_unknown)


def _by_distance(asked: Asked, found: Found, place: Somewhere, wanted: int) -> Results:
    distances: dict[int, float] = {}
    if place.point is not None:
        for one in places.near(asked.view, place.point, NEAR):
            distances[one.service] = min(one.metres, distances.get(one.service, one.metres))
    in_city = _at_locations(asked.view, place.locations)
    ordered = found.ordered.values_list("pk", flat=True)
    matching = [key for key in ordered if key in distances or key in in_city]
    near = sorted(matching, key=lambda key: distances.get(key, inf))
    elsewhere = ordered.filter(~Exists(_placed(asked.view)), serves(asked, place.as_postcode))
    keys = list(dict.fromkeys([*near, *elsewhere]))
    page = _within(wanted, len(keys))
    shown = keys[(page - 1) * PER_PAGE : page * PER_PAGE]
    return Results(len(keys), page, shown, distances, is_near=True)


def _at_locations(view: View, locations: Collection[int]) -> set[int]:
    """Return the services at locations of a city, some of which may have no coordinates."""
    if not locations:
        return set()
    at = ServiceAtLocation.objects.filter(_member(view), location__in=locations)
    return set(at.values_list("service", flat=True))


def _placed(view: View) -> "QuerySet[ServiceAtLocation]":
    """Return where a service is, as readers see it: a confidential place is none."""
    at = ServiceAtLocation.objects.filter(
        _member(view), service=OuterRef("pk"), location__location_type=Location.Type.PHYSICAL
    )
    return at.exclude(location__entry__secrecy__in=HIDDEN)


def _member(view: View) -> Exists:
    return Exists(Membership.objects.filter(view=view, present=True, entry=OuterRef("pk")))


def _within(page: int, total: int) -> int:
    return max(1, min(page, -(-total // PER_PAGE)))
