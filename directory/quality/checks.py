"""The checks of the directory's quality, by their keys.

Each finds entries that are not withdrawn. Those of rows find the entries that the rows belong to.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.database import clock
from directory import models as rows
from directory.changes import in_parts
from directory.duplicates import finding as duplicates
from directory.hours.opening import parse_schedule
from directory.models import HIDDEN, Directory, Entry, Place, Secrecy
from directory.quality.revealing import revealing
from directory.reading import coordinates, links, phones, postcodes
from directory.tables import TABLES, Sort

FAR = 50_000  # metres from the centroid of its own postcode
_ADDRESS_PARTS = ("address_1", "city", "state_province", "postal_code", "country")
_SHOWN = (rows.Service.Status.ACTIVE, rows.Service.Status.TEMPORARILY_CLOSED)


class Severity(StrEnum):
    ERROR = "error"  # people are misled, or something confidential may be seen
    WARNING = "warning"  # something that people look for is missing
    INFO = "info"  # may be right as it is


@dataclass(frozen=True)
class Check:
    """One check: its key, how bad it is, and how its entries are found."""

    key: str
    severity: Severity
    find: Callable[["Looking"], Iterable[int]]


@dataclass(frozen=True)
class Result:
    """The entries that a check found, by their ids in HSDS."""

    check: Check
    records: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "key": self.check.key,
            "severity": self.check.severity.value,
            "count": len(self.records),
            "records": list(self.records),
        }


class Looking:
    """What the checks of one run share."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    @cached_property
    def today(self) -> date:
        return clock.now().astimezone(self.directory.zone).date()

    @property
    def services(self) -> "QuerySet[rows.Service]":
        """Return the services that people may be shown."""
        return rows.Service.objects.filter(entry__withdrawn_by="", status__in=_SHOWN)

    @property
    def agencies(self) -> "QuerySet[rows.Agency]":
        return rows.Agency.objects.filter(entry__withdrawn_by="")

    @property
    def locations(self) -> "QuerySet[rows.Location]":
        """Return the physical locations whose place is shown."""
        own = rows.Location.objects.filter(entry__withdrawn_by="", location_type="physical")
        return own.exclude(entry__secrecy__in=HIDDEN)


def run(keys: Iterable[str] = ()) -> list[Result]:
    """Return what each check finds, by ids in HSDS; of all, or of those with the keys."""
    return [
        Result(check, tuple(_ids(entries)))
        for check, entries in find(Directory.objects.get(), keys)
    ]


def find(directory: Directory, keys: Iterable[str] = ()) -> Iterator[tuple[Check, list[int]]]:
    """Yield each check with the keys of the entries that it finds; of all, or of those named."""
    looking = Looking(directory)
    wanted = set(keys)
    for check in CHECKS:
        if not wanted or check.key in wanted:
            yield check, list(_present(list(dict.fromkeys(check.find(looking)))))


def _present(entries: list[int]) -> Iterator[int]:
    for some in in_parts(entries):
        present = Entry.objects.filter(pk__in=some, withdrawn_by="").order_by("pk")
        yield from present.values_list("pk", flat=True)


def _ids(entries: list[int]) -> Iterator[str]:
    for some in in_parts(entries):
        present = Entry.objects.filter(pk__in=some).order_by("pk")
        yield from map(str, present.values_list("hsds_id", flat=True))


def _keys(found: "QuerySet[Any]") -> Iterator[int]:
    yield from found.order_by("pk").values_list("pk", flat=True).iterator()


# -- What is missing ----------------------------------------------------------------------------


def _missing_description(looking: Looking) -> Iterator[int]:
    yield from _keys(looking.agencies.filter(description={}))
    yield from _keys(looking.services.filter(description={}))


def _of_service_or_place(model: Any, *, of_agency: bool) -> Q:
    """Return whether a service has a row of its own, at a place, of a place, or of its agency."""
    places = rows.ServiceAtLocation.objects.filter(service=OuterRef("pk"), entry__withdrawn_by="")
    own = Exists(model.objects.filter(service=OuterRef("pk")))
    at = Exists(places.filter(Exists(model.objects.filter(service_at_location=OuterRef("pk")))))
    there = Exists(places.filter(Exists(model.objects.filter(location=OuterRef("location")))))
    found = Q(own) | Q(at) | Q(there)
    if of_agency:
        found |= Q(Exists(model.objects.filter(organization=OuterRef("organization"))))
    return found


def _missing_phone(looking: Looking) -> Iterator[int]:
    contacts = rows.Contact.objects.filter(service=OuterRef("pk"), phones__isnull=False)
    has = _of_service_or_place(rows.Phone, of_agency=True) | Q(Exists(contacts))
    yield from _keys(looking.services.exclude(has))


