"""What people choose for themselves: language, time zone, shortcuts, and which alerts they get."""

import zoneinfo
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from access import language, scope
from access.models import PersonalSettings
from alerts.models import AlertRecipient
from core import audit
from core.database.rows import update_one
from integrations.models import Organization

EMAIL = AlertRecipient.Channel.EMAIL
MOST = 50  # organizations: who works for more chooses alerts on the pages of these
USUAL_ZONES = (
    "America/St_Johns",
    "America/Halifax",
    "America/Toronto",
    "America/Winnipeg",
    "America/Regina",
    "America/Edmonton",
    "America/Vancouver",
)


def _zones() -> list[Any]:
    """Return the time zones to choose from: Canada's first, in its order from the east."""
    others = sorted(zoneinfo.available_timezones() - set(USUAL_ZONES))
    return [
        ("", _("The portal’s (%(zone)s)") % {"zone": settings.TIME_ZONE}),
        (_("Canada"), [(zone, zone) for zone in USUAL_ZONES]),
        (_("Elsewhere"), [(zone, zone) for zone in others if "/" in zone]),
    ]


class SettingsForm(forms.Form):
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy(
            "The one in which times are shown to you. What is sent does not change."
        ),
    )
    single_keys = forms.BooleanField(
        label=gettext_lazy("Shortcuts with single keys"),
        required=False,
        help_text=gettext_lazy("Press ? on any page to see them. Ctrl+K works in either case."),
    )
    alerts = forms.ModelMultipleChoiceField(
        label=gettext_lazy("E-mail me the alerts of"),
        queryset=Organization.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, organizations: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["language"].choices = [
            ("", _("The one that my browser asks for")),
            *settings.LANGUAGES,
        ]
        fields["time_zone"].choices = _zones()
        if organizations is None:
            del fields["alerts"]
        else:
            fields["alerts"].queryset = organizations


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the path of the settings."""
    view = site.admin_view(never_cache(partial(settings_view, site)))
    return [path("settings/", view, name="settings")]


def settings_view(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show what the person has chosen, and keep what they choose now."""
    user: Any = request.user
    chosen = PersonalSettings.objects.filter(user=user).first() or PersonalSettings(user=user)
    organizations = _organizations(user)
    own = _own_recipients(user, organizations) if organizations is not None else []
    form = SettingsForm(
        organizations,
        request.POST if request.method == "POST" else None,
        initial={
            "language": chosen.language,
            "time_zone": chosen.time_zone,
            "single_keys": chosen.single_keys,
            "alerts": [one.organization_id for one in own if one.active],
        },
    )
    if form.is_valid():
        _keep(request, chosen, form.cleaned_data)
        if organizations is not None:
            _subscribe(request, own, form.cleaned_data["alerts"])
        messages.success(request, _("Your settings are saved."))
        return HttpResponseRedirect(reverse("admin:settings"))
    context = {
        **site.each_context(request),
        "title": _("Settings"),
        "form": form,
        "too_many": organizations is None and bool(user.email),
    }
    return TemplateResponse(request, "admin/settings.html", context)


def _keep(request: HttpRequest, chosen: PersonalSettings, given: dict[str, Any]) -> None:
    chosen.language = given["language"]
    chosen.time_zone = given["time_zone"]
    chosen.single_keys = given["single_keys"]
    chosen.save()
    language.take_into(request, chosen)
    if chosen.language:  # what is said of it is said in the new language
        translation.activate(chosen.language)


def _organizations(user: Any) -> Any:
    """Return the organizations of which alerts can go to the person; None where none can.

    That takes an e-mail address, which administrators enter, and not too many organizations.
    """
    if not user.email:
        return None
    found = scope.limited(Organization.objects.order_by("name"), user, "pk")
    return found if 0 < found.count() <= MOST else None


def _own_recipients(user: Any, organizations: Any) -> list[AlertRecipient]:
    """Return those to whom alerts go at the person's address, which is stored encrypted."""
    recipients = AlertRecipient.objects.filter(organization__in=organizations, channel=EMAIL)
    return [one for one in recipients if one.address.casefold() == user.email.casefold()]


def _subscribe(request: HttpRequest, own: list[AlertRecipient], wanted: Any) -> None:
    """Let alerts of these organizations go to the person, and of no others."""
    user: Any = request.user
    known = {one.organization_id: one for one in own}
    for organization in wanted:
        if organization.pk not in known:
            made = AlertRecipient.objects.create(
                organization=organization, channel=EMAIL, address=user.email
            )
            audit.record(request, "add", made, fields=["address"])
    keys = {organization.pk for organization in wanted}
    for one in own:
        if one.active != (one.organization_id in keys):
            update_one(AlertRecipient.objects.all(), one, active=not one.active)
            audit.record(request, "change", one, fields=["active"])
