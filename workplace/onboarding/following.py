"""A test event: sent by a person, and followed into the destination."""

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from integrations.models import Destination, Organization, ServiceListing, Source
from referrals.answers.readiness import sources_for
from referrals.running import test_events
from workplace.connecting.shared import CHANGES
from workplace.onboarding.showing import organization_or_404, require, show

NO_SOURCE = gettext_lazy("Make credentials first: an event needs a source that sends it.")


class SendTest(forms.Form):
    """For which listing; and the word that it may go into a destination that is used."""

    listing = forms.ModelChoiceField(ServiceListing.objects.none(), empty_label=None)
    sure = forms.BooleanField(required=False)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["listing"]
        field.queryset = organization.listings.order_by("name")
        # The narrowest source: one that sends for this organization alone, if there is one.
        narrowest = F("organizations").desc(nulls_last=True)
        able = sources_for(organization).filter(kind__in=test_events.kinds())
        self.source = able.order_by(narrowest, "pk").first()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.source is None:
            raise forms.ValidationError(NO_SOURCE)
        listing = cleaned.get("listing")
        real = _in_use(listing) if listing else []
        if real and not cleaned["sure"]:
            names = ", ".join(map(str, real))
            text = _("{names} is not a sandbox. Tick the box if the test may go there.").format(
                names=names
            )
            self.add_error("sure", text)
        return cleaned

    @property
    def sender(self) -> Source:
        """Return the source of a valid form."""
        if self.source is None:
            raise LookupError(NO_SOURCE)
        return self.source


def _in_use(listing: ServiceListing) -> list[Destination]:
    """Return the destinations that would get the test although they are no stand-ins."""
    return [one for one in test_events.receivers(listing) if not one.transport().is_stand_in]


def send_test(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the listing, and send a test event for it."""
    organization = organization_or_404(request, pk)
    require(request, *CHANGES)
    form = SendTest(request.POST or None, organization=organization)
    if request.method == "POST" and form.is_valid():
        listing = form.cleaned_data["listing"]
        token = test_events.send(form.sender, listing)
        audit.record(request, "send test event", listing, reference=f"TEST-{token}")
        url = reverse("admin:onboarding_follow", args=[organization.pk, token])
        return HttpResponseRedirect(url)
    listings = [
        {
            "listing": listing,
            "receivers": test_events.receivers(listing),
            "in_use": _in_use(listing),
        }
        for listing in organization.listings.order_by("name")
    ]
    title = _("Send a test event for {organization}").format(organization=organization)
    return show(
        site, request, "test", title=title, organization=organization, form=form, listings=listings
    )


def follow(site: AdminSite, request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Show how far a test has come. The page asks again until it has ended."""
    organization = organization_or_404(request, pk)
    require(request, *CHANGES)
    events = list(test_events.events_of(organization, token))
    if not events:
        raise Http404
    progresses = test_events.progress_of(events)
    return show(
        site,
        request,
        "follow",
        title=_("Test event"),
        organization=organization,
        reference=events[0].reference,
        sent_at=events[0].received_at,
        progresses=progresses,
        ended=all(progress.ended for progress in progresses),
    )
