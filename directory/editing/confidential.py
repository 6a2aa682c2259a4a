"""*Confidential*: what it hides, pressing it, and deciding on what matches it elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from directory.editing.recording import edit
from directory.models import (
    HIDDEN,
    Address,
    Agency,
    Contact,
    Entry,
    Fingerprint,
    Holding,
    Kind,
    Location,
    Membership,
    Phone,
    Secrecy,
    Service,
    ServiceAtLocation,
)
from directory.reading import coordinates, phones
from directory.secrecy import NEAR, address_keys, points
from directory.taking_in import take_in

HIDDEN_BY, SHOWN_BY = "made confidential", "no longer confidential"
_OWNERS = ("organization", "service", "location", "service_at_location")


@dataclass(frozen=True)
class Target:
    """What is made confidential: a row by its column `secrecy` or `email_secrecy`.

    An entry, a phone, or a contact is hidden by `secrecy`; the e-mail of a contact, an agency, or
    a service by `email_secrecy`; a mailing address by `private`, which is yes or no.
    """

    row: Any
    column: str = "secrecy"

    @property
    def owners(self) -> set[int]:
        """Return the keys of the entries that the row belongs to."""
        if isinstance(self.row, Entry | Agency | Service):
            return {self.row.pk}
        found = _owners_of(self.row)
        contact = getattr(self.row, "contact", None)
        return found | (_owners_of(contact) if contact else set())

    @property
    def secrecy(self) -> str:
        value = getattr(self.row, self.column)
        if isinstance(value, bool):
            return str(Secrecy.YES if value else Secrecy.NO)
        return str(value)


def _owners_of(row: Any) -> set[int]:
    keys = {getattr(row, f"{owner}_id", None) for owner in _OWNERS}
    return {key for key in keys if key is not None}


@dataclass(frozen=True)
class Effect:
    """What pressing *Confidential* does, as the keys of entries.

    `gone` leave every view; `without` stay, and no longer show it; `matching` belong to something
    elsewhere that matches, and that is held back until staff decide.
    """

    gone: tuple[int, ...]
    without: tuple[int, ...]
    matching: tuple[int, ...]


def effect(target: Target) -> Effect:
    """Return what would disappear, and where: only what somebody sees now is named."""
    take_in()
    gone = _gone(target)
    holders = _holders(gone | target.owners) if isinstance(target.row, Entry) else set()
    without = (holders | _showing(target.owners)) - gone
    matching = set(_matching(target)) - gone
    seen = _seen(gone | without | matching)
    return Effect(*(tuple(sorted(keys & seen)) for keys in (gone, without, matching)))


def press(target: Target, user: Any) -> None:
    """Make it confidential. From the next request on no reader sees it."""
    _set(target, Secrecy.YES, user, HIDDEN_BY)


def lift(target: Target, user: Any) -> None:
    """Let it be seen again, as a person decides; also for what only matches a confidential one."""
    _set(target, Secrecy.CLEARED, user, SHOWN_BY)


def undecided() -> list[Target]:
    """Return what is held back because it matches something confidential; none of it withdrawn."""
    here = {"secrecy": Secrecy.MATCHES, "withdrawn_by": ""}
    found = [Target(entry) for entry in Entry.objects.filter(**here)]
    for model in (Phone, Contact):
        found += [Target(row) for row in model.objects.filter(secrecy=Secrecy.MATCHES)]
    for holder in (Contact, Agency, Service):
        rows = holder._default_manager.filter(email_secrecy=Secrecy.MATCHES)
        found += [Target(row, "email_secrecy") for row in rows]
    return found


def matched(target: Target) -> set[int]:
    """Return the entries of what is confidential and matches: the reason why it is held back."""
    table, keys = _prints(target)
    found = Fingerprint.objects.filter(key__in=keys, secret=True).exclude(
        table=table, row=target.row.pk
    )
    near = _near(target.row.pk, Secrecy.YES) if table == "location" else set()
    return set(found.values_list("entry", flat=True)) | near


def _near(key: int, secrecy: Secrecy) -> set[int]:
    """Return the locations of this secrecy within 50 m of one."""
    own = points(Location.objects.filter(pk=key))
    if not own:
        return set()
    south, north, west, east = coordinates.box(*own[key], NEAR)
    around = Location.objects.exclude(pk=key).filter(
        entry__secrecy=secrecy, latitude__range=(south, north), longitude__range=(west, east)
    )
    return {
        other
        for other, point in points(around).items()
        if coordinates.distance(point, own[key]) <= NEAR
    }


def _set(target: Target, secrecy: Secrecy, user: Any, reason: str) -> None:
    with edit(target.owners, user, reason):
        model = type(target.row)
        value = secrecy == Secrecy.YES if target.column == "private" else secrecy
        model._default_manager.filter(pk=target.row.pk).update(**{target.column: value})
    setattr(target.row, target.column, value)


# -- what it does ---------------------------------------------------------------------------------


def _gone(target: Target) -> set[int]:
    """Return the entries that leave every view: the entry, and what belongs to it alone.

    A location stays, with a neutral name and no place.
    """
    if not isinstance(target.row, Entry) or target.row.kind == Kind.LOCATION:
        return set()
    gone = {target.row.pk}
    if target.row.kind == Kind.ORGANIZATION:
        gone |= _keys(Service.objects.filter(organization=target.row.pk))
    return gone | _keys(ServiceAtLocation.objects.filter(service__in=gone))


def _holders(keys: set[int]) -> set[int]:
    return set(Holding.objects.filter(held__in=keys).values_list("holder", flat=True))


def _showing(keys: set[int]) -> set[int]:
    """Return the entries whose answers hold these whole: services their agency, and so on."""
    services = Service.objects.filter(Q(pk__in=keys) | Q(organization__in=keys))
    at = ServiceAtLocation.objects.filter(
        Q(pk__in=keys)
        | Q(service__in=keys)
        | Q(service__organization__in=keys)
        | Q(location__in=keys)
    )
    owned = Location.objects.filter(pk__in=keys, organization__isnull=False)
    of_places = at.values_list("service", flat=True)
    agencies = owned.values_list("organization", flat=True)
    return {*keys, *_keys(services), *_keys(at), *of_places, *agencies}


def _keys(found: Any) -> set[int]:
    return set(found.values_list("pk", flat=True))


def _seen(keys: Iterable[int]) -> set[int]:
    members = Membership.objects.filter(entry__in=set(keys), present=True)
    return set(members.values_list("entry", flat=True))


def _matching(target: Target) -> Iterable[int]:
    """Yield the entries with a row elsewhere that matches, and that nobody has cleared."""
    table, keys = _prints(target)
    found = Fingerprint.objects.filter(key__in=keys, secret=False).exclude(
        table=table, row=target.row.pk
    )
    for one in found:
        if not _is_decided(one):
            yield one.entry_id
    if table == "location":
        yield from _near(target.row.pk, Secrecy.NO)


def _prints(target: Target) -> tuple[str, list[str]]:
    """Return the table of the target's fingerprints, and what it matches by."""
    row = target.row
    if target.column == "email_secrecy":
        table = {Contact: "contact", Agency: "organization", Service: "service"}[type(row)]
        return table, [f"email:{row.email.strip().casefold()}"] if row.email else []
    if isinstance(row, Phone):
        return "phone", [f"phone:{phones.key(row.number)}"]
    if isinstance(row, Entry) and row.kind == Kind.LOCATION:
        addresses = Address.objects.filter(location=row.pk, address_type="physical")
        return "location", [f"address:{key}" for one in addresses for key in address_keys(one)]
    return "", []


def _is_decided(one: Fingerprint) -> bool:
    """Return whether the row is hidden already, or was cleared by a person."""
    model, column = {
        "location": (Entry, "secrecy"),
        "phone": (Phone, "secrecy"),
        "contact": (Contact, "email_secrecy"),
        "organization": (Agency, "email_secrecy"),
        "service": (Service, "email_secrecy"),
    }[one.table]
    decided = Q(**{f"{column}__in": [*HIDDEN, Secrecy.CLEARED]})
    return bool(model._default_manager.filter(decided, pk=one.row).exists())
