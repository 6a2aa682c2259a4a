"""Postcodes, areas and distances."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from directory.models import HIDDEN, Place, ServiceArea, View
from directory.reading import coordinates, postcodes
from directory.secrecy import is_place

Point = tuple[float, float]  # latitude, longitude


@dataclass(frozen=True)
class Postcode:
    """Where a postcode is, and the names of the areas that it is in."""

    point: Point
    areas: frozenset[str]


def find(text: str) -> Postcode | None:
    """Return a postcode that is known.

    A Canadian one may also be known, or asked for, by its first three characters; 12345-6789 is
    known by its first five.
    """
    keys = [postcodes.key(code) for code in postcodes.lookups(text)]
    for key in keys:
        if found := list(Place.objects.filter(postcode=key)):
            return _middle(found)
    is_short = len(keys) == 1 and len(keys[0]) == _FORWARD
    return _middle(Place.objects.filter(postcode__startswith=keys[0])) if is_short else None


_FORWARD = 3  # characters of the first part of a Canadian postcode


def _middle(places: Iterable[Place]) -> Postcode | None:
    found = list(places)
    if not found:
        return None
    point = (
        sum(place.latitude for place in found) / len(found),
        sum(place.longitude for place in found) / len(found),
    )
    return Postcode(point, frozenset(name for place in found for name in place.areas))


# -- distances ------------------------------------------------------------------------------------


class Near(NamedTuple):
    """A service at a location near to a point."""

    key: int
    service: int
    metres: float
    id: UUID
    service_id: UUID


def near(view: View, point: Point, metres: float) -> list[Near]:
    """Return the view's services at locations within so many metres.

    A confidential location is near to nothing.
    """
    south, north, west, east = coordinates.box(*point, metres)
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, [view.pk, view.pk, *HIDDEN, south, north, west, east])
        rows = cursor.fetchall()
    placed = (
        Near(key, service, coordinates.distance(point, (latitude, longitude)), *ids)
        for key, service, latitude, longitude, *ids in rows
        if is_place(latitude, longitude)
    )
    return [one for one in placed if one.metres <= metres]


# A service at a location is in no view without its service.
_NEAR = """
    SELECT place.entry_id, place.service_id, location.latitude, location.longitude,
        member.hsds_id, service.hsds_id
    FROM directory_location location
    JOIN directory_entry entry ON entry.id = location.entry_id
    JOIN directory_serviceatlocation place ON place.location_id = location.entry_id
    JOIN directory_membership member ON member.entry_id = place.entry_id
        AND member.view_id = %s AND member.present
    JOIN directory_membership service ON service.entry_id = place.service_id
        AND service.view_id = %s
    WHERE entry.secrecy NOT IN (%s, %s)
    AND location.latitude BETWEEN %s AND %s AND location.longitude BETWEEN %s AND %s
"""


# -- areas ----------------------------------------------------------------------------------------


def covering(postcode: Postcode, view: View) -> list[int]:
    """Return the service areas that a postcode is in: by name, or by their GeoJSON.

    What the view does not show of them covers nothing.
    """
    found: list[int] = []
    if view.shows("service_area.name"):
        named = ServiceArea.objects.filter(names__name__in=postcode.areas)
        found += named.values_list("pk", flat=True)
    if view.shows("service_area.extent", "service_area.extent_type"):
        drawn = ServiceArea.objects.exclude(extent="").filter(extent_type__iexact="geojson")
        for key, extent in drawn.values_list("pk", "extent"):
            if covers(extent, postcode.point):
                found.append(key)
    return found


def covers(extent: str, point: Point) -> bool:
    """Return whether the GeoJSON holds the point. What is no GeoJSON holds nothing."""
    return any(_in_polygon(polygon, point) for polygon in _polygons(extent))


Ring = tuple[tuple[float, float], ...]  # longitude, latitude


@lru_cache(maxsize=1024)
def _polygons(extent: str) -> tuple[tuple[Ring, ...], ...]:
    try:
        return tuple(_polygons_of(json.loads(extent)))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return ()


def _polygons_of(value: Any) -> Iterable[tuple[Ring, ...]]:
    match value["type"]:
        case "FeatureCollection":
            for feature in value["features"]:
                yield from _polygons_of(feature)
        case "Feature":
            yield from _polygons_of(value["geometry"])
        case "GeometryCollection":
            for geometry in value["geometries"]:
                yield from _polygons_of(geometry)
        case "Polygon":
            yield _rings(value["coordinates"])
        case "MultiPolygon":
            for rings in value["coordinates"]:
                yield _rings(rings)


def _rings(rings: Any) -> tuple[Ring, ...]:
    return tuple(tuple((float(at[0]), float(at[1])) for at in ring) for ring in rings)


def _in_polygon(rings: tuple[Ring, ...], point: Point) -> bool:
    """Return whether the point is within the outer ring and in none of the holes."""
    inside = [_in_ring(ring, point) for ring in rings]
    return bool(inside) and inside[0] and not any(inside[1:])


def _in_ring(ring: Ring, point: Point) -> bool:
    north, east = point
    crossings = 0
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], *ring[:1]), strict=True):
        if (y1 > north) != (y2 > north) and east < (x2 - x1) * (north - y1) / (y2 - y1) + x1:
            crossings += 1
    return crossings % 2 == 1
