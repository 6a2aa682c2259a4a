"""What hangs on an entry, with its own pages: an agency's services, a service's places."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from directory.editing import presence
from directory.models import (
    HIDDEN,
    Agency,
    Directory,
    EntryRow,
    Location,
    Service,
)
from workplace.directory.shared import name_of, url_of

OFFERED = 300  # locations to choose from
LONGEST = 300  # characters of a new name


@dataclass(frozen=True)
class Item:
    name: str
    url: str
    notes: str


@dataclass(frozen=True)
class Related:
    """One list: its heading, what stands in it, and the button that adds to it, if there is one."""

    key: str
    label: str
    items: list[Item]
    deed: str = ""
    button: str = ""
    field: str = ""  # the label of what is typed for the button
    offered: Iterable[tuple[str, str]] = ()  # what can be typed: a value, and what it is


def related_of(row: Any, directory: Directory) -> list[Related]:
    """Return the lists on an entry's page; what is withdrawn stands last, and says so."""
    if isinstance(row, Agency):
        return [
            Related(
                "services",
                _("Services"),
                _items(row.services.select_related("entry"), directory),
                "add_service",
                _("Add a service"),
                _("Name of the new service"),
            ),
            Related(
                "locations",
                _("Locations"),
                _items(row.locations.select_related("entry"), directory),
                "add_location",
                _("Add a location"),
                _("Name of the new location"),
            ),
        ]
    if isinstance(row, Service):
        places = row.service_at_locations.select_related(
            "entry", "service__entry", "location__entry"
        )
        return [
            Related(
                "places",
                _("Places"),
                _items(places, directory, at="location"),
                "add_place",
                _("Add a place"),
                _("Location, by its name or id"),
                _offered(row, directory),
            )
        ]
    if isinstance(row, Location):
        places = row.service_at_locations.select_related(
            "entry", "service__entry", "location__entry"
        )
        return [Related("services", _("Services here"), _items(places, directory, at="service"))]
    both = [_item(one, directory) for one in (row.service, row.location)]
    return [Related("both", _("Service and location"), both)]


def _items(rows: Any, directory: Directory, at: str = "") -> list[Item]:
    found = rows.order_by("entry__withdrawn_by", "pk")
    return [_item(row, directory, getattr(row, at) if at else None) for row in found]


def _item(row: Any, directory: Directory, named: Any = None) -> Item:
    entries = [row.entry, *([named.entry] if named else [])]
    notes = []
    if any(entry.withdrawn_by for entry in entries):
        notes.append(_("withdrawn"))
    if any(entry.secrecy in HIDDEN for entry in entries):
        notes.append(_("confidential"))
    return Item(name_of(named or row, directory), url_of(row), ", ".join(notes))


def _offered(service: Service, directory: Directory) -> list[tuple[str, str]]:
    """Return locations to choose from: those of the agency first."""
    open_ones = Location.objects.filter(entry__withdrawn_by="").select_related("entry")
    own = list(open_ones.filter(organization=service.organization_id)[:OFFERED])
    others = open_ones.exclude(pk__in=[one.pk for one in own]).order_by("pk")[:OFFERED]
    return [(str(one.entry.hsds_id), name_of(one, directory)) for one in (*own, *others)][:OFFERED]


# -- adding ---------------------------------------------------------------------------------------


def add_related(deed: str, row: Any, directory: Directory, request: HttpRequest) -> str:
    """Add what a button of a list adds; return the address of its page, or an empty one."""
    text = request.POST.get(deed, "").strip()[:LONGEST]
    if not text:
        messages.warning(request, _("Type first what is to be added."))
        return ""
    if deed == "add_place" and isinstance(row, Service):
        location = _location(text)
        if location is None:
            messages.warning(request, _("No location, or more than one, has this name or id."))
            return ""
        return url_of(presence.join(row, location, request.user))
    if deed in ("add_service", "add_location") and isinstance(row, Agency):
        model: type[EntryRow] = Service if deed == "add_service" else Location
        name = {directory.languages[0]: text}
        made = presence.create(model, {"name": name, "organization": row}, request.user)
        return url_of(made)
    return ""


def add_agency(text: str, directory: Directory, user: Any) -> Agency:
    """Make an agency of this name."""
    name = {directory.languages[0]: text.strip()[:LONGEST]}
    return presence.create(Agency, {"name": name}, user)


def _location(text: str) -> Location | None:
    known = Location.objects.filter(entry__withdrawn_by="").select_related("entry")
    try:
        return known.filter(entry__hsds_id=UUID(text)).first()
    except ValueError:
        pass
    same = [
        one
        for one in known.iterator()
        if any(name.casefold() == text.casefold() for name in one.name.values())
    ]
    return same[0] if len(same) == 1 else None
