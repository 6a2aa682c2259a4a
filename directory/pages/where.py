"""Where people look: a postcode, or a town by its name."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from directory.listing import places
from directory.listing.places import Point, Postcode
from directory.models import HIDDEN, Location, Membership, Town, View, Word
from directory.reading import postcodes
from directory.reading.words import words
from directory.secrecy import is_place

_MOST = 5000  # locations of a town
_WORDS = 5  # of its name


@dataclass(frozen=True)
class Somewhere:
    """A place that people named.

    `areas` are the names of areas that it is in, `locations` the keys of the view's locations whose
    city it is, also of those without coordinates.
    """

    point: Point | None
    areas: frozenset[str]
    locations: Collection[int] = ()

    @property
    def as_postcode(self) -> Postcode:
        """Return what service areas are compared with. No drawn area holds an unknown point."""
        return Postcode(self.point or (90.0, 0.0), self.areas)


def find(text: str, view: View) -> Somewhere | None:
    """Return the place that a text names: a postcode, a name in `areas`, or a location's city."""
    if postcodes.lookups(text) and (postcode := places.find(text)):
        return Somewhere(postcode.point, postcode.areas)
    named = words(text)[:_WORDS]
    if not named:
        return None
    town = Town.objects.filter(key=" ".join(words(text))[:200]).first()
    located = _located(named, view)
    if town is not None:
        point = (town.latitude, town.longitude)
        return Somewhere(point, frozenset([town.name]), list(located))
    if located:
        return Somewhere(_middle(located.values()), frozenset([text.strip()]), list(located))
    return None


def _located(named: list[str], view: View) -> dict[int, Point | None]:
    """Return the view's locations in a city, by its words; a confidential one is in none."""
    in_city = Q()
    for word in named:
        found = Word.objects.filter(word=word, part=Word.Part.CITY)
        in_city &= Q(pk__in=found.values("entry"))
    members = Membership.objects.filter(view=view, present=True).values("entry")
    shown = Location.objects.filter(in_city, pk__in=members).exclude(entry__secrecy__in=HIDDEN)
    columns = shown.order_by("pk").values_list("pk", "latitude", "longitude")[:_MOST]
    return {key: _point(north, east) for key, north, east in columns}


def _point(north: float | None, east: float | None) -> Point | None:
    if north is None or east is None or not is_place(north, east):
        return None
    return north, east


def _middle(points: Collection[Point | None]) -> Point | None:
    known = [point for point in points if point is not None]
    if not known:
        return None
    north = sum(point[0] for point in known) / len(known)
    east = sum(point[1] for point in known) / len(known)
    return north, east
