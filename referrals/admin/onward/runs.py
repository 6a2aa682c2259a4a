"""Runs: due deliveries of one destination that traveled together."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from integrations.admin.shared import Tool
from referrals.admin.onward.jobs import begun
from referrals.admin.viewing import ViewOnlyAdmin, badge
from referrals.delivering import jobs
from referrals.models import DestinationJob, Run

SHOWN = 200  # deliveries of a run
TO_THE_SECOND = "TO_THE_SECOND"  # a format of the language
BADGES = {Run.State.RUNNING: "running", Run.State.DONE: "imported", Run.State.FAILED: "with-error"}


@admin.register(Run)
class RunAdmin(ViewOnlyAdmin):
    organization_path = "destination__organization"
    shows_a_person = False
    change_form_template = "admin/referrals/run.html"
    list_display = ["shown_until", "destination", "shown_state", "rows", "name"]
    list_filter = ["destination"]
    list_select_related = ["destination__organization"]
    fields = [
        "destination",
        "shown_state",
        "window",
        "begun",
        "ended",
        "name",
        "rows",
        "shown_size",
        "hash",
        "message",
    ]
    readonly_fields = ["shown_state", "window", "begun", "ended", "shown_size", "hash"]

    @admin.display(description=gettext_lazy("run"))
    def shown_until(self, run: Run) -> str:
        return _moment(run.until)

    @admin.display(description=gettext_lazy("state"))
    def shown_state(self, run: Run) -> SafeString:
        return badge(BADGES[Run.State(run.state)], run.get_state_display())

    @admin.display(description=gettext_lazy("window"))
    def window(self, run: Run) -> str:
        """Say of which time the run is: from the end of the one before."""
        until = _moment(run.until)
        if run.since is None:
            return _("Everything until {until}").format(until=until)
        return _("From {since} to {until}").format(since=_moment(run.since), until=until)

    @admin.display(description=gettext_lazy("begun"))
    def begun(self, run: Run) -> str:
        return _moment(run.intended_at) if run.intended_at else "–"

    @admin.display(description=gettext_lazy("ended at"))
    def ended(self, run: Run) -> str:
        return _moment(run.ended_at) if run.ended_at else "–"

    @admin.display(description=gettext_lazy("SHA-256"))
    def hash(self, run: Run) -> str:
        return run.sha256 or "–"

    @admin.display(description=gettext_lazy("size"))
    def shown_size(self, run: Run) -> str:
        return "–" if run.size is None else filesizeformat(run.size)

    # -- "Repeat" --------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.repeat_view))
        return [
            path("<uuid:pk>/repeat/", view, name="referrals_run_repeat"),
            *super().get_urls(),
        ]

    def tools(self, request: HttpRequest, obj: Run) -> list[Tool]:
        may = request.user.has_perm("referrals.decide_delivery")
        if not may or obj.state != Run.State.DONE or not obj.name:
            return []
        return [Tool(_("Repeat"), reverse("admin:referrals_run_repeat", args=[obj.pk]), post=True)]

    def repeat_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Let the run be brought once more, with the same bytes."""
        if not request.user.has_perm("referrals.decide_delivery"):
            raise PermissionDenied
        run = get_object_or_404(self.get_queryset(request).select_related("destination"), pk=pk)
        job = jobs.ask(DestinationJob.What.REPEAT, run.destination, request.user, run)  # type: ignore[arg-type]
        return begun(request, job)

    def more(self, request: HttpRequest, obj: Run) -> dict[str, Any]:
        versions = obj.versions.select_related("delivery__referral").order_by("asked_at", "pk")
        count = versions.count()
        return {
            "title": _("Run of {time} to {destination}").format(
                time=self.shown_until(obj), destination=obj.destination
            ),
            "versions": versions[:SHOWN],
            "more_versions": max(count - SHOWN, 0),
        }


def _moment(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), TO_THE_SECOND)
