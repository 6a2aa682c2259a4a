"""*Confidential*, for an entry, its phones, contacts, e-mails, and places: first what it does."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from directory.editing import erasing
from directory.editing.confidential import Effect, Target, effect, lift, press
from directory.models import (
    HIDDEN,
    Address,
    Contact,
    Directory,
    Entry,
    Kind,
    Location,
    Service,
    ServiceAtLocation,
)
from workplace.directory.shared import name_of, row_of, rows_by_key, shown, url_of
from workplace.directory.sheets import SHEETS

SHOWN = 100  # entries that are named of each sort
_WHOLE = {
    Kind.SERVICE: gettext_lazy("The whole service"),
    Kind.ORGANIZATION: gettext_lazy("The whole agency, with its services"),
    Kind.LOCATION: gettext_lazy("The place: its name, address, and phones"),
    Kind.SERVICE_AT_LOCATION: gettext_lazy("That the service is at this location"),
}


def hide(
    kind: str, site: AdminSite, directory: Directory, request: HttpRequest, hsds_id: UUID
) -> HttpResponse:
    """Offer what can be hidden; say what that does; do it when it is confirmed."""
    row = row_of(kind, hsds_id)
    targets = dict(_targets(row, directory))
    chosen = request.POST.get("target", "") if request.method == "POST" else ""
    if chosen and chosen not in targets:
        raise Http404
    deed = request.POST.get("deed", "") if chosen else ""
    if deed in ("press", "lift", "erase"):
        _do(deed, targets[chosen][1], request)
        return HttpResponseRedirect(request.path)
    context: dict[str, Any] = {
        "name": name_of(row, directory),
        "entry_url": url_of(row),
        "targets": [
            (key, label, target.secrecy in HIDDEN, _is_person(target))
            for key, (label, target) in targets.items()
        ],
    }
    if chosen:
        label, target = targets[chosen]
        context |= {"chosen": chosen, "label": label, **_named(effect(target), directory)}
    return shown(site, request, "confidential", _("Confidential"), context)


def _targets(row: Any, directory: Directory) -> Iterator[tuple[str, tuple[str, Target]]]:
    """Yield what can be hidden, by a key for the form, with what it is called."""
    # The sheet's name, as `service` and `location`, is the key of the entry itself.
    yield SHEETS[row.KIND.value].name, (str(_WHOLE[row.KIND]), Target(row.entry))
    if getattr(row, "email", ""):
        yield "email", (row.email, Target(row, "email_secrecy"))
    for phone in row.phones.all():
        label = f"{phone.number} {next(iter(phone.description.values()), '')}".strip()
        yield f"phone-{phone.pk}", (label, Target(phone))
    for contact in row.contacts.all():
        name = next(iter(contact.name.values()), "") or contact.email or _("Contact")
        yield f"contact-{contact.pk}", (name, Target(contact))
        if contact.email:
            label = f"{name}: {contact.email}"
            yield f"email-{contact.pk}", (label, Target(contact, "email_secrecy"))
        for phone in contact.phones.all():
            yield f"phone-{phone.pk}", (f"{name}: {phone.number}", Target(phone))
    if isinstance(row, Location):
        yield from _mailing_addresses(row)
    if isinstance(row, Service):
        yield from _places(row, directory)


def _mailing_addresses(location: Location) -> Iterator[tuple[str, tuple[str, Target]]]:
    """Yield the addresses that may be private alone; with its physical one a place is hidden."""
    for address in location.addresses.exclude(address_type=Address.Type.PHYSICAL):
        street = next(iter(address.address_1.values()), "") or address.postal_code
        yield f"address-{address.pk}", (street, Target(address, "private"))


def _places(service: Service, directory: Directory) -> Iterator[tuple[str, tuple[str, Target]]]:
    places = ServiceAtLocation.objects.filter(service=service.pk, entry__withdrawn_by="")
    for one in places.select_related("location__entry"):
        entry = one.location.entry
        yield f"location-{entry.pk}", (name_of(one.location, directory), Target(entry))


def _is_person(target: Target) -> bool:
    return isinstance(target.row, Contact) and target.column == "secrecy"


def _do(deed: str, target: Target, request: HttpRequest) -> None:
    if deed == "erase":
        if not _is_person(target):
            raise Http404
        erasing.erase(target.row, request, request.user)
        messages.success(request, _("The contact was erased, also from the history."))
        return
    (press if deed == "press" else lift)(target, request.user)
    for entry in Entry.objects.filter(pk__in=target.owners):
        audit.record(request, f"{deed}_confidential", entry)
    hidden = _("It is now confidential: readers no longer see it.")
    messages.success(request, hidden if deed == "press" else _("It can be seen again."))


def _named(found: Effect, directory: Directory) -> dict[str, Any]:
    """Return the entries of an effect with their kinds and names."""
    return {
        name: list(_names(keys[:SHOWN], directory))
        for name, keys in (
            ("gone", found.gone),
            ("without", found.without),
            ("matching", found.matching),
        )
    }


def _names(keys: tuple[int, ...], directory: Directory) -> Iterator[tuple[str, str]]:
    for row in rows_by_key(keys).values():
        yield row.entry.get_kind_display(), name_of(row, directory)