def _no_schedule(looking: Looking) -> Iterator[int]:
    has = _of_service_or_place(rows.Schedule, of_agency=False)
    yield from _keys(looking.services.exclude(has))


def _no_taxonomy(looking: Looking) -> Iterator[int]:
    terms = rows.Attribute.objects.filter(
        link_entity="service", link=OuterRef("pk"), taxonomy_term__isnull=False
    )
    yield from _keys(looking.services.filter(~Exists(terms)))


def _no_location(looking: Looking) -> Iterator[int]:
    places = rows.ServiceAtLocation.objects.filter(service=OuterRef("pk"), entry__withdrawn_by="")
    yield from _keys(looking.services.filter(~Exists(places)))


def _no_coordinates(looking: Looking) -> Iterator[int]:
    yield from _keys(looking.locations.filter(Q(latitude=None) | Q(longitude=None)))


def _no_mailbox(looking: Looking) -> Iterator[int]:
    has_none = Q(email="") | Q(email_secrecy__in=HIDDEN)
    yield from _keys(looking.agencies.filter(has_none, verification_email=""))


def _verification_overdue(looking: Looking) -> Iterator[int]:
    since = looking.today - timedelta(days=looking.directory.verify_every_days)
    yield from _keys(looking.services.filter(Q(assured_date=None) | Q(assured_date__lt=since)))


def _missing_translation(looking: Looking) -> Iterator[int]:
    for found in (looking.agencies, looking.services):
        lacks = Q()
        for language in looking.directory.languages:
            for field in ("name", "description"):
                missing = Q(**{f"{field}__has_key": language})
                lacks |= ~missing & ~Q(**{field: {}})
        yield from _keys(found.filter(lacks))


def _stale_translation(looking: Looking) -> Iterator[int]:
    for model in rows.ROWS.values():
        yield from _keys(model._default_manager.exclude(stale_texts=[]))
    for table in TABLES.values():
        if table.parents:
            yield from _entries_of(table.model._default_manager.exclude(stale_texts=[]))


# -- What is wrong ------------------------------------------------------------------------------


def _entries_of(found: "QuerySet[Any]") -> Iterator[int]:
    """Yield the entries that rows belong to, also by way of a contact or a phone."""
    table = next(table for table in TABLES.values() if table.model is found.model)
    for path in _paths(table.name):
        owned = found.filter(**{f"{path}__isnull": False}).values_list(path, flat=True)
        yield from owned.distinct().iterator()


def _paths(name: str) -> Iterator[str]:
    for column in TABLES[name].parents:
        if TABLES[column.reference].is_entry:
            yield column.field
        else:
            yield from (f"{column.field}__{path}" for path in _paths(column.reference))


def _with(model: Any, keys: Iterable[int]) -> Iterator[int]:
    for some in in_parts(keys):
        yield from _entries_of(model.objects.filter(pk__in=some))


def _invalid_phone(looking: Looking) -> Iterator[int]:
    numbers = rows.Phone.objects.values_list("pk", "number").iterator()
    yield from _with(rows.Phone, (key for key, number in numbers if not phones.is_valid(number)))


def _shown_addresses() -> "QuerySet[rows.Address]":
    return rows.Address.objects.exclude(location__entry__secrecy__in=HIDDEN)


def _invalid_postcode(looking: Looking) -> Iterator[int]:
    near = _shown_addresses().filter(Q(country="") | Q(country__iregex=r"^(CA|CAN|US|USA|Canada)"))
    codes = near.exclude(postal_code="").values_list("location", "postal_code")
    yield from (key for key, code in codes.iterator() if postcodes.normalize(code) is None)


def _incomplete_address(looking: Looking) -> Iterator[int]:
    empty = Q()
    for part in _ADDRESS_PARTS:
        is_word = TABLES["address"].columns[part].sort is Sort.WORD
        empty |= Q(**{part: "" if is_word else {}})
    yield from _shown_addresses().filter(empty).values_list("location", flat=True).distinct()


def _outside_area(looking: Looking) -> Iterator[int]:
    """Find places that are far from where their own postcode is."""
    found = rows.Address.objects.filter(
        location__in=looking.locations, location__latitude__isnull=False
    ).exclude(postal_code="")
    columns = ("location", "location__latitude", "location__longitude", "postal_code")
    places = {
        place.postcode: (place.latitude, place.longitude) for place in Place.objects.iterator()
    }
    for key, latitude, longitude, code in found.values_list(*columns).iterator():
        near = (places.get(postcodes.key(one)) for one in postcodes.lookups(code))
        centroid = next(filter(None, near), None)
        if centroid and coordinates.distance((latitude, longitude or 0.0), centroid) > FAR:
            yield key


