"""Sending a referral by hand, to a destination whose kind takes that: once, or again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse

from integrations.models import Destination
from referrals import delivering
from referrals.models import Delivery, Referral
from referrals.running.tasks import wake_delivery

DECIDE = "referrals.decide_delivery"
AS_IT_IS = (
    "Referral {reference} is sent to {where}, as it is now, with its summary and attachments."
)
HAS_IT = "{where} has it already. It is sent again, as version {number}."
UNKNOWN = "We do not know whether version {number} arrived: {where} may then have it twice."


@dataclass(frozen=True, slots=True)
class Sending:
    """A destination to which the referral may be sent by hand."""

    destination: Destination
    label: str
    url: str


def sendings(request: HttpRequest, referral: Referral) -> list[Sending]:
    """Return where this person may send the referral by hand."""
    gone = referral.purged_at or referral.merged_into_id
    if gone or not request.user.has_perm(DECIDE):
        return []
    sent = set(referral.deliveries.values_list("destination", flat=True))
    return [
        Sending(
            one,
            f"Send to {one} again" if one.pk in sent else f"Send to {one}",
            reverse("admin:referrals_referral_send", args=[referral.pk, one.pk]),
        )
        for one in Destination.objects.filter(organization=referral.organization)
        if one.transport().by_hand
    ]


class SendingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        send = self.admin_site.admin_view(self.send_view)
        own = path("<uuid:pk>/send/<int:destination>/", send, name="referrals_referral_send")
        return [own, *super().get_urls()]

    def send_view(self, request: HttpRequest, pk: UUID, destination: int) -> HttpResponse:
        """Say what is sent where; a POST sends it."""
        if not request.user.has_perm(DECIDE):
            raise PermissionDenied
        referral = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, referral):
            raise PermissionDenied
        ours = Destination.objects.filter(organization=referral.organization)
        where = get_object_or_404(ours, pk=destination)
        may_go = where in [one.destination for one in sendings(request, referral)]
        page = reverse("admin:referrals_referral_change", args=[pk])
        if request.method == "POST":
            self._send(request, referral, where)
            return HttpResponseRedirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Send {referral} to {where}",
            "opts": self.model._meta,
            "sentences": list(_what_happens(referral, where)),
            "why_not": "" if may_go else delivering.why_not_by_hand(referral, where),
            "button": "Send",
            "back_url": page,
        }
        return TemplateResponse(request, "admin/referrals/confirm.html", context)

    def _send(self, request: HttpRequest, referral: Referral, destination: Destination) -> None:
        try:
            version = delivering.send_by_hand(referral, destination, request.user)  # type: ignore[arg-type]
        except delivering.NotSent as refusal:
            self.message_user(request, f"Not sent: {refusal.why}", messages.WARNING)
        else:
            wake_delivery(version.delivery_id)
            said = f"Version {version.number} is on its way to {destination}."
            self.message_user(request, said, messages.SUCCESS)


def _what_happens(referral: Referral, where: Destination) -> Iterator[str]:
    yield AS_IT_IS.format(reference=referral.reference, where=where)
    delivery = Delivery.objects.filter(referral=referral, destination=where).first()
    if delivery is None:
        return
    if delivery.done:
        yield HAS_IT.format(where=where, number=delivery.wanted + 1)
    if delivery.reason == Delivery.Reason.UNCONFIRMED:
        yield UNKNOWN.format(number=delivery.wanted, where=where)
