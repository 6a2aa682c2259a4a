"""The page of one service: its texts in all languages, facts, phones, hours, places."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core.database import clock
from directory.editing import recording
from directory.editing.recording import edit
from directory.models import Directory, Service, ServiceAtLocation
from workplace.directory.forms import FactsForm, HoursForm, TextsForm, phone_forms, save_phones
from workplace.directory.shared import name_of, service_of, shown

REASON = "edited"


def edit_service(
    site: AdminSite, directory: Directory, request: HttpRequest, hsds_id: UUID
) -> HttpResponse:
    """Show a service and take what staff change in it; `checked` is a translation that is right."""
    service = service_of(hsds_id)
    if request.method == "POST" and request.POST.get("checked"):
        _check(service, request)
        return HttpResponseRedirect(request.path)
    data = request.POST if request.method == "POST" else None
    year = clock.now().astimezone(directory.zone).year
    forms = {
        "texts": TextsForm(service, directory, data),
        "facts": FactsForm(data, instance=service, prefix="facts"),
        "phones": phone_forms(service, data),
        "hours": HoursForm(service, directory, year, data),
    }
    if data is not None:
        valid = [form.is_valid() for form in forms.values()]  # all: every error is shown at once
        if all(valid):
            _save(service, forms, request)
            messages.success(request, _("The service was saved."))
            return HttpResponseRedirect(request.path)
        messages.error(request, _("Nothing was saved: correct what is marked below."))
    return shown(
        site,
        request,
        "service",
        name_of(service_of(hsds_id), directory),
        {**forms, **_context(service, directory, forms["hours"])},
    )


def _save(service: Service, forms: Any, request: HttpRequest) -> None:
    facts = forms["facts"].cleaned_data
    with edit([service.pk], request.user, REASON):
        Service.objects.filter(pk=service.pk).update(**facts, **forms["texts"].texts())
        save_phones(service, forms["phones"])
        forms["hours"].write(request.POST.getlist("remove_schedule"))


def _check(service: Service, request: HttpRequest) -> None:
    field, _colon, language = request.POST["checked"].partition(":")
    if f"{field}:{language}" in service.stale_texts:
        recording.checked(service.pk, service, field, language, request.user)
        messages.success(request, _("The translation is marked as checked."))


def _context(service: Service, directory: Directory, hours: HoursForm) -> dict[str, Any]:
    places = ServiceAtLocation.objects.filter(service=service.pk, entry__withdrawn_by="")
    args = [service.entry.hsds_id]
    return {
        "service": service,
        "others": hours.others(directory.languages[0]),
        "places": [
            (name_of(one.location, directory), one.location.entry.secrecy)
            for one in places.select_related("location__entry")
        ],
        "preview_url": reverse("directory-service", args=args),
        "history_url": reverse("admin:directory_service_history", args=args),
        "confidential_url": reverse("admin:directory_service_confidential", args=args),
        "list_url": reverse("admin:directory_services"),
    }
