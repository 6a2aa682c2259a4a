"""Entries of a view as iCarol's records."""

import html
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from directory.answers.rendering import moment
from directory.formats import icarol_records as keys
from directory.formats.icarol import LEVELS
from directory.hours import icarol as plain_hours
from directory.hours.opening import parse_schedule
from directory.hours.wording import in_words
from directory.listing.items import Shape, members, texts
from directory.models import HIDDEN, Directory, Entry, Kind, Membership, Service, View

Json = dict[str, Any]
TYPES: Mapping[str, str] = {table: level for level, table in LEVELS.items()}


@dataclass(frozen=True)
class Context:
    """Whose view, in which language, as of when."""

    view: View
    directory: Directory
    language: str
    now: datetime


def stubs(context: Context, entries: Collection[int]) -> list[Json]:
    """Return what a search shows of entries of the view, in order."""
    return [_stub(context, one) for one in _read(context, entries)]


def whole(context: Context, entries: Collection[int]) -> list[Json]:
    """Return whole records of entries of the view, in order."""
    found = _read(context, entries)
    numbers = _Numbers(context.view, (one.made for one in found))
    return [_record(context, one, numbers) for one in found]


# -- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Read:
    """An entry, and what the view sees of it."""

    entry: Entry
    made: Json
    at: datetime | None  # when what the view sees of it was last changed

    @property
    def service(self) -> Json:
        """Return the service that it is, or that it is of; else nothing."""
        if self.entry.kind == Kind.SERVICE:
            return self.made
        found: Json = self.made.get("service", {})
        return found


def _read(context: Context, entries: Collection[int]) -> list[_Read]:
    shape = Shape(context.language)
    found = members(context.view, entries, shape)
    answers = texts(context.view, found, shape)
    rows = Entry.objects.in_bulk(list(found))
    at = dict(
        Membership.objects.filter(view=context.view, entry__in=found).values_list("entry", "at")
    )
    return [
        _Read(rows[key], json.loads(text), at[key])
        for key, text in zip(found, answers, strict=True)
    ]


class _Numbers:
    """The numbers of the entries that answers name and the view has."""

    def __init__(self, view: View, answers: Iterable[Json]) -> None:
        named: dict[str, set[str]] = {}
        for made in answers:
            for kind, one in _named(made):
                named.setdefault(kind, set()).add(one["id"])
        wanted = Q(pk__in=[])
        for kind, ids in named.items():
            wanted |= Q(kind=kind, hsds_id__in=ids)
        found = Entry.objects.filter(wanted, memberships__view=view, memberships__present=True)
        self._numbers = {
            (kind, str(hsds_id)): number
            for kind, hsds_id, number in found.values_list("kind", "hsds_id", "number")
        }

    def of(self, kind: str, hsds_id: str) -> int | None:
        return self._numbers.get((kind, hsds_id))


def _named(made: Json) -> Iterator[tuple[str, Json]]:
    """Yield the entries that a record relates to, by kind, each with its id and perhaps a name."""
    service = made.get("service", {})
    if agency := made.get("organization") or service.get("organization"):
        yield Kind.ORGANIZATION, agency
    elif "organization_id" in made:
        yield Kind.ORGANIZATION, {"id": made["organization_id"]}
    if service:
        yield Kind.SERVICE, service
    for one in made.get("services", []):
        yield Kind.SERVICE, one
    places = [made["location"]] if "location" in made else made.get("locations", [])
    for place in places:
        yield Kind.LOCATION, place
    for at in made.get("service_at_locations", []):
        yield Kind.SERVICE_AT_LOCATION, {"id": at["id"], "name": at["location"].get("name", "")}


# -- records --------------------------------------------------------------------------------------


def _stub(context: Context, one: _Read) -> Json:
    entry = one.entry
    is_nameless = entry.kind == Kind.LOCATION and entry.secrecy in HIDDEN
    return _given(
        {
            "id": entry.number,
            "uniquePriorID": "" if is_nameless else entry.supplier_key,
            "databaseID": context.directory.database_id,
            "type": TYPES[entry.kind],
            "status": _status(one),
            "names": _names(one),
            "modified": _modified(one),
            "cultureCode": context.language,
        }
    )


def _status(one: _Read) -> str:
    status = one.service.get("status", Service.Status.ACTIVE)
    if status in (Service.Status.INACTIVE, Service.Status.DEFUNCT):
        return keys.INACTIVE
    if one.entry.not_public or status == Service.Status.TEMPORARILY_CLOSED:
        return keys.DO_NOT_REFER
    return keys.ACTIVE


