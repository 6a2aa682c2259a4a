"""*Confidential*, for a service, its phones, contacts, e-mail, and places: first what it does."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core import audit
from directory.editing import erasing
from directory.editing.confidential import Effect, Target, effect, lift, press
from directory.models import HIDDEN, ROWS, Contact, Directory, Entry, Service, ServiceAtLocation
from workplace.directory.shared import name_of, service_of, shown

SHOWN = 100  # entries that are named of each sort


def hide(
    site: AdminSite, directory: Directory, request: HttpRequest, hsds_id: UUID
) -> HttpResponse:
    """Offer what can be hidden; say what that does; do it when it is confirmed."""
    service = service_of(hsds_id)
    targets = dict(_targets(service, directory))
    chosen = request.POST.get("target", "") if request.method == "POST" else ""
    if chosen and chosen not in targets:
        raise Http404
    deed = request.POST.get("deed", "") if chosen else ""
    if deed in ("press", "lift", "erase"):
        _do(deed, targets[chosen][1], request)
        return HttpResponseRedirect(request.path)
    context: dict[str, Any] = {
        "name": name_of(service, directory),
        "service_url": reverse("admin:directory_service", args=[hsds_id]),
        "targets": [
            (key, label, target.secrecy in HIDDEN, isinstance(target.row, Contact))
            for key, (label, target) in targets.items()
        ],
    }
    if chosen:
        label, target = targets[chosen]
        context |= {"chosen": chosen, "label": label, **_named(effect(target), directory)}
    return shown(site, request, "confidential", _("Confidential"), context)


def _targets(service: Service, directory: Directory) -> Iterator[tuple[str, tuple[str, Target]]]:
    """Yield what can be hidden, by a key for the form, with what it is called."""
    yield "service", (_("The whole service"), Target(service.entry))
    if service.email:
        yield "email", (service.email, Target(service, "email_secrecy"))
    for phone in service.phones.all():
        yield f"phone-{phone.pk}", (phone.number, Target(phone))
    for contact in service.contacts.all():
        name = next(iter(contact.name.values()), "") or contact.email or _("Contact")
        yield f"contact-{contact.pk}", (name, Target(contact))
    places = ServiceAtLocation.objects.filter(service=service.pk, entry__withdrawn_by="")
    for one in places.select_related("location__entry"):
        entry = one.location.entry
        yield f"location-{entry.pk}", (name_of(one.location, directory), Target(entry))


def _do(deed: str, target: Target, request: HttpRequest) -> None:
    if deed == "erase":
        if not isinstance(target.row, Contact):
            raise Http404
        erasing.erase(target.row, request, request.user)
        messages.success(request, _("The contact was erased, also from the history."))
        return
    (press if deed == "press" else lift)(target, request.user)
    for entry in Entry.objects.filter(pk__in=target.owners):
        audit.record(request, f"{deed}_confidential", entry)
    hidden = _("It is confidential now: no reader sees it any more.")
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
    """Yield kind and name; a service at a location is called after both."""
    for model in ROWS.values():
        for row in model._default_manager.filter(pk__in=keys).select_related("entry"):
            if isinstance(row, ServiceAtLocation):
                of = (row.service, row.location)
                yield row.entry.get_kind_display(), " – ".join(name_of(o, directory) for o in of)
            else:
                yield row.entry.get_kind_display(), name_of(row, directory)
