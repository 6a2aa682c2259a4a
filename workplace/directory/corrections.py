"""Corrections that people suggest: accepted or refused one by one."""

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from directory.editing import corrections
from directory.models import Correction, Directory, Service
from workplace.directory.shared import name_of, shown, url_of

PER_PAGE = 25


def review(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List open corrections, the oldest first; POST decides on one."""
    found = Correction.objects.filter(state=Correction.State.OPEN).select_related("entry")
    if request.method == "POST":
        _decide(request)
        return HttpResponseRedirect(request.path)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    services = Service.objects.select_related("entry").in_bulk([one.entry_id for one in page])
    rows = [
        {
            "correction": one,
            "name": name_of(services[one.entry_id], directory),
            "now": getattr(services[one.entry_id], one.field, {}).get(one.language, "")
            if one.field
            else "",
            "url": url_of(services[one.entry_id]),
        }
        for one in page
        if one.entry_id in services
    ]
    return shown(site, request, "corrections", _("Corrections"), {"page": page, "rows": rows})


def _decide(request: HttpRequest) -> None:
    key, deed = request.POST.get("correction", ""), request.POST.get("deed")
    if not (key.isascii() and key.isdecimal() and len(key) < 19) or deed not in (
        "accept",
        "refuse",
    ):
        raise Http404
    correction = Correction.objects.filter(pk=int(key)).first()
    if correction is None:
        raise Http404
    try:
        (corrections.accept if deed == "accept" else corrections.refuse)(correction, request.user)
    except corrections.NotOpen:
        messages.warning(request, _("Somebody has decided on this correction already."))
        return
    messages.success(request, _("Accepted.") if deed == "accept" else _("Refused."))
