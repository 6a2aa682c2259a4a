"""The work list as a file for a spreadsheet: what is filtered, in its order."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from core import audit
from core.text import spreadsheets
from referrals.admin.work_list.team import name_of
from referrals.advice import advice
from referrals.answers.causes import BY_KEY
from referrals.models import Delivery
from referrals.record.documents import document_of
from referrals.summary import layout

MOST = 5_000  # imports, in one file
AT_ONCE = 200  # imports in memory
READS_NAMES = "referrals.view_referral"
NAMES = "with_names"
FORMAT = "format"
Row = Any  # a Delivery, with what the list adds to it


def _moment(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else ""


def _cause(delivery: Row) -> str:
    cause = BY_KEY.get(delivery.cause)
    return str(cause.label) if cause else ""


def _assigned(delivery: Row) -> str:
    return name_of(delivery.assigned_to) if delivery.assigned_to else ""


def _snoozed(delivery: Row) -> str:
    return _moment(delivery.snoozed_until) if delivery.is_snoozed else ""


COLUMNS: tuple[tuple[Any, Callable[[Row], str]], ...] = (
    (gettext_lazy("Reference"), lambda row: row.referral.reference),
    (gettext_lazy("Organization"), lambda row: str(row.destination.organization)),
    (gettext_lazy("Listing"), lambda row: str(row.referral.listing or "")),
    (gettext_lazy("Destination"), lambda row: str(row.destination)),
    (gettext_lazy("State"), lambda row: row.get_state_display()),
    (gettext_lazy("What is wrong"), _cause),
    (gettext_lazy("Whose turn"), lambda row: advice(row).actor.label),
    (gettext_lazy("Code"), lambda row: row.last_code or ""),
    (gettext_lazy("Assigned to"), _assigned),
    (gettext_lazy("Snoozed until"), _snoozed),
    (gettext_lazy("Error since"), lambda row: _moment(row.error_at)),
    (gettext_lazy("Started"), lambda row: _moment(row.opened_at)),
    (gettext_lazy("Imported"), lambda row: _moment(row.imported_at)),
    (gettext_lazy("ID in the destination"), lambda row: row.external_id or ""),
)


def _name(delivery: Row) -> str:
    referral = delivery.referral
    return layout.name_of(document_of(referral)) if referral.purged_at is None else ""


# What names the person, or may quote it: for those who may open referrals, and asked for.
PERSONAL: tuple[tuple[Any, Callable[[Row], str]], ...] = (
    (gettext_lazy("Registrant"), _name),
    (gettext_lazy("What was said"), lambda row: row.message),
)


class ExportingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(never_cache(self.export_view))
        return [path("export/", view, name="referrals_delivery_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Return the filtered list as CSV or XLSX; who took which rows is on record before."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.copy()
        is_xlsx = (asked.pop(FORMAT, None) or ["csv"])[-1] == "xlsx"
        named = bool(asked.pop(NAMES, None)) and request.user.has_perm(READS_NAMES)
        request.GET = asked  # type: ignore[assignment]  # the list knows its own words alone
        try:
            rows = self._chosen(request, named=named)
        except IncorrectLookupParameters:
            own = reverse("admin:referrals_delivery_changelist")
            return HttpResponseRedirect(f"{own}?{urlencode({'e': 1})}")
        columns = [*COLUMNS, *(PERSONAL if named else ())]
        keys = [str(key) for key in rows.values_list("pk", flat=True)]
        audit.record(
            request,
            "export imports",
            format="xlsx" if is_xlsx else "csv",
            names=named,
            imports=keys,
        )
        table = _table(columns, rows)
        content = (
            spreadsheets.as_xlsx(table, _("Work list")) if is_xlsx else spreadsheets.as_csv(table)
        )
        ending = "xlsx" if is_xlsx else "csv"
        name = f"work-list-{timezone.localdate():%Y-%m-%d}.{ending}"
        return HttpResponse(
            content,
            content_type=spreadsheets.XLSX if is_xlsx else spreadsheets.CSV,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _chosen(self, request: HttpRequest, *, named: bool) -> QuerySet[Delivery]:
        rows: QuerySet[Delivery] = self.get_changelist_instance(request).queryset
        if named:
            rows = rows.select_related("referral__organization")
            rows = rows.defer(None).defer("destination__options")
        else:
            rows = rows.defer("message", "referral__snapshot", "destination__options")
        return rows[:MOST]


def _table(columns: list[Any], rows: QuerySet[Delivery]) -> Iterator[list[str]]:
    yield [str(heading) for heading, _value in columns]
    for row in rows.iterator(chunk_size=AT_ONCE):
        yield [value(row) for _heading, value in columns]
