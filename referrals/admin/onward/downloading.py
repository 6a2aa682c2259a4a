"""Lists of referrals, downloaded by hand: chosen, written row by row, and on record."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from core import audit
from core.database import clock
from core.spool import BLOCK
from integrations.models import Organization, ServiceListing
from referrals.answers import exporting
from referrals.models import Download

State = Download.State
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "xml": "application/xml",
}


class DownloadForm(forms.Form):
    """Which referrals, and as what. Days are those of the organization."""

    required_css_class = "required"
    organization = forms.ModelChoiceField(
        label=gettext_lazy("Organization"), queryset=Organization.objects.none()
    )
    listing = forms.ModelChoiceField(
        label=gettext_lazy("Listing"),
        queryset=ServiceListing.objects.none(),
        required=False,
        empty_label=gettext_lazy("All listings"),
    )
    first_day = forms.DateField(
        label=gettext_lazy("Received from"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
    )
    last_day = forms.DateField(
        label=gettext_lazy("Received until, that day included"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
    )
    status = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("All states")), *Download.Status.choices],
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=Download.Format.choices, initial="csv"
    )
    safe_for_spreadsheets = forms.BooleanField(
        label=gettext_lazy("Safe for spreadsheets"),
        required=False,
        initial=True,
        help_text=gettext_lazy("For CSV that people open: no value is taken for a formula."),
    )

    def __init__(
        self,
        organizations: QuerySet[Organization],
        listings: QuerySet[ServiceListing],
        data: Any = None,
    ) -> None:
        super().__init__(data)
        self.fields["organization"].queryset = organizations  # type: ignore[attr-defined]
        self.fields["listing"].queryset = listings  # type: ignore[attr-defined]
        if len(first := organizations[:2]) == 1:
            self.fields["organization"].initial = first[0]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        organization, listing = cleaned.get("organization"), cleaned.get("listing")
        if organization and listing and listing.organization_id != organization.pk:
            raise ValidationError({"listing": _("This listing is another organization’s.")})
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and last < first:
            raise ValidationError({"last_day": _("This day is before the first one.")})
        return cleaned

    def chosen(self) -> dict[str, Any]:
        """Return the columns of a Download; the days as times."""
        cleaned = self.cleaned_data
        first, last = cleaned.pop("first_day"), cleaned.pop("last_day")
        zone = cleaned["organization"].zone
        day = timedelta(days=1)
        start, end = first and _midnight(first, zone), last and _midnight(last + day, zone)
        return {**cleaned, "start": start, "end": end}


def _midnight(day: date, zone: Any) -> datetime:
    return datetime.combine(day, time(), zone)


class DownloadingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Downloads, for who may open referrals; each is its asker's alone."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        pages: dict[str, tuple[str, Callable[..., HttpResponseBase]]] = {
            "download/": ("download", self.download_view),
            "download/<uuid:download>/": ("download_page", self.download_page_view),
            "download/<uuid:download>/progress/": ("download_progress", self.progress_view),
            "download/<uuid:download>/take/": ("download_take", require_POST(self.take_view)),
        }
        own = [
            path(at, view(never_cache(does)), name=f"referrals_referral_{name}")
            for at, (name, does) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def download_view(self, request: HttpRequest) -> HttpResponse:
        """Ask what is to be in the list."""
        self._check(request)
        organizations: Any = self.admin_site.get_model_admin(Organization).get_queryset(request)
        listings: Any = self.admin_site.get_model_admin(ServiceListing).get_queryset(request)
        form = DownloadForm(
            organizations.order_by("name"), listings.order_by("name"), request.POST or None
        )
        if form.is_valid():
            download = Download.objects.create(
                **form.chosen(),
                asked_at=clock.now(),
                asked_by=request.user,  # type: ignore[misc]
            )
            return HttpResponseRedirect(_page_of(download))
        title = _("Download referrals")
        return self._shown(request, "admin/referrals/download_form.html", title, form=form)

    def download_page_view(self, request: HttpRequest, download: UUID) -> HttpResponse:
        """Show what was chosen, the button that downloads it, and how far that is."""
        found = self._own(request, download)
        if found is None:
            return self._none(request)
        return self._shown(
            request,
            "admin/referrals/download.html",
            _("Download referrals"),
            download=found,
            sentence=progress(found),
            is_open=found.state in (State.ASKED, State.RUNNING),
        )

    def progress_view(self, request: HttpRequest, download: UUID) -> HttpResponse:
        """Answer how far it is."""
        found = self._own(request, download)
        if found is None:
            return self._none(request)
        return JsonResponse(
            {
                "state": found.state,
                "total": found.total,
                "done": found.seen,
                "sentence": progress(found),
            }
        )

    def take_view(self, request: HttpRequest, download: UUID) -> HttpResponseBase:
        """Send the list, row by row; who took it is on record before."""
        found = self._own(request, download)
        if found is None:
            return self._none(request)
        choice = _choice(found)
        mine = Download.objects.filter(pk=found.pk, state=State.ASKED)
        if not mine.update(state=State.RUNNING, total=exporting.chosen(choice).count()):
            self.message_user(request, _("That was downloaded already."), messages.WARNING)
            return HttpResponseRedirect(_page_of(found))
        audit.record(
            request,
            "download referrals",
            found.organization,
            download=str(found.pk),
            listing=choice.listing,
            start=found.start and found.start.isoformat(),
            end=found.end and found.end.isoformat(),
            status=found.status,
            format=found.format,
        )
        name = f"referrals-{found.organization_id}-{found.asked_at:%Y-%m-%d}.{found.format}"
        response = StreamingHttpResponse(
            _sent(found, choice, request.user), content_type=CONTENT_TYPES[found.format]
        )
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _own(self, request: HttpRequest, key: UUID) -> Download | None:
        self._check(request)
        organizations = self.admin_site.get_model_admin(Organization).get_queryset(request)
        mine = Download.objects.select_related("organization", "listing")
        return mine.filter(pk=key, asked_by=request.user, organization__in=organizations).first()  # type: ignore[misc]

    def _none(self, request: HttpRequest) -> HttpResponse:
        self.message_user(request, _("That download is not yours, or not there."), messages.WARNING)
        return HttpResponseRedirect(reverse("admin:referrals_referral_download"))

    def _check(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _shown(
        self, request: HttpRequest, template: str, title: str, **context: Any
    ) -> HttpResponse:
        known = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, template, known | context)


def _page_of(download: Download) -> str:
    return reverse("admin:referrals_referral_download_page", args=[download.pk])


def _choice(download: Download) -> exporting.Choice:
    return exporting.Choice(
        download.organization,
        download.listing.caredove_id if download.listing else "",
        download.start,
        download.end,
        download.status,
    )


def _sent(download: Download, choice: exporting.Choice, by: Any) -> Iterator[bytes]:
    """Yield the list, and write down what came of it, also where the browser has gone."""
    row = Download.objects.filter(pk=download.pk, state=State.RUNNING)

    def seen(count: int) -> None:
        if count % exporting.CHUNK == 0:
            row.update(seen=count)

    listed = exporting.Listed(
        choice,
        download.format,
        safe_for_spreadsheets=download.safe_for_spreadsheets,
        seen=seen,
    )
    digest, size, state = hashlib.sha256(), 0, State.STOPPED
    try:
        for block in _blocks(listed.pieces()):
            digest.update(block)
            size += len(block)
            yield block
        state = State.DONE
    finally:
        came = {"rows": listed.rows, "size": size, "sha256": digest.hexdigest()}
        row.update(state=state, ended_at=clock.now(), **came)
        what = {State.DONE: "downloaded referrals"}.get(state, "stopped download")
        audit.record(by, what, download.organization, download=str(download.pk), **came)


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Gather small pieces. The first block is empty, so that the browser hears at once."""
    yield b""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def progress(download: Download) -> str:
    """Return how far a download is, as a sentence."""
    match download.state:
        case State.ASKED:
            return _("It can be downloaded once. Names and health data are in it, not encrypted.")
        case State.RUNNING:
            far = _("%(seen)s of %(total)s referrals were looked at.")
            return far % {"seen": download.seen, "total": download.total}
        case State.DONE:
            return _("%(rows)s referrals were downloaded.") % {"rows": download.rows}
    return _("The download ended before it was complete: do not use that file.")
