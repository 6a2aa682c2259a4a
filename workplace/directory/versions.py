"""The history of a service: who changed it, when, why; an earlier version is put back."""

from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from directory import documents
from directory.editing import versions
from directory.editing.recording import differences
from directory.models import Directory, Revision, Service
from workplace.directory.shared import name_of, service_of, shown

PER_PAGE = 25


def history(
    site: AdminSite, directory: Directory, request: HttpRequest, hsds_id: UUID
) -> HttpResponse:
    """List the changes of a service, the newest first; POST puts back what was before one."""
    service = service_of(hsds_id)
    revisions = Revision.objects.filter(entry=service.pk)
    if request.method == "POST":
        _put_back(request, service)
        return HttpResponseRedirect(request.path)
    page = Paginator(revisions, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": _rows(service, list(page)),
        "service_url": reverse("admin:directory_service", args=[hsds_id]),
        "name": name_of(service, directory),
    }
    return shown(site, request, "history", _("History"), context)


def _rows(service: Service, found: list[Revision]) -> list[tuple[Revision, list[str]]]:
    """Return each revision with the names of the fields that it changed."""
    rows = []
    newer = (
        Revision.objects.filter(entry=service.pk, pk__gt=found[0].pk, before__isnull=False)
        .order_by("pk")
        .first()
        if found
        else None
    )
    after = newer.before if newer else documents.read([service.pk])[service.pk]
    for revision in found:
        changed = []
        if revision.before is not None:
            changed = [one.path for one in differences(revision.before, after) if one.path]
            after = revision.before
        rows.append((revision, sorted(dict.fromkeys(changed))))
    return rows


def _put_back(request: HttpRequest, service: Service) -> None:
    key = request.POST.get("revision", "")
    if not (key.isascii() and key.isdecimal() and len(key) < 19):
        raise Http404
    revision = Revision.objects.filter(pk=int(key), entry=service.pk).first()
    if revision is None or revision.before is None:
        raise Http404
    versions.put_back(revision, request.user)
    messages.success(request, _("The earlier version was put back. What is confidential stays so."))
