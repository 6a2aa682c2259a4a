"""The directory's screens for those who edit it: services, corrections, history, *Confidential*.

Without a directory they do not exist. Their permission is that of one role alone, which sees no
referral (`access.roles.DIRECTORY_EDITOR`).
"""

from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache

from access.roles import EDIT_DIRECTORY
from directory.models import Directory
from workplace.directory import corrections, editing, hiding, listing, versions


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths: all services, corrections, and the pages of one service."""

    def page(view: Any) -> Any:
        return site.admin_view(never_cache(partial(_opened, view, site)))

    one = "directory/services/<uuid:hsds_id>/"
    return [
        path("directory/", page(listing.services), name="directory_services"),
        path("directory/corrections/", page(corrections.review), name="directory_corrections"),
        path(one, page(editing.edit_service), name="directory_service"),
        path(f"{one}history/", page(versions.history), name="directory_service_history"),
        path(f"{one}confidential/", page(hiding.hide), name="directory_service_confidential"),
    ]


def _opened(view: Any, site: AdminSite, request: HttpRequest, **values: Any) -> HttpResponse:
    directory = Directory.objects.first()
    if directory is None:
        raise Http404
    if not request.user.has_perm(EDIT_DIRECTORY):
        raise PermissionDenied
    response: HttpResponse = view(site, directory, request, **values)
    return response
