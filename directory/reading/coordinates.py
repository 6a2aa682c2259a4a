"""Coordinates: which can be used, and what is wrong with the others."""

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

DECIMALS = 6  # of files: 11 cm, and more says nothing
_EARTH = 6_371_008.8  # metres: the mean radius
_NORTH_AMERICA = ((14.0, 84.0), (-180.0, -50.0))


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the map, or why there is none.

    `latitude` and `longitude` are None where the values cannot be a place; `problem` is a sentence
    for people, also where they were put right.
    """

    latitude: Decimal | None = None
    longitude: Decimal | None = None
    problem: str = ""


def read(latitude: object, longitude: object) -> Place:
    """Return the place of two values as they came. Nothing given is no place, and no problem."""
    given = [value for value in (latitude, longitude) if str(value if value is not None else "")]
    if not given:
        return Place()
    first, second = number(latitude), number(longitude)
    if first is None or second is None:
        return Place(problem="Latitude and longitude are not two numbers.")
    if first == second == 0:
        return Place(problem="0, 0 is in the Atlantic: the coordinates were left out.")
    if _is_swapped(first, second):
        return Place(second, first, "Latitude and longitude were swapped; they were put right.")
    if not _is_on_earth(first, second):
        return Place(problem="Latitude and longitude are not on the earth.")
    return Place(first, second)


def number(value: object) -> Decimal | None:
    """Return the number of a coordinate, or None."""
    try:
        found = Decimal(str(value).strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < 1000 else None


def as_text(value: float) -> str:
    """Return a coordinate as files have it: `45.4215`."""
    text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the metres between two places (latitude, longitude), on the great circle."""
    latitudes = math.radians(a[0]), math.radians(b[0])
    half_north = (latitudes[1] - latitudes[0]) / 2
    half_east = math.radians(b[1] - a[1]) / 2
    chord = (
        math.sin(half_north) ** 2
        + math.cos(latitudes[0]) * math.cos(latitudes[1]) * math.sin(half_east) ** 2
    )
    return 2 * _EARTH * math.asin(math.sqrt(min(1.0, chord)))


def box(latitude: float, longitude: float, metres: float) -> tuple[float, float, float, float]:
    """Return (south, north, west, east) around all places within so many metres.

    Where the circle has a pole in it or crosses the date line, the box reaches all around.
    """
    angle = math.degrees(metres / _EARTH) * 1.0001  # never too small
    south, north = latitude - angle, latitude + angle
    if south <= -90 or north >= 90:
        return max(south, -90.0), min(north, 90.0), -180.0, 180.0
    sine = math.sin(math.radians(angle)) / math.cos(math.radians(latitude))
    east = math.degrees(math.asin(sine)) * 1.0001 if sine < 1 else 180.0
    if longitude - east < -180 or longitude + east > 180:
        return south, north, -180.0, 180.0
    return south, north, longitude - east, longitude + east


def _is_on_earth(latitude: Decimal, longitude: Decimal) -> bool:
    return abs(latitude) <= 90 and abs(longitude) <= 180


def _is_swapped(latitude: Decimal, longitude: Decimal) -> bool:
    """Return whether the two are a place only the other way around.

    In range both ways, a place of this directory is in North America rather than in the ocean off
    Antarctica.
    """
    if not _is_on_earth(latitude, longitude):
        return _is_on_earth(longitude, latitude)
    (south, north), (west, east) = _NORTH_AMERICA
    return latitude < 0 < longitude and south <= longitude <= north and west <= latitude <= east
