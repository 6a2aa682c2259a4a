"""Sending a referral by hand, to a destination whose kind takes that: once, or again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from core import audit
from integrations.models import Destination
from integrations.transport import ATTACHMENT, SUMMARY
from referrals import delivering
from referrals.delivering.building import place_of
from referrals.delivering.summaries import store_summary
from referrals.models import Delivery, Referral, ReferralFile
from referrals.record import files
from referrals.record.documents import document_of
from referrals.running.tasks import wake_delivery

SEND = "referrals.send_referral"
AS_IT_IS = gettext_lazy(
    "Referral {reference} is sent to {where}, as it is now, with its summary and attachments."
)
HAS_IT = gettext_lazy("{where} has it already. It is sent again, as version {number}.")
UNKNOWN = gettext_lazy(
    "We do not know whether version {number} arrived: {where} may then have it twice."
)


@dataclass(frozen=True, slots=True)
class Sending:
    """A destination to which the referral may be sent by hand."""

    destination: Destination
    label: str
    url: str


def sendings(
    request: HttpRequest, referral: Referral, deliveries: Iterable[Delivery] | None = None
) -> list[Sending]:
    """Return where this person may send the referral by hand; its `deliveries`, if at hand."""
    gone = referral.purged_at or referral.merged_into_id
    if gone or not request.user.has_perm(SEND):
        return []
    sent = (
        set(referral.deliveries.values_list("destination", flat=True))
        if deliveries is None
        else {one.destination_id for one in deliveries}
    )
    return [
        Sending(
            one,
            _label(one, again=one.pk in sent),
            reverse("admin:referrals_referral_send", args=[referral.pk, one.pk]),
        )
        for one in Destination.objects.filter(organization=referral.organization)
        if one.transport().by_hand
    ]


def _label(destination: Destination, *, again: bool) -> str:
    own = destination.transport().send_label
    if own:
        return f"{own} ({destination})"
    text = _("Send to {destination} again") if again else _("Send to {destination}")
    return text.format(destination=destination)


class SendingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        send, summary = (
            self.admin_site.admin_view(never_cache(view))
            for view in (self.send_view, self.sent_summary_view)
        )
        at = "<uuid:pk>/send/<int:destination>/"
        return [
            path(at, send, name="referrals_referral_send"),
            path(f"{at}summary.pdf", summary, name="referrals_referral_send_summary"),
            *super().get_urls(),
        ]

    def send_view(self, request: HttpRequest, pk: UUID, destination: int) -> HttpResponse:
        """Say what is sent where, and ask to whom; a POST sends it."""
        referral, where = self._asked(request, pk, destination)
        transport = where.transport()
        form = transport.sending_form(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            return self._send(request, referral, where, form.cleaned_data)
        may_go = where in [one.destination for one in sendings(request, referral)]
        context = {
            **self._context(
                request,
                _("Send {referral} to {where}").format(referral=referral, where=where),
                referral,
            ),
            "sentences": list(_what_happens(referral, where)),
            "why_not": "" if may_go else delivering.why_not_by_hand(referral, where),
            "form": form,
            "preview": self._preview(request, referral, where, form),
            "files": list(_files(referral, where)) if transport.send_label else [],
            "seen": _newest(referral, where),
        }
        return TemplateResponse(request, "admin/referrals/send.html", context)

    def sent_summary_view(self, request: HttpRequest, pk: UUID, destination: int) -> FileResponse:
        """Return the summary as this destination would get it: of what may leave, and no more."""
        referral, where = self._asked(request, pk, destination)
        if referral.purged_at or referral.merged_into_id or SUMMARY not in where.files_allowed():
            raise Http404
        shown = where.allow_list().part(document_of(referral))
        stored = store_summary(referral, shown)
        audit.record(request, "view summary", referral, sha256=stored.sha256)
        name = f"referral-{referral.reference}-summary.pdf"
        opened = files.open_stored(stored)
        return FileResponse(opened, content_type="application/pdf", filename=name)

    def _asked(
        self, request: HttpRequest, pk: UUID, destination: int
    ) -> tuple[Referral, Destination]:
        """Return what is to be sent where, if this person may; raises PermissionDenied, Http404."""
        if not request.user.has_perm(SEND):
            raise PermissionDenied
        referral = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, referral):
            raise PermissionDenied
        ours = Destination.objects.filter(organization=referral.organization)
        return referral, get_object_or_404(ours, pk=destination)

    def _context(self, request: HttpRequest, title: str, referral: Referral) -> dict[str, Any]:
        page = reverse("admin:referrals_referral_change", args=[referral.pk])
        own = {"title": title, "opts": self.model._meta, "back_url": page}
        return {**self.admin_site.each_context(request), **own}

    def _preview(
        self, request: HttpRequest, referral: Referral, where: Destination, form: Form
    ) -> Mapping[str, str]:
        chosen = form.cleaned_data if form.is_bound else {}
        return where.transport().preview_sending(chosen, place_of(referral, where), _name(request))

    @sensitive_variables()
    def _send(
        self,
        request: HttpRequest,
        referral: Referral,
        where: Destination,
        chosen: Mapping[str, Any],
    ) -> HttpResponse:
        """Send it, and go back to the referral; or show what is shown once."""
        context = self._context(
            request,
            _("Sent {referral} to {where}").format(referral=referral, where=where),
            referral,
        )
        prepared = where.transport().prepare_sending(chosen, _name(request))
        seen = request.POST.get("seen", "")
        try:
            version = delivering.send_by_hand(
                referral,
                where,
                request.user,  # type: ignore[arg-type]
                prepared.options,
                seen=int(seen) if seen.isdecimal() else None,
            )
        except delivering.NotSent as refusal:
            self.message_user(
                request, _("Not sent: {why}").format(why=refusal.why), messages.WARNING
            )
            return HttpResponseRedirect(context["back_url"])
        wake_delivery(version.delivery_id)
        message = _("Version {number} is on its way to {where}.").format(
            number=version.number, where=where
        )
        if not prepared.shown_once:
            self.message_user(request, message, messages.SUCCESS)
            return HttpResponseRedirect(context["back_url"])
        # In this answer and nowhere else: a message for the next page would be kept in between.
        context |= {"message": message, "shown_once": prepared.shown_once}
        return TemplateResponse(request, "admin/referrals/sent.html", context)


def _name(request: HttpRequest) -> str:
    user: Any = request.user
    return str(user.get_full_name())


def _newest(referral: Referral, where: Destination) -> int:
    """Return the number of the newest version there; 0 where there is none."""
    ours = Delivery.objects.filter(referral=referral, destination=where)
    return ours.values_list("wanted", flat=True).first() or 0


def _what_happens(referral: Referral, where: Destination) -> Iterator[str]:
    if not where.transport().send_label:
        yield AS_IT_IS.format(reference=referral.reference, where=where)
    delivery = Delivery.objects.filter(referral=referral, destination=where).first()
    if delivery is None:
        return
    if delivery.done:
        yield HAS_IT.format(where=where, number=delivery.wanted + 1)
    if delivery.reason == Delivery.Reason.UNCONFIRMED:
        yield UNKNOWN.format(number=delivery.wanted, where=where)


def _files(referral: Referral, where: Destination) -> Iterator[dict[str, str]]:
    """Yield what the message would hold: label, and URL where it can be looked at."""
    allowed = where.files_allowed()
    if SUMMARY in allowed:
        keys = [referral.pk, where.pk]
        url = reverse("admin:referrals_referral_send_summary", args=keys)
        yield {"label": _("Referral Summary"), "url": url}
    if ATTACHMENT not in allowed:
        return
    for file in referral.files.filter(state=ReferralFile.State.STORED):
        url = reverse("admin:referrals_referral_file", args=[referral.pk, file.pk])
        yield {"label": file.filename, "url": url}
