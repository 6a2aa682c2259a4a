"""Trigger configs: their list and history. They are made and changed on one screen, `connect`."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from integrations.admin.shared import ConfigurationAdmin
from integrations.models import TriggerConfig


@admin.register(TriggerConfig)
class TriggerConfigAdmin(ConfigurationAdmin):
    organization_path = "listing__organization"
    list_display = ["listing", "organization", "destination", "labels", "mapping", "enabled"]
    list_filter = ["enabled", "listing__organization"]
    list_select_related = ["listing__organization", "destination", "mapping"]
    search_fields = ["listing__name", "listing__caredove_id", "destination__name"]
    fields = ["listing", "destination", "on", "include_routed", "mapping", "enabled"]

    @admin.display(description=_("triggers"))
    def labels(self, config: TriggerConfig) -> str:
        return config.labels()

    @admin.display(ordering="listing__organization__name")
    def organization(self, config: TriggerConfig) -> str:
        return str(config.listing.organization)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Go to the screen that connects listings."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        listing = request.GET.get("listing", "")
        return _to_screen(*([listing] if listing.isdecimal() else []))

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Go to the screen that connects listings."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = object_id if object_id.isdecimal() else None
        config = get_object_or_404(self.get_queryset(request), pk=key)
        return _to_screen(config.listing_id, destination=config.destination_id)


def _to_screen(*listing: Any, **query: Any) -> HttpResponse:
    url = reverse("admin:connect_listing", args=listing, query=query or None)
    return HttpResponseRedirect(url)