def _unreadable_hours(looking: Looking) -> Iterator[int]:
    names = [*TABLES["schedule"].column_names[4:], "pk"]
    fields = [TABLES["schedule"].columns[name].field for name in names if name != "pk"]
    zone, year = looking.directory.zone, looking.today.year
    unread = (
        row["pk"]
        for row in rows.Schedule.objects.values("pk", *fields).iterator()
        if parse_schedule(row | {"notes": ""}, zone, year).reason
    )
    yield from _with(rows.Schedule, unread)


def _expired_schedule(looking: Looking) -> Iterator[int]:
    today = looking.today
    over = rows.Schedule.objects.filter(Q(valid_to__lt=today) | Q(until__lt=today))
    yield from _entries_of(over)


def _orphan(looking: Looking) -> Iterator[int]:
    used = rows.ServiceAtLocation.objects.filter(location=OuterRef("pk"), entry__withdrawn_by="")
    places = rows.Location.objects.filter(entry__withdrawn_by="", organization=None)
    yield from _keys(places.filter(~Exists(used)))
    yield from _keys(looking.services.filter(organization=None))
    gone = Q(service__entry__withdrawn_by__gt="") | Q(location__entry__withdrawn_by__gt="")
    yield from _keys(rows.ServiceAtLocation.objects.filter(gone, entry__withdrawn_by=""))


def _dead_link(looking: Looking) -> Iterator[int]:
    """Find links that nobody can open as they stand. None is opened."""
    for table in TABLES.values():
        for column in table.columns.values():
            if column.sort is not Sort.LINK:
                continue
            found = table.model._default_manager.exclude(**{column.field: {}})
            texts = found.values_list("pk", column.field).iterator()
            dead = [key for key, by in texts if not all(map(links.safe, by.values()))]
            for some in in_parts(dead):
                rows_of = table.model._default_manager.filter(pk__in=some)
                yield from _keys(rows_of) if table.is_entry else _entries_of(rows_of)


# -- What is confidential -----------------------------------------------------------------------


def _confidential_in_text(looking: Looking) -> Iterator[int]:
    yield from revealing()


def _confidential_twice(looking: Looking) -> Iterator[int]:
    yield from _keys(Entry.objects.filter(secrecy=Secrecy.MATCHES))
    for model in (rows.Phone, rows.Contact):
        yield from _entries_of(model.objects.filter(secrecy=Secrecy.MATCHES))
    yield from _entries_of(rows.Contact.objects.filter(email_secrecy=Secrecy.MATCHES))
    for holder in (rows.Agency, rows.Service):
        yield from _keys(holder.objects.filter(email_secrecy=Secrecy.MATCHES))


def _duplicates(looking: Looking) -> Iterator[int]:
    for pair in duplicates.find():
        yield from (pair.a, pair.b)


_FINDERS: Mapping[str, tuple[Severity, Callable[[Looking], Iterable[int]]]] = {
    "missing_description": (Severity.WARNING, _missing_description),
    "missing_phone": (Severity.WARNING, _missing_phone),
    "no_taxonomy": (Severity.WARNING, _no_taxonomy),
    "no_schedule": (Severity.WARNING, _no_schedule),
    "no_location": (Severity.INFO, _no_location),
    "no_coordinates": (Severity.WARNING, _no_coordinates),
    "outside_area": (Severity.ERROR, _outside_area),
    "incomplete_address": (Severity.WARNING, _incomplete_address),
    "verification_overdue": (Severity.WARNING, _verification_overdue),
    "no_mailbox": (Severity.WARNING, _no_mailbox),
    "missing_translation": (Severity.WARNING, _missing_translation),
    "stale_translation": (Severity.WARNING, _stale_translation),
    "invalid_phone": (Severity.ERROR, _invalid_phone),
    "invalid_postcode": (Severity.WARNING, _invalid_postcode),
    "unreadable_hours": (Severity.WARNING, _unreadable_hours),
    "expired_schedule": (Severity.WARNING, _expired_schedule),
    "orphan": (Severity.INFO, _orphan),
    "dead_link": (Severity.WARNING, _dead_link),
    "confidential_in_text": (Severity.ERROR, _confidential_in_text),
    "confidential_twice": (Severity.ERROR, _confidential_twice),
    "duplicate": (Severity.INFO, _duplicates),
}
CHECKS = tuple(Check(key, severity, find) for key, (severity, find) in _FINDERS.items())
