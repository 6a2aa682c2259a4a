"""Deliveries: what is wrong, whose turn it is, and since when."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from access import scope
from integrations.triggers import labels_of
from referrals.admin.onward.answers import AnswersAdmin
from referrals.admin.onward.sending import sendings
from referrals.admin.onward.versions import VersionsAdmin, may_replay, shown_versions
from referrals.admin.viewing import (
    ViewOnlyAdmin,
    badge,
    link_there,
    link_to,
    referrals_named,
)
from referrals.admin.work_list.choices import choices
from referrals.admin.work_list.exporting import READS_NAMES, ExportingAdmin
from referrals.admin.work_list.filters import (
    CauseFilter,
    CodeFilter,
    ColumnsFilter,
    DateFilter,
    DestinationFilter,
    ErrorFilter,
    KindFilter,
    ListingFilter,
    OrderFilter,
    OrganizationFilter,
    StateFilter,
    TriggerFilter,
    WorkFilter,
    destinations_of,
    shows_uncleared,
    since_field,
    work,
)
from referrals.admin.work_list.saved_views import SHARED_BY, SavedViewsAdmin, query_of, seen_by
from referrals.admin.work_list.team import TeamAdmin, name_of
from referrals.advice import Actor, advice
from referrals.answers import dashboard
from referrals.answers.causes import BY_KEY, CAUSES, cause_key
from referrals.models import Delivery

State = Delivery.State
SHOWN_MESSAGE = 160  # characters, in the list
WHY_DELETED = gettext_lazy("The reason was deleted with the person's data.")
FILTERS: list[Any] = [
    WorkFilter,
    ErrorFilter,
    CauseFilter,
    OrganizationFilter,
    DestinationFilter,
    ListingFilter,
    KindFilter,
    CodeFilter,
    TriggerFilter,
    StateFilter,
    DateFilter,
    OrderFilter,
    ColumnsFilter,
]
ON_TOP = (CauseFilter, WorkFilter, ColumnsFilter)  # as chips, tabs, and a menu
COLUMNS: dict[str, Any] = {  # of the list, beside the reference
    "going_to": gettext_lazy("Listing and destination"),
    "problem": gettext_lazy("What is wrong"),
    "turn": gettext_lazy("Whose turn"),
    "shown_state": gettext_lazy("State"),
    "since": gettext_lazy("Since"),
    "assigned": gettext_lazy("Assigned to"),
    "snoozed": gettext_lazy("Snoozed until"),
    "started": gettext_lazy("Started"),
    "arrived": gettext_lazy("Imported"),
    "code": gettext_lazy("Code"),
    "there": gettext_lazy("ID in the destination"),
}
USUAL = ("going_to", "problem", "turn", "shown_state", "since")
OF_ONE = (
    "referral__organization",
    "referral__listing",
    "destination__organization",
    "trigger_config__mapping",
    "trigger_config__listing",
    "assigned_to",
    "closed_by",
    "error_cleared_by",
)
FOLDED = [name for one in FILTERS for name in one.names if one not in ON_TOP]


@dataclass(frozen=True, slots=True)
class Chip:
    """A cause that the list can be narrowed to by one click, and how often it is met."""

    label: str
    count: int | None
    url: str
    current: bool


# What no row of the list shows, and what takes time to decrypt or to parse for each.
NOT_LISTED = (
    "triggers",
    "absent_steps",
    "closed_why",
    "referral__snapshot",
    "referral__classifications",
    *(
        f"destination__{name}"
        for name in ("options", "columns", "allowed_fields", "allowed_files", "capabilities")
    ),
)


@admin.register(Delivery)
class DeliveryAdmin(
    AnswersAdmin, ExportingAdmin, SavedViewsAdmin, TeamAdmin, VersionsAdmin, ViewOnlyAdmin
):
    organization_path = "destination__organization"
    referral_path = "referral"
    change_form_template = "admin/referrals/delivery.html"
    listed = "imports"
    list_display = ["shown_reference", *USUAL]
    list_filter = FILTERS
    view_words: ClassVar = {name for one in FILTERS for name in one.names}
    list_select_related = ["referral__listing", "destination__organization", "assigned_to"]
    search_fields = ["external_id__exact"]
    search_help_text = gettext_lazy(
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        deliveries: QuerySet[Delivery] = super().get_queryset(request)
        if request.resolver_match and "object_id" in request.resolver_match.kwargs:
            deliveries = deliveries.select_related(*OF_ONE)  # the page asks for all of them
            deliveries = deliveries.defer("referral__snapshot")
        else:
            deliveries = deliveries.defer(*NOT_LISTED)
        return deliveries.annotate(cause=cause_key(), shown_since=F(since_field(request)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        if term := search_term.strip():
            queryset = queryset.filter(Q(referral__in=referrals_named(term)) | Q(external_id=term))
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        chosen = request.GET.get(WorkFilter.parameter_name)
        # A chip asks for a cause among all errors: nothing that has to be seen in the form.
        by_cause = request.GET.get(CauseFilter.parameter_name)
        folded = [name for name in FOLDED if not by_cause or name != ErrorFilter.parameter_name]
        context = {
            "title": _("Work list"),
            "filtered": any(request.GET.get(name) for name in (*folded, "name")),
            **self._views(request),
            "exports_names": request.user.has_perm(READS_NAMES),
            "asked": [*request.GET.items()],
            "chips": self._chips(request),
            "all_url": f"?{urlencode({'work': chosen})}" if chosen else "?",
            "all_current": not any(
                request.GET.get(name) for name in (*FOLDED, "reason", "q", "name")
            ),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return ["shown_reference", *self._columns(request)]

    def _columns(self, request: HttpRequest) -> list[str]:
        """Return the columns that are asked for, in our order; the usual ones by default."""
        asked = {name for part in request.GET.getlist("columns") for name in part.split(",")}
        return [name for name in COLUMNS if name in asked] or list(USUAL)

    def _views(self, request: HttpRequest) -> dict[str, Any]:
        """Return the saved views as tabs, and what the menus of views and columns show."""
        query = query_of(request.GET.urlencode(), self.view_words)
        views = list(seen_by(request.user))
        deletes = next((one for one in views if one.query == query and query), None)
        if deletes and deletes.owner_id != request.user.pk and not scope.sees_all(request.user):
            deletes = None
        owners = {one.organization for one in destinations_of(request, self)}
        shown = self._columns(request)
        return {
            "tabs": self._tabs(request, any(one.query == query for one in views)),
            "views": [Chip(one.name, None, f"?{one.query}", one.query == query) for one in views],
            "shared": {f"?{one.query}" for one in views if one.organization_id},
            "query": query,
            "deletes": deletes,
            "share_with": sorted(owners, key=str) if request.user.has_perm(SHARED_BY) else [],
            "columns": [(name, label, name in shown) for name, label in COLUMNS.items()],
            "beside_columns": [one for one in request.GET.items() if one[0] != "columns"],
        }

    def _tabs(self, request: HttpRequest, is_view: bool) -> list[Chip]:
        """Return whose work can be looked at, with how much is mine, and how much is snoozed.

        None is current while a saved view is.
        """
        mine, later = (work(one, request.user) for one in (WorkFilter.MINE, WorkFilter.LATER))
        # Each from its own index; together in one query.
        theirs = Delivery.objects.filter(
            Q(assigned_to=request.user.pk) | Q(snoozed_until__isnull=False),
            destination__in=[one.pk for one in destinations_of(request, self)],
        )
        counts = theirs.order_by().aggregate(
            mine=Count("pk", filter=mine), snoozed=Count("pk", filter=later)
        )
        error = request.GET.get(ErrorFilter.parameter_name, "")
        chosen = request.GET.get(WorkFilter.parameter_name, "")
        tabs = (
            (pgettext("errors", "Open"), "", None),
            (_("Mine"), WorkFilter.MINE, counts["mine"]),
            (_("Unassigned"), WorkFilter.UNASSIGNED, None),
            (_("Snoozed"), WorkFilter.LATER, counts["snoozed"]),
        )
        return [
            *(
                Chip(
                    label,
                    count,
                    f"?work={key}" if key else "?",
                    chosen == key and error != "cleared" and not is_view,
                )
                for label, key, count in tabs
            ),
            Chip(_("Cleared"), None, "?error=cleared", error == "cleared" and not is_view),
        ]

    def _chips(self, request: HttpRequest) -> list[Chip]:
        """Return the causes with their counts, of the organization and destination chosen."""
        names = ("organization", "destination", WorkFilter.parameter_name)
        kept = {name: request.GET.get(name, "") for name in names}
        chosen = [
            one
            for one in destinations_of(request, self)
            if kept["organization"] in ("", str(one.organization_id))
            and kept["destination"] in ("", str(one.pk))
        ]
        narrowed = kept["work"] in (WorkFilter.MINE, WorkFilter.UNASSIGNED, WorkFilter.LATER)
        counts: Counter[str] = Counter()
        for need in dashboard.needs(chosen, work(kept["work"], request.user) if narrowed else None):
            counts[need.cause.key] += need.count
        query = {name: value for name, value in kept.items() if value}
        reason = request.GET.get(CauseFilter.parameter_name)
        return [
            Chip(
                str(cause.label),
                counts[cause.key],
                f"?{urlencode({**query, 'error': 'all', CauseFilter.parameter_name: cause.key})}",
                cause.key == reason,
            )
            for cause in CAUSES
            if counts[cause.key]
        ]

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the oldest error first: it has waited longest. Else the newest import first."""
        field = since_field(request)
        order = request.GET.get(OrderFilter.parameter_name)
        newest = order == "newest" or (order != "oldest" and not shows_uncleared(request))
        return [f"-{field}" if newest else field]

    def action_checkbox(self, delivery: Delivery) -> SafeString:
        """Call the row by its reference: an import's id says nothing to whoever hears it."""
        # Not by Django's widget: a template for each row takes a tenth of the page's time.
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            delivery.pk,
            _("Select %(reference)s") % {"reference": delivery.referral.reference},
        )

    @admin.display(description=gettext_lazy("reference"))
    def shown_reference(self, delivery: Delivery) -> str:
        return delivery.referral.reference

    @admin.display(description=COLUMNS["going_to"])
    def going_to(self, delivery: Delivery) -> SafeString:
        listing = delivery.referral.listing or _("Listing unknown")
        going = f"{delivery.destination}, {delivery.destination.organization!s}"
        return format_html(
            '<span class="cut" title="{0}">{0}</span><small title="{1}">{1}</small>', listing, going
        )

    @admin.display(description=COLUMNS["shown_state"])
    def shown_state(self, delivery: Delivery) -> SafeString:
        if delivery.is_snoozed:
            until = date_format(timezone.localtime(delivery.snoozed_until), "DATE_FORMAT")
            return badge("waiting", _("Snoozed until %(day)s") % {"day": until})
        flag = " with-error" if delivery.has_uncleared_error else ""
        return badge(f"{delivery.state}{flag}", delivery.get_state_display())

    @admin.display(description=COLUMNS["problem"])
    def problem(self, delivery: Delivery) -> Any:
        cause = BY_KEY.get(delivery.cause)  # type: ignore[attr-defined]
        text = _sentence(delivery)
        shown = text and (text if len(text) <= SHOWN_MESSAGE else text[:SHOWN_MESSAGE] + "…")
        failed = delivery.has_uncleared_error and delivery.last_kind
        detail = " · ".join(filter(None, [delivery.last_code if failed else "", shown]))
        return (
            format_html(
                "{}{}",
                format_html("<strong>{}</strong>", cause.label) if cause else "",
                format_html('<small title="{0}">{0}</small>', detail) if detail else "",
            )
            or "–"
        )

    @admin.display(description=COLUMNS["turn"])
    def turn(self, delivery: Delivery) -> SafeString | str:
        actor = advice(delivery).actor
        turn = "–" if actor is Actor.NOBODY else capfirst(actor.label)
        shown = format_html('<span class="turn" title="{0}">{0}</span>', turn)
        if delivery.assigned_to and delivery.has_uncleared_error:
            text = _("Assigned to %(name)s") % {"name": name_of(delivery.assigned_to)}
            shown += format_html('<small class="assigned" title="{0}">{0}</small>', text)
        return shown

    @admin.display(description=COLUMNS["since"])
    def since(self, delivery: Delivery) -> SafeString:
        moment = delivery.shown_since or delivery.opened_at  # type: ignore[attr-defined]
        return format_html(
            '<time datetime="{}" title="{}">{}</time>',
            moment.isoformat(),
            date_format(timezone.localtime(moment), "DATETIME_FORMAT"),
            timesince(moment, depth=1),
        )

    @admin.display(description=COLUMNS["assigned"])
    def assigned(self, delivery: Delivery) -> str:
        return name_of(delivery.assigned_to) if delivery.assigned_to else "–"

    @admin.display(description=COLUMNS["snoozed"])
    def snoozed(self, delivery: Delivery) -> SafeString | str:
        return _day(delivery.snoozed_until) if delivery.is_snoozed else "–"

    @admin.display(description=COLUMNS["started"])
    def started(self, delivery: Delivery) -> SafeString | str:
        return _day(delivery.opened_at)

    @admin.display(description=COLUMNS["arrived"])
    def arrived(self, delivery: Delivery) -> SafeString | str:
        return _day(delivery.imported_at)

    @admin.display(description=COLUMNS["code"])
    def code(self, delivery: Delivery) -> str:
        return delivery.last_code or "–"

    @admin.display(description=COLUMNS["there"])
    def there(self, delivery: Delivery) -> Any:
        return link_there(delivery)

    # -- one delivery --------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("referral"))
    def shown_referral(self, delivery: Delivery) -> SafeString:
        return link_to(delivery.referral)

    @admin.display(description=gettext_lazy("error"))
    def error(self, delivery: Delivery) -> str:
        if delivery.error_at is None:
            return _("None so far")
        if delivery.error_cleared_at is None:
            return _("Not cleared yet")
        by = delivery.error_cleared_by or "Dovetail"
        return _("Cleared by %(who)s") % {"who": by}

    @admin.display(description=gettext_lazy("in the destination"))
    def in_destination(self, delivery: Delivery) -> Any:
        return link_there(delivery)

    @admin.display(description=gettext_lazy("missing files"))
    def shown_missing(self, delivery: Delivery) -> str:
        return "\n".join(f"{name}: {why}" for name, why in delivery.missing_files.items()) or _(
            "None"
        )

    @admin.display(description=gettext_lazy("to be corrected there"))
    def shown_corrections(self, delivery: Delivery) -> str:
        return "\n".join(delivery.corrections) or _("Nothing")

    @admin.display(description=gettext_lazy("triggers"))
    def fired(self, delivery: Delivery) -> str:
        return labels_of(delivery.triggers)

    @admin.display(description=gettext_lazy("dismissed"))
    def dismissed(self, delivery: Delivery) -> str:
        if delivery.state != State.DISMISSED:
            return _("No")
        by = delivery.closed_by or "Dovetail"
        if delivery.closed_why:
            return _("By %(who)s: %(why)s") % {"who": by, "why": delivery.closed_why}
        return _("By %(who)s. %(why)s") % {"who": by, "why": WHY_DELETED}

    def more(self, request: HttpRequest, obj: Delivery) -> dict[str, Any]:
        noun = obj.destination.transport().noun
        attempts = list(obj.attempts.order_by("-number"))
        return {
            "title": _("{what} of {referral} into {destination}").format(
                what=str(noun).capitalize(), referral=obj.referral, destination=obj.destination
            ),
            "subtitle": None,  # its id says nothing to people
            "delivery": obj,
            "sentence": _sentence(obj) if obj.cause else "",  # type: ignore[attr-defined]
            "advice": advice(obj, attempts[0] if attempts else None),
            "choices": choices(request, obj, "import"),
            "sendings": [
                one for one in sendings(request, obj.referral) if one.destination == obj.destination
            ],
            "versions": shown_versions(request, obj),
            "may_replay": may_replay(request, obj),
            "attempts": attempts,
            "steps": obj.steps.select_related("version"),
            "cleared_errors": obj.cleared_errors.select_related("cleared_by"),
            "reads_answers": request.user.has_perm("referrals.read_body"),
        }


def _day(moment: datetime | None) -> SafeString | str:
    """Return a day, with the exact time on hover."""
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        date_format(local, "DATETIME_FORMAT"),
        date_format(local, "DATE_FORMAT"),
    )


def _sentence(delivery: Delivery) -> str:
    paused: bool = delivery.cause == "held"  # type: ignore[attr-defined]
    return (delivery.destination.paused_reason if paused else delivery.message) or " ".join(
        delivery.corrections
    )
