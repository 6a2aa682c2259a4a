"""The page of one entry: texts in all languages, facts, rows, terms, hours, what hangs on it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core.database import clock
from directory.editing import keeping, presence, recording
from directory.editing.recording import edit
from directory.models import HIDDEN, Agency, Directory, Entry, EntryRow, Location, Service
from workplace.directory.entry.forms import (
    EntryForm,
    HoursForm,
    TermsForm,
    TextsForm,
    row_forms,
    save_rows,
)
from workplace.directory.entry.related import add_related, related_of
from workplace.directory.shared import name_of, row_of, shown, url_of
from workplace.directory.sheets import SHEETS, Sheet

REASON = "edited"


def edit_entry(
    kind: str, site: AdminSite, directory: Directory, request: HttpRequest, hsds_id: UUID
) -> HttpResponse:
    """Show an entry and take what staff change in it.

    `deed` is one of the buttons beside Save; `checked` a translation that is right as it is.
    """
    row = row_of(kind, hsds_id)
    if request.method == "POST" and request.POST.get("checked"):
        field, _colon, language = request.POST["checked"].partition(":")
        if f"{field}:{language}" in row.stale_texts:
            recording.checked(row.pk, row, field, language, request.user)
            messages.success(request, _("The translation is marked as checked."))
        return HttpResponseRedirect(request.path)
    if request.method == "POST" and request.POST.get("deed"):
        return HttpResponseRedirect(_do(request.POST["deed"], row, directory, request))
    data = request.POST if request.method == "POST" else None
    forms = _forms(row, directory, data)
    if data is not None:
        every = [*forms["rows"], *(one for name, one in forms.items() if name != "rows" and one)]
        valid = [form.is_valid() for form in every]  # all: every error is shown at once
        if all(valid):
            _save(row, forms, request)
            messages.success(request, _("It was saved."))
            return HttpResponseRedirect(request.path)
        messages.error(request, _("Nothing was saved: correct what is marked below."))
    fresh = row_of(kind, hsds_id)  # a form writes into the row that it was given
    context = {**forms, **_context(fresh, directory, forms)}
    return shown(site, request, "entry", name_of(fresh, directory), context)


def _forms(row: Any, directory: Directory, data: Any) -> dict[str, Any]:
    sheet, languages = SHEETS[row.KIND.value], directory.languages
    year = clock.now().astimezone(directory.zone).year
    return {
        "texts": TextsForm(row, sheet, languages, data),
        "facts": sheet.facts(data, instance=row, prefix="facts"),
        "entry": EntryForm(data, instance=row.entry, prefix="entry"),
        "rows": [row_forms(row, rows, languages, data) for rows in sheet.rows],
        "terms": TermsForm(row, languages[0], data) if sheet.has_terms else None,
        "hours": HoursForm(row, directory, year, data) if sheet.has_hours else None,
    }


def _save(row: EntryRow, forms: Any, request: HttpRequest) -> None:
    columns = {**forms["facts"].cleaned_data, **forms["texts"].texts()}
    with edit([row.pk], request.user, REASON):
        type(row)._default_manager.filter(pk=row.pk).update(**columns)
        Entry.objects.filter(pk=row.pk).update(**forms["entry"].cleaned_data)
        for formset in forms["rows"]:
            save_rows(row, formset)
        if forms["terms"]:
            forms["terms"].write()
        if forms["hours"]:
            forms["hours"].write(request.POST.getlist("remove_schedule"))


def _do(deed: str, row: EntryRow, directory: Directory, request: HttpRequest) -> str:
    """Do what a button says; return the address to go to."""
    here = url_of(row)
    if deed == "withdraw":
        presence.withdraw(row.entry, request.user)
        messages.success(request, _("It was withdrawn: readers no longer see it."))
    elif deed == "bring_back":
        presence.bring_back(row.entry, request.user)
        messages.success(request, _("It is back."))
    elif deed == "release":
        keys = [int(one) for one in request.POST.getlist("kept") if one.isdecimal()]
        count = keeping.release(row.entry, [one for one in keys if one < 2**63])
        message = _("%(count)s fields follow the supplier again, from its next file on.")
        messages.success(request, message % {"count": count})
    else:
        return add_related(deed, row, directory, request) or here
    return here


def _context(row: Any, directory: Directory, forms: Any) -> dict[str, Any]:
    sheet: Sheet = SHEETS[row.KIND.value]
    hours, entry = forms["hours"], row.entry
    context = {
        "row": row,
        "sheet": sheet,
        "others": hours.others(directory.languages[0]) if hours else [],
        "is_hidden": entry.secrecy in HIDDEN,
        "is_numbered": entry.number is not None,
        "kept": list(keeping.kept(entry)),
        "related": related_of(row, directory),
        "history_url": url_of(row, "history"),
        "confidential_url": url_of(row, "confidential"),
        "list_url": reverse("admin:directory_services"),
        "agency": _agency(row, directory),
    }
    if isinstance(row, Service):
        context["preview_url"] = url_of(row, "preview")
        context["hsds_id"] = row.entry.hsds_id
    return context


def _agency(row: Any, directory: Directory) -> tuple[str, str] | None:
    """Return the name and page of the agency that an entry belongs to."""
    of = row if isinstance(row, Service | Location) else getattr(row, "service", None)
    agency: Agency | None = of.organization if of else None
    return (name_of(agency, directory), url_of(agency)) if agency else None
