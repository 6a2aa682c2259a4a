"""Where people look: a postcode, or a town by its name."""

from dataclasses import dataclass

from django.db.models import Q

from directory.listing import places
from directory.listing.places import Point, Postcode
from directory.models import HIDDEN, Location, Membership, Town, View, Word
from directory.reading import postcodes
from directory.reading.words import words
from directory.secrecy import is_place

_MOST = 500  # locations of a town that are enough to say where it is


@dataclass(frozen=True)
class Somewhere:
    """A place that people named, and the names of areas that it is in."""

    point: Point
    areas: frozenset[str]

    @property
    def as_postcode(self) -> Postcode:
        return Postcode(self.point, self.areas)


def find(text: str, view: View) -> Somewhere | None:
    """Return the place that a text names: a postcode, a name in `areas`, or a location's city."""
    if postcodes.lookups(text) and (postcode := places.find(text)):
        return Somewhere(postcode.point, postcode.areas)
    key = " ".join(words(text))
    if not key:
        return None
    if town := Town.objects.filter(key=key[:200]).first():
        return Somewhere((town.latitude, town.longitude), frozenset([town.name]))
    return _city(text, key.split(), view)


def _city(text: str, named: list[str], view: View) -> Somewhere | None:
    """Return the middle of the view's locations in a city; a confidential one is in none."""
    in_city = Q()
    for word in named[:5]:
        found = Word.objects.filter(word=word, part=Word.Part.CITY)
        in_city &= Q(pk__in=found.values("entry"))
    members = Membership.objects.filter(view=view, present=True).values("entry")
    found_locations = (
        Location.objects.filter(in_city, pk__in=members, latitude__isnull=False)
        .exclude(longitude=None)
        .exclude(entry__secrecy__in=HIDDEN)
        .order_by("pk")
        .values_list("latitude", "longitude")[:_MOST]
    )
    points = [(north, east) for north, east in found_locations if is_place(north or 0, east or 0)]
    if not points:
        return None
    north = sum(point[0] or 0 for point in points) / len(points)
    east = sum(point[1] or 0 for point in points) / len(points)
    return Somewhere((north, east), frozenset([text.strip()]))
