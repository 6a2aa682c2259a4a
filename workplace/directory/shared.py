"""What the directory's screens share: finding a service, showing a page."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse

from directory.fields import in_language
from directory.models import Directory, Service


def service_of(hsds_id: UUID) -> Service:
    """Return the service with this id, withdrawn and confidential ones too; raises Http404."""
    services = Service.objects.select_related("entry__supplier", "organization")
    found = services.filter(entry__hsds_id=hsds_id).first()
    if found is None:
        raise Http404
    return found


def name_of(row: Any, directory: Directory) -> str:
    """Return an entry's name in the first of the directory's languages that has one."""
    languages: list[str] = directory.languages
    return in_language(row.name, languages[0], languages) or str(row.entry.hsds_id)


def shown(
    site: AdminSite, request: HttpRequest, template: str, title: str, context: Mapping[str, Any]
) -> TemplateResponse:
    return TemplateResponse(
        request,
        f"admin/directory/{template}.html",
        {**site.each_context(request), "title": title, **context},
    )
