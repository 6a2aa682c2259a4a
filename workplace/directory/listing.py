"""All services: found by their words, narrowed by what is to be done, changed many at once."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.editing.recording import edit
from directory.models import HIDDEN, Correction, Directory, Entry, Service, Word
from directory.reading.words import words
from workplace.directory.shared import name_of, shown

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


def services(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List services; POST gives the status that is chosen to those that are ticked."""
    if request.method == "POST":
        _set_status(request)
        return HttpResponseRedirect(f"{request.path}?{request.GET.urlencode()}")
    state = request.GET.get("state", "")
    found = _found(request.GET.get("q", ""), state)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    rows = [
        {
            "service": service,
            "name": name_of(service, directory),
            "agency": name_of(service.organization, directory) if service.organization else "",
            "url": reverse("admin:directory_service", args=[service.entry.hsds_id]),
        }
        for service in page
    ]
    states = [(name, label, name == state) for name, (label, _q) in STATES.items()]
    context = {
        "page": page,
        "rows": rows,
        "states": states,
        "state": state,
        "asked": request.GET.get("q", ""),
        "statuses": Service.Status.choices,
        "open_corrections": Correction.objects.filter(state=Correction.State.OPEN).count(),
    }
    return shown(site, request, "services", _("Directory"), context)


def _found(text: str, state: str) -> "QuerySet[Service]":
    found = Service.objects.select_related("entry", "organization__entry").order_by("-pk")
    if state in STATES:
        found = found.filter(STATES[state][1])
    for word in words(text)[:_WORDS]:
        same = Word.objects.filter(word__startswith=word).values("entry")
        found = found.filter(Q(pk__in=same) | Q(organization__in=same))
    return found


def _set_status(request: HttpRequest) -> None:
    """Change the status of the ticked services. It lifts nothing that is confidential."""
    status = request.POST.get("status")
    ids = [one for one in request.POST.getlist("chosen") if one.isascii() and one.isdecimal()]
    keys = list(
        Entry.objects.filter(pk__in=[one for one in ids if len(one) < 19], kind="service")
        .order_by("pk")
        .values_list("pk", flat=True)[:PER_PAGE]
    )
    if status not in Service.Status.values or not keys:
        messages.warning(request, _("Tick services, and choose a status."))
        return
    with edit(keys, request.user, REASON):
        Service.objects.filter(pk__in=keys).update(status=status)
    messages.success(request, _("The status was changed."))
