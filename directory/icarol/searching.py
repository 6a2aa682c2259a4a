"""What a search of iCarol's API asks for, and what it finds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from directory.formats.icarol import LEVELS
from directory.formats.icarol_records import (
    ACTIVE,
    DO_NOT_REFER,
    INACTIVE,
    SERVICE_SITE,
    STATUSES,
)
from directory.icarol.records import Context
from directory.listing import values
from directory.listing.parameters import Refused, Wrong
from directory.models import Entry, Kind, Location, Membership, Service, View
from directory.reading.words import words
from directory.search.matching import matching

ALL = "*"
MOST, USUAL = 1000, 100  # of `take`
_MOST_SKIPPED = 10**9
_AT = "serviceatlocation__service__"


@dataclass(frozen=True)
class Query:
    """What a body asks for."""

    term: str = ALL
    kinds: tuple[str, ...] = tuple(LEVELS.values())
    statuses: tuple[str, ...] = STATUSES
    since: datetime | None = None
    databases: tuple[int, ...] | None = None
    names_only: bool = False
    take: int = USUAL
    skip: int = 0
    take_all: bool = False


def read(body: bytes) -> Query:
    """Return what a JSON body asks for; raises Refused, naming each key that it cannot have."""
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused(Wrong("", _("The body is not JSON."))) from None
    if not isinstance(given, dict):
        raise Refused(Wrong("", _("A JSON object is expected.")))
    found: dict[str, Any] = {}
    wrong: list[Wrong] = []
    for key, value in given.items():
        try:
            name, reader = _KEYS[key]
            found[name] = reader(value)
        except KeyError:
            wrong.append(Wrong(key[:100], _("A search has no such key.")))
        except ValueError as error:
            wrong.append(Wrong(key, str(error)))
    if wrong:
        raise Refused(*wrong)
    return Query(**found)


def find(query: Query, context: Context) -> "QuerySet[Entry]":
    """Return the entries of the view that a query asks for, by number."""
    directory, view = context.directory, context.view
    present = Entry.objects.filter(memberships__view=view, memberships__present=True)
    if query.databases is not None and directory.database_id not in query.databases:
        return present.none()
    chosen = Q(pk__in=[])
    for kind in query.kinds:
        chosen |= Q(kind=kind) & _matching(query, Kind(kind), view)
    found = present.filter(chosen, _of_status(query.statuses))
    if query.since is not None:
        found = found.filter(_since(query.since, view))
    return found.order_by("number")


# -- conditions -----------------------------------------------------------------------------------


def _matching(query: Query, kind: Kind, view: View) -> Q:
    if query.term.strip() in ("", ALL):
        return Q()
    if kind is Kind.LOCATION:
        return Q(pk__in=_locations(query.term, view))
    found = matching(query.term, kind, view)
    if found is None:
        return Q()
    return Q(pk__in=found.up_to(0)) if query.names_only else found.condition


def _locations(term: str, view: View) -> list[int]:
    """Return the view's locations in whose name each word begins one."""
    if not view.shows("location.name"):
        return []
    wanted = words(term)
    named = Location.objects.filter(
        entry__memberships__view=view, entry__memberships__present=True, entry__secrecy__in=_OPEN
    )
    return [
        key
        for key, name in named.values_list("pk", "name").iterator()
        if _begin(wanted, [word for text in name.values() for word in words(text)])
    ]


_OPEN = ("", "cleared")


def _begin(wanted: list[str], found: list[str]) -> bool:
    return all(any(word.startswith(one) for word in found) for one in wanted)


def _of_status(statuses: tuple[str, ...]) -> Q:
    """Return the condition of one of the statuses; a service at a location goes by its service."""
    closed = (Service.Status.INACTIVE, Service.Status.DEFUNCT)
    paused = Service.Status.TEMPORARILY_CLOSED
    is_inactive = Q(service__status__in=closed) | Q(**{f"{_AT}status__in": closed})
    is_paused = Q(not_public=True) | Q(service__status=paused) | Q(**{f"{_AT}status": paused})
    by_status = {
        INACTIVE: is_inactive,
        DO_NOT_REFER: is_paused & ~is_inactive,
        ACTIVE: ~is_paused & ~is_inactive,
    }
    found = Q(pk__in=[])
    for status in statuses:
        found |= by_status[status]
    return found


def _since(moment: datetime, view: View) -> Q:
    """Return the condition of a change then or later: what records say in `modified`."""
    members = Membership.objects.filter(view=view, present=True, at__gte=moment)
    others = Q(kind__in=(Kind.ORGANIZATION, Kind.LOCATION), pk__in=members.values("entry"))
    if not view.shows("service.last_modified"):
        return others
    of_services = Q(kind=Kind.SERVICE, last_modified__gte=moment)
    return others | of_services | Q(**{f"{_AT}entry__last_modified__gte": moment})


# -- keys -----------------------------------------------------------------------------------------


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(_("Use true or false."))  # noqa: TRY004 - what callers catch
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(_("A text is expected."))  # noqa: TRY004 - what callers catch
    return values.text(value)


def _several(value: Any) -> list[Any]:
    found = value if isinstance(value, list) else [value]
    if not found:
        raise ValueError(_("The list is empty."))
    return found


def _types(value: Any) -> tuple[str, ...]:
    known = {**LEVELS, SERVICE_SITE: Kind.SERVICE_AT_LOCATION.value}
    found = _several(value)
    if not all(isinstance(one, str) and one in known for one in found):
        raise ValueError(_("Use one of {names}.").format(names=", ".join(known)))
    return tuple(dict.fromkeys(known[one] for one in found))


def _statuses(value: Any) -> tuple[str, ...]:
    found = _several(value)
    if not all(one in STATUSES for one in found):
        raise ValueError(_("Use one of {names}.").format(names=", ".join(STATUSES)))
    return tuple(found)


def _moment(value: Any) -> datetime | None:
    return values.since(value) if _text(value) else None


def _databases(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise ValueError(_("A list of numbers is expected."))
    return tuple(value)


def _number(least: int, most: int) -> Any:
    def read_number(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            limits = {"least": least, "most": most}
            raise ValueError(_("Use a whole number from {least} to {most}.").format(**limits))
        return value

    return read_number


_KEYS: Mapping[str, tuple[str, Any]] = {
    "term": ("term", lambda value: values.search(_text(value))),
    "resourceType": ("kinds", _types),
    "status": ("statuses", _statuses),
    "modifiedSince": ("since", _moment),
    "database": ("databases", _databases),
    "namesOnly": ("names_only", _switch),
    "take": ("take", _number(1, MOST)),
    "skip": ("skip", _number(0, _MOST_SKIPPED)),
    "takeALL": ("take_all", _switch),
}
