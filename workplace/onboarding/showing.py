"""The pages: which organizations there are, and how far one of them has come."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from integrations.models import Destination, Organization, TriggerConfig
from referrals.answers.readiness import organization_imports
from workplace.onboarding.steps import organizations as with_steps
from workplace.onboarding.steps import steps

VIEW = "integrations.view_organization"
ON_A_PAGE = 50


def organizations(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """List the person's organizations, each with the first step that is not done."""
    require(request, VIEW)
    page = Paginator(with_steps(request.user).order_by("name"), ON_A_PAGE).get_page(
        request.GET.get("p")
    )
    rows = [_row(organization, request.user) for organization in page]
    return show(site, request, "organizations", title=_("Onboarding"), page=page, rows=rows)


def _row(organization: Organization, user: Any) -> dict[str, Any]:
    its = steps(organization, user)
    done = sum(step.done for step in its)
    next_one = next((step for step in its if not step.done), None)
    return {"organization": organization, "done": done, "all": len(its), "next": next_one}


def organization(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Show the path of one organization, and what can be done next."""
    found = organization_or_404(request, pk)
    its = steps(found, request.user)
    return show(
        site,
        request,
        "organization",
        title=_("Onboarding {found}").format(found=found),
        organization=found,
        imports=organization_imports(found),
        steps=its,
        next=next((step.key for step in its if not step.done), ""),
        destinations=Destination.objects.filter(organization=found),
        configs=configs_of(found).order_by("mapping", "listing__name"),
        off=configs_of(found).filter(enabled=False).exists(),
    )


def configs_of(organization: Organization) -> QuerySet[TriggerConfig]:
    """Return the organization's connections."""
    configs = TriggerConfig.objects.filter(listing__organization=organization)
    return configs.select_related("listing", "destination", "mapping")


def organization_or_404(request: HttpRequest, pk: int) -> Any:
    """Return one of the person's organizations with what is true of it."""
    require(request, VIEW)
    return get_object_or_404(with_steps(request.user), pk=pk)


def require(request: HttpRequest, *permissions: str) -> None:
    """Raise PermissionDenied unless the person has all of them."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def show(site: AdminSite, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    """Return a page of this screen."""
    shown = {**site.each_context(request), **context}
    return TemplateResponse(request, f"admin/onboarding/{name}.html", shown)