def _names(one: _Read) -> list[Json]:
    """Return the names; a service at a location has that of its service."""
    of = one.service or one.made
    named = ((keys.PRIMARY, "name"), (keys.ALTERNATE, "alternate_name"))
    return [{"value": of[key], "purpose": purpose} for purpose, key in named if key in of]


def _modified(one: _Read) -> str:
    if one.service:
        found: str = one.service.get("last_modified", "")
        return found
    return moment(one.at) if one.at else ""


def _record(context: Context, one: _Read, numbers: _Numbers) -> Json:
    made, kind = one.made, one.entry.kind
    description = made.get("description", "")
    record = _stub(context, one) | {
        "hsdsID": made["id"],
        "description": html.escape(description, quote=False),
        "descriptionText": description,
        "contactDetails": list(_contact_details(made, kind)),
        "related": list(_related(made, numbers)),
        "taxonomy": _codes(made),
        "coverage": [area["name"] for area in made.get("service_areas", []) if "name" in area],
        "hours": _hours(context, made),
    }
    for key, columns in keys.TEXTS.items():
        record[key] = made.get(columns.get(kind, ""), "")
    for key, (nested, column) in keys.JOINED.items():
        record[key] = "; ".join(row[column] for row in made.get(nested, []) if column in row)
    return _given(record)


def _given(record: Json) -> Json:
    """Return a record without what is absent."""
    return {key: value for key, value in record.items() if value not in ("", None, [], {})}


def _related(made: Json, numbers: _Numbers) -> Iterator[Json]:
    for kind, one in _named(made):
        if number := numbers.of(kind, one["id"]):
            yield _given({"id": number, "type": TYPES[kind], "name": one.get("name", "")})


def _codes(made: Json) -> list[str]:
    terms = [one.get("taxonomy_term", {}) for one in made.get("attributes", [])]
    return [term["code"] for term in terms if "code" in term]


# -- how to reach it ------------------------------------------------------------------------------


def _contact_details(made: Json, kind: str) -> Iterator[Json]:
    for contact in _contacts(made, kind):
        # What is confidential is absent from every view.
        yield {"isConfidential": False, "contact": contact}


def _contacts(made: Json, kind: str) -> Iterator[Json]:
    for address in made.get("addresses", []):
        yield _place(made, address)
    for phone in made.get("phones", []):
        yield {"type": "PhoneNumber", **_phone(phone)}
    if "email" in made:
        yield {"type": "EmailAddress", "address": made["email"]}
    website = made.get("website" if kind == Kind.ORGANIZATION else "url")
    if website:
        yield {"type": "Website", "url": website}
    for person in made.get("contacts", []):
        yield _person(person)


def _place(location: Json, address: Json) -> Json:
    is_postal = address.get("address_type") == "postal"
    made: Json = {"type": "PostalAddress" if is_postal else "PhysicalLocation"}
    made |= {key: address.get(column, "") for key, column in keys.ADDRESS.items()}
    if not is_postal:
        made |= {name: location.get(name) for name in ("latitude", "longitude")}
    return _given(made)


def _phone(phone: Json) -> Json:
    number = phone["number"]
    if "extension" in phone:
        number = f"{number} ext. {phone['extension']}"
    return _given(
        {
            "number": number,
            "purpose": phone.get("type", ""),
            "description": phone.get("description", ""),
        }
    )


def _person(person: Json) -> Json:
    phones = [phone["number"] for phone in person.get("phones", [])]
    return _given(
        {
            "type": "Person",
            "name": person.get("name", ""),
            "title": person.get("title", ""),
            "emailAddress": person.get("email", ""),
            "phoneNumber": phones[0] if phones else "",
        }
    )


def _hours(context: Context, made: Json) -> Json:
    """Return plain weekly hours by day, and all others in words."""
    zone, year = context.directory.zone, context.now.year
    rows = made.get("schedules", [])
    schedules = [(row, parse_schedule(row, zone, year)) for row in rows]
    plain = [schedule for _, schedule in schedules if plain_hours.is_plain(schedule)]
    days = [
        {
            "dayOfWeek": plain_hours.DAY_NAMES[day],
            "opens": f"{opens // 60:02}:{opens % 60:02}",
            "closes": f"{closes // 60:02}:{closes % 60:02}",
        }
        for day, opens, closes in plain_hours.day_hours(plain)
    ]
    notes = []
    for row, schedule in schedules:
        if not plain_hours.is_plain(schedule):
            notes.append(in_words(schedule, context.language, row.get("description", "")))
        notes.append(row.get("notes", ""))
    return _given({"note": "; ".join(dict.fromkeys(filter(None, notes))), "days": days})
