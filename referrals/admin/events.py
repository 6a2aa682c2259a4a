"""Inbound events: what came, what became of it, and, for those who may, what it said."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from core import audit
from integrations import sources
from integrations.admin.shared import Tool
from integrations.sources import UnknownKind
from integrations.sources.parsed import Unusable
from integrations.triggers import labels_of
from referrals.admin.viewing import ViewOnlyAdmin, as_uuid, badge, link_to, referrals_named
from referrals.models import InboundEvent
from referrals.record import account, warned

SHOWN_CHARACTERS = 200_000
SHOWN_IN_ONE_VALUE = 2_000


class EndpointFilter(admin.SimpleListFilter):
    """The endpoint at which an event came; they stand in the folders of the kinds of sources."""

    title = _("endpoint")
    parameter_name = "endpoint__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        labels = {
            one.name: one.label for kind in sources.kinds().values() for one in kind.endpoints
        }
        return list(labels.items())

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[InboundEvent]
    ) -> QuerySet[InboundEvent]:
        chosen = self.value()
        return queryset.filter(endpoint_name=chosen) if chosen else queryset


@admin.register(InboundEvent)
class InboundEventAdmin(ViewOnlyAdmin):
    organization_path = "referral__organization"
    referral_path = "referral"
    shows_a_person = False
    list_display = ["received_at", "code", "shown_referral", "source", "result", "reason"]
    list_filter = ["state", "outcome", EndpointFilter, "source"]
    list_select_related = ["referral", "source"]
    search_fields = ["referral__reference__exact"]
    search_help_text = _(
        "A reference, the id of an event, or the registrant's first and last name, whole. "
        "Accents, capitals and the order of the names do not matter."
    )
    fields = [
        "shown_id",
        "code",
        "source",
        "shown_endpoint",
        "received_at",
        "occurred_at",
        "result",
        "reason",
        "shown_warnings",
        "shown_referral",
        "triggered",
        "dedup_key",
        "size",
        "shown_conflict",
        "conflicting",
    ]
    readonly_fields = [
        "shown_id",
        "shown_endpoint",
        "result",
        "shown_warnings",
        "shown_referral",
        "triggered",
        "shown_conflict",
        "conflicting",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundEvent]:
        events: QuerySet[InboundEvent] = super().get_queryset(request)
        return events.defer("body", "referral__snapshot")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[InboundEvent], search_term: str
    ) -> tuple[QuerySet[InboundEvent], bool]:
        if term := search_term.strip():
            queryset = queryset.filter(Q(referral__in=referrals_named(term)) | Q(pk=as_uuid(term)))
        return queryset, False

    @admin.display(description=_("id"))
    def shown_id(self, event: InboundEvent) -> str:
        return str(event.pk)

    @admin.display(description=_("endpoint"))
    def shown_endpoint(self, event: InboundEvent) -> str:
        try:
            return event.endpoint.label
        except UnknownKind:  # its folder is gone
            return event.endpoint_name

    @admin.display(description=_("referral"))
    def shown_referral(self, event: InboundEvent) -> Any:
        return link_to(event.referral) if event.referral else "–"

    @admin.display(description=_("what became of it"), ordering="state")
    def result(self, event: InboundEvent) -> SafeString:
        if event.state == InboundEvent.State.OPENED and event.outcome:
            return badge(event.outcome, event.get_outcome_display())
        return badge(event.state, event.get_state_display())

    @admin.display(description=_("warnings"))
    def shown_warnings(self, event: InboundEvent) -> str:
        return "\n".join(warning.sentence for warning in warned.of_event(event)) or "–"

    @admin.display(description=_("triggers"))
    def triggered(self, event: InboundEvent) -> str:
        return labels_of(event.triggers) or "–"

    @admin.display(description=_("same event id as"))
    def shown_conflict(self, event: InboundEvent) -> Any:
        return link_to(event.conflict_with) if event.conflict_with else "–"

    @admin.display(description=_("other bodies with this event id"))
    def conflicting(self, event: InboundEvent) -> int:
        return event.conflicts.count()

    # -- the body ------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(never_cache(self.body_view))
        account_view = self.admin_site.admin_view(never_cache(self.account_view))
        own = [
            path("<uuid:pk>/body/", view, name="referrals_inboundevent_body"),
            path("<uuid:pk>/account/", account_view, name="referrals_inboundevent_account"),
        ]
        return [*own, *super().get_urls()]

    def tools(self, request: HttpRequest, obj: InboundEvent) -> list[Tool]:
        if not request.user.has_perm("referrals.read_body"):
            return []
        return [
            Tool(
                gettext("What became of this message"),
                reverse("admin:referrals_inboundevent_account", args=[obj.pk]),
            ),
            Tool(
                gettext("Read the body"),
                reverse("admin:referrals_inboundevent_body", args=[obj.pk]),
            ),
        ]

    def account_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Show what became of each value of the body."""
        if not request.user.has_perm("referrals.read_body"):
            raise PermissionDenied
        event = get_object_or_404(self.get_queryset(request).defer(None), pk=pk)
        audit.record(request, "read body", event)
        try:
            parts = account.of(event)
        except (Unusable, UnknownKind):
            parts = []
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("What became of this message"),
            "opts": self.model._meta,
            "event": event,
            "parts": parts,
            "result": self.result(event),
            "is_merged": account.is_merged(event),
            "warnings": dict.fromkeys(warning.quoting for warning in warned.of_event(event)),
        }
        return TemplateResponse(request, "admin/referrals/account.html", context)

    def body_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        if not request.user.has_perm("referrals.read_body"):
            raise PermissionDenied
        event = get_object_or_404(self.get_queryset(request), pk=pk)
        audit.record(request, "read body", event)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Body of {event}").format(event=event),
            "opts": self.model._meta,
            "event": event,
            "body": readable(bytes(event.body)) if event.body is not None else None,
        }
        return TemplateResponse(request, "admin/referrals/body.html", context)


def readable(body: bytes) -> str:
    """Return a body for people: indented, long values cut, sign-in links taken out."""
    clean = sources.link_remover()
    text = body.decode("utf-8", "replace")
    try:
        text = json.dumps(_shortened(json.loads(text), clean), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = clean(text)
    text = text.encode("utf-8", "replace").decode()  # JSON can spell half a character: "\ud800"
    return (
        text
        if len(text) <= SHOWN_CHARACTERS
        else text[:SHOWN_CHARACTERS] + gettext("\n… (cut here)")
    )


def _shortened(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {clean(key): _shortened(item, clean) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item, clean) for item in value]
    if not isinstance(value, str):
        return value
    text = clean(value)
    if len(text) <= SHOWN_IN_ONE_VALUE:
        return text
    return f"{text[:SHOWN_IN_ONE_VALUE]}… ({len(text)} characters)"
