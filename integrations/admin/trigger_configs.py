"""Trigger configs: which listing goes where, when, and by which mapping."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from access import scope
from integrations.admin.choosing import choose_first, choose_only
from integrations.admin.shared import ConfigurationAdmin
from integrations.models import Destination, ServiceListing, TriggerConfig
from integrations.triggers import TRIGGERS
from mapping.models import Mapping


class ChooseListing(forms.Form):
    listing = forms.ModelChoiceField(
        ServiceListing.objects.select_related("organization"), label="Service listing"
    )

    def __init__(self, *args: Any, listings: QuerySet[ServiceListing], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["listing"]
        choice.queryset = listings
        choice.label_from_instance = lambda one: f"{one.organization} – {one}"


class TriggerConfigForm(forms.ModelForm):  # type: ignore[type-arg]
    """What can be chosen depends on the listing; it and the destination stay what they are."""

    on = forms.MultipleChoiceField(
        label="Triggers",
        choices=[
            (one.key, format_html("{} <small>{}</small>", one.label, one.description))
            for one in TRIGGERS
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one trigger."},
    )
    new_for: ServiceListing | None = None

    class Meta:
        model = TriggerConfig
        fields = ["listing", "destination", "on", "include_routed", "mapping", "enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "mapping" not in self.fields:
            return  # somebody may look, and not change
        if self.new_for:
            self.initial["listing"] = self.new_for
            self.fields["listing"].disabled = True
            self._offer("listing", ServiceListing.objects.filter(pk=self.new_for.pk))
            within = Destination.objects.filter(organization=self.new_for.organization_id)
            self._offer("destination", within)
        else:
            within = Destination.objects.filter(pk=self.instance.destination_id)
        self._offer("mapping", mappings_for(self.new_for or self.instance.listing, within))

    def _offer(self, name: str, queryset: QuerySet[Any]) -> None:
        """Let people choose among these; a single one is chosen already."""
        choice: Any = self.fields[name]
        choice.queryset = queryset
        choose_only(choice)
        if queryset.count() == 1:
            self.initial.setdefault(name, queryset.get())


def mappings_for(listing: ServiceListing, within: QuerySet[Destination]) -> QuerySet[Mapping]:
    """Return the mappings that fit these destinations and may be used by the listing's owner."""
    return Mapping.objects.filter(
        Q(organization=None) | Q(organization=listing.organization_id),
        destination_kind__in=within.values("kind"),
    )


@admin.register(TriggerConfig)
class TriggerConfigAdmin(ConfigurationAdmin):
    organization_path = "listing__organization"
    form = TriggerConfigForm
    list_display = ["listing", "organization", "destination", "labels", "mapping", "enabled"]
    list_filter = ["enabled", "listing__organization"]
    list_select_related = ["listing__organization", "destination", "mapping"]
    search_fields = ["listing__name", "listing__caredove_id", "destination__name"]
    fields = ["listing", "destination", "on", "include_routed", "mapping", "enabled"]

    @admin.display(description="triggers")
    def labels(self, config: TriggerConfig) -> str:
        return config.labels()

    @admin.display(ordering="listing__organization__name")
    def organization(self, config: TriggerConfig) -> str:
        return str(config.listing.organization)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        chosen = ChooseListing(request.GET or None, listings=self._listings(request))
        if self.has_add_permission(request) and not chosen.is_valid():
            return choose_first(self, request, chosen)
        response: HttpResponse = super().add_view(request, *args, **kwargs)
        return response

    def _listings(self, request: HttpRequest) -> QuerySet[ServiceListing]:
        return scope.limited(ServiceListing.objects.select_related("organization"), request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Jobs were opened for this pair: another pair is another trigger config.
        return ["listing", "destination"] if obj else []

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            chosen = ChooseListing(request.GET, listings=self._listings(request))
            form.new_for = (  # type: ignore[attr-defined]
                chosen.cleaned_data["listing"] if chosen.is_valid() else None
            )
        return form
