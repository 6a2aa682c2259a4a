"""The box that finds anything: a referral, listing, mapping, destination, organization or page.

What is looked for is posted and may be a name: it stands in no URL, and in no log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from access import scope
from core import audit
from integrations.models import Destination, Organization, ServiceListing
from mapping.models import Mapping
from referrals.answers.explain import asker, find
from referrals.models import Referral, RegistrantName
from referrals.record import names
from workplace import why
from workplace.shell import may_ask, places_of

LONGEST = 400  # characters
SHOWN = 8  # of a kind
SEES_PEOPLE = "referrals.view_referral"
NAMED: tuple[tuple[str | Promise, type[Model]], ...] = (
    (gettext_lazy("Listings"), ServiceListing),
    (gettext_lazy("Mappings"), Mapping),
    (gettext_lazy("Destinations"), Destination),
    (gettext_lazy("Organizations"), Organization),
)


@dataclass(frozen=True, slots=True)
class Hit:
    label: str
    url: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found of one kind."""

    label: str
    hits: list[Hit]


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the path of the box."""
    view = sensitive_post_parameters()(partial(find_view, site))
    return [path("find/", site.admin_view(never_cache(view)), name="find")]


def find_view(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Go to what was asked for, when it is one thing; else show what there is."""
    asked = request.POST.get("reference", "").replace("\0", "").strip()[:LONGEST]
    if not asked:
        return _page(site, request, asked, [])
    if may_ask(request.user) and _referral(request, asked):
        return why.ask(site, request)
    found = [*_found(site, request, asked)]
    hits = [hit for group in found for hit in group.hits]
    if len(hits) == 1:
        return HttpResponseRedirect(hits[0].url)
    if not hits and may_ask(request.user) and why.ReferenceForm(request.POST).is_valid():
        return why.ask(site, request)
    return _page(site, request, asked, found)


def _referral(request: HttpRequest, asked: str) -> Referral | None:
    form = why.ReferenceForm({"reference": asked})
    reference = form.cleaned_data["reference"] if form.is_valid() else ""
    return find(reference, asker.person(request.user)) if reference else None


def _page(site: AdminSite, request: HttpRequest, asked: str, found: list[Hits]) -> TemplateResponse:
    context = {
        **site.each_context(request),
        "title": _("Find"),
        "asked": asked,
        "found": found,
    }
    return TemplateResponse(request, "admin/find.html", context)


def _found(site: AdminSite, request: HttpRequest, asked: str) -> Iterator[Hits]:
    kinds = [
        (_("Pages"), _pages(request, asked)),
        *((str(label), _rows(site, request, model, asked)) for label, model in NAMED),
        (_("Referrals"), _people(request, asked)),
    ]
    for label, hits in kinds:
        if hits:
            yield Hits(label, hits)


def _pages(request: HttpRequest, asked: str) -> list[Hit]:
    words = asked.casefold()
    return [
        Hit(place.label, place.url)
        for place in places_of(request)
        if words in place.label.casefold()
    ]


def _rows(site: AdminSite, request: HttpRequest, model: type[Model], asked: str) -> list[Hit]:
    """Return the rows that the person may open and whose name holds what was asked for."""
    model_admin = site.get_model_admin(model)
    if not model_admin.has_view_permission(request):
        return []
    rows: Any = model_admin.get_queryset(request).filter(name__icontains=asked).order_by("name")
    if model is not Organization:
        rows = rows.select_related("organization")
    opts = model._meta
    page = f"admin:{opts.app_label}_{opts.model_name}_change"
    return [
        Hit(str(row), reverse(page, args=[row.pk]), str(getattr(row, "organization", "") or ""))
        for row in rows[:SHOWN]
    ]


def _people(request: HttpRequest, asked: str) -> list[Hit]:
    """Return the referrals of a registrant of this name, given whole."""
    if not request.user.has_perm(SEES_PEOPLE):
        return []
    named = RegistrantName.objects.filter(digest__in=names.find(asked)).values("referral")
    mine = scope.limited(Referral.objects.filter(pk__in=named), request.user)
    rows = list(mine.select_related("listing").defer("snapshot").order_by("-changed_at")[:SHOWN])
    if rows:
        audit.record(request, "search referrals", by="name")
    return [
        Hit(
            row.reference,
            reverse("admin:referrals_referral_change", args=[row.pk]),
            str(row.listing or ""),
        )
        for row in rows
    ]
