"""All services, agencies, locations: found by words, narrowed, services changed many at once."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.database import clock
from directory.editing.recording import edit
from directory.models import (
    HIDDEN,
    Agency,
    Correction,
    Directory,
    Entry,
    EntryRow,
    Location,
    Service,
    Word,
)
from directory.reading.words import words
from workplace.directory.entry.related import add_agency
from workplace.directory.shared import language_for, name_of, shown, url_of

PER_PAGE = 50
_WORDS = 8
REASON = "changed with others"
_OPEN = Correction.objects.filter(entry=OuterRef("pk"), state=Correction.State.OPEN)
# What the list can be narrowed to: its name in the URL, on the page, and its condition.
STATES: dict[str, tuple[Any, Q]] = {
    "shown": (
        gettext_lazy("Shown"),
        Q(entry__withdrawn_by="") & ~Q(entry__secrecy__in=HIDDEN),
    ),
    "confidential": (gettext_lazy("Confidential"), Q(entry__secrecy__in=HIDDEN)),
    "withdrawn": (gettext_lazy("Withdrawn"), ~Q(entry__withdrawn_by="")),
    "stale": (gettext_lazy("Translation to check"), ~Q(stale_texts=[])),
    "corrections": (gettext_lazy("Corrections to review"), Q(Exists(_OPEN))),
}
ENTRY_STATES = ("shown", "confidential", "withdrawn", "stale")


@dataclass(frozen=True)
class Listed:
    """What one list shows. Its rows are services, agencies, or locations."""

    model: type[EntryRow]
    title: Any
    states: tuple[str, ...]


_SERVICES = Listed(Service, gettext_lazy("Services"), tuple(STATES))
_AGENCIES = Listed(Agency, gettext_lazy("Agencies"), ENTRY_STATES)
_LOCATIONS = Listed(Location, gettext_lazy("Locations"), ENTRY_STATES)


def services(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List services; POST gives the status that is chosen to those that are ticked."""
    if request.method == "POST":
        _set_status(directory, request)
        return HttpResponseRedirect(f"{request.path}?{request.GET.urlencode()}")
    open_corrections = Correction.objects.filter(state=Correction.State.OPEN).count()
    choices = [*Service.Status.choices, (VERIFIED, _("verified today"))]
    more = {"statuses": choices, "open_corrections": open_corrections}
    return _list(_SERVICES, site, directory, request, more)


def agencies(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List agencies; POST makes a new one."""
    if request.method == "POST":
        text = request.POST.get("name", "")
        if not text.strip():
            messages.warning(request, _("Type first what is to be added."))
            return HttpResponseRedirect(request.path)
        return HttpResponseRedirect(url_of(add_agency(text, directory, request.user)))
    return _list(_AGENCIES, site, directory, request, {"adds": _("Name of the new agency")})


def locations(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List locations. A new one is added on the page of its agency."""
    return _list(_LOCATIONS, site, directory, request, {})


def _list(
    listed: Listed, site: AdminSite, directory: Directory, request: HttpRequest, more: Any
) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in listed.states else ""
    found = _found(listed.model, request.GET.get("q", ""), state)
    named = found.order_by(
        Lower(KeyTextTransform(language_for(directory), "name")).asc(nulls_last=True), "pk"
    )
    page = Paginator(named, PER_PAGE).get_page(request.GET.get("page"))
    rows = [
        {
            "row": row,
            "name": name_of(row, directory),
            "agency": name_of(row.organization, directory)
            if getattr(row, "organization", None)
            else "",
            "url": url_of(row),
            "is_hidden": row.entry.secrecy in HIDDEN,
        }
        for row in page
    ]
    states = [(name, STATES[name][0], name == state) for name in listed.states]
    context = {
        "page": page,
        "rows": rows,
        "states": states,
        "state": state,
        "asked": request.GET.get("q", ""),
        "is_services": listed is _SERVICES,
        "has_agency": listed is not _AGENCIES,
        **more,
    }
    return shown(site, request, "entries", str(listed.title), context)


def _found(model: type[EntryRow], text: str, state: str) -> "QuerySet[Any]":
    """Return entries by the words of their names and texts, or by their id or number."""
    of_agency = model is not Agency
    related = ["entry", "organization__entry"] if of_agency else ["entry"]
    found: QuerySet[Any] = model._default_manager.select_related(*related)
    if state:
        found = found.filter(STATES[state][1])
    if text.strip() and (exact := found.filter(_by_id(text.strip()))).exists():
        return exact
    for word in words(text)[:_WORDS]:
        same = Word.objects.filter(word__startswith=word).values("entry")
        by_agency = Q(organization__in=same) if of_agency else Q()
        found = found.filter(Q(pk__in=same) | by_agency)
    return found


def _by_id(text: str) -> Q:
    """Return whether an entry has this text as its id, its id at its supplier, or its number."""
    found = Q(entry__supplier_key=text)
    if text.isascii() and text.isdecimal() and len(text) < 19:
        found |= Q(entry__number=int(text))
    with suppress(ValueError):
        found |= Q(entry__hsds_id=UUID(text))
    return found


VERIFIED = "verified"  # of what the ticked services can be set to: not a status, but today's date


def _set_status(directory: Directory, request: HttpRequest) -> None:
    """Change the status or the verification of the ticked services.

    It lifts nothing that is confidential.
    """
    status = request.POST.get("status")
    ids = [one for one in request.POST.getlist("chosen") if one.isascii() and one.isdecimal()]
    keys = list(
        Entry.objects.filter(pk__in=[one for one in ids if len(one) < 19], kind="service")
        .order_by("pk")
        .values_list("pk", flat=True)[:PER_PAGE]
    )
    if status not in (*Service.Status.values, VERIFIED) or not keys:
        messages.warning(request, _("Tick services, and choose what to set."))
        return
    today = clock.now().astimezone(directory.zone).date()
    verified = {"assured_date": today, "assurer_email": directory.mailbox}
    fields = verified if status == VERIFIED else {"status": status}
    with edit(keys, request.user, REASON):
        Service.objects.filter(pk__in=keys).update(**fields)
    messages.success(request, _("They were changed."))
