"""Bringing in postcodes: `postcode,latitude,longitude,areas`, with `;` between areas."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from directory.files import tables
from directory.files.archives import Archive
from directory.files.problems import Unreadable
from directory.importing.reports import Problem, Severity
from directory.models import Place, Town
from directory.reading import coordinates, postcodes
from directory.reading.words import words

_HEADINGS = ("postcode", "latitude", "longitude")
_PART = 5_000


@dataclass(slots=True)
class Places:
    """How many postcodes a file brought, and what could not be taken."""

    taken: int = 0
    problems: list[Problem] = field(default_factory=list)


def bring_in(path: Path) -> Places:
    """Create or update postcodes, and return how many; raises Unreadable."""
    found = Places()
    archive = Archive(path)
    try:
        for name in archive:
            with archive.open(name) as file:
                _write(_places(tables.read(file), name, found), found)
    finally:
        archive.close()
    _write_towns()
    return found


def _places(table: tables.Table, name: str, found: Places) -> Iterator[Place]:
    for heading in _HEADINGS:
        if heading not in table.headings:
            raise Unreadable(f"The file has no column “{heading}”.")
    for row in table.rows:
        code = postcodes.key(row.cells.get("postcode", ""))
        place = coordinates.read(row.cells.get("latitude"), row.cells.get("longitude"))
        if not postcodes.lookups(code) or place.latitude is None or place.longitude is None:
            message = place.problem or "A postcode with its latitude and longitude is expected."
            found.problems.append(Problem(message, Severity.ERROR, name, row.line))
            continue
        areas = [area.strip() for area in row.cells.get("areas", "").split(";") if area.strip()]
        yield Place(
            postcode=code,
            latitude=float(place.latitude),
            longitude=float(place.longitude),
            areas=list(dict.fromkeys(areas)),
        )


def _write(places: Iterator[Place], found: Places) -> None:
    part: dict[str, Place] = {}
    for place in places:
        part[place.postcode] = place
        found.taken += 1
        if len(part) >= _PART:
            _write_part(part)
            part = {}
    _write_part(part)


def _write_part(part: dict[str, Place]) -> None:
    with transaction.atomic():
        Place.objects.bulk_create(
            part.values(),
            update_conflicts=True,
            unique_fields=["postcode"],
            update_fields=["latitude", "longitude", "areas"],
            batch_size=1000,
        )


@transaction.atomic
def _write_towns() -> None:
    """Note where each area is, so that people may search near a town by its name."""
    sums: dict[str, tuple[str, float, float, int]] = {}
    for latitude, longitude, areas in Place.objects.values_list(
        "latitude", "longitude", "areas"
    ).iterator():
        for name in areas:
            key = " ".join(words(name))[:200]
            if key:
                first, north, east, count = sums.get(key, (name, 0.0, 0.0, 0))
                sums[key] = (first, north + latitude, east + longitude, count + 1)
    Town.objects.all().delete()
    Town.objects.bulk_create(
        (
            Town(key=key, name=name[:300], latitude=north / count, longitude=east / count)
            for key, (name, north, east, count) in sums.items()
        ),
        batch_size=1000,
    )
