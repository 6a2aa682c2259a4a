"""From an explanation to where somebody acts: its direct buttons, for the person who asks."""

from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from integrations.models import Destination, Organization, ServiceListing, TriggerConfig
from mapping.models import Mapping
from referrals.admin.notes import NOTE, may_write
from referrals.admin.work_list.choices import Choice, choices
from referrals.answers.explain import Cause, Explanation
from referrals.models import Delivery, InboundEvent, Referral


@dataclass(frozen=True, slots=True)
class NextStep:
    """A button to where something is fixed, or, with `post`, that does it."""

    label: str
    url: str
    post: bool = False


@dataclass(frozen=True, slots=True)
class NextSteps:
    """What this person can do: at once, to the import `delivery`, and where to go."""

    direct: list[NextStep] = field(default_factory=list)
    delivery: Delivery | None = None
    choices: list[Choice] = field(default_factory=list)
    referral: NextStep | None = None
    note: NextStep | None = None


def next_steps(site: AdminSite, request: HttpRequest, explanation: Explanation) -> NextSteps:
    """Return the buttons below an explanation; those alone that the person may press."""
    delivery = explanation.place if isinstance(explanation.place, Delivery) else None
    referral = _open(site, request, explanation.referral, gettext("Open the referral"))
    return NextSteps(
        direct=[*_new(request, explanation), *_existing(site, request, explanation)],
        delivery=delivery,
        choices=choices(request, delivery, "why") if delivery else [],
        referral=referral,
        note=_note(request, explanation.referral, referral),
    )


def _note(
    request: HttpRequest, referral: Referral | None, opened: NextStep | None
) -> NextStep | None:
    """Return the step that leads to where a note is written, if the person may write one."""
    if not (referral and opened) or not may_write(request, referral):
        return None
    return NextStep(gettext("Write a note"), f"{opened.url}#{NOTE}")


def _new(request: HttpRequest, explanation: Explanation) -> list[NextStep]:
    """What is not set up yet has no page: the step leads to where it is made."""
    may = request.user.has_perm
    if explanation.cause is Cause.UNKNOWN_ORGANIZATION and may("integrations.add_organization"):
        return [NextStep(gettext("Set up an organization"), reverse("admin:onboarding"))]
    if explanation.cause is Cause.UNKNOWN_LISTING and may("integrations.add_servicelisting"):
        named = explanation.referral.listing_caredove_id if explanation.referral else ""
        given = {
            "organization": explanation.place.pk if explanation.place else "",
            "caredove_id": named,
        }
        url = reverse("admin:integrations_servicelisting_add")
        return [NextStep(gettext("Set up the listing"), f"{url}?{urlencode(given)}")]
    return []


def _existing(site: AdminSite, request: HttpRequest, explanation: Explanation) -> list[NextStep]:
    if explanation.place is None or explanation.cause is Cause.UNKNOWN_LISTING:
        return []
    return _to(explanation.place, site, request)


@singledispatch
def _to(place: Model, site: AdminSite, request: HttpRequest) -> list[NextStep]:
    """Return the steps that fix the row; of an import, those are its choices."""
    return []


@_to.register(Organization)
def _(place: Organization, site: AdminSite, request: HttpRequest) -> list[NextStep]:
    step = _open(site, request, place, gettext("Open the organization"))
    return [step] if step else []


@_to.register(Mapping)
def _(place: Mapping, site: AdminSite, request: HttpRequest) -> list[NextStep]:
    step = _open(site, request, place, gettext("Open the mapping"))
    return [step] if step else []


@_to.register(InboundEvent)
def _(place: InboundEvent, site: AdminSite, request: HttpRequest) -> list[NextStep]:
    step = _open(site, request, place, gettext("Open the event"))
    return [step] if step else []


@_to.register(Destination)
def _(place: Destination, site: AdminSite, request: HttpRequest) -> list[NextStep]:
    step = _open(site, request, place, gettext("Open the connection"))
    if step is None:
        return []
    if not request.user.has_perm("integrations.change_destination"):
        return [step]
    test = reverse("admin:integrations_destination_test", args=[place.pk])
    return [NextStep(gettext("Test connection"), test, post=True), step]


@_to.register(ServiceListing)
@_to.register(TriggerConfig)
def _(place: Any, site: AdminSite, request: HttpRequest) -> list[NextStep]:
    listing = place if isinstance(place, ServiceListing) else place.listing
    if not request.user.has_perm("integrations.change_triggerconfig"):
        step = _open(site, request, listing, gettext("Open the listing"))
        return [step] if step else []
    return [
        NextStep(
            gettext("Connect the listing"), reverse("admin:connect_listing", args=[listing.pk])
        )
    ]


def _open(site: AdminSite, request: HttpRequest, row: Model | None, label: str) -> NextStep | None:
    """Return the step that leads to the row's page, if the person may open it."""
    if row is None:
        return None
    model_admin = site.get_model_admin(type(row))
    mine = model_admin.get_queryset(request).filter(pk=row.pk)
    if not model_admin.has_view_permission(request, row) or not mine.exists():
        return None
    opts = row._meta
    return NextStep(
        label, reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    )
