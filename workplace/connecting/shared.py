"""What the pages of connecting have in common: what a person may see here, and do."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from access import scope
from integrations.models import ServiceListing, TriggerConfig

LOOKS = ("integrations.view_servicelisting", "integrations.view_triggerconfig")
CHANGES = ("integrations.add_triggerconfig", "integrations.change_triggerconfig")


def may_connect(request: HttpRequest) -> bool:
    return request.user.has_perms(CHANGES)


def require(request: HttpRequest, permissions: tuple[str, ...]) -> None:
    """Raise PermissionDenied unless the person has all of them."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def listings(request: HttpRequest) -> QuerySet[ServiceListing]:
    """Return the listings of the person's organizations."""
    rows = ServiceListing.objects.select_related("organization")
    return scope.limited(rows, request.user)


def configs(request: HttpRequest) -> QuerySet[TriggerConfig]:
    """Return the trigger configs of the person's organizations."""
    rows = TriggerConfig.objects.select_related(
        "listing__organization", "destination__organization", "mapping"
    )
    return scope.limited(rows, request.user, "listing__organization")


def configs_of(request: HttpRequest, listing: ServiceListing) -> dict[str, TriggerConfig]:
    """Return the trigger configs of a listing by the key of the destination, as a URL has it."""
    return {str(one.destination_id): one for one in configs(request).filter(listing=listing)}


def listing_or_404(request: HttpRequest, pk: int) -> ServiceListing:
    return get_object_or_404(listings(request), pk=pk)


def page(site: AdminSite, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    """Return a page of this screen."""
    shown = {**site.each_context(request), **context}
    return TemplateResponse(request, f"admin/connecting/{name}.html", shown)
