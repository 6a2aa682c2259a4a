"""Where a person's data has gone: a page for each referral, and one for each destination."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from core import audit
from core.text.spreadsheets import defused
from integrations.models import Destination
from referrals.answers import whereabouts
from referrals.answers.whereabouts import COLUMNS, Left

SHOWN = 200  # of a destination; the export has all


class WhereaboutsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        referral, destination = (
            wrap(never_cache(view)) for view in (self.whereabouts_view, self.sent_to_view)
        )
        return [
            path("<uuid:pk>/whereabouts/", referral, name="referrals_referral_whereabouts"),
            path("sent-to/<int:pk>/", destination, name="referrals_sent_to"),
            *super().get_urls(),
        ]

    def whereabouts_view(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Show, or export, what left of a referral; also once its data was deleted here."""
        referral = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, referral):
            raise PermissionDenied
        rows = whereabouts.of_referral(referral)
        if "export" in request.GET:
            return _exported(request, referral, rows, f"referral-{referral.pk}-sent.csv")
        audit.record(request, "view whereabouts", referral)
        title = _("Where has the data of referral {referral} gone?").format(referral=referral)
        newest = [row for row in rows if row.is_newest]
        earlier = [row for row in rows if not row.is_newest]
        known = {"referral": referral, "newest": newest, "earlier": earlier}
        return self._page(request, title, rows, **known)

    def sent_to_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Show what left last to a destination, or export all of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        reachable = self.admin_site.get_model_admin(Destination).get_queryset(request)
        destination = get_object_or_404(reachable, pk=pk)
        if "export" in request.GET:
            rows = whereabouts.of_destination(destination)
            return _exported(request, destination, rows, f"destination-{pk}-sent.csv")
        audit.record(request, "view whereabouts", destination)
        shown = whereabouts.newest_of_destination(destination, SHOWN)
        title = _("What was sent to {destination}").format(destination=destination)
        partner = getattr(destination, "partner", None)
        return self._page(request, title, shown, destination=destination, partner=partner)

    def _page(
        self, request: HttpRequest, title: str, rows: list[Left], **context: Any
    ) -> HttpResponse:
        known = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "rows": rows,
            "most": SHOWN,
        }
        return TemplateResponse(request, "admin/referrals/whereabouts.html", known | context)


class _Line:
    """What the writer of CSV writes to: it gives each line back."""

    def write(self, line: str) -> str:
        return line


def _exported(
    request: HttpRequest, about: Model, rows: Iterable[Left], name: str
) -> StreamingHttpResponse:
    audit.record(request, "download whereabouts", about)
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(rows: Iterable[Left]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([defused(cell) for cell in row.cells()])
