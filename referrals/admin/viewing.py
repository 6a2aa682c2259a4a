"""Pages that show and do not change, on tables that grow without end.

Every page that shows a person's data writes an audit event before it is sent.
"""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from access.scoped import ScopedAdmin
from core import audit
from core.web.pagination import BoundedPaginator
from integrations import sources
from integrations.admin.shared import Tool
from referrals.admin.searching import SearchedAdmin
from referrals.models import Delivery, ReferralAlias


class ViewOnlyAdmin(SearchedAdmin, ScopedAdmin):
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count, too
    list_per_page = 50
    sortable_by = ()  # by an index alone, or a million rows are sorted
    shows_a_person: ClassVar[bool] = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def tools(self, request: HttpRequest, obj: Any) -> list[Tool]:
        """Return the buttons above the page of an object."""
        return []

    def more(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return what the page of an object shows beside its fields."""
        return {}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; who saw which rows is on record before it is sent."""
        called = self.rows_are()
        context = {"title": called.capitalize(), **(extra_context or {})}
        response = super().changelist_view(request, context)
        shown = getattr(response, "context_data", None) or {}
        rows = getattr(shown.get("cl"), "result_list", None)
        if rows and self.shows_a_person:
            key = self.rows_key()
            detail: Any = {key: [str(row.pk) for row in rows]}
            audit.record(request, f"list {key}", **detail)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs["obj"]
        if self.shows_a_person:
            audit.record(request, "view", obj)
        context |= {"view_only": True, "tools": self.tools(request, obj), **self.more(request, obj)}
        return super().render_change_form(request, context, *args, **kwargs)


def link_to(row: Any, label: str = "") -> SafeString:
    """Return a link to the page of a row."""
    opts = row._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, label or str(row))


def link_there(delivery: Delivery) -> Any:
    """Return the id in the destination, as a link where the destination has a web address."""
    if delivery.external_url.startswith(("https://", "http://")):
        return format_html(
            '<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>',
            delivery.external_url,
            delivery.external_id,
        )
    return delivery.external_id or "–"


def badge(state: str, label: str) -> SafeString:
    """Return a word with the colour of its state."""
    return format_html('<span class="badge {}">{}</span>', state, label)


def referrals_named(term: str) -> list[UUID]:
    """Return the keys of the referrals that an id of theirs, given whole, names."""
    named = ReferralAlias.objects.filter(source_kind__in=list(sources.kinds()), value=term)
    return list(named.values_list("referral", flat=True))


def as_uuid(term: str) -> UUID | None:
    """Return the id of a row that somebody looks for; None when it cannot be one."""
    try:
        return UUID(term)
    except ValueError:
        return None
