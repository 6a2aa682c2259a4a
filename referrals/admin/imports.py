"""Import jobs: what is wrong, whose turn it is, and since when."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import audit
from integrations.admin.shared import Tool
from integrations.triggers import TRIGGER_LABELS
from referrals.admin.deciding import DecidingAdmin
from referrals.admin.viewing import ViewOnlyAdmin, badge, link_to, referrals_named
from referrals.advice import Actor, advice
from referrals.models import ImportJob

State = ImportJob.State
SHOWN_MESSAGE = 160  # characters, in the list


class UnclearedErrorFilter(admin.SimpleListFilter):
    title = "error"
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("uncleared", "Not cleared yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ImportJob]) -> QuerySet[ImportJob]:
        if self.value() == "uncleared":
            return queryset.filter(error_at__isnull=False, error_cleared_at__isnull=True)
        return queryset


@admin.register(ImportJob)
class ImportJobAdmin(DecidingAdmin, ViewOnlyAdmin):
    organization_path = "destination__organization"
    change_form_template = "admin/referrals/importjob.html"
    list_display = ["shown_reference", "destination", "shown_state", "problem", "turn", "since"]
    list_filter = ["state", "reason", UnclearedErrorFilter, "destination"]
    list_select_related = ["referral", "destination__organization"]
    search_fields = ["external_id__exact"]
    search_help_text = "A reference or another id of the referral, or its id in CRMS, whole."
    fields = [
        "shown_referral",
        "destination",
        "shown_state",
        "message",
        "turn",
        "what_to_do",
        "error",
        "due_at",
        "tries",
        "resends",
        "in_destination",
        "imported_at",
        "shown_missing",
        "opened_at",
        "fired",
        "trigger_config",
        "dismissed",
    ]
    readonly_fields = [
        "shown_referral",
        "shown_state",
        "turn",
        "what_to_do",
        "error",
        "in_destination",
        "shown_missing",
        "fired",
        "dismissed",
    ]

    # -- the list ------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportJob]:
        jobs: QuerySet[ImportJob] = super().get_queryset(request)
        return jobs.defer("referral__snapshot", "destination__options")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportJob], search_term: str
    ) -> tuple[QuerySet[ImportJob], bool]:
        if term := search_term.strip():
            queryset = queryset.filter(Q(referral__in=referrals_named(term)) | Q(external_id=term))
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; its messages may quote what a destination says of a person."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if jobs := getattr(shown.get("cl"), "result_list", None):
            audit.record(request, "list imports", None, imports=[str(job.pk) for job in jobs])
        return response

    @admin.display(description="reference")
    def shown_reference(self, job: ImportJob) -> str:
        return job.referral.reference

    @admin.display(description="state", ordering="state")
    def shown_state(self, job: ImportJob) -> SafeString:
        flag = " with-error" if job.has_uncleared_error else ""
        return badge(f"{job.state}{flag}", job.get_state_display())

    @admin.display(description="what is wrong")
    def problem(self, job: ImportJob) -> str:
        if job.destination.held_at and job.state in (State.QUEUED, State.NEEDS_ATTENTION):
            return f"The connection is held: {job.destination.held_reason}"[:SHOWN_MESSAGE]
        earlier = "An earlier error that nobody has cleared." if job.has_uncleared_error else ""
        said = job.message or job.get_reason_display() or earlier
        return said if len(said) <= SHOWN_MESSAGE else said[:SHOWN_MESSAGE] + "…"

    @admin.display(description="whose turn")
    def turn(self, job: ImportJob) -> str:
        actor = advice(job).actor
        return "–" if actor is Actor.NOBODY else str(actor)

    @admin.display(description="since")
    def since(self, job: ImportJob) -> str:
        moment = job.error_at if job.has_uncleared_error else job.imported_at or job.opened_at
        return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"

    # -- one job -------------------------------------------------------------------------------

    @admin.display(description="referral")
    def shown_referral(self, job: ImportJob) -> SafeString:
        return link_to(job.referral)

    @admin.display(description="what to do")
    def what_to_do(self, job: ImportJob) -> str:
        return advice(job).what

    @admin.display(description="error")
    def error(self, job: ImportJob) -> str:
        if job.error_at is None:
            return "None so far"
        if job.error_cleared_at is None:
            return "Not cleared yet"
        return f"Cleared by {job.error_cleared_by or 'Dovetail'}"

    @admin.display(description="in the destination")
    def in_destination(self, job: ImportJob) -> Any:
        if job.external_url.startswith(("https://", "http://")):
            return format_html(
                '<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>',
                job.external_url,
                job.external_id,
            )
        return job.external_id or "–"

    @admin.display(description="missing files")
    def shown_missing(self, job: ImportJob) -> str:
        return "\n".join(f"{name}: {why}" for name, why in job.missing_files.items()) or "None"

    @admin.display(description="triggers")
    def fired(self, job: ImportJob) -> str:
        return ", ".join(TRIGGER_LABELS.get(key, key) for key in job.triggers)

    @admin.display(description="dismissed")
    def dismissed(self, job: ImportJob) -> str:
        if job.state != State.DISMISSED:
            return "No"
        return f"By {job.closed_by or 'Dovetail'}: {job.closed_why}"

    def tools(self, request: HttpRequest, obj: ImportJob) -> list[Tool]:
        return self.decisions(request, obj)

    def more(self, request: HttpRequest, obj: ImportJob) -> dict[str, Any]:
        return {"attempts": obj.attempts.order_by("-number"), "steps": obj.steps.all()}
