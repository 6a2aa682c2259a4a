"""Holds back what matches something confidential, until staff decide.

A shelter may be confidential in one supplier's data and not in another's. So a location, phone or
e-mail that matches a confidential one is hidden, too. A location matches by its house number and
postcode (city, where it has no postcode), or by coordinates within 50 m. What is only held back
holds back nothing further, and what staff have cleared is not held back again.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from math import cos, floor, radians
from typing import Any

from django.db.models import Model, Q, QuerySet

from directory import models as rows
from directory.changes import changed, in_parts
from directory.models import Entry, Fingerprint, Secrecy
from directory.reading import coordinates, phones, postcodes
from directory.reading.words import folded, words

NEAR = 50  # metres
_CELL = 0.001  # degrees: 111 m of latitude
_UNIT = re.compile(
    r"(?:\b(?:unit|apt|apartment|suite|ste|room|floor|app|appartement|bureau|local|porte)\b|#)"
    r"[\s.#]*[a-z]?\d+[a-z]?\b"
)
_LEADING = re.compile(r"\W*((?:\d+[a-z]?\s*[-–/&]\s*)*\d+)")
_NUMBER = re.compile(r"\d+")

# By the table of a fingerprint: the model and the column that hides the row.
_HIDING: dict[str, tuple[type[Model], str]] = {
    "location": (Entry, "secrecy"),
    "phone": (rows.Phone, "secrecy"),
    "contact": (rows.Contact, "email_secrecy"),
    "organization": (rows.Agency, "email_secrecy"),
    "service": (rows.Service, "email_secrecy"),
}


class NotInTurn(Exception):
    """Something is to be hidden, for which no writer may be at work."""


def hold_back(keys: Collection[int], *, in_turn: bool = True) -> bool:
    """Note what these entries match by, and hide what matches something confidential.

    Both ways: rows of these entries, and rows elsewhere that match a confidential one of these.
    Marks the entries where something was hidden, and returns whether there were any. A caller that
    has locked entries, and has not waited for writers first, says that it is not `in_turn`: a
    writer may have locked what is to be hidden, and want one of the caller's. Then NotInTurn is
    raised in place of hiding anything.
    """
    prints = list(_prints(keys))
    # All anew: an address that was corrected no longer matches by the old one.
    Fingerprint.objects.filter(entry__in=keys).delete()
    Fingerprint.objects.bulk_create(prints)
    found = _matches({one.key for one in prints})
    found["location"] |= _near(keys)
    touched = {key for table in _HIDING for key in _hide(table, found[table], in_turn)}
    changed(touched)
    return bool(touched)


def _hide(table: str, keys: Collection[int], in_turn: bool) -> set[int]:
    """Hide rows that are not hidden, and that no one has cleared; return their entries."""
    model, column = _HIDING[table]
    touched: set[int] = set()
    for some in in_parts(keys):
        # Neither YES nor CLEARED: staff have decided on those.
        open_rows = model._default_manager.filter(pk__in=some, **{column: Secrecy.NO})
        hidden = list(open_rows.values_list("pk", flat=True))
        if hidden:
            if not in_turn:
                raise NotInTurn
            open_rows.update(**{column: Secrecy.MATCHES})
            of = Fingerprint.objects.filter(table=table, row__in=hidden)
            touched |= set(of.values_list("entry", flat=True))
            touched |= set(hidden) if table == "location" else set()
    return touched


def _matches(keys: Collection[str]) -> dict[str, set[int]]:
    """Return the rows, by table, that match something confidential by one of the keys."""
    found: dict[str, set[int]] = defaultdict(set)
    secret = Fingerprint.objects.filter(secret=True).values("key")
    for some in in_parts(keys):
        matching = Fingerprint.objects.filter(key__in=some, secret=False).filter(key__in=secret)
        for table, row in matching.values_list("table", "row"):
            found[table].add(row)
    return found


# -- fingerprints ---------------------------------------------------------------------------------


def _prints(keys: Collection[int]) -> Iterator[Fingerprint]:
    yield from _addresses(keys)
    yield from _phones(keys)
    yield from _emails(keys)


def _addresses(keys: Collection[int]) -> Iterator[Fingerprint]:
    found = rows.Address.objects.filter(location__in=keys, address_type="physical")
    for address in found.select_related("location__entry"):
        secret = address.location.entry.secrecy == Secrecy.YES
        for key in address_keys(address):
            of = address.location_id
            yield _print(f"address:{key}", of, "location", of, secret)


def address_keys(address: rows.Address) -> set[str]:
    """Return what an address matches by: `12|K1A0B1`, or `12|ottawa` where it has no postcode."""
    numbers = {number for text in address.address_1.values() for number in house_numbers(text)}
    where = {postcodes.key(address.postal_code)} if address.postal_code.strip() else set()
    where = where or {" ".join(words(city)) for city in address.city.values()}
    return {f"{number}|{place}" for number, place in product(numbers, where) if place}


def house_numbers(text: str) -> set[str]:
    """Return the numbers that a house may have: of `4-12 King St` both, of `Unit 4, 12 King` 12."""
    plain = folded(text)
    without_unit = _UNIT.sub(" ", plain)
    leading = _LEADING.match(without_unit)
    found = _NUMBER.findall(leading[1]) if leading else _NUMBER.findall(without_unit)[:1]
    return {number.lstrip("0") or "0" for number in found}


def _phones(keys: Collection[int]) -> Iterator[Fingerprint]:
    found = rows.Phone.objects.filter(_owned(keys) | _owned(keys, "contact__"))
    for phone in found.select_related("contact"):
        secret = phone.secrecy == Secrecy.YES
        for entry in _owners(phone, phone.contact) & set(keys):
            yield _print(f"phone:{phones.key(phone.number)}", entry, "phone", phone.pk, secret)


def _emails(keys: Collection[int]) -> Iterator[Fingerprint]:
    for agency in rows.Agency.objects.filter(pk__in=keys).exclude(email=""):
        yield _email(agency, agency.pk, "organization")
    for service in rows.Service.objects.filter(pk__in=keys).exclude(email=""):
        yield _email(service, service.pk, "service")
    for contact in rows.Contact.objects.filter(_owned(keys)).exclude(email=""):
        for entry in _owners(contact) & set(keys):
            yield _email(contact, entry, "contact")


def _email(row: Any, entry: int, table: str) -> Fingerprint:
    secret = row.email_secrecy == Secrecy.YES
    return _print(f"email:{row.email.strip().casefold()}", entry, table, row.pk, secret)


def _print(key: str, entry: int, table: str, row: int, secret: bool) -> Fingerprint:
    return Fingerprint(key=key[:200], entry_id=entry, table=table, row=row, secret=secret)


_OWNERS = ("organization", "service", "location", "service_at_location")


def _owned(keys: Collection[int], prefix: str = "") -> Q:
    found = Q()
    for owner in _OWNERS:
        found |= Q(**{f"{prefix}{owner}__in": keys})
    return found


def _owners(*found: Any) -> set[int]:
    keys = {getattr(row, f"{owner}_id") for row in found if row for owner in _OWNERS}
    return keys - {None}


# -- coordinates ----------------------------------------------------------------------------------

Point = tuple[float, float]


def _near(keys: Collection[int]) -> set[int]:
    """Return open locations within 50 m of a confidential one, if either is among `keys`."""
    placed = rows.Location.objects.exclude(latitude=None).exclude(longitude=None)
    secret = points(placed.filter(entry__secrecy=Secrecy.YES))
    grid: dict[tuple[int, int], list[Point]] = defaultdict(list)
    for point in secret.values():
        grid[_cell(point)].append(point)
    asked = points(placed.filter(pk__in=keys, entry__secrecy=Secrecy.NO))
    found = {key for key, point in asked.items() if _is_near(point, grid)}
    for key in set(secret) & set(keys):
        south, north, west, east = coordinates.box(*secret[key], NEAR)
        around = points(
            placed.filter(
                entry__secrecy=Secrecy.NO,
                latitude__range=(south, north),
                longitude__range=(west, east),
            )
        )
        found |= {
            other
            for other, point in around.items()
            if coordinates.distance(point, secret[key]) <= NEAR
        }
    return found


def points(found: "QuerySet[rows.Location]") -> dict[int, Point]:
    """Return the coordinates of locations, without those that are no place."""
    return {
        key: (latitude, longitude)
        for key, latitude, longitude in found.values_list("pk", "latitude", "longitude")
        if latitude is not None and longitude is not None and is_place(latitude, longitude)
    }


def is_place(latitude: float, longitude: float) -> bool:
    """Return whether two coordinates are a place on the earth; 0, 0 is what is filled in."""
    return abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)


def _cell(point: Point) -> tuple[int, int]:
    return floor(point[0] / _CELL), floor(point[1] / _CELL)


def _is_near(point: Point, grid: Mapping[tuple[int, int], list[Point]]) -> bool:
    north, east = _cell(point)
    width = 1 + int(1 / max(cos(radians(point[0])), 0.01)) // 2  # cells get narrow in the north
    cells = product(range(north - 1, north + 2), range(east - width, east + width + 1))
    near = (other for cell in cells for other in grid.get(cell, ()))
    return any(coordinates.distance(point, other) <= NEAR for other in near)
