"""What the directory's screens share: finding an entry, its name and pages, showing a page."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import get_language

from directory.fields import in_language
from directory.models import ROWS, Directory, EntryRow, ServiceAtLocation
from workplace.directory.sheets import SHEETS

_RELATED = {
    "service": ("organization__entry",),
    "location": ("organization__entry",),
    "service_at_location": ("service__entry", "location__entry"),
}


def row_of(kind: str, hsds_id: UUID) -> Any:
    """Return the entry with this id, withdrawn and confidential ones too; raises Http404."""
    rows = ROWS[kind]._default_manager.select_related("entry__supplier", *_RELATED.get(kind, ()))
    found = rows.filter(entry__hsds_id=hsds_id).first()
    if found is None:
        raise Http404
    return found


def rows_by_key(keys: Any) -> dict[int, Any]:
    """Return entries of all kinds with their columns, by their keys."""
    found: dict[int, Any] = {}
    for kind, model in ROWS.items():
        rows = model._default_manager.select_related("entry__supplier", *_RELATED.get(kind, ()))
        found |= {row.pk: row for row in rows.filter(pk__in=keys)}
    return found


def name_of(row: Any, directory: Directory) -> str:
    """Return what an entry is called: in the reader's language, else in the first that has a name.

    A service at a location is called after both.
    """
    if isinstance(row, ServiceAtLocation):
        return " – ".join(name_of(one, directory) for one in (row.service, row.location))
    languages: list[str] = directory.languages
    return in_language(row.name, language_for(directory), languages) or str(row.entry.hsds_id)


def language_for(directory: Directory) -> str:
    """Return the reader's language if the directory has it, else the directory's first."""
    languages: list[str] = directory.languages
    own = (get_language() or "").split("-")[0]
    return own if own in languages else languages[0]


def url_of(row: EntryRow, page: str = "") -> str:
    """Return the address of an entry's page, or of its `history` or `confidential`.

    Empty for terms and taxonomies: commands bring these in.
    """
    sheet = SHEETS.get(row.KIND.value)
    if sheet is None:
        return ""
    name = f"admin:directory_{sheet.name}" + (f"_{page}" if page else "")
    return reverse(name, args=[row.entry.hsds_id])


def shown(
    site: AdminSite, request: HttpRequest, template: str, title: str, context: Mapping[str, Any]
) -> TemplateResponse:
    return TemplateResponse(
        request,
        f"admin/directory/{template}.html",
        {**site.each_context(request), "title": title, **context},
    )
