"""Import jobs: what is wrong, whose turn it is, and since when."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import F, Q, QuerySet
from django.forms import CheckboxInput
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from integrations.triggers import TRIGGER_LABELS
from referrals.admin.answers import AnswersAdmin
from referrals.admin.choices import choices
from referrals.admin.deciding import DecidingAdmin
from referrals.admin.filters import (
    CauseFilter,
    DateFilter,
    DestinationFilter,
    ErrorFilter,
    ListingFilter,
    OrderFilter,
    OrganizationFilter,
    StateFilter,
    StatusCodeFilter,
    TriggerFilter,
    shows_uncleared,
    since_field,
)
from referrals.admin.viewing import (
    ViewOnlyAdmin,
    badge,
    link_there,
    link_to,
    referrals_named,
)
from referrals.advice import Actor, advice
from referrals.causes import BY_KEY, cause_key
from referrals.models import ImportJob

State = ImportJob.State
SHOWN_MESSAGE = 160  # characters, in the list
WHY_DELETED = "The reason was deleted with the person's data."
FILTERS: list[Any] = [
    ErrorFilter,
    CauseFilter,
    OrganizationFilter,
    DestinationFilter,
    ListingFilter,
    StatusCodeFilter,
    TriggerFilter,
    StateFilter,
    DateFilter,
    OrderFilter,
]
SELDOM = [name for one in FILTERS if one.seldom for name in one.names]


@admin.register(ImportJob)
class ImportJobAdmin(AnswersAdmin, DecidingAdmin, ViewOnlyAdmin):
    organization_path = "destination__organization"
    change_form_template = "admin/referrals/importjob.html"
    listed = "imports"
    list_display = ["shown_reference", "going_to", "problem", "turn", "shown_state", "since"]
    list_filter = FILTERS
    list_select_related = ["referral__listing", "destination__organization"]
    search_fields = ["external_id__exact"]
    search_help_text = (
        "A reference, an id in CRMS, or the registrant's first and last name, whole. "
        "Accents, capitals and the order of the names do not matter."
    )
    fields = [
        "shown_referral",
        "destination",
        "shown_state",
        "message",
        "error",
        "due_at",
        "tries",
        "resends",
        "in_destination",
        "imported_at",
        "shown_missing",
        "shown_corrections",
        "opened_at",
        "fired",
        "trigger_config",
        "dismissed",
    ]
    readonly_fields = [
        "shown_referral",
        "shown_state",
        "error",
        "in_destination",
        "shown_missing",
        "shown_corrections",
        "fired",
        "dismissed",
    ]

    # -- the list ------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportJob]:
        jobs: QuerySet[ImportJob] = super().get_queryset(request)
        jobs = jobs.defer("referral__snapshot", "destination__options")
        return jobs.annotate(cause=cause_key(), shown_since=F(since_field(request)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportJob], search_term: str
    ) -> tuple[QuerySet[ImportJob], bool]:
        if term := search_term.strip():
            queryset = queryset.filter(Q(referral__in=referrals_named(term)) | Q(external_id=term))
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {
            "title": "Work list",
            "seldom_used": any(request.GET.get(name) for name in SELDOM),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the oldest error first: it has waited longest. Else the newest import first."""
        field = since_field(request)
        order = request.GET.get(OrderFilter.parameter_name)
        newest = order == "newest" or (order != "oldest" and not shows_uncleared(request))
        return [f"-{field}" if newest else field]

    def action_checkbox(self, job: ImportJob) -> SafeString:
        """Call the row by its reference: an import's id says nothing to whoever hears it."""
        attrs = {"class": "action-select", "aria-label": f"Select {job.referral.reference}"}
        box = CheckboxInput(attrs, lambda value: False)
        return box.render(ACTION_CHECKBOX_NAME, str(job.pk))

    @admin.display(description="reference")
    def shown_reference(self, job: ImportJob) -> str:
        return job.referral.reference

    @admin.display(description="listing and destination")
    def going_to(self, job: ImportJob) -> SafeString:
        listing = job.referral.listing or "Listing unknown"
        return format_html("{}<small>{}, {}</small>", listing, job.destination, _owner(job))

    @admin.display(description="state")
    def shown_state(self, job: ImportJob) -> SafeString:
        flag = " with-error" if job.has_uncleared_error else ""
        return badge(f"{job.state}{flag}", job.get_state_display())

    @admin.display(description="what is wrong")
    def problem(self, job: ImportJob) -> Any:
        cause = BY_KEY.get(job.cause)  # type: ignore[attr-defined]
        said = _said(job)
        shown = said and (said if len(said) <= SHOWN_MESSAGE else said[:SHOWN_MESSAGE] + "…")
        code = f"HTTP {job.last_status_code}" if _failed_with_code(job) else ""
        return (
            format_html(
                "{}{}{}",
                format_html("<strong>{}</strong>", cause.label) if cause else "",
                format_html("<span>{}</span>", shown) if shown else "",
                format_html("<small>{}</small>", code) if code else "",
            )
            or "–"
        )

    @admin.display(description="whose turn")
    def turn(self, job: ImportJob) -> str:
        actor = advice(job).actor
        return "–" if actor is Actor.NOBODY else str(actor)

    @admin.display(description="since")
    def since(self, job: ImportJob) -> SafeString:
        moment = job.shown_since or job.opened_at  # type: ignore[attr-defined]
        return format_html(
            '<time datetime="{}">{}</time><small>{}</small>',
            moment.isoformat(),
            f"{timezone.localtime(moment):%Y-%m-%d %H:%M}",
            timesince(moment, depth=1),
        )

    # -- one job -------------------------------------------------------------------------------

    @admin.display(description="referral")
    def shown_referral(self, job: ImportJob) -> SafeString:
        return link_to(job.referral)

    @admin.display(description="error")
    def error(self, job: ImportJob) -> str:
        if job.error_at is None:
            return "None so far"
        if job.error_cleared_at is None:
            return "Not cleared yet"
        return f"Cleared by {job.error_cleared_by or 'Dovetail'}"

    @admin.display(description="in the destination")
    def in_destination(self, job: ImportJob) -> Any:
        return link_there(job)

    @admin.display(description="missing files")
    def shown_missing(self, job: ImportJob) -> str:
        return "\n".join(f"{name}: {why}" for name, why in job.missing_files.items()) or "None"

    @admin.display(description="to be corrected there")
    def shown_corrections(self, job: ImportJob) -> str:
        return "\n".join(job.corrections) or "Nothing"

    @admin.display(description="triggers")
    def fired(self, job: ImportJob) -> str:
        return ", ".join(TRIGGER_LABELS.get(key, key) for key in job.triggers)

    @admin.display(description="dismissed")
    def dismissed(self, job: ImportJob) -> str:
        if job.state != State.DISMISSED:
            return "No"
        by = f"By {job.closed_by or 'Dovetail'}"
        return f"{by}: {job.closed_why}" if job.closed_why else f"{by}. {WHY_DELETED}"

    def more(self, request: HttpRequest, obj: ImportJob) -> dict[str, Any]:
        return {
            "title": f"Import of {obj.referral} into {obj.destination}",
            "job": obj,
            "said": _said(obj) if obj.cause else "",  # type: ignore[attr-defined]
            "advice": advice(obj, obj.attempts.order_by("-number").first()),
            "choices": choices(request, obj, "import"),
            "attempts": obj.attempts.order_by("-number"),
            "steps": obj.steps.all(),
            "reads_answers": request.user.has_perm("referrals.read_body"),
        }


def _said(job: ImportJob) -> str:
    held: bool = job.cause == "held"  # type: ignore[attr-defined]
    return (job.destination.held_reason if held else job.message) or " ".join(job.corrections)


def _owner(job: ImportJob) -> str:
    return str(job.destination.organization)


def _failed_with_code(job: ImportJob) -> bool:
    return job.has_uncleared_error and (job.last_status_code or 0) >= HTTPStatus.BAD_REQUEST
